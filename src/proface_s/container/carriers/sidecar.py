"""Header and seals in a separate file, such as ``NAME.pfs`` beside the picture, for hosts that keep nothing but pixels.

::

    "PFSC" | version u8 | picture digest 32 | header length u32 | header
    | number of seals u16 | seals, each: length u32 | face index u16 | seal | checksum 8

The digest says which picture the sidecar belongs to.  Its content is authenticated by the header's MACs and the seals,
as in the picture's own metadata.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from ...errors import DamagedFileError, FileFormatError
from ...types import UInt8Image
from ..byte_reader import ByteReader
from ..header.header import DIGEST_BYTES
from ..header.header_bytes import MAX_HEADER_BYTES
from ..header.validation import MAX_FACES
from .png import HEADER_CHUNK, SEAL_CHUNK

SIDECAR_SUFFIX: Final = ".pfs"
MAGIC: Final = b"PFSC"
VERSION: Final = 1
CHECKSUM_BYTES: Final = 8


def picture_digest(rgb: UInt8Image) -> bytes:
    """Return the SHA-256 (32 bytes) of a picture's pixels: width u32 | height u32 | R G B row by row from the top.

    Args:
        rgb: (H, W, 3) uint8.
    """
    digest = hashlib.sha256(struct.pack(">II", rgb.shape[1], rgb.shape[0]))
    digest.update(np.ascontiguousarray(rgb).data)
    return digest.digest()


def encode_sidecar(rgb: UInt8Image, chunks: Mapping[str, Sequence[bytes]]) -> bytes:
    """Serialise header and seals for a file beside the picture; `decode_sidecar` is the inverse.

    Args:
        rgb: (H, W, 3) uint8, the protected picture.
        chunks: as `to_chunks` returns them: exactly one header, and any number of seals.
    """
    return encode_sidecar_of(picture_digest(rgb), chunks)


def encode_sidecar_of(digest: bytes, chunks: Mapping[str, Sequence[bytes]]) -> bytes:
    """`encode_sidecar` for a picture whose digest (32 bytes) is known."""
    (header,) = chunks[HEADER_CHUNK]
    seals = chunks.get(SEAL_CHUNK, ())
    parts = [MAGIC, bytes([VERSION]), digest, len(header).to_bytes(4, "big"), header]
    parts.append(len(seals).to_bytes(2, "big"))
    parts += [len(seal).to_bytes(4, "big") + seal for seal in seals]
    body = b"".join(parts)
    return body + _checksum(body)


def decode_sidecar(data: bytes, name: str = "the sidecar") -> tuple[bytes, dict[str, list[bytes]]]:
    """Parse a sidecar from untrusted bytes; inverse of `encode_sidecar`.

    Returns:
        The digest of its picture, and the chunks, for `from_chunks`.

    Raises:
        FileFormatError: if a later version of the format wrote it.
        DamagedFileError: if it is not a sidecar, or is truncated or altered.
    """
    if not data.startswith(MAGIC):
        raise DamagedFileError(f"{name} is not a sidecar of proface")
    if len(data) > len(MAGIC) and data[len(MAGIC)] != VERSION:
        raise FileFormatError(
            f"{name} uses version {data[len(MAGIC)]}; known is {VERSION}",
            code="newer-version",
        )
    body, checksum = data[:-CHECKSUM_BYTES], data[-CHECKSUM_BYTES:]
    if len(data) < len(MAGIC) + CHECKSUM_BYTES or checksum != _checksum(body):
        raise DamagedFileError(f"{name} is damaged: its checksum does not match", code="damaged-sidecar")
    try:
        return _decode_body(ByteReader(body[len(MAGIC) + 1 :], "sidecar"))
    except DamagedFileError as error:
        raise error.reworded(f"{name}: {error.message}") from None


def _decode_body(reader: ByteReader) -> tuple[bytes, dict[str, list[bytes]]]:
    digest = reader.take(DIGEST_BYTES, "the picture's digest")
    header = reader.take(reader.count(4, MAX_HEADER_BYTES, "bytes of header"), "the header")
    number = reader.count(2, MAX_FACES, "seals")
    seals = [reader.take(reader.integer(4, "a seal"), "a seal") for _ in range(number)]
    reader.finish()
    return digest, {HEADER_CHUNK: [header], SEAL_CHUNK: seals}


def _checksum(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:CHECKSUM_BYTES]
