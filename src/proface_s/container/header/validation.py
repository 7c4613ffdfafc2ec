"""The rules of a valid header beyond its layout, checked both before writing and after reading."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from ...errors import DamagedFileError
from ...keys.derive import MAX_TOTAL_COST_KIB, SALT_BYTES
from ...keys.secrets import MODEL_ID_BYTES
from ...keys.wrap import WRAPPED_BYTES
from ...types import Box
from .footprint import PLAIN
from .header import (
    CLIP_TAG,
    COEFFICIENTS_TAG,
    DIGEST_BYTES,
    FOOTPRINT_TAG,
    NO_MODEL_ID,
    RESERVED_TAG,
    FaceEntry,
    Group,
    Header,
)
from .stanzas import (
    KIND_BARE,
    KIND_PASSPHRASE,
    KIND_X25519,
    RECIPIENT_BODY_BYTES,
    BareStanza,
    OtherStanza,
    PassphraseStanza,
    RecipientStanza,
    Stanza,
)

MAX_SIDE: Final = 2**31 - 1
MAX_FACES: Final = 4096
MAX_GROUPS: Final = 64
MAX_STANZAS: Final = 64
MAX_BODY_BYTES: Final = 2**16 - 1
MAX_EXTENSIONS: Final = 256
MAX_EXTENSION_BYTES: Final = 2**20
MAX_STYLE_LENGTH: Final = 32


def check_header(header: Header) -> None:
    """Check counts, lengths and geometry of a header.

    Raises:
        DamagedFileError: if a rule is broken; the message names the first one.
        FileFormatError: if a footprint sets an unknown flag.
    """
    for side, name in ((header.width, "width"), (header.height, "height")):
        _require(1 <= side <= MAX_SIDE, f"picture {name} is {side}")
    _require(len(header.model_id) == MODEL_ID_BYTES, f"model id has {len(header.model_id)} bytes")
    _require(1 <= len(header.groups) <= MAX_GROUPS, f"{len(header.groups)} key groups")
    _require(1 <= len(header.faces) <= MAX_FACES, f"{len(header.faces)} faces")
    for number, group in enumerate(header.groups):
        _check_group(group, f"group {number}")
        _check_mode(group, header, f"group {number}")
    check_total_cost(header.groups)
    for index, face in enumerate(header.faces):
        _check_face(face, header, f"face {index + 1}")
    if header.clip is None:
        _check_disjoint([face.box for face in header.faces])
    _check_extensions(header)
    _check_footprints(header)  # the content of extensions is checked in the order of their tags
    _check_reserved(header)
    _check_coefficients(header)
    _check_clip(header)


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise DamagedFileError(f"invalid header: {problem}")


def _check_group(group: Group, name: str) -> None:
    _require(len(group.mac) == DIGEST_BYTES, f"{name} has a MAC of {len(group.mac)} bytes")
    _require(1 <= len(group.stanzas) <= MAX_STANZAS, f"{name} has {len(group.stanzas)} stanzas")
    for stanza in group.stanzas:
        _check_stanza(stanza, name)


def _check_stanza(stanza: Stanza, name: str) -> None:
    if isinstance(stanza, OtherStanza):
        known = stanza.kind in (KIND_PASSPHRASE, KIND_BARE) or not 0 <= stanza.kind <= 255
        known = known or (stanza.kind == KIND_X25519 and len(stanza.body) == RECIPIENT_BODY_BYTES)
        _require(not known, f"{name} has an opaque stanza of kind {stanza.kind}")
        _require(len(stanza.body) <= MAX_BODY_BYTES, f"{name} has a stanza of {len(stanza.body)} bytes")
        return
    if not isinstance(stanza, BareStanza):
        wrapped = len(stanza.wrapped_key)
        _require(wrapped == WRAPPED_BYTES, f"{name} has a wrapped key of {wrapped} bytes")
    if isinstance(stanza, RecipientStanza):
        size = RECIPIENT_BODY_BYTES - WRAPPED_BYTES
        _require(len(stanza.ephemeral) == size, f"{name} has an ephemeral key of {len(stanza.ephemeral)} bytes")
    else:
        _require(len(stanza.salt) == SALT_BYTES, f"{name} has a salt of {len(stanza.salt)} bytes")
        stanza.params.check()


def _check_mode(group: Group, header: Header, name: str) -> None:
    """Allow nothing that verifies a key in ``cover`` mode, and no stanza of that mode in ``noise`` mode."""
    bare = [isinstance(stanza, BareStanza) for stanza in group.stanzas]
    if header.wrong_key == "cover":
        _require(bare == [True], f"{name} has stanzas that show whether a passphrase is right")
        _require(not any(group.mac), f"{name} has a MAC, which shows whether a passphrase is right")
        sealed = any(face.sealed for face in header.faces)
        _require(not sealed, "a face is sealed, which shows whether a passphrase is right")
    else:
        _require(not any(bare), f"{name} has a stanza of the cover mode")


def check_total_cost(groups: Sequence[Group]) -> None:
    """Bound the work of trying every stanza: a hostile file must not keep a reader busy for an hour.

    Raises:
        DamagedFileError: if all stanzas together demand more than `MAX_TOTAL_COST_KIB`.
    """
    runs = {
        (stanza.salt, stanza.params)
        for group in groups
        for stanza in group.stanzas
        if isinstance(stanza, (PassphraseStanza, BareStanza))
    }
    total = sum(params.cost for _, params in runs)
    _require(
        total <= MAX_TOTAL_COST_KIB,
        f"its {len(runs)} passphrase stanzas demand {total} KiB of Argon2id work (at most {MAX_TOTAL_COST_KIB})",
    )


def _check_face(face: FaceEntry, header: Header, name: str) -> None:
    box = face.box
    _require(min(box.x, box.y) >= 0 and min(box.w, box.h) > 0, f"{name} has the empty or negative box {box}")
    inside = box.right <= header.width and box.bottom <= header.height
    _require(inside, f"{name} has box {box}, outside the {header.width}x{header.height} picture")
    _require(box.w % 2 == 0 and box.h % 2 == 0, f"{name} has box {box} with an odd side")
    _require(0 <= face.group < len(header.groups), f"{name} belongs to group {face.group}, which is missing")
    printable = face.style.isascii() and face.style.isprintable()
    _require(printable and 1 <= len(face.style) <= MAX_STYLE_LENGTH, f"{name} has an invalid style name")
    if face.strength is not None:
        _require(math.isfinite(face.strength), f"{name} has strength {face.strength}")
        _require(abs(face.strength) <= 3.4e38, f"{name} has strength {face.strength}")
    _require(len(face.digest) == DIGEST_BYTES, f"{name} has a digest of {len(face.digest)} bytes")
    _require(len(face.slot) in (WRAPPED_BYTES, DIGEST_BYTES), f"{name} has a slot of {len(face.slot)} bytes")
    _require(face.forgotten or not face.erased, f"{name} is erased but not forgotten")


def _check_disjoint(boxes: list[Box]) -> None:
    edges = np.array([(box.x, box.right, box.y, box.bottom) for box in boxes], np.int64)
    left, right, top, bottom = edges.T
    for index, (x0, x1, y0, y1) in enumerate(edges[:-1]):
        later = slice(index + 1, None)
        overlap = (left[later] < x1) & (right[later] > x0) & (top[later] < y1) & (bottom[later] > y0)
        if overlap.any():
            other = index + 1 + int(overlap.argmax())
            _require(False, f"boxes of faces {index + 1} and {other + 1} overlap: {boxes[index]} and {boxes[other]}")


def _check_reserved(header: Header) -> None:
    """Require the one encoding of extension 1: critical, a number per face, and left out if all of them are 0."""
    for extension in header.extensions:
        if extension.tag == RESERVED_TAG:
            _require(extension.critical, f"extension {RESERVED_TAG} is not marked as critical")
            _require(any(extension.value), f"extension {RESERVED_TAG} reserves nothing")
    for index in range(len(header.faces)):
        header.reserved(index)


def _check_extensions(header: Header) -> None:
    tags = [extension.tag for extension in header.extensions]
    _require(len(tags) <= MAX_EXTENSIONS, f"{len(tags)} extensions")
    _require(all(0 <= tag < 0x8000 for tag in tags), "an extension tag is out of range")
    _require(tags == sorted(set(tags)), "extension tags are not in ascending order")
    for extension in header.extensions:
        size = len(extension.value)
        _require(size <= MAX_EXTENSION_BYTES, f"extension {extension.tag} has {size} bytes")


def _check_footprints(header: Header) -> None:
    """Require that areas end at the picture's edges, and that the extension is critical exactly if it matters."""
    footprints = [header.footprint(index) for index in range(len(header.faces))]
    matters = any(footprint != PLAIN for footprint in footprints)
    for extension in header.extensions:
        if extension.tag == FOOTPRINT_TAG:
            _require(extension.critical == matters, "its footprints are marked as critical, or not, by mistake")
    for index, (face, footprint) in enumerate(zip(header.faces, footprints, strict=True)):
        box = face.box
        for covered, end, side in (
            (footprint.right, box.right, header.width),
            (footprint.bottom, box.bottom, header.height),
        ):
            _require(not covered or end == side - 1, f"face {index + 1} covers an edge beside its box {box}")


