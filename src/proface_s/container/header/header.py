"""The header of a protected picture as plain data; `header_bytes` serialises it, and docs/format.md describes it.

::

    Header ─┬─ groups ─── Group ─┬─ stanzas ─┬─ PassphraseStanza: salt, cost, wrapped file key
            │                    │           ├─ RecipientStanza: ephemeral X25519 key, wrapped file key
            │                    │           └─ BareStanza: salt, cost; Argon2id's output is the file key
            │                    └─ mac: HMAC of the header under the group's file key
            ├─ faces ──── FaceEntry: box, group, style, digest of the protected region, wrapped face secret
            └─ extensions ─ Extension: footprints, reserved samples, and fields of later versions
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ...errors import DamagedFileError
from ...keys.secrets import FaceContext
from ...types import Box, UInt8Image, WrongKey
from .clip_mark import ClipMark, decode_clip_mark, encode_clip_mark
from .coefficient_map import CoefficientMap, decode_coefficient_map, encode_coefficient_map
from .footprint import FOOTPRINT_BYTES, PLAIN, Footprint, decode_footprint, encode_footprint
from .stanzas import Stanza

FORMAT_VERSION: Final = 1
DIGEST_BYTES: Final = 32

RESERVED_TAG: Final = 1
"""Tag of the critical extension that holds, per region, the number of samples that in-pixel records may use."""

FOOTPRINT_TAG: Final = 0
"""Tag of the extension that holds a `Footprint` per face; critical unless every one is `PLAIN`."""


COEFFICIENTS_TAG: Final = 3
"""Tag of the critical extension of a JPEG file, whose digests and seals are of coefficients (`CoefficientMap`)."""

CLIP_TAG: Final = 4
"""Tag of the critical extension of a clip, whose faces are people with tracks of their own (`ClipMark`)."""

NO_MODEL_ID: Final = bytes(16)
"""Model id of files in whose pixels nothing is hidden."""


@dataclass(frozen=True, slots=True)
class Group:
    """Faces that open together: one file key, and every stanza that unwraps it.

    Attributes:
        stanzas: 1 to 64; each of them gives the file key.  In ``cover`` mode exactly one, a `BareStanza`.
        mac: 32 bytes, HMAC-SHA256 under the file key of `header_bytes.mac_input`; zeros in ``cover`` mode.
    """

    stanzas: tuple[Stanza, ...]
    mac: bytes


@dataclass(frozen=True, slots=True)
class FaceEntry:
    """A header's entry for one protected face.

    Attributes:
        box: the protected region: inside the picture, even width and height, disjoint from all others.  Of a clip: the
            smallest box that holds a person's covers in all frames; several may overlap.
        group: number of the group whose file key wraps this face's secret.
        style: name of the cover's style, printable ASCII, 1 to 32 characters.
        strength: its strength, or None for the style's default; stored as a 32-bit float.
        digest: 32 bytes, SHA-256 of the protected region (`region_digest`); zeros in a clip.
        slot: 60 bytes, the wrapped face secret (in ``cover`` mode: random bytes from which the face secret is
            derived); if the face is forgotten, the 32 bytes of its SHA-256.
        sealed: whether a seal was made for this face (it may have been stripped since).
        erased: whether the pixels of a forgotten face were overwritten too, so that the digest no longer matches.
    """

    box: Box
    group: int
    style: str
    strength: float | None
    digest: bytes
    slot: bytes
    sealed: bool = True
    erased: bool = False

    @property
    def forgotten(self) -> bool:
        """Whether the face secret was destroyed, so that no key opens this face any more."""
        return len(self.slot) == DIGEST_BYTES


@dataclass(frozen=True, slots=True)
class Extension:
    """An optional field of the header.

    Attributes:
        tag: 0..32767.
        critical: whether a reader that does not know the tag must refuse the file.
        value: its bytes.
    """

    tag: int
    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a protected picture.

    Attributes:
        width: width of the picture, in pixels.
        height: height of the picture, in pixels.
        model_id: 16 bytes that name the model (docs/format.md, section 2).
        groups: 1 to 64.
        faces: 1 to 4096; the position in this tuple is the face's index everywhere.
        extensions: at most 256, in ascending order of their tags.
        wrong_key: the result of a wrong key.
    """

    width: int
    height: int
    model_id: bytes
    groups: tuple[Group, ...]
    faces: tuple[FaceEntry, ...]
    extensions: tuple[Extension, ...] = ()
    wrong_key: WrongKey = "noise"

    def face_context(self, index: int) -> FaceContext:
        """Return the context that the key of face ``index`` is bound to."""
        return FaceContext(FORMAT_VERSION, index, self.faces[index].box, self.model_id)

    def reserved(self, index: int) -> int:
        """Return how many leading samples of a region belong to its in-pixel record; 0 if it has none.

        Raises:
            DamagedFileError: if the extension that holds the numbers is malformed.
        """
        value = self._extension(RESERVED_TAG)
        if value is None:
            return 0
        if len(value) != 2 * len(self.faces):
            raise DamagedFileError("invalid header: the samples of in-pixel records are miscounted")
        box, count = self.faces[index].box, int.from_bytes(value[2 * index : 2 * index + 2], "big")
        if count > 3 * box.area:
            raise DamagedFileError(f"invalid header: face {index + 1} has fewer than {count} samples")
        return count

    @property
    def coefficients(self) -> CoefficientMap | None:
        """What the digests and seals of a JPEG file are of; None if they are of pixels.

        Raises:
            DamagedFileError: if the extension is malformed.
        """
        value = self._extension(COEFFICIENTS_TAG)
        return None if value is None else decode_coefficient_map(value, len(self.faces))

    @property
    def clip(self) -> ClipMark | None:
        """What makes this the header of a clip; None for pictures.

        Raises:
            FileFormatError: if the clip's contents are of an unknown kind.
            DamagedFileError: if the extension is malformed.
        """
        value = self._extension(CLIP_TAG)
        return None if value is None else decode_clip_mark(value)

    @property
    def tells_footprints(self) -> bool:
        """Whether the header holds footprints.  Headers of version 0.1.0 do not."""
        return self._extension(FOOTPRINT_TAG) is not None

    def footprint(self, index: int) -> Footprint:
        """Return the footprint of face ``index``; `PLAIN` if the header holds no footprints.

        Raises:
            FileFormatError: if a flag is unknown.
            DamagedFileError: if the extension is malformed.
        """
        value = self._extension(FOOTPRINT_TAG)
        if value is None:
            return PLAIN
        if len(value) != FOOTPRINT_BYTES * len(self.faces):
            raise DamagedFileError("invalid header: the covered areas are miscounted")
        return decode_footprint(value[FOOTPRINT_BYTES * index : FOOTPRINT_BYTES * (index + 1)])

    def area(self, index: int) -> Box:
        """Return the pixels that the cover of face ``index`` replaced: its box, and perhaps an edge of the picture."""
        return self.footprint(index).area(self.faces[index].box)

    def _extension(self, tag: int) -> bytes | None:
        return next((extension.value for extension in self.extensions if extension.tag == tag), None)


