"""Faces to measure on, from folders of face crops or photos; unusable pictures are listed and left out."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from proface_s.covers import apply_style, parse_style
from proface_s.errors import ImageError, NoFaceError, UsageError
from proface_s.faces import Detector, EngineDetector
from proface_s.faces.boxes import reversible_box
from proface_s.faces.detection_check import detected_faces
from proface_s.image.read import read_picture
from proface_s.types import Box, UInt8Image

from ..pictures import identity_of, list_pictures

CROP_SHARE = 0.2  # a picture is a crop of one face if a face box has at least this share of its area
OTHER_FACE = "other-face"  # instead of a style: the next face of another person covers a face

Kind = Literal["auto", "crops", "photos"]


class NoFaceSamplesError(NoFaceError):
    """No face is left to measure on."""


@dataclass(frozen=True, slots=True)
class Omission:
    """An item that was left out, and the reason."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class FaceSample:
    """One face to measure on.

    Attributes:
        path: the file.
        name: path below its folder, with ``#number`` appended if the photo has several faces.
        identity: the person, according to `identity_of`; ``#number`` is appended as in ``name``.
        image: (size, size, 3) uint8 RGB.
    """

    path: Path
    name: str
    identity: str
    image: UInt8Image


def read_faces(
    folders: Sequence[Path],
    size: int,
    limit: int | None = None,
    *,
    kind: Kind = "auto",
    omitted: list[Omission] | None = None,
    detector: Detector | None = None,
) -> list[FaceSample]:
    """Read faces of one size.

    Args:
        folders: searched recursively; files are taken from each folder in turn, in order of name.
        size: side in pixels, even; larger faces are reduced to it, smaller ones omitted.
        limit: maximum number of faces; None for all.
        kind: ``crops``: every picture is one face, used whole; ``photos``: the detector finds faces, each grown to
            the region that `protect` would hide; ``auto``: a picture with a large face is a crop, others are photos.
        omitted: list to which omissions are appended.
        detector: the default detector if None; not used for ``crops``.

    Raises:
        NoFaceSamplesError: if no face is left.
        UsageError: if a folder is missing, or the size is odd or below 16.
    """
    if size < 16 or size % 2:
        raise UsageError(f"faces must have an even size of at least 16 pixels, not {size}")
    omitted = [] if omitted is None else omitted
    detector = detector or EngineDetector(tiles=kind == "photos", turned=False)
    found: list[FaceSample] = []
    for path, folder in interleaved_pictures(folders):
        if limit is not None and len(found) >= limit:
            break
        found += _faces_of(path, folder, size, kind, detector, omitted)
    if not found:
        example = f", such as {omitted[0].name}: {omitted[0].reason}" if omitted else ""
        raise NoFaceSamplesError(
            f"no face of {size} pixels in {', '.join(map(str, folders))}; {len(omitted)} pictures left out{example}",
            code="small-faces",
        )
    return found[:limit]


def interleaved_pictures(folders: Sequence[Path]) -> list[tuple[Path, Path]]:
    """Find pictures: (path, the folder it was found under), from each folder in turn.

    Raises:
        UsageError: if a folder is missing.
        NoFaceSamplesError: if no folder holds pictures.
    """
    lists = [[(path, folder) for path in list_pictures(folder)] for folder in folders]
    found = [pair for row in itertools.zip_longest(*lists) for pair in row if pair is not None]
    if not found:
        raise NoFaceSamplesError(f"no pictures in {', '.join(map(str, folders))}", code="no-pictures")
    return found


def make_cover(sample: FaceSample, style: str, others: Sequence[FaceSample]) -> UInt8Image:
    """Make the cover of a face, uint8, of the same shape.

    Args:
        sample: the face.
        style: ``name[:strength]`` as for `protect`, or ``other-face`` for the next face of another identity.
        others: the faces that ``other-face`` chooses from; may include the sample itself.

    Raises:
        UsageError: if the style is unknown, or ``other-face`` finds no other identity.
    """
    if style != OTHER_FACE:
        return apply_style(sample.image, parse_style(style))
    start = next((i for i, other in enumerate(others) if other is sample), -1)
    for other in itertools.chain(others[start + 1 :], others[: start + 1]):
        if other.identity != sample.identity:
            return resized(other.image, sample.image.shape[0])
    raise UsageError("other-face needs faces of at least two people", code="one-person")


def resized(image: UInt8Image, size: int) -> UInt8Image:
    """Resize to a square of ``size`` pixels, by area averaging if it shrinks."""
    if image.shape[:2] == (size, size):
        return np.ascontiguousarray(image)
    interpolation = cv2.INTER_AREA if min(image.shape[:2]) > size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (size, size), interpolation=interpolation), np.uint8)


def _faces_of(
    path: Path, folder: Path, size: int, kind: Kind, detector: Detector, omitted: list[Omission]
) -> list[FaceSample]:
    name = path.relative_to(folder).as_posix()
    try:
        picture = read_picture(path).rgb
    except ImageError as error:
        omitted.append(Omission(name, error.message.replace(str(path), name)))
        return []
    boxes = [Box(0, 0, picture.shape[1], picture.shape[0])] if kind == "crops" else _boxes(picture, kind, detector)
    if not boxes:
        omitted.append(Omission(name, "no face found"))
    small = [box for box in boxes if min(box.w, box.h) < size]
    if small:
        which = f"{len(small)} of {len(boxes)} faces too small" if len(boxes) > 1 else "too small"
        largest = max(min(box.w, box.h) for box in small)
        omitted.append(Omission(name, f"{which}: {largest} pixels at most, {size} needed"))
    found, who = [], identity_of(path, folder)
    for number, box in enumerate(boxes):
        mark = "" if len(boxes) == 1 else f"#{number}"
        if box not in small:
            image = resized(picture[box.y : box.bottom, box.x : box.right], size)
            found.append(FaceSample(path, name + mark, who + mark, image))
    return found


def _boxes(picture: UInt8Image, kind: Kind, detector: Detector) -> list[Box]:
    """Return square regions of the faces, or the largest centred square if the picture is a crop of one face."""
    height, width = picture.shape[:2]
    faces = detected_faces(detector, picture)
    if kind == "auto" and any(face.box.area >= CROP_SHARE * height * width for face in faces):
        return [_square(Box(0, 0, width, height), width, height)]
    return [_square(reversible_box(face.box, (width, height)), width, height) for face in faces]


def _square(box: Box, width: int, height: int) -> Box:
    """Return the square around the box's centre with its longer side, as far as the picture allows."""
    side = min(max(box.w, box.h), width, height)
    x = min(max(box.x + (box.w - side) // 2, 0), width - side)
    y = min(max(box.y + (box.h - side) // 2, 0), height - side)
    return Box(x, y, side, side)
