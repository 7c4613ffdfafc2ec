"""What a method of reversible face privacy has to offer to be measured, and how one is found by name."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ..errors import UsageError
from ..types import FloatArray, UInt8Image

KEY_BYTES = 32


@runtime_checkable
class Method(Protocol):
    """Hides a face in its cover under a key, and reads it back.

    A third party implements just this, and is measured beside the others::

        class Mine:
            name = "mine"
            def protect(self, original, cover, key): ...
            def recover(self, protected, key): ...

        proface evaluate --method mypackage.mymodule:Mine ...

    Attributes:
        name: shown in tables.
    """

    name: str

    def protect(self, original: UInt8Image, cover: UInt8Image, key: bytes) -> UInt8Image:
        """Hide a face.

        Args:
            original: (H, W, 3) uint8 RGB, sides even.
            cover: the same shape.
            key: 32 random bytes.

        Returns:
            The protected image, (H, W, 3) uint8 RGB, as it goes into a lossless file.
        """
        ...

    def recover(self, protected: UInt8Image, key: bytes) -> UInt8Image:
        """Read the face.

        Args:
            protected: (H, W, 3) uint8 RGB from a file, perhaps altered.
            key: 32 bytes, perhaps wrong.

        Returns:
            (H, W, 3) uint8 RGB.  Any key and any picture give a picture: a refusal would be an exception, and
            measures of wrong recovery need what an attacker would look at.
        """
        ...


@runtime_checkable
class FloatMethod(Method, Protocol):
    """A method that can also be measured by the paper's protocol, on pictures that were never rounded."""

    def protect_float(self, original: UInt8Image, cover: UInt8Image, key: bytes) -> FloatArray:
        """As `protect`; (H, W, 3) float32 RGB, 1.0 is white, neither rounded nor clamped."""
        ...

    def recover_float(self, protected: FloatArray, key: bytes) -> FloatArray:
        """Inverse of `protect_float`, from its result; neither rounded nor clamped."""
        ...


@runtime_checkable
class Costed(Protocol):
    """A method that knows what it costs."""

    @property
    def parameters(self) -> int:
        """Number of learned parameters."""
        ...

    def macs(self, height: int, width: int) -> int:
        """Multiply-accumulate operations of one pass over one face of a size, as recovery needs it."""
        ...


_HINT = (
    "methods: secure-2, secure-2-cover, model:FOLDER, paper:CHECKPOINT.pt, lsb-avif, or package.module:factory of "
    "your own"
)


def load_method(spec: str) -> Method:
    """Find a method.

    Args:
        spec: ``secure-2`` (shipped), ``secure-2-cover`` (the same; a wrong key gives the cover), ``model:FOLDER``,
            ``paper:CHECKPOINT.pt`` (needs the train extra), ``lsb-avif``, or ``package.module:factory``, a
            function or class without arguments that makes a `Method`.

    Raises:
        UsageError: there is none of this name, or what was made is no method.
    """
    from . import peers

    kind, colon, rest = spec.partition(":")
    if spec in peers.NAMED:
        return peers.NAMED[spec]()
    if colon and kind == "paper":
        return peers.load_paper(Path(rest))
    if colon and kind == "model":
        return peers.SecureMethod(folder=Path(rest))
    if not colon or not rest:
        raise UsageError(f"there is no method {spec!r}", _HINT)
    return _third_party(spec, kind, rest)


def _third_party(spec: str, module_name: str, factory_name: str) -> Method:
    """Import and call what somebody else wrote; whatever he raises while at work is his."""
    try:
        factory: Any = importlib.import_module(module_name)
        for part in factory_name.split("."):
            factory = getattr(factory, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"there is no method {spec!r}: {error}", _HINT) from None
    method = factory() if callable(factory) else factory
    if not isinstance(method, Method):
        raise UsageError(f"{spec} is no method: it has no name, protect or recover", "see docs/evaluation.md")
    return method
