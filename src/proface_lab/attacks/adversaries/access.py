"""Access to a method's internals: the key as the method really uses it, and how its software chooses keys.

A `Method` is a black box with a 32-byte key.  Two of the methods in our tables are opened here; a third party opens
its own by providing `expanded_key`, `relaxed_key` or `passphrase_keys`.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from proface_s.errors import UsageError
from proface_s.flow.secure.lattice import capacity_words, from_digits, read_residues, to_digits
from proface_s.flow.secure.model import modulus_for
from proface_s.flow.secure.pad import derive_shifts, unmix
from proface_s.keys.secrets import FaceKey
from proface_s.types import UInt8Image

from ...evaluation.measures.quality import evaluation_key
from ...evaluation.method import KEY_BYTES, Method
from ...evaluation.peers import ModelMethod, PaperPeer, SecureMethod
from ...evaluation.share_method import ShareMethod
from .share_access import SharePad, entry_bits

if TYPE_CHECKING:
    from torch import Tensor


class ExpandedKey(Protocol):
    """The key as an array over the picture.

    Attributes:
        what: its elements, in the plural: "bits of the key map".
        levels: number of values of an element, 0 to levels - 1.
        derived: whether a cipher produced the elements, so that nobody can hold only some of them.
    """

    what: str
    levels: int
    derived: bool

    def expand(self, key: bytes, shape: tuple[int, ...]) -> UInt8Image:
        """Return (H, W, C) uint8 elements for a picture of shape (H, W, 3)."""
        ...

    def recover(self, protected: UInt8Image, elements: UInt8Image) -> UInt8Image:
        """Return the recovered picture; the elements may be wrong."""
        ...


class RelaxedKey(Protocol):
    """Recovery as a differentiable function of a real-valued key; pictures are (N, 3, H, W) in [0, 1]."""

    def start(self, height: int, width: int) -> Tensor:
        """Return a neutral key, (1, C, h, w): every element is 0, in the middle of the range -1 to 1."""
        ...

    def recover(self, protected: Tensor, key: Tensor) -> Tensor:
        """Return estimates of the originals."""
        ...

    def protect(self, original: Tensor, cover: Tensor, key: Tensor) -> Tensor:
        """Return protected pictures, unrounded."""
        ...


class KnownPad(Protocol):
    """A stream that is added to what is hidden, so that it follows from a picture whose original is known.

    Attributes:
        what: its elements, in the plural.
    """

    what: str

    def pad_of(self, original: UInt8Image, cover: UInt8Image, protected: UInt8Image) -> UInt8Image | None:
        """Return the stream that was added; None if it cannot be read."""
        ...

    def recover(self, protected: UInt8Image, elements: UInt8Image) -> UInt8Image:
        """Return the recovered picture; the stream may be wrong."""
        ...


@runtime_checkable
class Readable(Protocol):
    """A third party's method that reveals what anybody reads from a picture without a key."""

    def readout(self, protected: UInt8Image) -> npt.NDArray[np.float64] | None:
        """Return numbers around zero, (N,), always as many; None if too little is left to read."""
        ...


@runtime_checkable
class Openable(Protocol):
    """A third party's method that reveals how it uses its key."""

    def expanded_key(self) -> ExpandedKey | None:
        """Return the expanded key, or None if the method has none."""
        ...

    def relaxed_key(self) -> RelaxedKey | None:
        """Return the relaxed key, or None if recovery is not differentiable."""
        ...

    def passphrase_keys(self, passphrase: str, count: int) -> list[bytes]:
        """Return the keys that its software uses for ``count`` pictures protected with one passphrase."""
        ...


def expanded_key(method: Method, shape: tuple[int, ...]) -> ExpandedKey | None:
    """Return the key as the method uses it, or None if that is unknown."""
    if isinstance(method, SecureMethod):
        return PadDigits(method, modulus_for(shape[0], shape[1]))
    if isinstance(method, PaperPeer):
        return KeyMapBits(method)
    return method.expanded_key() if isinstance(method, Openable) else None


def relaxed_key(method: Method, device: str = "cpu") -> RelaxedKey | None:
    """Return recovery as a function that is differentiable in the key, or None."""
    if isinstance(method, PaperPeer):
        return RelaxedKeyMap(method, device)
    return method.relaxed_key() if isinstance(method, Openable) else None


