"""Seals: authenticated, exact copies of faces, encrypted with ChaCha20-Poly1305 (RFC 8439).

::

    seal    = nonce (12 random bytes) | ciphertext | tag (16)
    payload = codec u8 | length u32 | compressed region | zeros up to a padded length

The padded length (`padded_length`) keeps the size of the seal from revealing how detailed the face is: it is one of
four for each size of box, and under a cover that shows nothing it is always the largest, so that it reveals nothing.

Codec: lossless WebP (effort 2, quality 0).  Measured on 160 regions of five group photos, 4.2 megapixels, one thread:
3.78 MB in 0.47 s; effort 4 and quality 50, 3.60 MB in 1.43 s; PNG at level 9, 5.29 MB in 2.9 s.  Regions with
a side over 16383 pixels, which WebP cannot hold, are stored as PNG.
"""

from __future__ import annotations

import io
import math
import secrets
import struct
from typing import Final

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from PIL import Image, PngImagePlugin, WebPImagePlugin

from ..errors import DamagedFileError
from ..keys.secrets import FaceContext, FaceKey
from ..keys.wrap import NONCE_BYTES, TAG_BYTES
from ..types import UInt8Image
from .header.footprint import PLAIN, Footprint, encode_footprint
from .header.header import Header

CODEC_PNG: Final = 1
CODEC_WEBP: Final = 2
CODEC_COEFFICIENTS: Final = 3
MAX_WEBP_SIDE: Final = 16383
MIN_PAYLOAD_BYTES: Final = 1024
_PADDING_STEPS: Final = 4  # measured on 439 faces: reveals 0.2 to 1.0 bits; Padmé 3.4 to 3.8, eighths 0.7 to 1.5
_CODE_BYTES: Final = 64  # of a block, at a byte per coefficient
_PREFIX: Final = struct.Struct(">BI")


def seal_region(face_key: FaceKey, original: UInt8Image, associated_data: bytes) -> bytes:
    """Encrypt an exact copy of a face region; `open_seal` is the inverse.

    Args:
        face_key: the face's key.
        original: (h, w, 3) uint8 RGB, the face's area before it was covered; or (h, w, 4) RGBA if its alpha varied.
        associated_data: the context the seal is bound to, see `seal_context`.

    Returns:
        The seal, ready for a carrier; its length is one of four for each size of region.

    Raises:
        ValueError: if the region is neither RGB nor RGBA.
    """
    return _encrypt(face_key, original, associated_data, full_length=False)


def seal_at_full_length(face_key: FaceKey, original: UInt8Image, associated_data: bytes) -> bytes:
    """Encrypt an exact copy of a face region into a seal whose length depends on the region's size alone.

    Arguments, result and errors are those of `seal_region`.
    """
    return _encrypt(face_key, original, associated_data, full_length=True)


def open_seal(face_key: FaceKey, seal: bytes, shape: tuple[int, ...], associated_data: bytes) -> UInt8Image:
    """Decrypt a seal; inverse of `seal_region` and `seal_at_full_length`.

    Nothing is decompressed before the seal is authenticated.

    Args:
        face_key: the face's key.
        seal: as `seal_region` returned it.
        shape: the expected shape, (h, w, 3) or (h, w, 4) (`Footprint.sealed_shape`).
        associated_data: the same bytes the seal was made with.

    Returns:
        uint8 RGB or RGBA of that shape, bit-identical to the original.

    Raises:
        DamagedFileError: if the seal was altered, belongs to another face, key or protected region, or holds another
            shape.
    """
    codec, compressed = _decrypt(face_key, seal, associated_data)
    return _decompress(codec, compressed, shape)


def _decrypt(face_key: FaceKey, seal: bytes, associated_data: bytes) -> tuple[int, bytes]:
    """Return codec and content of a seal, authenticated."""
    if len(seal) < NONCE_BYTES + _PREFIX.size + TAG_BYTES:
        raise DamagedFileError(f"the seal is damaged: it has only {len(seal)} bytes")
    nonce, ciphertext = seal[:NONCE_BYTES], seal[NONCE_BYTES:]
    try:
        payload = ChaCha20Poly1305(face_key.seal_key()).decrypt(nonce, ciphertext, associated_data)
    except InvalidTag:
        raise DamagedFileError(
            "the seal does not match: it, or the protected face, was altered",
            code="altered-seal",
        ) from None
    codec, length = _PREFIX.unpack_from(payload)
    if length > len(payload) - _PREFIX.size:
        raise DamagedFileError("the seal's content is inconsistent: its length is wrong")
    return codec, payload[_PREFIX.size : _PREFIX.size + length]


def seal_coefficients(
    face_key: FaceKey, code: bytes, associated_data: bytes, *, blocks: int, full_length: bool = False
) -> bytes:
    """Encrypt the coefficients of a JPEG's face; `open_coefficient_seal` is the inverse.

    Args:
        face_key: the face's key.
        code: the coefficients, as bytes.
        associated_data: the context the seal is bound to, see `header_seal_context`.
        blocks: number of blocks of the face, of all components.
        full_length: make the length depend on ``blocks`` alone, for covers that show nothing of the face.
    """
    payload = _PREFIX.pack(CODEC_COEFFICIENTS, len(code)) + code
    padded = padded_code_length(len(payload), blocks, full_length=full_length)
    return _encrypted(face_key, payload.ljust(padded, b"\0"), associated_data)


