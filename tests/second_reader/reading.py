"""The reader: a file and credentials in, the recovered picture out (docs/format.md, section 1)."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from .container import areas, carriers, records
from .container import header as headers
from .container.carriers import Bytes, Picture
from .container.fields import check_costs, require
from .container.header import Face, Group, Header
from .container.seals import open_seal
from .flow import estimate as flow
from .flow import model_files
from .jpeg import opening as jpeg
from .jpeg.frame import Frame
from .keys.unlock import Credentials, Opened, unlock
from .outcomes import Damaged, LacksModel, Newer, NotProtected, WrongKey

MOST_PICTURES = 16  # of which records are read


@dataclass(frozen=True)
class Result:
    """A picture as far as it opened: outcomes in the order of the faces, face keys by number, from 1."""

    picture: Picture | Frame
    faces: list[str]
    face_keys: dict[int, bytes]
    warnings: list[str]


class _Canvas:
    """The result while it is being made."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.rgb = picture.rgb.copy()
        self.alpha = None if picture.alpha is None else picture.alpha.copy()
        self.faces: list[str] = []
        self.face_keys: dict[int, bytes] = {}
        self.warnings: list[str] = []

    def put(self, box: tuple[int, int, int, int], content: Bytes) -> None:
        """Set RGB, and alpha if `content` has it."""
        x, y, w, h = box
        self.rgb[y : y + h, x : x + w] = content[..., :3]
        if content.shape[2] == 4:
            if self.alpha is None:
                self.alpha = np.full(self.rgb.shape[:2], 255, np.uint8)
            self.alpha[y : y + h, x : x + w] = content[..., 3]

    def result(self) -> Result:
        """The finished result; `Damaged` if the pixels of a face were changed, and no other comes back."""
        back = {"exact", "estimate"} & set(self.faces)
        require(bool(back) or "damaged" not in self.faces, "pixels that were changed")
        return Result(Picture(self.rgb, self.alpha), self.faces, self.face_keys, self.warnings)


def read(path: Path, credentials: Credentials, sidecar: Path | None = None) -> Result:
    """Open a file.  Raises a `NotOpened` if it does not open."""
    data = path.read_bytes()
    found, picture = carriers.load(data)
    beside = path.with_suffix(".pfs")
    if sidecar is not None:
        found = carriers.combined(found, _sidecar(sidecar, picture))
    elif found.header is None and not found.seals and beside.exists():
        found = _sidecar(beside, picture)
    if found.header is not None:
        return _with_header(headers.parse(found.header), found.seals, picture, credentials)
    require(not found.seals, "seals without a header")
    if isinstance(picture, Frame):
        raise NotProtected
    return _from_records(picture, credentials)


def _sidecar(path: Path, picture: Picture | Frame) -> carriers.Metadata:
    found, digest = carriers.read_sidecar(path.read_bytes())
    if digest != picture.digest:
        require(_matches(headers.parse(found.header or b""), picture), "the sidecar of another picture")
    return found


def _matches(header: Header, picture: Picture | Frame) -> bool:
    """Whether size and digests in the header are those of the picture."""
    if isinstance(picture, Frame):
        return jpeg.matches(header, picture)
    of_pixels = header.coefficients is None and picture.rgb.shape[:2] == (header.height, header.width)
    return of_pixels and areas.regions_match(header, picture)


def _with_header(header: Header, seals: dict[int, bytes], picture: Picture | Frame, credentials: Credentials) -> Result:
    require(
        all(index < len(header.faces) and header.faces[index].sealed for index in seals), "a seal of no sealed face"
    )
    require(_matches(header, picture), "a picture that was changed")
    if isinstance(picture, Frame):
        return _coefficients(header, seals, picture, credentials)
    areas.check(header, picture)
    opened = unlock(header, credentials, with_macs=True)
    canvas = _Canvas(picture)
    vouched = bool(opened.groups) and not header.cover
    for face in header.faces:
        if face.index in opened.face_keys and _contradicted(header, face, picture):
            vouched_for = vouched or face.index in seals
            require(vouched_for, "a record that contradicts a header for which nothing vouches")
            canvas.warnings.append(f"face {face.index + 1}: its record contradicts the header")
    for face in header.faces:
        _recover(canvas, header, face, face.box, opened, seals.get(face.index))
    return canvas.result()


