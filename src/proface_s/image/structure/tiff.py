"""The directories of a TIFF file, checked before a decoder sees them.

A decoder takes the first page for the picture.  In camera raw files (NEF, ARW, DNG), that page is a thumbnail, and the
photo is in a subdirectory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ...errors import ImageError
from ..colour.icc import SRGB, Primaries
from .directories import Directory, TiffStructure
from .formats import camera_raw

MAX_PAGES: Final = 100
MAX_FIELDS: Final = 4096
MAX_PIECES: Final = 400_000
"""Strips or tiles: 200 megapixels in tiles of 32 x 32 pixels are 195,000."""

_SUBFILE, _OLD_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 255, 256, 257, 258, 259, 262
_MAKE, _STRIPS, _SAMPLES, _STRIP_BYTES, _PLANES, _TRANSFER, _WHITE, _PRIMARIES = 271, 273, 277, 279, 284, 301, 318, 319
_TILES, _TILE_BYTES, _SUB_DIRECTORIES, _SAMPLE_FORMAT, _SUBSAMPLING, _EXTRA, _DNG = 324, 325, 330, 339, 530, 338, 50706
_EXIF, _GPS, _INTEROPERABILITY = 34665, 34853, 40965
_CFA, _LINEAR_RAW, _YCBCR = 32803, 34892, 6
_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3
_KINDS: Final = {_SIGNED: "signed", _FLOAT: "floating point", 5: "complex", 6: "complex"}
_COMPRESSIONS: Final = {
    1: "none", 2: "CCITT", 3: "CCITT", 4: "CCITT", 5: "LZW", 6: "old JPEG", 7: "JPEG", 8: "Deflate", 32773: "PackBits",
    32946: "Deflate",
}  # fmt: skip
_RARE: Final = {
    34712: "JPEG 2000", 34887: "LERC", 34892: "lossy JPEG", 34925: "LZMA", 50000: "Zstandard", 50001: "WebP",
    50002: "JPEG XL", 52546: "JPEG XL", 34676: "SGI LogLuv", 34677: "SGI LogLuv", 34661: "JBIG", 32771: "CCITT",
    32809: "ThunderScan", 32766: "NeXT",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TiffLayout:
    """Layout of the picture in a TIFF file, by its directories.

    Attributes:
        size: (width, height) in pixels.
        samples: description of the samples, for messages.
        compression: its name, or number as text.
        common: whether every decoder can undo that compression.
        whole: whether all of its strips or tiles lie inside the file.
        notes: omissions in reading.
        colour_notes: omissions of colour information, irrelevant if there is a profile.
    """

    size: tuple[int, int]
    samples: str
    compression: str
    common: bool
    whole: bool
    notes: tuple[str, ...]
    colour_notes: tuple[str, ...]


def read_tiff_layout(data: bytes, label: str) -> TiffLayout:
    """Read and check the directories of a TIFF file; nothing is decoded.

    Args:
        data: the whole file.
        label: its name in messages.

    Raises:
        ImageError: if it is damaged, a camera raw file, has several pages, or has unsupported samples.
    """
    try:
        structure = TiffStructure(data)
        first = structure.directory(structure.first)
    except ValueError as error:
        raise ImageError(f"{label} is truncated or damaged ({error})", code="damaged-picture") from None
    pages = _pages(structure, first)
    _check_amount(structure, first, len(data), label)
    _check_raw(structure, pages, label)
    _check_pages(structure, pages, label)
    _check_samples(structure, first, label)
    return _layout(structure, first, label, len(data))


def _pages(structure: TiffStructure, first: Directory) -> list[Directory]:
    """Return the chain of directories, up to `MAX_PAGES` and one more; it ends at a loop or a dangling pointer."""
    pages, seen = [first], {structure.first}
    while pages[-1].following and pages[-1].following not in seen and len(pages) <= MAX_PAGES:
        seen.add(pages[-1].following)
        try:
            pages.append(structure.directory(pages[-1].following))
        except ValueError:
            break
    return pages


def _check_amount(structure: TiffStructure, first: Directory, size: int, label: str) -> None:
    """Refuse directories that would make a decoder read the same gigabytes thousands of times."""
    total, count = 0, 0
    tables = [first]
    for tag in (_EXIF, _GPS, _INTEROPERABILITY):
        try:
            tables.append(structure.directory(structure.integer(first.fields.get(tag), 0)))
        except ValueError:
            continue
    for table in tables:
        total += sum(field.size for field in table.fields.values())
        count += len(table.fields)
    if total > 2 * size or count > MAX_FIELDS:
        raise ImageError(
            f"{label} is damaged (its tags take {total} bytes in a file of {size})", code="damaged-picture"
        )


def _is_reduced(structure: TiffStructure, page: Directory) -> bool:
    """Return whether a page is a smaller version of another one, or a mask."""
    subfile = structure.integer(page.fields.get(_SUBFILE), 0)
    return bool(subfile & 5) or structure.integer(page.fields.get(_OLD_SUBFILE), 1) == 2


def _pixels(structure: TiffStructure, page: Directory) -> int:
    return structure.integer(page.fields.get(_WIDTH), 0) * structure.integer(page.fields.get(_HEIGHT), 0)


def _check_raw(structure: TiffStructure, pages: list[Directory], label: str) -> None:
    """Refuse camera raw files, whose first page is not the picture."""
    first = pages[0]
    below = []
    for page in pages[:8]:
        for offset in structure.integers(page.fields.get(_SUB_DIRECTORIES), 16):
            try:
                below.append(structure.directory(offset))
            except ValueError:
                continue
    maker = structure.raw(first.fields.get(_MAKE), 40).split(b"\0")[0].decode("latin-1").strip()
    maker = "".join(character for character in maker if character.isprintable())
    if _DNG in first.fields:
        raise camera_raw(label, "DNG")
    photometrics = {structure.integer(page.fields.get(_PHOTOMETRIC), 0) for page in [*pages, *below]}
    if photometrics & {_CFA, _LINEAR_RAW}:
        raise camera_raw(label, maker)
    others = [page for page in [*pages[1:], *below] if not _is_reduced(structure, page)]
    if _is_reduced(structure, first) and others:
        raise camera_raw(label, maker)
    if any(_pixels(structure, page) > _pixels(structure, first) for page in below):
        raise camera_raw(label, maker)


def _check_pages(structure: TiffStructure, pages: list[Directory], label: str) -> None:
    """Refuse several pages; smaller versions of the first (pyramids) and masks do not count."""
    count = sum(not _is_reduced(structure, page) for page in pages[1:]) + 1
    if count > 1 or len(pages) > MAX_PAGES:
        number = f"more than {MAX_PAGES}" if len(pages) > MAX_PAGES else str(count)
        raise ImageError(
            f"{label} has {number} frames or pages; only still pictures can be protected",
            code="several-pictures",
        )


def _check_samples(structure: TiffStructure, page: Directory, label: str) -> None:
    formats = structure.integers(page.fields.get(_SAMPLE_FORMAT), 16) or [_UNSIGNED]
    bits = max(structure.integers(page.fields.get(_BITS), 16) or [1])
    kind = next((_KINDS[value] for value in formats if value in _KINDS), "")
    if kind or bits > 8:
        raise ImageError(
            f"{label} has {bits} bits per sample{f' ({kind})' if kind else ''}; "
            "only 8 can be protected without loss: this kind of TIFF is not supported",
            code="deep-colour",
        )
    compression = structure.integer(page.fields.get(_COMPRESSION), 1)
    subsampled = structure.integers(page.fields.get(_SUBSAMPLING), 2) or [2, 2]
    plain_ycbcr = structure.integer(page.fields.get(_PHOTOMETRIC), 0) == _YCBCR and compression not in (6, 7)
    if plain_ycbcr and subsampled != [1, 1]:
        raise ImageError(
            f"{label} is a TIFF of subsampled YCbCr, a kind that is not supported", code="unsupported-picture"
        )


def _layout(structure: TiffStructure, page: Directory, label: str, size: int) -> TiffLayout:
    fields = page.fields
    offsets, counts = (fields.get(_TILES), fields.get(_TILE_BYTES))
    if offsets is None:
        offsets, counts = (fields.get(_STRIPS), fields.get(_STRIP_BYTES))
    if offsets is not None and offsets.count > MAX_PIECES:
        raise ImageError(
            f"{label} has {offsets.count} strips or tiles; no program writes so many", code="odd-structure"
        )
    starts, lengths = structure.integers(offsets, MAX_PIECES), structure.integers(counts, MAX_PIECES)
    whole = bool(starts) and all(start <= size for start in starts)
    whole = whole and all(start + length <= size for start, length in zip(starts, lengths, strict=False))
    code = structure.integer(fields.get(_COMPRESSION), 1)
    name = _COMPRESSIONS.get(code) or _RARE.get(code) or str(code)
    width, height = structure.integer(fields.get(_WIDTH), 0), structure.integer(fields.get(_HEIGHT), 0)
    return TiffLayout(
        (width, height),
        _samples(structure, page),
        name,
        code in _COMPRESSIONS,
        whole,
        _left_out(structure, page),
        _lost_colour(structure, page),
    )


def _samples(structure: TiffStructure, page: Directory) -> str:
    count = structure.integer(page.fields.get(_SAMPLES), 1)
    photometric = structure.integer(page.fields.get(_PHOTOMETRIC), 0)
    bits = structure.integers(page.fields.get(_BITS), 8) or [1]
    depths = "/".join(map(str, dict.fromkeys(bits)))
    return f"{count} samples of {depths} bits, photometric interpretation {photometric}"


def _left_out(structure: TiffStructure, page: Directory) -> tuple[str, ...]:
    extra = structure.integers(page.fields.get(_EXTRA), 16)
    notes = []
    if 0 in extra:
        notes.append(f"{extra.count(0)} extra channel{'s' if extra.count(0) > 1 else ''} left out")
    if 1 in extra:
        notes.append("colours multiplied with transparency were divided by it")
    return tuple(notes)


def _lost_colour(structure: TiffStructure, page: Directory) -> tuple[str, ...]:
    white = structure.fractions(page.fields.get(_WHITE), 2)
    primaries = structure.fractions(page.fields.get(_PRIMARIES), 6)
    points = list(zip(primaries[::2], primaries[1::2], strict=False))
    own = _TRANSFER in page.fields
    if len(points) == 3:
        at = (white[0], white[1]) if len(white) == 2 else SRGB.white
        own = own or not Primaries(points[0], points[1], points[2], at).is_close(SRGB)
    return ("its own transfer function or primaries were left out: colours may look different",) if own else ()
