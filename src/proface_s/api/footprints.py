"""The part of a picture that belongs to a face: the pixels of its box, their alpha, and edges beside the box.

The flow hides RGB values of boxes with even sides.  Two more things can show something of a face:

* *alpha*, where it varies: the cover makes it opaque, and the seal keeps the original.  A constant alpha shows nothing
  and stays as it is;
* the last column or row of a picture with odd sides, where a box reaches up to it and cannot hold it: the cover
  repeats its own last pixels there, and the seal keeps the original.

Without a seal these two do not come back: the face then stays opaque, and the edge repeats the estimate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ..container.header.footprint import OPAQUE, PLAIN, Footprint
from ..container.header.header import Header
from ..image.regions import cut, same_outside
from ..image.transparency import constant_alpha
from ..types import Box, Picture, UInt8Image

_NO_RECORD_BITS = np.uint8(0xFE)  # a new record changes lowest bits of the region; edges must not have to follow


def original_of(picture: Picture, box: Box, footprint: Footprint) -> UInt8Image:
    """Return what a seal has to hold of a face's area: (h, w, 3) RGB, or (h, w, 4) RGBA if its alpha varies."""
    area = footprint.area(box)
    rgb = cut(picture.rgb, area)
    if not footprint.varied:
        return rgb
    if picture.alpha is None:
        return np.dstack([rgb, np.full(rgb.shape[:2], OPAQUE, np.uint8)])
    return np.dstack([rgb, picture.alpha[area.y : area.bottom, area.x : area.right]])


def covered(picture: Picture, regions: Iterable[tuple[Box, Footprint, UInt8Image]]) -> Picture:
    """Put protected regions into a picture, with the alpha and the edges that belong to them.

    Args:
        picture: the original; left as it is.
        regions: box, footprint and (h, w, 3) uint8 region of each face.
    """
    rgb = picture.rgb.copy(order="C")
    alpha = None if picture.alpha is None else picture.alpha.copy(order="C")
    for box, footprint, region in regions:
        if footprint.right or footprint.bottom:
            _put(rgb, footprint.area(box), _with_edges(region & _NO_RECORD_BITS, footprint))
        rgb[box.y : box.bottom, box.x : box.right] = region
        if alpha is not None and footprint.varied:
            _put(alpha, footprint.area(box), np.uint8(OPAQUE))
    return replace(picture, rgb=rgb, alpha=alpha)


def plain_covers(picture: Picture, header: Header, covers: Sequence[UInt8Image]) -> Picture:
    """Return a protected picture with plain covers, nothing hidden in them or in the edges beside them.

    Args:
        picture: the protected photo; left as it is.
        header: the picture's.
        covers: (h, w, 3) uint8 of each face.
    """
    return covered(picture, [(face.box, header.footprint(i), covers[i]) for i, face in enumerate(header.faces)])


def restored(picture: Picture, found: Mapping[int, UInt8Image], header: Header) -> Picture:
    """Put originals back into a protected picture that a header describes; see `uncovered`.

    Args:
        picture: the protected photo; left as it is.
        found: number of a face -> its original.
        header: the picture's.
    """
    return uncovered(picture, [(header.faces[i].box, header.footprint(i), each) for i, each in found.items()])


def uncovered(picture: Picture, originals: Iterable[tuple[Box, Footprint, UInt8Image]]) -> Picture:
    """Put originals back into a protected picture: the inverse of `covered`.

    Args:
        picture: the protected photo; left as it is.
        originals: box, footprint and original of each face: what `original_of` made, or the (h, w, 3) estimate of the
            box, whose last pixels then stand for the edges beside it.  If that is the protected region itself, as in
            cover mode with a wrong key, the edges stay as they are too.
    """
    rgb = picture.rgb.copy(order="C")
    alpha = None if picture.alpha is None else picture.alpha.copy(order="C")
    for box, footprint, original in originals:
        area = footprint.area(box)
        if original.shape == (box.h, box.w, 3) and np.array_equal(original, cut(rgb, box)):
            continue
        if original.shape[2] == 4:
            alpha = np.full(rgb.shape[:2], OPAQUE, np.uint8) if alpha is None else alpha
            _put(alpha, area, original[..., 3])
        colours = original[..., :3]
        _put(rgb, area, colours if colours.shape[:2] == (area.h, area.w) else _with_edges(colours, footprint))
    return replace(picture, rgb=rgb, alpha=alpha)


def is_altered(picture: Picture, header: Header, index: int) -> bool:
    """Return whether alpha or edges of a face differ from what was published; False if the header does not tell."""
    if not header.tells_footprints:
        return False
    footprint, box = header.footprint(index), header.faces[index].box
    if constant_alpha(picture.alpha, footprint.area(box)) != footprint.alpha:
        return True
    return (footprint.right or footprint.bottom) and not _repeats(picture.rgb, box, footprint)


def repeated_edges(rgb: UInt8Image, box: Box) -> Footprint:
    """Infer from the pixels which edges beside a box were covered, if the header does not tell.

    Args:
        rgb: (H, W, 3) uint8, protected.
        box: of a face.
    """
    sides = (box.right == rgb.shape[1] - 1, box.bottom == rgb.shape[0] - 1)
    for footprint in (Footprint(right=right, bottom=bottom) for right, bottom in (sides, (sides[0], False))):
        if _repeats(rgb, box, footprint):
            return footprint
    below = Footprint(bottom=sides[1])
    return below if _repeats(rgb, box, below) else PLAIN


def same_elsewhere(one: Picture, other: Picture, areas: Sequence[Box]) -> bool:
    """Return whether two pictures have the same pixels and alpha outside some areas; no alpha means opaque."""
    if not same_outside(one.rgb, other.rgb, areas):
        return False
    if one.alpha is None and other.alpha is None:
        return True
    first, second = (
        np.full(each.rgb.shape[:2], OPAQUE, np.uint8) if each.alpha is None else each.alpha for each in (one, other)
    )
    return same_outside(first, second, areas)


def unprotected_alpha(picture: Picture, header: Header) -> dict[int, bool]:
    """Faces that are transparent though the header does not tell: number -> whether their alpha varies.

    Version 0.1.0 left alpha as it was, and nothing vouches for it; where it varies, it may show the face.
    """
    if header.tells_footprints:
        return {}
    values = {index: constant_alpha(picture.alpha, face.box) for index, face in enumerate(header.faces)}
    return {index: value is None for index, value in values.items() if value != OPAQUE}


def _with_edges(region: UInt8Image, footprint: Footprint) -> UInt8Image:
    """Repeat the last column and row of a region where its edges are covered too; always a copy."""
    return np.pad(region, ((0, footprint.bottom), (0, footprint.right), (0, 0)), "edge")


def _repeats(rgb: UInt8Image, box: Box, footprint: Footprint) -> bool:
    """Return whether the edges of an area are as `covered` makes them."""
    area = cut(rgb, footprint.area(box))
    expected = _with_edges(area[: box.h, : box.w] & _NO_RECORD_BITS, footprint)
    expected[: box.h, : box.w] = area[: box.h, : box.w]
    return np.array_equal(expected, area)


def _put(plane: UInt8Image, area: Box, values: UInt8Image | np.uint8) -> None:
    plane[area.y : area.bottom, area.x : area.right] = values
