"""The header of a protected file (docs/format.md, sections 2 and 4)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from hashlib import sha256

from ..outcomes import Newer
from .coefficient_areas import check_areas
from .extensions import (
    Clip,
    Coefficients,
    Footprint,
    check_extensions,
    clip,
    coefficients,
    footprints,
    read_extensions,
    reserved_samples,
)
from .fields import Box, Fields, Stanza, check_boxes, check_costs, check_stanzas, face_context, read_stanzas, require

MAGIC = b"PFS1"
SEALED, FORGOTTEN, ERASED = 1, 2, 4
NO_STRENGTH = bytes.fromhex("7fc00000")
PLAIN = Footprint(255, False, False, False)


@dataclass(frozen=True)
class Group:
    """Faces that open together."""

    mac: bytes
    stanzas: tuple[Stanza, ...]
    stanza_bytes: bytes  # their number and they


@dataclass(frozen=True)
class Face:
    """One face; `slot` has 60 bytes, or 32 if it was forgotten."""

    index: int
    box: Box
    group: int
    flags: int
    style: bytes
    strength: float | None
    digest: bytes
    slot: bytes
    described: bytes  # box to digest, as in the header

    sealed = property(lambda self: bool(self.flags & SEALED))
    forgotten = property(lambda self: bool(self.flags & FORGOTTEN))
    erased = property(lambda self: bool(self.flags & ERASED))

    @property
    def slot_digest(self) -> bytes:
        """SHA-256 of the slot of 60 bytes, also if only that is left."""
        return self.slot if self.forgotten else sha256(self.slot).digest()

    @property
    def covered_by_mac(self) -> bytes:
        """The face as MACs see it: neither forgotten nor erased."""
        described = bytearray(self.described)
        described[17] &= SEALED
        return bytes(described) + self.slot_digest


@dataclass(frozen=True)
class Header:
    """A header, or what records say of the one that was lost (then without MACs)."""

    cover: bool
    width: int
    height: int
    model_id: bytes
    groups: tuple[Group, ...]
    faces: tuple[Face, ...]
    footprints: tuple[Footprint, ...] | None
    reserved: tuple[int, ...]
    front: bytes  # offsets 0 to 30
    extension_bytes: bytes  # their number and they
    coefficients: Coefficients | None = None  # of a JPEG file
    clip: Clip | None = None

    def context(self, face: Face) -> bytes:
        """What keys of a face are bound to: 35 bytes."""
        return face_context(face.index, face.box, self.model_id)

    def footprint(self, face: Face) -> Footprint:
        """The face's footprint; if the header has none, one that says nothing."""
        return self.footprints[face.index] if self.footprints else PLAIN

    def mac_input(self, number: int) -> bytes:
        """What the MAC of a group is over."""
        faces = len(self.faces).to_bytes(2) + b"".join(face.covered_by_mac for face in self.faces)
        group = bytes([number, len(self.groups)]) + self.groups[number].stanza_bytes
        return self.front + group + faces + self.extension_bytes


def parse(data: bytes) -> Header:
    """The header, all its rules checked, in the four steps of the page."""
    require(data[:4] == MAGIC, "magic")
    require(len(data) <= 4 << 20, "length of a header")
    if data[4:5] not in (b"", b"\1"):
        raise Newer("version of the header")
    require(sha256(data[:-8]).digest()[:8] == data[-8:], "checksum of the header")

    fields = Fields(data[:-8])
    fields.take(5)
    flags = fields.number(2)
    if flags > 1:
        raise Newer("an unknown flag of the header")
    width, height, model_id = fields.number(4), fields.number(4), fields.take(16)
    count = fields.number(1)
    require(1 <= count <= 64, "number of groups")
    groups = tuple(_group(fields) for _ in range(count))
    count = fields.number(2)
    require(1 <= count <= 4096, "number of faces")
    faces = tuple(_face(fields, index) for index in range(count))
    start = fields.at
    found = read_extensions(fields)

    _check(flags == 1, groups, faces)
    check_extensions(found)
    fields.end()
    of_clip = clip(found)
    check_boxes((face.box for face in faces), width, height, apart=of_clip is None)

    marks, reserved = footprints(found, count), reserved_samples(found, count)
    extension_bytes = data[start : fields.at]
    jpeg = coefficients(found, count)
    header = Header(
        flags == 1, width, height, model_id, groups, faces, marks, reserved, data[:31], extension_bytes, jpeg, of_clip
    )
    _check_extents(header)
    if of_clip is not None:
        _check_clip(header)
    if jpeg is not None:
        require(
            not header.cover and not any(model_id) and not any(reserved), "a JPEG that hides something in its pixels"
        )
        require(all(header.footprint(face).plain for face in faces), "a footprint in a JPEG")
        check_areas(jpeg, width, height, [face.box for face in faces])
    return header


def _check_clip(header: Header) -> None:
    """What else holds of the header of a clip."""
    require(not (header.width | header.height) & 1, "an odd size")
    require(not header.cover and not any(header.model_id), "a clip that hides something in its pixels")
    require(not any(header.reserved) and header.coefficients is None, "a clip that is a picture")
    require(len(header.groups) == 1 or header.clip is None or header.clip.contents == 1, "an original with groups")
    for face in header.faces:
        require(not any(face.digest) and not face.erased and header.footprint(face).plain, "a face that is no person")


def _group(fields: Fields) -> Group:
    mac = fields.take(32)
    start = fields.at
    stanzas = read_stanzas(fields)
    return Group(mac, stanzas, fields.since(start))


def _face(fields: Fields, index: int) -> Face:
    start = fields.at
    box = (fields.number(4), fields.number(4), fields.number(4), fields.number(4))
    group, flags = fields.number(1), fields.number(1)
    if flags > 7:
        raise Newer("an unknown flag of a face")
    style, strength = fields.take(fields.number(1)), fields.take(4)
    value = struct.unpack(">f", strength)[0]
    require(strength == NO_STRENGTH or abs(value) <= 3.4e38, "strength")
    digest = fields.take(32)
    described = fields.since(start)
    slot = fields.take(32 if flags & FORGOTTEN else 60)
    return Face(index, box, group, flags, style, None if strength == NO_STRENGTH else value, digest, slot, described)


def _check(cover: bool, groups: tuple[Group, ...], faces: tuple[Face, ...]) -> None:
    """The rules of groups and faces that need the whole header, but for boxes."""
    for group in groups:
        require(not cover or not any(group.mac), "a MAC in cover mode")
        check_stanzas(group.stanzas, cover)
    check_costs(stanza for group in groups for stanza in group.stanzas)
    for face in faces:
        require(face.group < len(groups), "a face of a group that does not exist")
        require(not face.erased or face.forgotten, "erased, but not forgotten")
        require(not (cover and face.sealed), "a seal in cover mode")
        require(1 <= len(face.style) <= 32, "length of a style")
        require(all(0x20 <= byte <= 0x7E for byte in face.style), "characters of a style")


def _check_extents(header: Header) -> None:
    """What extensions say of each face fits into the picture and its box."""
    for face, reserved in zip(header.faces, header.reserved, strict=True):
        require(reserved <= 3 * face.box[2] * face.box[3], "more reserved samples than there are")
        x, y, w, h = header.footprint(face).area(face.box)
        require(w == face.box[2] or x + w == header.width, "a column that is not the picture's last")
        require(h == face.box[3] or y + h == header.height, "a row that is not the picture's last")
