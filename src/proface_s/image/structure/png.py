"""The chunks of a PNG file (PNG, third edition), read before a decoder sees them.

The decoder gets a file with the chunks of the picture alone: no text that unpacks to gigabytes, no million chunks, no
wrong checksum of a comment that would make it refuse the pixels.  Chunks about colour are collected here.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from ...errors import ImageError
from ..colour.icc import MAX_PROFILE_BYTES

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
MAX_PNG_CHUNKS: Final = 200_000
MAX_TEXT_BYTES: Final = 2**16
_PIXELS: Final = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
_COLOUR: Final = (b"iCCP", b"cICP", b"sRGB", b"gAMA", b"cHRM")
_TEXT: Final = (b"tEXt", b"zTXt", b"iTXt")
_FRAME_BYTES: Final = 12
_SAMPLES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PASSES: Final = ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2), (0, 1, 1, 2))
_END: Final = bytes(4) + b"IEND" + zlib.crc32(b"IEND").to_bytes(4, "big")
_ONE_IDAT: Final = 2**30


@dataclass(slots=True)
class PngParts:
    """The relevant parts of a PNG file.

    Attributes:
        picture: a PNG file with the pixels, the palette and its transparency alone.
        bits: per sample.
        frames: of an animation; 1 for a picture.
        colour: the chunks about colour, name -> payload.
        exif: the EXIF block, or empty.
        texts: keyword -> text, for the requested keywords.
        notes: defects and omissions that cost no pixels.
    """

    picture: bytes = b""
    bits: int = 8
    frames: int = 1
    colour: dict[str, bytes] = field(default_factory=dict)
    exif: bytes = b""
    texts: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read_png_parts(data: bytes, label: str, keywords: frozenset[str]) -> PngParts:
    """Read the chunks of a PNG file; no pixels are decoded.

    Args:
        data: the whole file.
        label: its name in messages.
        keywords: of the texts to keep.

    Raises:
        ImageError: if pixels are missing or damaged, or there are too many chunks.
    """
    parts, damaged, ended = PngParts(), 0, False
    kept: dict[bytes, memoryview | bytes] = {}
    pixels: list[memoryview | bytes] = []
    for kind, payload, sound in _chunks(data, label):
        if kind in _PIXELS and not sound:
            raise ImageError(
                f"{label} is truncated or damaged (the checksum of its {kind.decode()} chunk)", code="damaged-picture"
            )
        if not sound:
            damaged += 1
        elif kind == b"IDAT":
            pixels.append(payload)
        elif kind in _PIXELS:
            kept.setdefault(kind, payload)
        elif kind == b"IEND":
            ended = True
        else:
            _note_chunk(parts, kind, payload, keywords)
    header = kept.get(b"IHDR", b"")
    if len(header) != 13 or not pixels:
        raise ImageError(f"{label} is truncated or damaged (a PNG file without a picture)", code="damaged-picture")
    parts.bits = header[8]
    if damaged:
        parts.notes.append(f"{damaged} damaged chunk{'s' if damaged > 1 else ''} beside the pixels left out")
    if not ended:
        parts.notes.append("the end of the file is missing, but no pixel is")
        _check_complete(b"".join(pixels), bytes(header), label)
    parts.picture = _assembled(kept, pixels)
    return parts


def complete_png(data: bytes) -> bytes:
    """Return a PNG file that lacks only its end with the end added; any other data unchanged."""
    if not data.startswith(SIGNATURE) or data.endswith(_END):
        return data
    at = len(SIGNATURE)
    for _ in range(MAX_PNG_CHUNKS):
        rest = data[at : at + _FRAME_BYTES]
        if len(rest) < _FRAME_BYTES:
            return data[:at] + _END if _END.startswith(rest) else data
        if rest[4:8] == b"IEND" or not rest[4:8].isalpha():
            break
        at += _FRAME_BYTES + int.from_bytes(rest[:4], "big")
    return data


def _chunks(data: bytes, label: str) -> Iterator[tuple[bytes, memoryview | bytes, bool]]:
    """Yield (type, payload, whether its checksum is right) up to IEND; of truncated pixels, the part that is there."""
    view, at = memoryview(data), len(SIGNATURE)
    for _ in range(MAX_PNG_CHUNKS):
        if at + 8 > len(data):
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        stop = at + 8 + length
        if not kind.isalpha() or (length and stop > len(data) and kind != b"IDAT"):
            if kind != b"IEND" and not _END.startswith(data[at:]):
                raise ImageError(f"{label} is truncated or damaged at byte {at}", code="damaged-picture")
            return
        payload = view[at + 8 : stop]
        if stop + 4 > len(data):
            if kind != b"IEND":
                yield kind, payload, True  # `_check_complete` finds out whether pixels are missing
            return
        yield kind, payload, zlib.crc32(payload, zlib.crc32(kind)).to_bytes(4, "big") == data[stop : stop + 4]
        if kind == b"IEND":
            return
        at = stop + 4
    raise ImageError(f"{label} has more than {MAX_PNG_CHUNKS} chunks; no program writes so many", code="odd-structure")


def _note_chunk(parts: PngParts, kind: bytes, payload: memoryview | bytes, keywords: frozenset[str]) -> None:
    if kind == b"acTL" and len(payload) >= 8:
        parts.frames = max(1, int.from_bytes(payload[:4], "big"))
    elif kind == b"fdAT":
        parts.frames = max(2, parts.frames)
    elif kind in _COLOUR:
        parts.colour.setdefault(kind.decode("ascii"), bytes(payload))
    elif kind == b"eXIf":
        parts.exif = parts.exif or bytes(payload)
    elif kind in _TEXT:
        keyword, text = _text(kind, bytes(payload[: 4 * MAX_TEXT_BYTES]))
        if keyword in keywords:
            parts.texts.setdefault(keyword, text)


def _text(kind: bytes, payload: bytes) -> tuple[str, str]:
    """Return (keyword, text) of a text chunk, unpacked to at most `MAX_TEXT_BYTES`."""
    keyword, _, rest = payload.partition(b"\0")
    packed, encoding = kind == b"zTXt", "latin-1"
    if kind == b"zTXt":
        rest = rest[1:]
    elif kind == b"iTXt":
        packed, encoding = rest[:1] == b"\1", "utf-8"
        rest = rest[2:].split(b"\0", 2)[-1]
    if packed:
        try:
            rest = zlib.decompressobj().decompress(rest, MAX_TEXT_BYTES)
        except zlib.error:
            rest = b""
    return keyword.decode("latin-1"), rest[:MAX_TEXT_BYTES].decode(encoding, "replace")


def unpack_profile(chunk: bytes) -> bytes | None:
    """Return the profile of an iCCP chunk; None if it is damaged or unpacks to more than `MAX_PROFILE_BYTES`."""
    _, _, rest = chunk.partition(b"\0")
    unpack = zlib.decompressobj()
    try:
        profile = unpack.decompress(rest[1:], MAX_PROFILE_BYTES)
    except zlib.error:
        return None
    return profile if unpack.eof else None


def _check_complete(packed: bytes, header: bytes, label: str) -> None:
    """Check that pixel data without an end hold every row.

    Raises:
        ImageError: if rows are missing.
    """
    width, height, bits, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    samples = _SAMPLES.get(colour, 1)
    needed = 0
    for left, step, top, down in _PASSES if interlaced else ((0, 1, 0, 1),):
        columns, rows = -(-(width - left) // step), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            needed += rows * (1 + (columns * samples * bits + 7) // 8)
    unpack, found = zlib.decompressobj(), 0
    try:
        piece = unpack.decompress(packed, _ONE_IDAT >> 6)
        while piece and found < needed:
            found += len(piece)
            piece = unpack.decompress(unpack.unconsumed_tail, _ONE_IDAT >> 6)
    except zlib.error:
        found = min(found, needed - 1)
    if found < needed:
        raise ImageError(f"{label} is truncated or damaged (rows of pixels are missing)", code="damaged-picture")


def _assembled(kept: dict[bytes, memoryview | bytes], pixels: list[memoryview | bytes]) -> bytes:
    chunks = [SIGNATURE]
    chunks += [_chunk(kind, bytes(kept[kind])) for kind in _PIXELS if kind in kept]
    joined = b"".join(pixels)
    chunks += [_chunk(b"IDAT", joined[at : at + _ONE_IDAT]) for at in range(0, len(joined), _ONE_IDAT)]
    return b"".join([*chunks, _END])


def _chunk(kind: bytes, payload: bytes) -> bytes:
    checksum = zlib.crc32(payload, zlib.crc32(kind)).to_bytes(4, "big")
    return b"".join([len(payload).to_bytes(4, "big"), kind, payload, checksum])