def with_footprints(header: Header, footprints: Sequence[Footprint]) -> Header:
    """Return a header that holds the footprints of its faces; MACs are not renewed.

    Args:
        header: the header.
        footprints: one per face.
    """
    if len(footprints) != len(header.faces):
        raise ValueError(f"{len(footprints)} footprints for {len(header.faces)} faces")
    critical = any(footprint != PLAIN for footprint in footprints)
    value = b"".join(map(encode_footprint, footprints))
    return _with_extension(header, FOOTPRINT_TAG, Extension(FOOTPRINT_TAG, critical, value))


def header_areas(header: Header) -> tuple[Box, ...]:
    """Return the areas of the faces of a JPEG file, in MCUs; empty for other files."""
    described = header.coefficients
    return () if described is None else described.areas


def with_coefficient_map(header: Header, described: CoefficientMap) -> Header:
    """Return the header of a JPEG file; MACs are not renewed.

    Args:
        header: the header.
        described: what its digests and seals are of; one area per face.
    """
    if len(described.areas) != len(header.faces):
        raise ValueError(f"{len(described.areas)} areas for {len(header.faces)} faces")
    value = encode_coefficient_map(described)
    return _with_extension(header, COEFFICIENTS_TAG, Extension(COEFFICIENTS_TAG, True, value))


def with_clip_mark(header: Header, mark: ClipMark) -> Header:
    """Return the header of a clip; MACs are not renewed."""
    return _with_extension(header, CLIP_TAG, Extension(CLIP_TAG, True, encode_clip_mark(mark)))


def with_reserved_samples(header: Header, counts: Sequence[int]) -> Header:
    """Return a header that reserves the leading samples of each region for in-pixel records; MACs are not renewed.

    Args:
        header: the header.
        counts: one per face, 0 to 65535; if all are zero, the extension is left out.
    """
    value = b"".join(count.to_bytes(2, "big") for count in counts)
    return _with_extension(header, RESERVED_TAG, Extension(RESERVED_TAG, True, value) if any(counts) else None)


def _with_extension(header: Header, tag: int, extension: Extension | None) -> Header:
    """Return a header with one extension replaced, or removed if None."""
    others = [each for each in header.extensions if each.tag != tag]
    others += [extension] if extension else []
    return replace(header, extensions=tuple(sorted(others, key=lambda each: each.tag)))


def region_digest(region: UInt8Image, reserved: int = 0) -> bytes:
    """Return the SHA-256 (32 bytes) of a protected region, leaving out the bits that an in-pixel record may change.

    Args:
        region: (h, w, 3) uint8 RGB; hashed row by row from the top, three bytes R G B per pixel.
        reserved: how many leading samples are hashed with their lowest bit cleared (`Header.reserved`).
    """
    samples = region.flatten()
    samples[:reserved] &= 0xFE
    return hashlib.sha256(samples.data).digest()


def forget_face(header: Header, index: int, *, erased: bool = False) -> Header:
    """Destroy one face's wrapped secret: no passphrase and no recipient can open that face any more.

    No key is needed, and the header MACs stay valid, because they cover the slot's SHA-256 instead of the slot.
    The caller must drop the face's seal and its in-pixel record as well.  Older copies of the file still open, and the
    face's own key, once handed out, still reads the pixels unless they are overwritten.

    Args:
        header: the header.
        index: the face.
        erased: also note that the face's pixels were overwritten, so that its digest need not match any more.

    Raises:
        IndexError: if there is no such face.
    """
    faces = list(header.faces)
    face = faces[index]
    faces[index] = replace(face, slot=slot_digest(face.slot), erased=face.erased or erased)
    return replace(header, faces=tuple(faces))


def slot_digest(slot: bytes) -> bytes:
    """Return what the MAC covers of a slot: the SHA-256 of its 60 bytes, or the 32 bytes that already are one."""
    return slot if len(slot) == DIGEST_BYTES else hashlib.sha256(slot).digest()