def _check_coefficients(header: Header) -> None:
    """Require the one encoding of extension 3, areas inside the picture, and nothing hidden in pixels."""
    described = header.coefficients
    if described is None:
        return
    _check_hides_nothing(header, COEFFICIENTS_TAG, "a JPEG")
    columns, rows = described.mcus((header.width, header.height))
    for index, area in enumerate(described.areas):
        inside = area.right <= columns and area.bottom <= rows
        _require(bool(area.area) and inside, f"face {index + 1} has area {area}, empty or outside the picture")
    _check_disjoint(list(described.areas))


def _check_clip(header: Header) -> None:
    """Require the one encoding of extension 4, and nothing that only pictures have."""
    if header.clip is None:
        return
    _check_hides_nothing(header, CLIP_TAG, "a clip")
    _require(header.coefficients is None, "a clip with JPEG coefficients")
    _require(not any(any(face.digest) for face in header.faces), "a clip with digests of regions")
    _require(not any(face.erased for face in header.faces), "a clip with erased pixels")


def _check_hides_nothing(header: Header, tag: int, kind: str) -> None:
    """Require of a file in whose pixels nothing is hidden that its header says nothing else."""
    (extension,) = (each for each in header.extensions if each.tag == tag)
    _require(extension.critical, f"extension {tag} is not marked as critical")
    _require(header.wrong_key == "noise", f"{kind} in cover mode has nothing to open")
    _require(header.model_id == NO_MODEL_ID, f"{kind} that names a model")
    _require(not any(header.reserved(index) for index in range(len(header.faces))), f"{kind} with records in pixels")
    plain = all(header.footprint(index) == PLAIN for index in range(len(header.faces)))
    _require(plain, f"{kind} with edges or transparency of its own")
