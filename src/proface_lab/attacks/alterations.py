"""Alterations of protected files for `tampering`: bytes, header, seals and pixels, all made without a key.

Whatever can be recomputed without a key is recomputed: CRCs, checksums, digests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from proface_s.container.carriers.carrier import write_chunks
from proface_s.container.carriers.png import HEADER_CHUNK, SEAL_CHUNK
from proface_s.container.header.header import Header, region_digest
from proface_s.container.header.header_bytes import encode_header, encode_stanzas
from proface_s.container.header.stanzas import PassphraseStanza
from proface_s.container.header.validation import MAX_STANZAS
from proface_s.container.records.record_space import with_current_records
from proface_s.image.regions import cut, paste_all
from proface_s.image.write import encode_png
from proface_s.keys.derive import MAX_LANES, MAX_MEMORY_KIB, MAX_TIME_COST, KdfParams
from proface_s.types import Box, Picture, UInt8Image

# Offset and length of the numeric fields of a header with one passphrase; negative: from the end (docs/format.md).
FIELDS: Final[Mapping[str, tuple[int, int]]] = {
    "magic": (0, 4),
    "version": (4, 1),
    "flags": (5, 2),
    "width": (7, 4),
    "height": (11, 4),
    "model": (15, 4),
    "groups": (31, 1),
    "stanzas": (64, 1),
    "kind": (65, 1),
    "stanza's length": (66, 2),
    "faces": (150, 2),
    "x": (152, 4),
    "y": (156, 4),
    "w": (160, 4),
    "h": (164, 4),
    "face's group": (168, 1),
    "face's flags": (169, 1),
    "style's length": (170, 1),
    "extensions": (-30, 2),
    "footprints' tag": (-28, 2),
    "footprints' length": (-26, 4),
    "footprint": (-22, 2),
    "tag": (-18, 2),
    "extension's length": (-16, 4),
    "reserved": (-12, 2),
}


@dataclass(frozen=True, slots=True, eq=False)
class StoredFaces:
    """A protected file split into its parts, and the photo that was protected."""

    original: UInt8Image
    rgb: UInt8Image
    raw: bytes
    header: Header
    seals: tuple[bytes, ...]

    @property
    def boxes(self) -> list[Box]:
        """Boxes of the faces."""
        return [face.box for face in self.header.faces]

    def file(
        self,
        header: bytes | Header | None = None,
        seals: tuple[bytes, ...] | None = None,
        rgb: UInt8Image | None = None,
    ) -> bytes:
        """Return the file with other contents; every CRC and the checksum of the header are correct."""
        raw = self.raw if header is None else encode_header(header) if isinstance(header, Header) else header
        chunks = {HEADER_CHUNK: [raw] if raw else [], SEAL_CHUNK: list(self.seals if seals is None else seals)}
        return write_chunks(encode_png(Picture(self.rgb if rgb is None else rgb)), chunks)

    def with_faces(self, *changes: Mapping[str, Any]) -> bytes:
        """Return the file with other fields in its face entries."""
        faces = [replace(face, **change) for face, change in zip(self.header.faces, changes, strict=True)]
        return self.file(replace(self.header, faces=tuple(faces)))


Random = Callable[[StoredFaces, np.random.Generator], bytes]
Case = tuple[str, bytes, StoredFaces]  # kind, altered file, the file it pretends to be


def altered_files(one: StoredFaces, two: StoredFaces, count: int, rng: np.random.Generator) -> Iterator[Case]:
    """Make alterations of every kind, random ones ``count`` times each; one passphrase opens both files."""
    for kind, alter in RANDOM.items():
        for _ in range(count):
            yield kind, alter(one, rng), one
    for offset, width in FIELDS.values():
        at = offset % len(one.raw)
        for value in (0, 1, 2 ** (8 * width - 1) - 1, 2 ** (8 * width) - 1):
            raw = one.raw[:at] + value.to_bytes(width, "big") + one.raw[at + width :]
            if raw != one.raw:
                yield "header fields at their extremes", one.file(_checked(raw)), one
    yield from (("swapped within the file", data, one) for data in _swapped(one))
    yield from (("mixed with another file", data, one) for data in _mixed(one, two))
    around = paste_all(one.rgb, [(box, cut(two.rgb, box)) for box in two.boxes])
    yield "all of its faces in another photo", two.file(rgb=around), two
    yield "mirrored", one.file(rgb=np.ascontiguousarray(one.rgb[:, ::-1])), one
    yield "cropped", one.file(rgb=np.ascontiguousarray(one.rgb[:, :-2])), one
    yield "seals removed", one.file(seals=()), one
    yield "one seal removed", one.file(seals=one.seals[:1]), one
    yield "header removed", one.file(header=b""), one
    yield "header and seals removed", one.file(header=b"", seals=()), one
    faces = tuple(replace(face, sealed=False) for face in one.header.faces)
    yield "seals removed, as if never made", one.file(replace(one.header, faces=faces), seals=()), one


def _swapped(file: StoredFaces) -> Iterator[bytes]:
    """Swap what belongs to the two faces of a file."""
    for name in ("box", "digest", "slot"):
        yield file.with_faces(*({name: getattr(face, name)} for face in file.header.faces[::-1]))
    first, second = file.seals
    seals = (first[:2] + second[2:], second[:2] + first[2:])  # the first two bytes are the face index
    regions = [cut(file.rgb, box) for box in file.boxes]
    rgb = paste_all(file.rgb, list(zip(file.boxes, regions[::-1], strict=True)))
    changed = with_digests(file.header, rgb)
    yield from (file.file(seals=seals), file.file(rgb=rgb), file.file(changed, seals, rgb), file.file(changed, rgb=rgb))
    yield file.file(replace(file.header, faces=file.header.faces[::-1]))


def _mixed(one: StoredFaces, two: StoredFaces) -> Iterator[bytes]:
    """Mix in parts of another file that the same passphrase opens."""
    rgb = paste_all(one.rgb, [(one.boxes[0], cut(two.rgb, two.boxes[0]))])
    yield from (one.file(two.raw), one.file(seals=two.seals), one.file(two.raw, two.seals))
    yield from (one.file(rgb=rgb), one.file(seals=(two.seals[0], one.seals[1])))
    for name in ("digest", "slot"):
        yield one.with_faces({name: getattr(two.header.faces[0], name)}, {})
    yield one.file(replace(one.header, groups=two.header.groups))
    first = replace(two.header.faces[0], group=0)
    header = replace(one.header, faces=(first, one.header.faces[1]))
    yield one.file(header, (two.seals[0], one.seals[1]), rgb)


def costly_files(file: StoredFaces) -> Iterator[bytes]:
    """Make files whose costs exceed what a reader may accept, singly and in sum, in the header and in records alone."""
    (group,) = file.header.groups
    (stanza,) = group.stanzas
    assert isinstance(stanza, PassphraseStanza)
    sane = KdfParams(3, 64 * 1024, 4)
    costs = [replace(sane, time_cost=t) for t in (0, MAX_TIME_COST + 1, 255)]
    costs += [replace(sane, memory_kib=m) for m in (0, MAX_MEMORY_KIB + 1, 2**32 - 1)]
    costs += [replace(sane, lanes=lanes) for lanes in (0, MAX_LANES + 1, 255)]
    many = [[replace(stanza, params=params)] for params in costs]
    most = KdfParams(MAX_TIME_COST, MAX_MEMORY_KIB, 1)
    for number in (2, MAX_STANZAS):
        many.append([replace(stanza, salt=bytes(15) + bytes([i]), params=most) for i in range(number)])
    old = encode_stanzas(group)
    for stanzas in many:
        costly = replace(group, stanzas=tuple(stanzas))
        yield file.file(_checked(file.raw.replace(old, encode_stanzas(costly), 1)))
        if len(stanzas) == 1:  # no more of them fit
            rgb = with_current_records(file.rgb, replace(file.header, groups=(costly,)))
            yield file.file(header=b"", seals=(), rgb=rgb)


def with_digests(header: Header, rgb: UInt8Image) -> Header:
    """Return a header with the digests of these pixels, which anybody can compute."""
    digests = [region_digest(cut(rgb, face.box), header.reserved(i)) for i, face in enumerate(header.faces)]
    faces = [replace(face, digest=digest) for face, digest in zip(header.faces, digests, strict=True)]
    return replace(header, faces=tuple(faces))


def _checked(raw: bytes) -> bytes:
    """Return a header with a correct checksum."""
    return raw[:-8] + hashlib.sha256(raw[:-8]).digest()[:8]


def _flipped(data: bytes, rng: np.random.Generator, start: int = 0) -> bytes:
    found = bytearray(data)
    found[int(rng.integers(start, len(found)))] ^= 1 << int(rng.integers(8))
    return bytes(found)


def _byte_anywhere(file: StoredFaces, rng: np.random.Generator) -> bytes:
    return _flipped(file.file(), rng)


def _header_bit(file: StoredFaces, rng: np.random.Generator) -> bytes:
    return file.file(_checked(_flipped(file.raw, rng)))


def _header_extreme(file: StoredFaces, rng: np.random.Generator) -> bytes:
    """Set one to four bytes of a header to 0 or 255, except the cost, which `costly_files` covers."""
    raw, width = file.raw, int(rng.integers(1, 5))
    extreme = bytes([int(rng.choice([0, 255]))]) * width
    places = [i for i in range(len(raw) - 8 - width) if not 80 <= i < 90 and raw[i : i + width] != extreme]
    at = int(rng.choice(places))
    return file.file(_checked(raw[:at] + extreme + raw[at + width :]))


def _seal_bit(file: StoredFaces, rng: np.random.Generator) -> bytes:
    which = int(rng.integers(2))
    seals = list(file.seals)
    seals[which] = _flipped(seals[which], rng, start=2)
    return file.file(seals=tuple(seals))


def _cut_off(file: StoredFaces, rng: np.random.Generator) -> bytes:
    data = file.file()
    return data[: int(rng.integers(len(data)))]


def _pixel(file: StoredFaces, rng: np.random.Generator) -> UInt8Image:
    """Change one sample of a face, behind its record, by one level."""
    rgb, box = file.rgb.copy(), file.boxes[int(rng.integers(2))]
    y, x = int(rng.integers(box.y + box.h // 2, box.bottom)), int(rng.integers(box.x, box.right))
    rgb[y, x, int(rng.integers(3))] ^= 1
    return rgb


def _face_pixel(file: StoredFaces, rng: np.random.Generator) -> bytes:
    return file.file(rgb=_pixel(file, rng))


def _face_pixel_and_digest(file: StoredFaces, rng: np.random.Generator) -> bytes:
    rgb = _pixel(file, rng)
    return file.file(with_digests(file.header, rgb), rgb=rgb)


def _record_bit(file: StoredFaces, rng: np.random.Generator) -> bytes:
    """Flip a lowest bit that the digest leaves out."""
    rgb, box = file.rgb.copy(), file.boxes[0]
    at = int(rng.integers(file.header.reserved(0)))
    rgb[box.y + at // 3 // box.w, box.x + at // 3 % box.w, at % 3] ^= 1
    return file.file(rgb=rgb)


def _beside(file: StoredFaces, rng: np.random.Generator) -> bytes:
    rgb = file.rgb.copy()
    rgb[int(rng.integers(file.boxes[0].y)), int(rng.integers(rgb.shape[1]))] ^= 255
    return file.file(rgb=rgb)


RANDOM: Final[Mapping[str, Random]] = {
    "a bit anywhere in the file": _byte_anywhere,
    "a bit of the header": _header_bit,
    "bytes of the header at their extremes": _header_extreme,
    "a bit of a seal": _seal_bit,
    "cut off": _cut_off,
    "a sample of a face": _face_pixel,
    "a sample of a face, and its digest": _face_pixel_and_digest,
    "a bit of a record in the pixels": _record_bit,
    "a pixel beside the faces": _beside,
}
