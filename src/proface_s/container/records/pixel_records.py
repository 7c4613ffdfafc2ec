"""Records in the pixels themselves, which remain when a program has dropped all of a file's metadata.

A record is a short byte string (see `proface_s.container.records.record_message`) in the lowest bits of a region's
leading samples, in row-major order, R G B of each pixel::

    bits   0 .. 39    sync word, public and constant
    bits  40 .. 95    head: region width / 2 (14 bits) | record length (10 bits) | 4 Reed-Solomon bytes
    bits  96 ..       body: record | CRC-32 | 32 Reed-Solomon bytes for every 223 bytes of these

Every sample changes by at most one level, and every bit fits every sample, 0 and 255 included.  Sync word and head lie
in the region's first row, so that `find_records` needs no other knowledge: it looks for the sync word at every pixel,
reads the width from the head, and accepts a body whose CRC matches.  Three bits of the sync word, two bytes of the head
and sixteen of every 255 bytes of the body may be wrong.

The Reed-Solomon code is that of `reedsolo`: GF(256) with polynomial 11D, generator 2, first consecutive root 0.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ...threads import Once
from ...types import UInt8Image

SYNC: Final = bytes.fromhex("13152fb8f4")
MAX_RECORD_BYTES: Final = 1023
MIN_WIDTH: Final = 32
MAX_WIDTH: Final = 2 * (2**14 - 1)
MAX_RECORDS: Final = 4096

_HEAD_BYTES: Final = 3
_HEAD_PARITY: Final = 4
_BODY_PARITY: Final = 32
_CODEWORD: Final = 255
_BODY_BLOCK: Final = _CODEWORD - _BODY_PARITY
_CRC_BYTES: Final = 4
_FRONT_BYTES: Final = len(SYNC) + _HEAD_BYTES + _HEAD_PARITY
_SYNC_PIXELS: Final = 12  # the search compares this many: three words of four pixels
_SYNC_ERRORS: Final = 3
_BLOCK_PIXELS: Final = 1 << 20  # searched at a time; bounds the memory
_MAX_HEADS: Final = 4096  # distinct heads that a hostile picture can make us decode
_MAX_BROKEN: Final = 256  # and distinct unreadable bodies


@dataclass(frozen=True, slots=True)
class FoundRecord:
    """A record found in a picture.

    Attributes:
        x: left edge of its region.
        y: top edge of its region.
        width: width of its region; the record itself holds the height.
        record: its bytes, see `decode_record_message`.
        repaired: how many of them had to be corrected.
    """

    x: int
    y: int
    width: int
    record: bytes
    repaired: int


def record_samples(record_length: int) -> int:
    """Return how many leading samples of a region a record of this length occupies; 0 for an empty one.

    Raises:
        ValueError: if the length is negative or more than `MAX_RECORD_BYTES`.
    """
    if not 0 <= record_length <= MAX_RECORD_BYTES:
        raise ValueError(f"a record has 0 to {MAX_RECORD_BYTES} bytes, not {record_length}")
    return 8 * (_FRONT_BYTES + _body_bytes(record_length)) if record_length else 0


def record_fits(width: int, height: int, record_length: int) -> bool:
    """Return whether a region can carry a record and still has half of its samples for the face."""
    if not 0 < record_length <= MAX_RECORD_BYTES or width % 2:
        return False
    return MIN_WIDTH <= width <= MAX_WIDTH and 2 * record_samples(record_length) <= 3 * width * height


def write_record(region: UInt8Image, record: bytes) -> UInt8Image:
    """Write a record into a copy of a region; `read_record` is the inverse.

    Args:
        region: (H, W, 3) uint8.
        record: 1 to `MAX_RECORD_BYTES` bytes.

    Returns:
        (H, W, 3) uint8: the first ``record_samples(len(record))`` samples differ by at most 1, the others not at all.

    Raises:
        ValueError: if the record does not fit, see `record_fits`.
    """
    height, width = region.shape[:2]
    if not record_fits(width, height, len(record)):
        raise ValueError(f"a record of {len(record)} bytes does not fit a region of {width}x{height} pixels")
    head = (width // 2 << 10 | len(record)).to_bytes(_HEAD_BYTES, "big")
    body = record + zlib.crc32(record).to_bytes(_CRC_BYTES, "big")
    frame = SYNC + bytes(_reed_solomon()[_HEAD_PARITY].encode(head)) + bytes(_reed_solomon()[_BODY_PARITY].encode(body))
    return _with_bits(region, np.unpackbits(np.frombuffer(frame, np.uint8)))


def erase_record(region: UInt8Image, reserved: int) -> UInt8Image:
    """Clear the lowest bits of a copy of a region's leading samples.

    Args:
        region: (H, W, 3) uint8.
        reserved: how many samples, 0 upwards.

    Raises:
        ValueError: if the region has fewer.
    """
    return _with_bits(region, np.zeros(reserved, np.uint8))


def read_record(rgb: UInt8Image, x: int = 0, y: int = 0) -> FoundRecord | None:
    """Read the record of the region whose top-left corner is at (x, y); inverse of `write_record`.

    Args:
        rgb: (H, W, 3) uint8: the region alone, or the picture that holds it.
        x: column of the region's corner.
        y: row of the region's corner.

    Returns:
        The record, or None if there is none or it is beyond repair.
    """
    front = rgb[y : y + 1, x : x + MIN_WIDTH] & 1
    if front.size != 8 * _FRONT_BYTES:
        return None
    data = np.packbits(front).tobytes()
    if not _begins_with_sync(data):
        return None
    head = _decode_head(data[len(SYNC) :])
    if head is None or not _is_valid(*head):
        return None
    data = _body_at(rgb, x, y, *head)
    body = _decode_body(data) if data else None
    return FoundRecord(x, y, head[0], *body) if body else None


@dataclass(frozen=True, slots=True)
class RecordSearch:
    """The result of a search for records in a picture.

    Attributes:
        records: the readable ones, in reading order; at most `MAX_RECORDS`.
        ruined: how many places hold the remains of a record that is beyond repair or cut off by an edge.
    """

    records: list[FoundRecord]
    ruined: int = 0


def find_records(rgb: UInt8Image) -> list[FoundRecord]:
    """Find all records of a picture at any position, even after it was cropped or pasted into another one.

    Args:
        rgb: (H, W, 3) uint8.

    Returns:
        At most `MAX_RECORDS`, in reading order.  A chance match passes the CRC about once in 10^15 photos of 12
        megapixels.  The work is bounded for hostile pictures too, so records behind thousands of false sync words are
        not found.
    """
    return search_records(rgb).records


def search_records(rgb: UInt8Image) -> RecordSearch:
    """Find all records of a picture as `find_records` does, and count those beyond repair.

    A chance match counts as a ruined record once in 10^4 photos of 12 megapixels.

    Args:
        rgb: (H, W, 3) uint8.
    """
    heads: dict[bytes, tuple[int, int] | None] = {}
    bodies: dict[bytes, tuple[bytes, int] | None] = {}
    broken = ruined = 0
    found: list[FoundRecord] = []
    for x, y in _sync_words(rgb):
        front = np.packbits(rgb[y, x : x + MIN_WIDTH] & 1).tobytes()
        if not _begins_with_sync(front):
            continue
        data = front[len(SYNC) :]
        if data not in heads:
            if len(heads) >= _MAX_HEADS:
                continue
            heads[data] = _decode_head(data)
        head = heads[data]
        if head is None:
            ruined += front.startswith(SYNC)  # otherwise it is probably a chance match
            continue
        if not _is_valid(*head):
            continue
        body = _body_at(rgb, x, y, *head)
        if body and body not in bodies:
            bodies[body] = _decode_body(body)
            broken += bodies[body] is None
        decoded = bodies.get(body)
        if decoded is not None:
            found.append(FoundRecord(x, y, head[0], *decoded))
        else:
            ruined += 1
        if len(found) >= MAX_RECORDS or broken >= _MAX_BROKEN:
            break
    return RecordSearch(found, ruined)


def _begins_with_sync(data: bytes) -> bool:
    """Return whether bytes begin with the sync word, with at most three wrong bits."""
    wrong = int.from_bytes(data[: len(SYNC)], "big") ^ int.from_bytes(SYNC, "big")
    return wrong.bit_count() <= _SYNC_ERRORS


def _sync_words(rgb: UInt8Image) -> Iterator[tuple[int, int]]:
    """Yield (x, y) of every pixel at which 36 bits match the sync word up to three wrong bits, in reading order."""
    height, width = rgb.shape[:2]
    if width < MIN_WIDTH:
        return
    words = int.from_bytes(SYNC, "big") >> (8 * len(SYNC) - 3 * _SYNC_PIXELS)
    tables = [_distances(words >> shift & 0xFFF) for shift in (24, 12, 0)]
    rows = max(1, _BLOCK_PIXELS // width)
    for top in range(0, height, rows):
        windows = _windows(rgb[top : top + rows])
        found = []
        for pixel in range(8):
            # The first four pixels rule out thirteen places in fourteen; only the others are compared further.
            places = np.flatnonzero(tables[0].take(_twelve_bits(windows, 3 * pixel)) <= _SYNC_ERRORS)
            near = windows.take(places)
            wrong = sum(table.take(_twelve_bits(near, 3 * pixel + 12 * i)) for i, table in enumerate(tables))
            found.append(8 * places[wrong <= _SYNC_ERRORS] + pixel)
        for place in np.sort(np.concatenate(found)).tolist():
            y, x = divmod(place, 8 * windows.shape[1])
            if x <= width - MIN_WIDTH:
                yield x, top + y


def _windows(rgb: UInt8Image) -> npt.NDArray[np.uint64]:
    """Pack the samples' lowest bits from every eighth pixel on, 64 each, first bit highest: (H, ceil(W / 8)) uint64."""
    height, width = rgb.shape[:2]
    groups = -(-width // 8)
    packed = np.zeros((height, groups + 2, 3), np.uint8)  # eight pixels are three bytes
    bits = np.packbits((rgb & 1).reshape(height, 3 * width), axis=1)
    packed.reshape(height, -1)[:, : bits.shape[1]] = bits
    eight = packed[..., 0].astype(np.uint64)
    for byte in (1, 2):
        eight <<= np.uint64(8)
        eight |= packed[..., byte]
    windows: npt.NDArray[np.uint64] = eight[:, :-2] << np.uint64(40)
    windows |= eight[:, 1:-1] << np.uint64(16)
    windows |= eight[:, 2:] >> np.uint64(8)
    return windows


def _twelve_bits(windows: npt.NDArray[np.uint64], start: int) -> npt.NDArray[np.int64]:
    """Return the twelve bits of each window that begin at bit ``start``, as numbers."""
    return (windows >> np.uint64(52 - start) & np.uint64(0xFFF)).view(np.int64)


@cache
def _distances(word: int) -> npt.NDArray[np.uint8]:
    """Return the number of bits in which each 12-bit number differs from ``word``."""
    return np.array([(word ^ other).bit_count() for other in range(4096)], np.uint8)


def _body_bytes(record_length: int) -> int:
    data = record_length + _CRC_BYTES
    return data + _BODY_PARITY * -(-data // _BODY_BLOCK)


def _body_at(rgb: UInt8Image, x: int, y: int, width: int, length: int) -> bytes:
    """Return the bytes behind a head; empty if the region would reach beyond the picture."""
    start, stop = 8 * _FRONT_BYTES, record_samples(length)
    rows = -(-stop // (3 * width))
    if x + width > rgb.shape[1] or y + rows > rgb.shape[0]:
        return b""
    samples = rgb[y : y + rows, x : x + width].reshape(-1)[start:stop]
    return np.packbits(samples & 1).tobytes()


def _decode_head(data: bytes) -> tuple[int, int] | None:
    """Return (region width, record length) of a head, or None if it is beyond repair."""
    decoded = _corrected(data, _HEAD_PARITY)
    if decoded is None:
        return None
    value = int.from_bytes(decoded[0], "big")
    return 2 * (value >> 10), value & 0x3FF


def _is_valid(width: int, length: int) -> bool:
    """Return whether a writer may have written this width and length."""
    return width >= MIN_WIDTH and length > 0


def _decode_body(data: bytes) -> tuple[bytes, int] | None:
    """Return (record, number of corrected bytes) of a body, or None if it is beyond repair."""
    decoded = _corrected(data, _BODY_PARITY)
    if decoded is None:
        return None
    record, checksum = decoded[0][:-_CRC_BYTES], decoded[0][-_CRC_BYTES:]
    return (record, decoded[1]) if zlib.crc32(record).to_bytes(_CRC_BYTES, "big") == checksum else None


def _corrected(data: bytes, parity: int) -> tuple[bytes, int] | None:
    """Return (data without parity, number of corrected bytes), or None if there are too many errors."""
    from reedsolo import ReedSolomonError

    # Encoding costs a tenth of decoding, and the records of a lossless file have no errors.
    whole = b"".join(data[start : start + _CODEWORD][:-parity] for start in range(0, len(data), _CODEWORD))
    if whole and _reed_solomon()[parity].encode(whole) == data:
        return whole, 0
    try:
        message, _, errata = _reed_solomon()[parity].decode(data)
    except (ReedSolomonError, ZeroDivisionError):
        return None
    return bytes(message), len(errata)


@Once
def _reed_solomon() -> dict[int, Any]:
    """Return the codecs by their parity: made together, before any is used.

    `reedsolo` computes with tables of the whole module, which every new codec fills again: one that is in use in
    another thread would give wrong bytes.  The tables of both codecs are equal.
    """
    from reedsolo import RSCodec

    return {parity: RSCodec(parity) for parity in (_HEAD_PARITY, _BODY_PARITY)}


def _with_bits(region: UInt8Image, bits: npt.NDArray[np.uint8]) -> UInt8Image:
    """Return a copy of a region with these lowest bits in its leading samples."""
    if region.ndim != 3 or region.shape[2] != 3 or region.dtype != np.uint8 or bits.size > region.size:
        raise ValueError(f"{bits.size} bits do not fit a region of {region.shape} {region.dtype}")
    result = region.copy(order="C")
    samples = result.reshape(-1)
    samples[: bits.size] = samples[: bits.size] & 0xFE | bits
    return result
