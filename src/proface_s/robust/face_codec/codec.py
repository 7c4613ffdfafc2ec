"""A face in any number of bytes from 16 on: an aligned face, or a reduced picture of the region if that is better.

::

    code, read as one integer     kind | pose | step | components, from the largest deviation on     (aligned)
    AV1 picture | kind                                                                               (whole)
    aligned code of 400 bytes | AV1 picture | kind                                                   (framed)

The length is a matter of the caller alone; a code never tells by its length what it shows.  Whatever bytes are decoded,
they give a picture: only a seal around the code can say that it is the right one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from ...types import FloatArray, UInt8Image
from .coefficients import STEPS, Values, step_of
from .integer_code import TOTAL, IntegerReader, IntegerWriter, SymbolTable
from .pose import SquarePose
from .raster import blend, join_planes, look_at, show
from .restorer import restore
from .weights import FaceBasis, face_basis
from .whole_picture import SMALLEST as SMALLEST_WHOLE
from .whole_picture import available, decode_whole, encode_whole

SMALLEST_CODE: Final = 16
"""Bytes of the shortest code; a likeness begins at about 60."""

_MARK: Final = 2  # bytes at the end of a code of a whole picture, by which its kind is known
_KINDS: Final = SymbolTable.of([TOTAL - 3 * 256, 256, 256, 256])
_FRAMED_FROM: Final = (
    640  # bytes; an aligned face hardly gains from more than `_FACE`, and the rest shows what is around
)
_FACE: Final = 400
_WORTH: Final = 0.1  # squared steps per bit, with which the network was trained
_WORTHS: Final = (0.03, 0.3)
_NEAR: Final = (-3, 1)  # step levels around the first that fits which are tried


class Kind(IntEnum):
    """What a code shows: the first symbol that is read from it.

    ``ALIGNED``: a face; ``UNALIGNED``: one that was coded without landmarks; ``WHOLE``: a small picture of the region;
    ``FRAMED``: such a picture with an aligned face over it.
    """

    ALIGNED = 0
    UNALIGNED = 1
    WHOLE = 2
    FRAMED = 3


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """A decoded face.

    Attributes:
        pixels: (h, w, 3) uint8 RGB, the region.
        opacity: (h, w) float32, 0..1: where the region is more than its cover.
        kind: what was coded.
    """

    pixels: UInt8Image
    opacity: FloatArray
    kind: Kind

    def over(self, cover: UInt8Image) -> UInt8Image:
        """Return the face laid over the cover of its region, (h, w, 3) uint8."""
        return blend(cover, self.pixels, self.opacity)


def encode_face(pixels: UInt8Image, length: int, points: npt.ArrayLike | None = None) -> bytes:
    """Return a face as exactly ``length`` bytes; `decode_face` is the inverse.

    Args:
        pixels: (h, w, 3) uint8 RGB, the region of the face, of any size.
        length: at least `SMALLEST_CODE`.
        points: (5, 2) landmarks in pixels of the region: the eye further left on an upright face, the other eye, the
            tip of the nose, and the corners of the mouth in the order of the eyes.  Without them, the face is taken to
            lie as in most regions, and the code shows less of it.

    Raises:
        ValueError: if the region is empty or ``length`` too small.
        ModelError: if a file of the codec is missing or altered.
    """
    height, width = _checked(pixels, length)
    basis = face_basis()
    pose = None if points is None else SquarePose.from_points(points, width, height)
    kind = Kind.UNALIGNED if pose is None else Kind.ALIGNED
    pose = pose or SquarePose.plain(width, height)
    values = basis.analyse(look_at(pixels, pose.to_region(width, height)))
    framed = length >= _FRAMED_FROM and available()
    aligned = _encode_aligned(basis, kind, pose, values, _FACE if framed else length)
    if length < SMALLEST_WHOLE or not available():
        return aligned
    codes = [_with_picture(aligned, pixels, length, Kind.FRAMED) if framed else aligned]
    codes.append(_with_picture(b"", pixels, length, Kind.WHOLE))
    found = [code for code in codes if code is not None]
    if not found:  # a region that AVIF cannot shrink to so few bytes
        return _encode_aligned(basis, kind, pose, values, length)
    return min(found, key=lambda code: _error(code, basis, pose, values, width, height))


def decode_face(code: bytes, width: int, height: int) -> Likeness:
    """Return the face of a code, of any bytes.

    Args:
        code: from `encode_face`.
        width: of the region in pixels; ``height`` likewise.

    Raises:
        ValueError: if the code is too short, or the region empty.
        ModelError: if a file of the codec is missing or altered.
    """
    _checked(np.empty((height, width, 3), np.uint8), len(code))
    reader = IntegerReader(code)
    kind = Kind(reader.take(_KINDS))
    if kind in (Kind.WHOLE, Kind.FRAMED):
        face = code[:_FACE] if kind is Kind.FRAMED else b""
        region = decode_whole(code[len(face) : -_MARK], width, height)
        if region is None:
            region = np.full((height, width, 3), 128, np.uint8)
        if len(face) == _FACE and IntegerReader(face).take(_KINDS) < Kind.WHOLE:
            region = decode_face(face, width, height).over(region)
        return Likeness(region, np.ones((height, width), np.float32), kind)
    basis = face_basis()
    pose, step = SquarePose.read(reader), reader.take_number(STEPS)
    values = basis.code.dequantise(basis.code.read(reader, step), step)
    rgb = join_planes(restore(basis.synthesise(values), step_of(step)))
    return Likeness(*show(rgb, pose.to_region(width, height), width, height), kind)


def _with_picture(face: bytes, pixels: UInt8Image, length: int, kind: Kind) -> bytes | None:
    """Return the code of a region as a picture, with a face over it unless that is empty; None if it does not fit."""
    payload = encode_whole(pixels, length - _MARK - len(face))
    if payload is None:
        return None
    mark = _KINDS.starts[kind].to_bytes(_MARK, "big")
    return face + payload + bytes(length - _MARK - len(face) - len(payload)) + mark


def _checked(pixels: UInt8Image, length: int) -> tuple[int, int]:
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise ValueError(f"a face is a picture of (h, w, 3) uint8, not {pixels.shape} {pixels.dtype}")
    if length < SMALLEST_CODE:
        raise ValueError(f"a face needs {SMALLEST_CODE} bytes at least, not {length}")
    return pixels.shape[0], pixels.shape[1]


def _encode_aligned(basis: FaceBasis, kind: Kind, pose: SquarePose, values: Values, length: int) -> bytes:
    """Return the code of an aligned face."""
    room = 8.0 * length - _head_bits()
    while True:
        step, numbers = _best_numbers(basis, values, room)
        writer = IntegerWriter()
        writer.put(_KINDS, kind)
        pose.write(writer)
        writer.put_number(STEPS, step)
        basis.code.write(writer, numbers, step)
        code = writer.to_bytes(length)
        if code is not None:
            return code
        room -= 1  # the tables' costs are exact but for rounding


def _best_numbers(basis: FaceBasis, values: Values, room: float) -> tuple[int, npt.NDArray[np.int32]]:
    """Return the step level and the numbers with the least error among those of at most ``room`` bits."""
    low, high = 0, STEPS - 1
    while low < high:
        middle = (low + high) // 2
        if basis.code.quantise(values, middle, _WORTH)[1] > room:
            low = middle + 1
        else:
            high = middle
    best: tuple[float, int, npt.NDArray[np.int32]] | None = None
    for step in range(max(0, low + _NEAR[0]), min(STEPS - 1, low + _NEAR[1]) + 1):
        least, most = _WORTHS
        for _ in range(6):
            worth = (least * most) ** 0.5
            numbers, bits, error = basis.code.quantise(values, step, worth)
            if bits > room:
                least = worth
                continue
            most = worth
            if best is None or error < best[0]:
                best = error, step, numbers
    return (STEPS - 1, _first_that_fit(basis, values, room)) if best is None else best[1:]


def _first_that_fit(basis: FaceBasis, values: Values, room: float) -> npt.NDArray[np.int32]:
    """Return numbers at the coarsest step, of as many components as fit into ``room`` bits; the others are 0."""
    count = len(values)
    while True:
        kept = values.copy()
        kept[count:] = 0
        numbers, bits, _ = basis.code.quantise(kept, STEPS - 1, _WORTHS[1])
        if bits <= room or count == 0:
            return numbers
        count = count * 3 // 4


def _error(code: bytes, basis: FaceBasis, pose: SquarePose, values: Values, width: int, height: int) -> float:
    """Return the squared error of a code where recognisers look: in the metric of the bases."""
    found = decode_face(code, width, height)
    return float(((basis.analyse(look_at(found.pixels, pose.to_region(width, height))) - values) ** 2).sum())


def _head_bits() -> float:
    return float(np.log2(STEPS)) + SquarePose.bits() + 1
