"""The interface of a measurable method of reversible face privacy, and lookup of methods by name."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from proface_s.errors import UsageError
from proface_s.flow.registry import open_folder
from proface_s.types import FloatArray, UInt8Image

KEY_BYTES = 32


@runtime_checkable
class Method(Protocol):
    """Hides a face in its cover under a key, and recovers it.

    This is all that a third party implements to be measured with the others::

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
            The protected image, (H, W, 3) uint8 RGB, as it would be stored in a lossless file.
        """
        ...

    def recover(self, protected: UInt8Image, key: bytes) -> UInt8Image:
        """Recover a face.

        Args:
            protected: (H, W, 3) uint8 RGB from a file, perhaps altered.
            key: 32 bytes, perhaps wrong.

        Returns:
            (H, W, 3) uint8 RGB, for any key and any picture; do not refuse a wrong key: measures of wrong recovery
            need the picture that an attacker would see.
        """
        ...


@runtime_checkable
class FloatMethod(Method, Protocol):
    """A method that can also be measured by the paper's protocol, on pictures that are never rounded."""

    def protect_float(self, original: UInt8Image, cover: UInt8Image, key: bytes) -> FloatArray:
        """Like `protect`, but return (H, W, 3) float32 RGB, 1.0 is white, neither rounded nor clamped."""
        ...

    def recover_float(self, protected: FloatArray, key: bytes) -> FloatArray:
        """Invert `protect_float`; the result is neither rounded nor clamped."""
        ...


@runtime_checkable
class Costed(Protocol):
    """A method that states its cost."""

    @property
    def parameters(self) -> int:
        """Number of learned parameters."""
        ...

    def macs(self, height: int, width: int) -> int:
        """Return the multiply-accumulate operations to recover one face of this size."""
        ...


@runtime_checkable
class NeedsRoom(Protocol):
    """A method that hides nothing in small pictures.

    Attributes:
        least_side: pixels of the smallest square picture that it takes.
    """

    least_side: int


def check_room(methods: Sequence[Method], side: int) -> None:
    """Check that faces are large enough for every method.

    Raises:
        UsageError: if a method needs more pixels.
    """
    for method in methods:
        if isinstance(method, NeedsRoom) and side < method.least_side:
            raise UsageError(
                f"{method.name} needs faces of {method.least_side} pixels, not {side}",
                code="face-size",
                side=str(method.least_side),
            )


def load_method(spec: str) -> Method:
    """Load a method by name.

    Args:
        spec: the name of a model, such as ``secure-3``, or with its second mode, such as ``secure-3-cover`` (a wrong
            key gives the cover); ``model:FOLDER``; ``paper:CHECKPOINT.pt`` (needs the train extra); ``lsb-avif``;
            ``share``, the layer of share copies; or ``package.module:factory``, a function or class that makes a
            `Method` when called without arguments; its module is installed, on PYTHONPATH, or in the current folder.

    Raises:
        UsageError: if there is no such method, or the factory does not make a `Method`.
    """
    from . import peers

    kind, colon, rest = spec.partition(":")
    if spec in peers.BUILT_IN:
        return peers.BUILT_IN[spec]()
    if colon and kind == "paper":
        return peers.load_paper(Path(rest))
    if colon and kind == "model":
        return peers.method_of(open_folder(Path(rest)))
    if not colon and (model := peers.load_model(spec)) is not None:
        return model
    if not colon or not rest:
        raise UsageError(f"there is no method {spec!r}", code="unknown-method")
    return _third_party(spec, kind, rest)


def _third_party(spec: str, module_name: str, factory_name: str) -> Method:
    """Import and call a third party's factory; exceptions that it raises when called pass through.

    Modules of the current folder are found too, as by ``python -m``, but only if there is none of that name elsewhere.
    """
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)
        importlib.invalidate_caches()
    try:
        factory: Any = importlib.import_module(module_name)
        for part in factory_name.split("."):
            factory = getattr(factory, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"there is no method {spec!r}: {error}", code="unknown-method") from None
    method = factory() if callable(factory) else factory
    if not isinstance(method, Method):
        raise UsageError(f"{spec} is not a method: it lacks name, protect or recover", code="not-a-method")
    return method
