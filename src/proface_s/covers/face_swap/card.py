"""Cards of users' own face swappers: JSON that says what an ONNX network takes and gives.

::

    {"network": "simswap.onnx", "size": 224, "template": "arcface", "channels": "rgb",
     "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225],
     "inputs": {"photo": "target", "identity": "source"},
     "output": {"mean": [0, 0, 0], "std": [1, 1, 1]},
     "identity": {"network": "arcface.onnx", "size": 112, "template": "arcface"}}

Paths are relative to the card.  A colour c in 0..1 becomes (c - mean) / std.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...errors import UsageError

Triple = tuple[float, float, float]
Template = tuple[tuple[float, float], ...]

TEMPLATES: Final[Mapping[str, Template]] = {
    "arcface": ((0.3419, 0.4616), (0.6565, 0.4598), (0.5002, 0.6405), (0.3710, 0.8247), (0.6315, 0.8232)),
    "ffhq": ((0.3769, 0.4686), (0.6229, 0.4691), (0.5012, 0.6133), (0.3931, 0.7254), (0.6115, 0.7249)),
}
"""Where eyes, tip of the nose and corners of the mouth are in an aligned square, as shares of its side."""

_LARGEST: Final = 1024
_BYTES: Final = 65_536
_BLACK, _FULL = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
_HALF: Final = (0.5, 0.5, 0.5)
_PORT: Final = {"network", "size", "template", "channels", "mean", "std"}


@dataclass(frozen=True, slots=True)
class Port:
    """An aligned square picture, as a network takes or gives it.

    Attributes:
        network: the ONNX file.
        size: side of the square in pixels.
        template: where the five points of a face are, see `TEMPLATES`.
        bgr: whether blue comes first.
        mean: of the colours in 0..1, in the order of the channels.
        std: likewise.
    """

    network: Path
    size: int
    template: Template
    bgr: bool
    mean: Triple
    std: Triple


@dataclass(frozen=True, slots=True)
class SwapperCard:
    """A face swapper.

    Attributes:
        photo: the square that the swapper takes, with the face in the photo.
        photo_input: name of that input.
        identity: the square, with the face of a donor, that another network turns into the identity vector.
        identity_input: name of the input for the vector.
        unit_length: whether the vector is scaled to length 1.
        output: name of the picture among the outputs; the first one if None.
        mean: of the colours of the output, as in `Port`.
        std: likewise.
    """

    photo: Port
    photo_input: str
    identity: Port
    identity_input: str
    unit_length: bool
    output: str | None
    mean: Triple
    std: Triple


def read_swapper_card(path: Path) -> SwapperCard:
    """Read a card.

    Raises:
        UsageError: if it cannot be read, or says something that makes no sense.
    """
    try:
        with path.open("rb") as file:
            values = json.loads(file.read(_BYTES))
        return _card(_Fields(values, "it"), path.parent)
    except OSError as error:
        raise UsageError(f"{path}: the card cannot be read: {error.strerror}", code="unusable-swapper") from None
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, _CardError) else "it is no JSON"
        raise UsageError(f"{path} is no card of a face swapper: {reason}", code="unusable-swapper") from None


class _CardError(ValueError):
    """What is wrong with a card, as the end of a sentence."""


class _Fields:
    """An object of a card; every getter refuses values of another kind."""

    def __init__(self, values: Any, name: str) -> None:
        if not isinstance(values, dict):
            raise _CardError(f"{name} is no JSON object")
        self.values, self.name = values, name

    def known(self, names: set[str]) -> None:
        if unknown := sorted(self.values.keys() - names):
            raise _CardError(f"{self.name} has the unknown field {unknown[0]!r}")

    def text(self, name: str, default: str | None = None) -> str:
        value = self.values.get(name, default)
        if not isinstance(value, str) or not value:
            raise _CardError(f"{self.name} needs the text {name!r}")
        return value

    def inner(self, name: str) -> _Fields:
        return _Fields(self.values.get(name, {}), repr(name))

    def size(self) -> int:
        value = self.values.get("size")
        if not isinstance(value, int) or isinstance(value, bool) or not 16 <= value <= _LARGEST:
            raise _CardError(f"{self.name} needs 'size', 16 to {_LARGEST} pixels")
        return value

    def numbers(self, name: str, default: Triple) -> Triple:
        value = self.values.get(name, list(default))
        if not (isinstance(value, list) and len(value) == 3 and all(map(_is_number, value))):
            raise _CardError(f"{name!r} of {self.name} is not three numbers")
        if name == "std" and not all(value):
            raise _CardError(f"'std' of {self.name} has a zero")
        return (float(value[0]), float(value[1]), float(value[2]))

    def template(self) -> Template:
        value = self.values.get("template")
        if isinstance(value, str) and value in TEMPLATES:
            return TEMPLATES[value]
        pairs = value if isinstance(value, list) else []
        if len(pairs) != 5 or not all(map(_is_point, pairs)):
            raise _CardError(f"'template' of {self.name} is neither {' nor '.join(TEMPLATES)} nor five points")
        points = tuple((float(x), float(y)) for x, y in pairs)
        if len({*points}) < 5:
            raise _CardError(f"'template' of {self.name} names a point twice")
        return points


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_point(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))


def _port(fields: _Fields, folder: Path) -> Port:
    channels = fields.text("channels", "rgb")
    if channels not in ("rgb", "bgr"):
        raise _CardError(f"'channels' of {fields.name} is neither rgb nor bgr")
    network, size, template = folder / fields.text("network"), fields.size(), fields.template()
    return Port(network, size, template, channels == "bgr", fields.numbers("mean", _HALF), fields.numbers("std", _HALF))


def _card(fields: _Fields, folder: Path) -> SwapperCard:
    fields.known(_PORT | {"inputs", "output", "identity"})
    inputs, output, identity = fields.inner("inputs"), fields.inner("output"), fields.inner("identity")
    inputs.known({"photo", "identity"})
    output.known({"name", "mean", "std"})
    identity.known(_PORT | {"unit_length"})
    unit_length = identity.values.get("unit_length", True)
    if not isinstance(unit_length, bool):
        raise _CardError("'unit_length' is neither true nor false")
    return SwapperCard(
        _port(fields, folder),
        inputs.text("photo", "target"),
        _port(identity, folder),
        inputs.text("identity", "source"),
        unit_length,
        output.text("name") if "name" in output.values else None,
        output.numbers("mean", _BLACK),
        output.numbers("std", _FULL),
    )