def passphrase_keys(method: Method, passphrase: str, count: int) -> tuple[list[bytes], str]:
    """Return the keys of ``count`` pictures protected with one passphrase, and how the software chooses them."""
    if isinstance(method, ModelMethod):  # KeyRing.generate: a random file key and face secret each time
        return [secrets.token_bytes(KEY_BYTES) for _ in range(count)], "a fresh random key for every face"
    if isinstance(method, Openable):
        return method.passphrase_keys(passphrase, count), "as its own software does"
    if isinstance(method, ShareMethod):
        return [evaluation_key(0, passphrase)] * count, "one passphrase for every picture, and a random salt for each"
    return [evaluation_key(0, passphrase)] * count, "the same key for every picture"


def known_pad(method: Method, shape: tuple[int, ...]) -> KnownPad | None:
    """Return the stream that a known picture gives away, or None if there is none."""
    if isinstance(method, ShareMethod):
        return SharePad(method)
    opened = expanded_key(method, shape)
    return opened if isinstance(opened, PadDigits) else None


def readout(method: Method, protected: UInt8Image) -> npt.NDArray[np.float64] | None:
    """Return what anybody reads from a picture without a key, as numbers around zero; None if unknown or unreadable."""
    if isinstance(method, ShareMethod):
        return entry_bits(method, protected)
    if isinstance(method, SecureMethod):
        levels = modulus_for(*protected.shape[:2])
        return read_residues(protected, levels).astype(np.float64).ravel() - (levels - 1) / 2
    return method.readout(protected) if isinstance(method, Readable) else None


class PadDigits:
    """Our flow: one digit of ChaCha20's stream per sample, added to the code's digit."""

    derived = True

    def __init__(self, method: SecureMethod, modulus: int) -> None:
        self._model, self.levels = method.model, modulus
        self.what = "digits of the pad"

    def expand(self, key: bytes, shape: tuple[int, ...]) -> UInt8Image:
        """See `ExpandedKey.expand`."""
        return derive_shifts(FaceKey(key), int(np.prod(shape)), self.levels).reshape(shape)

    def recover(self, protected: UInt8Image, elements: UInt8Image) -> UInt8Image:
        """Return what the coder reads, whether or not it looks like a picture: attackers judge for themselves."""
        digits = unmix(read_residues(protected, self.levels), elements.ravel(), self.levels)
        words = from_digits(digits, self.levels)
        found = self._model.coder.expand(words, *protected.shape[:2])
        return np.asarray(np.clip(np.rint(np.nan_to_num(found)), 0, 255), np.uint8)

    def pad_of(self, original: UInt8Image, cover: UInt8Image, protected: UInt8Image) -> UInt8Image:
        """Return the digits that were added: what the pixels show minus the code of the known original."""
        words = self._model.coder.compress(original, capacity_words(original.size, self.levels))
        code = to_digits(words, original.size, self.levels)
        return unmix(read_residues(protected, self.levels), code, self.levels).reshape(original.shape)


class KeyMapBits:
    """The published system: one bit per pixel."""

    what, levels, derived = "bits of the key map", 2, False

    def __init__(self, method: PaperPeer) -> None:
        from ...training.paper.network import PaperMethod

        self._peer, self._opened = method, PaperMethod(method.network)

    def expand(self, key: bytes, shape: tuple[int, ...]) -> UInt8Image:
        """See `ExpandedKey.expand`."""
        return self._peer.key_map(key, shape)[:, :, None]

    def recover(self, protected: UInt8Image, elements: UInt8Image) -> UInt8Image:
        """See `ExpandedKey.recover`."""
        return self._opened.recover(protected, elements[:, :, 0])


class RelaxedKeyMap:
    """The published system with a real-valued key map: every step of it is differentiable."""

    def __init__(self, method: PaperPeer, device: str) -> None:
        self._network, self._device = method.network.to(device), device

    def start(self, height: int, width: int) -> Tensor:
        """See `RelaxedKey.start`."""
        import torch

        return torch.zeros(1, 1, height, width, device=self._device)

    def recover(self, protected: Tensor, key: Tensor) -> Tensor:
        """See `RelaxedKey.recover`."""
        return self._network.recover(protected, key.expand(len(protected), -1, -1, -1))

    def protect(self, original: Tensor, cover: Tensor, key: Tensor) -> Tensor:
        """See `RelaxedKey.protect`."""
        return self._network.protect(original, cover, key.expand(len(original), -1, -1, -1))[0]


def torch_module() -> Any:
    """Import torch.

    Raises:
        UsageError: if torch is not installed.
    """
    try:
        import torch
    except ModuleNotFoundError:
        raise UsageError(
            "this adversary trains a network and needs torch, which is not installed",
            code="missing-extra",
            extra="train",
        ) from None
    return torch