def open_coefficient_seal(face_key: FaceKey, seal: bytes, associated_data: bytes) -> bytes:
    """Decrypt the seal of a JPEG's face; inverse of `seal_coefficients`.

    Raises:
        DamagedFileError: if the seal was altered, or belongs to another face, key, area, frame or protected region.
    """
    codec, code = _decrypt(face_key, seal, associated_data)
    if codec != CODEC_COEFFICIENTS:
        raise DamagedFileError(f"the seal uses codec {codec}, which is not that of a JPEG")
    return code


def padded_code_length(length: int, blocks: int, *, full_length: bool = False) -> int:
    """Round the length of a payload of coefficients up, so that it reveals little about the face.

    Args:
        length: in bytes.
        blocks: number of blocks of 64 coefficients.
        full_length: give the length of a byte per coefficient, or a multiple of it that noise may need.

    Returns:
        64 blocks, a byte per coefficient, divided by the largest power of the square root of two that leaves room for
        ``length``; at least 64.  As with pixels, seals become 1.2 times as long as their content, on average.
    """
    most = _CODE_BYTES * max(1, blocks)
    if full_length or length > most:
        return -(-length // most) * most
    padded = most
    for step in range(1, 2 * most.bit_length()):
        shorter = max(_CODE_BYTES, math.isqrt(most**2 >> step))
        if shorter < length:
            break
        padded = shorter
    return padded


def seal_context(context: FaceContext, size: tuple[int, int], digest: bytes, footprint: Footprint = PLAIN) -> bytes:
    """Return the associated data of a seal: face context (35 bytes) | width u32 | height u32 | region digest (32).

    The footprint (2 bytes) follows if the face's cover replaced more than the RGB values of an opaque box.

    Args:
        context: the context that the face's key is bound to.
        size: (width, height) of the picture.
        digest: `region_digest` of the protected region as published.  If a reader passes the digest of the pixels that
            it actually read, an authentic seal proves that the picture is the one that was protected.
        footprint: the footprint of the face's cover.
    """
    suffix = b"" if footprint == PLAIN else encode_footprint(footprint)
    return context.encode() + struct.pack(">II", *size) + digest + suffix


def header_seal_context(header: Header, index: int) -> bytes:
    """Return the `seal_context` of face ``index`` of a header."""
    size, digest = (header.width, header.height), header.faces[index].digest
    context = seal_context(header.face_context(index), size, digest, header.footprint(index))
    described = header.coefficients
    return context if described is None else context + described.seal_context(index)


def largest_payload(height: int, width: int, channels: int = 3) -> int:
    """Return a number of bytes that holds the payload of any region of this size: the raw pixels and a little more."""
    pixels = height * width * channels
    return MIN_PAYLOAD_BYTES + pixels + pixels // 256 + height


def padded_length(length: int, most: int) -> int:
    """Round the length of a payload up to one of a few lengths, so that it reveals little about the face.

    Args:
        length: in bytes, 1 to ``most``.
        most: `largest_payload` of the region.

    Returns:
        A multiple of a quarter of ``most`` (of `MIN_PAYLOAD_BYTES` if that is more), or ``most`` itself.
    """
    step = max(MIN_PAYLOAD_BYTES, -(-most // _PADDING_STEPS))
    return min(most, -(-length // step) * step)


def _encrypt(face_key: FaceKey, original: UInt8Image, associated_data: bytes, *, full_length: bool) -> bytes:
    if original.ndim != 3 or original.shape[2] not in (3, 4) or original.dtype != np.uint8 or original.size == 0:
        raise ValueError(f"a region is (h, w, 3) or (h, w, 4) uint8, not {original.shape} {original.dtype}")
    codec, compressed = _compress(original)
    payload = _PREFIX.pack(codec, len(compressed)) + compressed
    most = largest_payload(*original.shape)
    payload = payload.ljust(most if full_length else padded_length(len(payload), most), b"\0")
    return _encrypted(face_key, payload, associated_data)


def _encrypted(face_key: FaceKey, payload: bytes, associated_data: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + ChaCha20Poly1305(face_key.seal_key()).encrypt(nonce, payload, associated_data)


def _compress(region: UInt8Image) -> tuple[int, bytes]:
    """Compress a region so that its payload fits in `largest_payload`; noise may have to be stored uncompressed."""
    image = Image.fromarray(np.ascontiguousarray(region))
    room = largest_payload(*region.shape) - _PREFIX.size
    if max(image.size) <= MAX_WEBP_SIDE:
        compressed = _encode_image(image, "WEBP", lossless=True, exact=True, quality=0, method=2)
        if len(compressed) <= room:
            return CODEC_WEBP, compressed
    compressed = _encode_image(image, "PNG", compress_level=6)
    return CODEC_PNG, compressed if len(compressed) <= room else _encode_image(image, "PNG", compress_level=0)


def _encode_image(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def _decompress(codec: int, compressed: bytes, shape: tuple[int, ...]) -> UInt8Image:
    # Image.open would try other formats and warn about large pictures; the plugin classes do neither.  The size is
    # compared with the header's before any pixel is decoded.
    image: Image.Image
    try:
        if codec == CODEC_WEBP:
            image = WebPImagePlugin.WebPImageFile(io.BytesIO(compressed))
        elif codec == CODEC_PNG:
            image = PngImagePlugin.PngImageFile(io.BytesIO(compressed))
        else:
            raise DamagedFileError(f"the seal uses codec {codec}, which is unknown")
        if (image.height, image.width, len(image.getbands())) != tuple(shape):
            raise DamagedFileError(f"the seal holds {image.width}x{image.height} pixels; expected {shape}")
        return np.array(image, dtype=np.uint8)
    except (OSError, SyntaxError, ValueError) as error:
        raise DamagedFileError(f"the seal's content cannot be decoded ({type(error).__name__})") from None
