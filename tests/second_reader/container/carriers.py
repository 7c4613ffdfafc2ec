"""Where header and seals are in a file, and its pixels (docs/format.md, section 1)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from ..jpeg import segments
from ..jpeg.frame import Frame, decode
from ..outcomes import Damaged, Newer, NotAPicture
from .fields import Fields, require

HEADER, SEAL = b"pfSh", b"pfSl"
NEEDED = (b"IHDR", b"PLTE", b"IDAT")
HEADER_TAG, SEAL_TAG = 65360, 65361
MOST_CHUNKS = 8192
PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8"
Bytes = NDArray[np.uint8]
TURNS_BACK = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@dataclass
class Metadata:
    """Header and seals, by index of the face, as they were found."""

    header: bytes | None = None
    seals: dict[int, bytes] = field(default_factory=dict)

    def add_header(self, data: bytes) -> None:
        """There is only one."""
        require(self.header is None, "two headers")
        self.header = data

    def add_seal(self, data: bytes) -> None:
        """Index and seal; there is only one of each face."""
        fields = Fields(data)
        index = fields.number(2)
        require(index not in self.seals, "two seals of one face")
        self.seals[index] = data[2:]


@dataclass(frozen=True)
class Picture:
    """Pixels: RGB (h, w, 3), and alpha (h, w) if the file has it."""

    rgb: Bytes
    alpha: Bytes | None

    @property
    def digest(self) -> str:
        """The picture digest, in hexadecimal."""
        return picture_digest(self.rgb)


def picture_digest(rgb: Bytes) -> str:
    """SHA-256 of width, height and R G B, in hexadecimal."""
    height, width = rgb.shape[:2]
    return sha256(width.to_bytes(4) + height.to_bytes(4) + rgb.tobytes()).hexdigest()


def load(data: bytes) -> tuple[Metadata, Picture | Frame]:
    """Header and seals of a file, and its picture; a broken picture is damage if there are any of the first."""
    found = Metadata()
    try:
        _read_metadata(data, found)
        return found, picture(data)
    except NotAPicture as reason:
        if found.header is not None or found.seals:
            raise Damaged(str(reason)) from reason
        raise


def metadata(data: bytes) -> Metadata:
    """Header and seals in a file; of a format that cannot have them: none."""
    found = Metadata()
    _read_metadata(data, found)
    return found


def picture(data: bytes) -> Picture | Frame:
    """What digests are of: the coefficients of a JPEG file, the pixels of others."""
    return decode(data) if data.startswith(JPEG) else pixels(data)


def pixels(data: bytes) -> Picture:
    """The stored pixels of a file of up to 8 bits per sample and one frame."""
    try:
        file = Image.open(BytesIO(data))
        frames = getattr(file, "n_frames", 1)
        # Of TIFF files, Pillow applies the orientation by itself, and forgets it.
        turned = TURNS_BACK.get(file.tag_v2.get(274, 1)) if isinstance(file, TiffImageFile) else None
        file.load()
    except (OSError, SyntaxError, ValueError, TypeError, IndexError, Image.DecompressionBombError) as error:
        raise NotAPicture("the file cannot be decoded") from error
    image = file if turned is None else file.transpose(turned)
    sixteen = data.startswith(PNG) and data[24:25] == b"\x10"
    if sixteen or frames != 1 or image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):
        raise NotAPicture("not 8 bits per sample, or several pictures")
    if image.mode in ("LA", "RGBA") or "transparency" in image.info:
        array = np.asarray(image.convert("RGBA"))
        return Picture(np.ascontiguousarray(array[..., :3]), np.ascontiguousarray(array[..., 3]))
    return Picture(np.array(image.convert("RGB")), None)


def _read_metadata(data: bytes, found: Metadata) -> None:
    """Add what is in the file to `found`, in its order."""
    if data.startswith(PNG):
        _collect(png_chunks(data), found)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        _collect(_riff_chunks(data), found)
    elif data[:4] in (b"II*\0", b"MM\0*"):
        _tiff(data, found)
    elif data.startswith(JPEG):
        _collect(segments.chunks(segments.before_scans(data)), found)


def _collect(chunks: Iterable[tuple[bytes, bytes, bool]], found: Metadata) -> None:
    private = 0
    unreadable = False
    for name, payload, intact in chunks:
        if name.startswith(b"pfS"):
            private += 1
            require(private <= MOST_CHUNKS and intact, "number or CRC of private chunks")
        elif (name in NEEDED and not intact) or (name == b"IHDR" and len(payload) != 13):
            unreadable = True
        if name == HEADER:
            found.add_header(payload)
        elif name == SEAL:
            found.add_seal(payload)
    if unreadable:
        raise NotAPicture("a chunk that is needed is damaged")


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """Name, payload, and whether the chunk is whole and the CRC matches, up to IEND, or the end of the file."""
    at = len(PNG)
    name = b""
    while name != b"IEND" and at < len(data):
        first = at == len(PNG)
        length, name = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        payload, crc = data[at + 8 : at + 8 + length], data[at + 8 + length : at + 12 + length]
        if first != (name == b"IHDR"):
            raise NotAPicture("IHDR is not the first chunk and the only one")
        if len(crc) < 4 and not name.startswith(b"pfS"):
            return  # if pixels are missing, that will be seen
        yield name, payload, zlib.crc32(name + payload).to_bytes(4) == crc
        at += 12 + length


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    at, end = 12, 8 + int.from_bytes(data[4:8], "little")
    while at + 8 <= end:
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + length > min(end, len(data)):
            raise NotAPicture("a chunk that reaches beyond the file")
        yield name, data[at + 8 : at + 8 + length], True
        at += 8 + length + length % 2


def _tiff(data: bytes, found: Metadata) -> None:
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"

    def number(at: int, size: int) -> int:
        if at + size > len(data):
            raise NotAPicture("a TIFF file that ends early")
        return int.from_bytes(data[at : at + size], order)

    directory = number(4, 4)
    entries = [directory + 2 + 12 * entry for entry in range(number(directory, 2))]
    if len({number(at, 2) for at in entries}) < len(entries):
        raise NotAPicture("a tag twice")
    for at in entries:
        tag, kind, count = number(at, 2), number(at + 2, 2), number(at + 4, 4)
        if tag in (HEADER_TAG, SEAL_TAG):
            start = at + 8 if count <= 4 else number(at + 8, 4)
            require(kind in (1, 7) and count > 0 and start + count <= len(data), "a private tag")
            value = data[start : start + count]
            if tag == HEADER_TAG:
                found.add_header(value)
            else:
                fields = Fields(value)
                while fields.at < len(value):
                    found.add_seal(fields.take(fields.number(4)))


def read_sidecar(data: bytes) -> tuple[Metadata, str]:
    """Header and seals of a sidecar, and the digest of the picture that it was made for."""
    require(data[:4] == b"PFSC", "not a sidecar")
    if data[4:5] not in (b"", b"\1"):
        raise Newer("version of the sidecar")
    require(sha256(data[:-8]).digest()[:8] == data[-8:], "checksum of the sidecar")
    fields = Fields(data[:-8])
    fields.take(5)
    digest = fields.take(32).hex()
    found = Metadata()
    found.add_header(fields.take(fields.number(4)))
    for _ in range(fields.number(2)):
        found.add_seal(fields.take(fields.number(4)))
    fields.end()
    return found, digest


def combined(file: Metadata, named: Metadata) -> Metadata:
    """The metadata to use if the user names a sidecar: its own, unless the file says something else."""
    if file.header is not None and file.header != named.header:
        raise Damaged("the sidecar and the file have different headers")
    return named
