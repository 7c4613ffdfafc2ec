"""Parts of files for the vectors of `make_container`: stanzas, numbers, PNG chunks, padding and test pictures."""

from __future__ import annotations

import hashlib
import struct
import zlib

import numpy as np

from proface_s.keys.derive import KdfParams
from proface_s.types import UInt8Image


def stanza(kind: int, body: bytes) -> bytes:
    """Return the bytes of one stanza."""
    return struct.pack(">BH", kind, len(body)) + body


def cost_bytes(cost: KdfParams) -> bytes:
    """Return the bytes of an Argon2id cost."""
    return struct.pack(">BIB", cost.time_cost, cost.memory_kib, cost.lanes)


def leb128(number: int) -> bytes:
    """Return a number as unsigned LEB128."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def padded(payload: bytes, shape: tuple[int, ...]) -> bytes:
    """Pad a payload to one of the four lengths of section 5."""
    height, width, channels = shape
    raw = channels * width * height
    most = 1024 + raw + raw // 256 + height
    step = max(1024, -(-most // 4))
    return payload.ljust(min(most, -(-len(payload) // step) * step), b"\0")


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """Return an HMAC-SHA256 (RFC 2104)."""
    inner, outer = (bytes(byte ^ pad for byte in key.ljust(64, b"\0")) for pad in (0x36, 0x5C))
    return hashlib.sha256(outer + hashlib.sha256(inner + data).digest()).digest()


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def png_parts(pixels: UInt8Image) -> dict[str, bytes]:
    """Return the parts of a PNG file: ``signature``, ``ihdr``, ``front`` (both), ``pixels`` and ``end``."""
    height, width, channels = pixels.shape
    signature = b"\x89PNG\r\n\x1a\n"
    ihdr = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 6, 0, 0, 0))
    rows = pixels.reshape(height, -1)
    filtered = rows.astype(np.int16)
    filtered[:, channels:] -= rows[:, :-channels]  # filter 1 (Sub)
    lines = b"".join(b"\1" + row.tobytes() for row in (filtered & 255).astype(np.uint8))
    parts = {"signature": signature, "ihdr": ihdr, "front": signature + ihdr, "end": chunk(b"IEND", b"")}
    return parts | {"pixels": chunk(b"IDAT", zlib.compress(lines, 9))}


def palette_png(rgb: UInt8Image, middle: bytes, behind: bytes) -> bytes:
    """Return a PNG file with a palette: chunks between it and the pixels, and behind the pixels."""
    colours, indices = np.unique(rgb.reshape(-1, 3), axis=0, return_inverse=True)
    height, width = rgb.shape[:2]
    lines = b"".join(b"\0" + row.astype(np.uint8).tobytes() for row in indices.reshape(height, width))
    ihdr = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0))
    parts = [b"\x89PNG\r\n\x1a\n", ihdr, chunk(b"PLTE", colours.astype(np.uint8).tobytes()), middle]
    return b"".join([*parts, chunk(b"IDAT", zlib.compress(lines, 9)), behind, chunk(b"IEND", b"")])


def riff_payload(webp: bytes, kind: bytes) -> bytes:
    """Return the payload of the first chunk of a kind."""
    at = 12
    while webp[at : at + 4] != kind:
        length = int.from_bytes(webp[at + 4 : at + 8], "little")
        at += 8 + length + length % 2
    return webp[at + 8 : at + 8 + int.from_bytes(webp[at + 4 : at + 8], "little")]


def picture_digest(rgb: UInt8Image) -> bytes:
    """Return the digest of section 1.4."""
    return hashlib.sha256(struct.pack(">II", rgb.shape[1], rgb.shape[0]) + rgb.tobytes()).digest()


def mosaic(region: UInt8Image) -> UInt8Image:
    """Return a cover: the means of blocks of 4x4 pixels."""
    height, width = region.shape[:2]
    cover = region.astype(np.int64)
    for y in range(0, height, 4):
        for x in range(0, width, 4):
            block = cover[y : y + 4, x : x + 4]
            block[:] = block.sum((0, 1)) // (block.shape[0] * block.shape[1])
    return cover.astype(np.uint8)


def scene(width: int, height: int, shade: int = 0) -> UInt8Image:
    """Return a smooth picture with ovals in it, from integers alone."""
    y, x = np.mgrid[:height, :width]
    red, green, blue = 60 + shade + x + y // 2, 90 + 2 * y - x // 2, 150 - x + y
    for cx, cy in ((width // 3, height // 2), (3 * width // 4, height // 2)):
        oval = (x - cx) ** 2 * 4 + (y - cy) ** 2 * 3 < min(width, height) ** 2 // 2
        red, green, blue = (np.where(oval, v + d, v) for v, d in ((red, 50), (green, 20), (blue, -20)))
    return np.dstack([red, green, blue]).clip(0, 255).astype(np.uint8)
