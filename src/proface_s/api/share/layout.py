"""Size, boxes and lengths of a share copy: functions of the photo's size, the boxes and the options alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from ...errors import UsageError
from ...keys.share_keys import ENTRY_TAG_BYTES
from ...robust.carriers import base_carriers, carrying_blocks, directory_carriers, fine_carriers
from ...robust.directory import MOST_SIDE, UNIT, SharedFace, ShareDirectory, directory_length
from ...types import Box
from .options import LONG_SIDES, ShareOptions

BASE_RATE: Final = 0.12
"""Bits of entries per carrier of the base layer: about 230 bytes per megapixel, which survive half the size and JPEG
75."""

HIGHEST_BASE_RATE: Final = 0.17
"""The same if many faces would otherwise have no entry there: up to ten at 1600 pixels, which survive a little less."""

FINE_RATE: Final = 0.14
"""The same of the fine layer: about 1900 bytes per megapixel, which survive JPEG 71 and 1280 pixels with JPEG 87."""

BOX_RATE: Final = 0.4
"""The same where only boxes carry, with larger steps; and of the directory there."""

DIRECTORY_RATE: Final = 0.5  # at most
SHORTEST_BASE: Final = 48 + ENTRY_TAG_BYTES
LONGEST_BASE: Final = 248
SHORTEST_FINE: Final = 64 + ENTRY_TAG_BYTES
LONGEST_FINE: Final = 4096
USEFUL_DENSITY: Final = 8  # pixels of a box per byte, above which more bytes show little more


def canonical_size(size: tuple[int, int], options: ShareOptions) -> tuple[int, int]:
    """Return the (width, height) of the share copy of a photo.

    Args:
        size: (width, height) of the photo.
        options: the size asked for.

    Raises:
        UsageError: if the photo is too small, or too large to keep its size.
    """
    longer = max(size)
    if options.long_side is None or options.inside:
        wanted = longer
    else:
        wanted = next((side for side in LONG_SIDES if side <= min(longer, options.long_side)), longer)
    if wanted > MOST_SIDE:
        raise UsageError(
            f"a share copy has at most {MOST_SIDE} pixels a side, and the photo has {longer}", code="share-size"
        )
    width, height = (max(1, round(side * wanted / longer)) for side in size)
    return width, height


def shared_box(box: Box, size: tuple[int, int], canonical: tuple[int, int]) -> Box:
    """Return the box of a face at canonical size, grown to a grid of 4 pixels.

    Args:
        box: in the photo.
        size: (width, height) of the photo.
        canonical: (width, height) of the share copy.
    """
    edges = []
    for low, high, whole, reduced in (
        (box.x, box.right, size[0], canonical[0]),
        (box.y, box.bottom, size[1], canonical[1]),
    ):
        most = reduced // UNIT * UNIT
        first = min(low * reduced // whole // UNIT * UNIT, most - UNIT)
        last = -(-high * reduced // whole // UNIT) * UNIT  # rounded up twice: down, of negative numbers
        edges.append((first, max(first + UNIT, min(last, most))))
    (left, right), (top, bottom) = edges
    return Box(left, top, right - left, bottom - top)


def with_lengths(directory: ShareDirectory) -> ShareDirectory:
    """Return a directory in which each face has as many bytes as its share of the carriers allows.

    Args:
        directory: with faces whose lengths do not matter yet.

    Raises:
        UsageError: if there is not even room for a likeness of each face.
    """
    blocks = carrying_blocks(directory)
    count = len(directory.faces)
    length = directory_length(count, tuple(each.kind for each in directory.stanzas))
    if length is None:
        raise UsageError(
            f"{count} faces, with their ways to open them, are too many for a share copy", code="share-many-faces"
        )
    region = directory.region
    rate, most = (BOX_RATE, BOX_RATE) if region == "box" else (FINE_RATE, DIRECTORY_RATE)
    base = _base_length(int(base_carriers(blocks, region).sum()), count)
    room = int(rate * int(fine_carriers(blocks, region).sum())) // 8
    fine = _fine_lengths([face.box for face in directory.faces], room)
    if min(fine) < SHORTEST_FINE or 8 * length > most * int(directory_carriers(blocks, region).sum()):
        raise UsageError(
            f"a share copy of {directory.width} x {directory.height} pixels has no room for "
            f"{count} face{'' if count == 1 else 's'}",
            code="share-too-full",
        )
    faces = (
        replace(face, base_bytes=base, fine_bytes=length) for face, length in zip(directory.faces, fine, strict=True)
    )
    return replace(directory, faces=tuple(faces))


def _base_length(carriers: int, count: int) -> int:
    """Return the length of each face's entry in the base layer: 0 if there is no room even at the highest rate."""
    usual, most = (int(rate * carriers) // 8 // count for rate in (BASE_RATE, HIGHEST_BASE_RATE))
    if usual >= SHORTEST_BASE:
        return min(LONGEST_BASE, usual)
    return SHORTEST_BASE if most >= SHORTEST_BASE else 0


def _fine_lengths(boxes: Sequence[Box], budget: int) -> list[int]:
    """Share a number of bytes among faces by their areas, none more than is useful."""
    useful = [min(LONGEST_FINE, max(4 * SHORTEST_FINE, box.area // USEFUL_DENSITY)) for box in boxes]
    if sum(useful) <= budget:
        return useful
    least = min(SHORTEST_FINE, budget // len(boxes))
    spare = max(0, budget - least * len(boxes))
    weights = np.sqrt(np.array(useful, np.float64))
    return [least + int(part) for part in spare * weights / weights.sum()]


def unplanned_face(box: Box, group: int, codec: int) -> SharedFace:
    """Return a face of a directory whose lengths `with_lengths` will settle."""
    return SharedFace(box, group, 0, 1, codec)
