"""What the product needs of a model that hides faces in covers, whatever is inside it.

`proface_s.flow.secure.model.SecureFlow` is the model of this package.  An installed package offers others by entry
points, see `proface_s.flow.registry`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ..errors import UsageError
from ..types import UInt8Image, WrongKey
from .cards import Card


class KeyStreams(Protocol):
    """Pseudorandom streams of a face key, the only access that a model has to it.

    Each stream serves one purpose; a shorter stream is a prefix of a longer one.
    """

    def mixing_stream(self, nbytes: int) -> bytes:
        """Return pseudorandom bytes for a one-time pad."""

    def key_map_stream(self, nbytes: int) -> bytes:
        """Return pseudorandom bytes for a key map."""


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Result of reading a protected region.

    Attributes:
        image: (H, W, 3) uint8 RGB: an estimate of the original, or what a wrong key gives.
        readable: whether the key opened the region, as far as the model can tell.  False means that the key is wrong,
            or that the pixels were changed.
        intact: whether the code of the face is as it was written, as far as the model can tell.  If False, samples of
            the region were changed, and details of the face, or all of it, are wrong.
    """

    image: UInt8Image
    readable: bool = True
    intact: bool = True


@runtime_checkable
class Model(Protocol):
    """Hides originals in covers under a key, and reads them back.

    All regions are (H, W, 3) uint8 RGB with even sides of at least ``smallest_side`` pixels.  Both methods may be
    called from several threads at once.

    Attributes:
        card: its name, and the id by which files name it.
        threads: number of threads it works with, at least 1.
        wrong_key_modes: the modes it supports, its default first: with ``"noise"`` (RandWR) a wrong key gives noise,
            with ``"cover"`` (ObfsWR) the covered face.
        smallest_side: shortest side of a region in pixels.
        warning: what a user of the model should know, in one sentence; None if there is nothing to say.
    """

    @property
    def card(self) -> Card: ...

    @property
    def threads(self) -> int: ...

    @property
    def wrong_key_modes(self) -> tuple[WrongKey, ...]: ...

    @property
    def smallest_side(self) -> int: ...

    @property
    def warning(self) -> str | None: ...

    def most_reserved(self, height: int, width: int) -> int:
        """Return how many leading samples of a region may be reserved for a record."""

    def protect(self, original: UInt8Image, cover: UInt8Image, key: KeyStreams, *, reserved: int = 0) -> UInt8Image:
        """Hide an original in its cover.

        Args:
            original: the region of the photo.
            cover: the pre-obfuscated region, of the same shape.
            key: the face's key.
            reserved: number of leading samples, in row-major order, at most `most_reserved`.  Their lowest bits will
                be overwritten with a record, and reading must not depend on those bits.

        Returns:
            The protected region, as it is stored.  The same arguments always give the same pixels.

        Raises:
            ValueError: if the shapes are unusable, or too much is reserved.
        """

    def recover(
        self, protected: UInt8Image, key: KeyStreams, *, reserved: int = 0, wrong_key: WrongKey = "noise"
    ) -> Reading:
        """Read the original back: the inverse of `protect`.

        Args:
            protected: a region as `protect` returned it, perhaps changed since.
            key: the face's key, perhaps a wrong one.
            reserved: as for `protect`.
            wrong_key: what a wrong key gives, one of ``wrong_key_modes``.

        Raises:
            ValueError: if the shape is unusable, or the mode is none of the model's.
        """


def check_supported_mode(model: Model, wrong_key: WrongKey) -> None:
    """Refuse a mode that a model does not have.

    Raises:
        UsageError: names the modes that it has.
    """
    if wrong_key not in model.wrong_key_modes:
        raise UsageError(
            f"model {model.card.name} has no {wrong_key} mode, only {' and '.join(model.wrong_key_modes)}",
            code="model-mode",
        )