def _coefficients(header: Header, seals: dict[int, bytes], frame: Frame, credentials: Credentials) -> Result:
    """Open the faces of a JPEG file; without its seal a face is lost."""
    opened = unlock(header, credentials, with_macs=True)
    faces = []
    for face in header.faces:
        key = opened.face_keys.get(face.index)
        if key is None:
            faces.append("forgotten" if face.forgotten else "locked")
        elif face.index in seals:
            jpeg.open_face(header, face, seals[face.index], key, frame)
            faces.append("exact")
        else:
            faces.append("lost")
    return Result(frame, faces, {index + 1: key for index, key in sorted(opened.face_keys.items())}, [])


def _contradicted(header: Header, face: Face, picture: Picture) -> bool:
    try:
        record = records.at(picture.rgb, *face.box[:2])
    except Newer:  # another version, or an unknown flag
        return True
    if record is None:
        return False
    said = (header.cover, header.model_id, header.width, header.height, face.index, face.box, face.group)
    recorded = (
        record.cover, record.model_id, record.width, record.height, record.index, record.box, record.group
    )  # fmt: skip
    slot = sha256(record.slot).digest()
    return (*said, face.slot_digest, header.reserved[face.index]) != (*recorded, slot, record.reserved)


def _recover(
    canvas: _Canvas, header: Header, face: Face, found: tuple[int, int, int, int], opened: Opened, seal: bytes | None
) -> None:
    """Add the outcome of a face, which is in the box `found` now, and put it into the picture if it opens."""
    key = opened.face_keys.get(face.index)
    if key is None:
        canvas.faces.append("forgotten" if face.forgotten else "locked")
        return
    if seal is not None:
        canvas.put(header.footprint(face).area(found), open_seal(seal, key, face, header))
        canvas.faces.append("exact")
    else:
        estimate = _estimate(header, face, areas.cut(canvas.picture.rgb, found), key)
        if not header.cover:
            if not estimate.picture:
                canvas.faces.append("damaged")
                canvas.face_keys[len(canvas.faces)] = key
                return
            if estimate.decoder is None or not estimate.decoder.intact:
                canvas.warnings.append(f"face {face.index + 1}: samples were changed")
        area = header.footprint(face).area(found)
        if estimate.picture:  # edges become the nearest pixel of it; otherwise all stays as published
            beside = ((0, area[3] - found[3]), (0, area[2] - found[2]), (0, 0))
            canvas.put(area, np.pad(estimate.rgb, beside, mode="edge"))
        canvas.faces.append("estimate")
    canvas.face_keys[len(canvas.faces)] = key


def _estimate(header: Header, face: Face, region: Bytes, key: bytes) -> flow.Estimate:
    name = model_files.NAMES.get(header.model_id)
    if name is None:
        raise LacksModel
    return flow.read_region(region, header.reserved[face.index], key, model_files.load(name), header.cover)


def _from_records(picture: Picture, credentials: Credentials) -> Result:
    found, unusable = records.search(picture.rgb)
    if not found:
        for kind in (Newer, Damaged):
            for reason in unusable:
                if isinstance(reason, kind):
                    raise reason
        raise NotProtected
    pictures = records.pictures(found)[:MOST_PICTURES]
    check_costs(stanza for of_one in pictures for record in of_one for stanza in record.stanzas)
    canvas = _Canvas(picture)
    opens = False
    for of_one in pictures:
        header, places = _header_of(of_one)
        try:
            opened = unlock(header, credentials, with_macs=False)
            opens = True
        except WrongKey:
            opened = Opened()
        faces = {face.index: face for face in header.faces}
        for index in range(max(faces) + 1):
            if index in faces:
                _recover(canvas, header, faces[index], places[index], opened, None)
            else:
                canvas.faces.append("lost")
    if not opens:
        raise WrongKey
    return canvas.result()


def _header_of(found: list[records.Record]) -> tuple[Header, dict[int, tuple[int, int, int, int]]]:
    """What the records of one picture say of its header, and where its regions are now."""
    first = found[0]
    stanzas = {record.group: record.stanzas for record in found}
    groups = tuple(Group(b"", stanzas.get(number, ()), b"") for number in range(max(stanzas) + 1))
    faces = tuple(Face(r.index, r.box, r.group, headers.SEALED * r.sealed, b"", None, b"", r.slot, b"") for r in found)
    by_index = {record.index: record.reserved for record in found}
    reserved = tuple(by_index.get(index, 0) for index in range(max(by_index) + 1))
    header = Header(first.cover, first.width, first.height, first.model_id, groups, faces, None, reserved, b"", b"")
    return header, {record.index: record.found for record in found}
