"""Writing a layer into a picture, and finding it again in what a channel has left of the picture.

::

    cover ─┐
    directory, entries of the faces ─ LDPC ─ carriers ─ lattice ─► share copy ─ channel ─► received picture
                                                                                                │
    directory, entries of the faces ◄─ LDPC ◄─ log-likelihood ratios ◄─ lattice ◄─ placement ◄──┘

Entries are opaque here: encrypted copies of faces, of the lengths that the directory lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from ..errors import DamagedFileError
from ..types import FloatArray, UInt8Image
from .carriers import (
    Layer,
    Mask,
    base_carriers,
    carrying_blocks,
    collect_directory,
    fine_carriers,
    place_directory,
)
from .directory import MOST_SIDE, ShareDirectory, decode_directory, encode_directory
from .lattice import BOX_STEPS, FULL, LEAST_STRENGTHS, STEPS, analyse, embed, luma_of
from .ldpc import Bits, is_codable
from .placement import Placement, fit, place_whole, refine, resample
from .regions import Region
from .soft_values import Pilots, bit_ratios, estimate_gains, information, likely_blocks
from .synchronise import FINE_MOVES, LEAST_SIDE, THRESHOLD, placements

LayerName = Literal["base", "fine"]
LAYERS: tuple[LayerName, ...] = ("fine", "base")
HALO_SHARE: Final = 1 / 3
BOX_SHARE: Final = 1 / 2
"""Of the best fit to the lattice, from which blocks are taken for those of a halo or a box."""

LEAST_SHARE: Final = 0.6  # of the information that a layer needs, below which it is not worth while to decode it


@dataclass(frozen=True, slots=True)
class ShareEntry:
    """What is hidden of one face: an encrypted entry for each layer, empty if the layer has none for it."""

    base: bytes
    fine: bytes


@dataclass(frozen=True, slots=True, eq=False)
class FoundLayer:
    """A layer that was found in a picture.

    Attributes:
        directory: what it says about itself.
        placement: where the canonical picture lies in the received one, once that stands upright.
        base: for each face, its entry in the base layer; None if the layer is unreadable.
        fine: the same of the fine layer.
        turns: by how many quarters the received picture has to be turned to the left to stand upright.
    """

    directory: ShareDirectory
    placement: Placement
    base: tuple[bytes, ...] | None
    fine: tuple[bytes, ...] | None
    turns: int = 0


def write_layer(cover: UInt8Image, directory: ShareDirectory, entries: Sequence[ShareEntry]) -> UInt8Image:
    """Hide entries in a picture; `find_layer` is the inverse, also after the picture has been recompressed.

    The result is a function of the cover, the directory and the entries alone.

    Args:
        cover: (H, W, 3) sRGB, of the directory's size.
        directory: says what is hidden.
        entries: one per face, of the lengths in the directory.

    Returns:
        (H, W, 3) sRGB.

    Raises:
        ValueError: if sizes or lengths differ from the directory's, or the carriers are too few.
    """
    if (cover.shape[1], cover.shape[0]) != directory.size:
        raise ValueError(f"a directory for {directory.size}, and a cover of {cover.shape[1]} x {cover.shape[0]}")
    lengths = [(len(each.base), len(each.fine)) for each in entries]
    if lengths != [(face.base_bytes, face.fine_bytes) for face in directory.faces]:
        raise ValueError("entries of other lengths than the directory's")
    blocks = carrying_blocks(directory)
    _, bits = _directory_bits(directory, blocks)
    for name in LAYERS:
        message = b"".join(getattr(each, name) for each in entries)
        mask = _carriers(name, directory.region, blocks)
        if message:
            bits[mask] = Layer(name, directory.salt, len(message), int(mask.sum())).encode(message)
    in_boxes = directory.region == "box"
    return embed(cover, bits, blocks, _steps(directory.region), FULL if in_boxes else LEAST_STRENGTHS)


def find_layer(picture: UInt8Image) -> FoundLayer | None:
    """Find what `write_layer` has hidden in a picture, whatever has happened to it since.

    Args:
        picture: (H, W, 3) sRGB as received: recompressed, resized, cropped, or a screenshot.

    Returns:
        What was found; None if nothing was.
    """
    luma = luma_of(picture)
    for turns, placement in placements(luma):
        upright = np.rot90(luma, turns)
        found = _directory_at(upright, placement)
        if found is not None:
            directory, exact = found
            return _read_layers(upright, directory, exact, turns)
    return None


def find_whole_layer(picture: UInt8Image) -> FoundLayer | None:
    """Find a layer in a picture that has kept its size: one look, where `find_layer` searches.

    Args:
        picture: (H, W, 3) sRGB.

    Returns:
        What was found; None if nothing was, as in nearly all photos after the one look.
    """
    height, width = picture.shape[:2]
    if not LEAST_SIDE <= min(width, height) <= max(width, height) <= MOST_SIDE:
        return None
    luma, whole = luma_of(picture), place_whole((width, height), (width, height))
    found = _directory_at(luma, whole) if fit(luma, whole) > THRESHOLD else None
    return None if found is None else _read_layers(luma, *found, turns=0)


def _directory_at(luma: FloatArray, placement: Placement) -> tuple[ShareDirectory, Placement] | None:
    """Return the directory read at a placement, and the placement of the size that it names."""
    shown, present = resample(luma, placement)
    seen = analyse(shown)
    likely = present & likely_blocks(seen, HALO_SHARE)
    inner = present & likely_blocks(seen, BOX_SHARE)
    candidates: tuple[tuple[Region, Mask], ...] = (("photo", present), ("halo", likely), ("box", inner))
    for region, blocks in candidates:
        steps = _steps(region)
        ratios = bit_ratios(_without_gains(seen, placement, blocks, steps), blocks, steps=steps)
        for data in collect_directory(ratios, region):
            try:
                directory = decode_directory(data)
            except DamagedFileError:
                continue
            exact = placement.with_size(directory.size)
            whole = exact == place_whole((luma.shape[1], luma.shape[0]), directory.size)
            return directory, exact if whole or not exact.scaled else refine(luma, exact, FINE_MOVES)
    return None


def _without_gains(coefficients: FloatArray, placement: Placement, present: Mask, steps: FloatArray) -> FloatArray:
    """Return coefficients as they were before the picture was resized, as far as that can be told."""
    return coefficients / estimate_gains(coefficients, present, steps) if placement.scaled else coefficients


def _read_layers(luma: FloatArray, directory: ShareDirectory, placement: Placement, turns: int) -> FoundLayer:
    blocks = carrying_blocks(directory)
    shown, present = resample(luma, placement)
    carrying = present & blocks
    steps = _steps(directory.region)
    coefficients = _without_gains(analyse(shown), placement, carrying, steps)
    ratios = bit_ratios(coefficients, carrying, Pilots(*_directory_bits(directory, blocks)), steps)
    found: dict[str, tuple[bytes, ...] | None] = {}
    for name in LAYERS:
        lengths = [getattr(face, f"{name}_bytes") for face in directory.faces]
        found[name] = _read_layer(name, directory, lengths, ratios, blocks)
    return FoundLayer(directory, placement, found["base"], found["fine"], turns)


def _directory_bits(directory: ShareDirectory, blocks: Mask) -> tuple[Mask, Bits]:
    """Return which carriers hold the directory, and their bits, (rows, columns, bands) each."""
    rows, columns = blocks.shape
    where, placed = place_directory(encode_directory(directory), rows, columns, directory.region)
    bits = np.zeros(where.shape, np.uint8)
    bits[where] = placed
    return where, bits


def _read_layer(
    name: LayerName, directory: ShareDirectory, lengths: Sequence[int], ratios: FloatArray, blocks: Mask
) -> tuple[bytes, ...] | None:
    mask, total = _carriers(name, directory.region, blocks), sum(lengths)
    if not is_codable(8 * total, int(mask.sum())):
        return None
    found = ratios[mask]
    if information(found) < LEAST_SHARE * 8 * total / len(found):
        return None
    message = Layer(name, directory.salt, total, len(found)).decode(found)
    if message is None:
        return None
    ends = np.cumsum(lengths)
    return tuple(message[end - length : end] for length, end in zip(lengths, ends, strict=True))


def _carriers(name: LayerName, region: Region, blocks: Mask) -> Mask:
    return base_carriers(blocks, region) if name == "base" else fine_carriers(blocks, region)


def _steps(region: Region) -> FloatArray:
    return BOX_STEPS if region == "box" else STEPS
