"""The header of a protected picture, as plain data; `codec` turns it into bytes, docs/format.md describes
them.

::

    Header ─┬─ groups ─── Group ─┬─ stanzas ─┬─ PassphraseStanza: salt, cost, wrapped file key
            │                    │           ├─ RecipientStanza: ephemeral X25519 key, wrapped file key
            │                    │           └─ BareStanza: salt, cost; the file key is what Argon2id gives
            │                    └─ mac: HMAC of the header under the group's file key
            ├─ faces ──── FaceRecord: box, group, style, digest of the protected region, wrapped face secret
            └─ extensions ─ Extension: for later versions
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from ...errors import DamagedFileError, FileFormatError
from ...keys.derive import KdfParams
from ...keys.secrets import FaceContext
from ...types import Box, UInt8Image

FORMAT_VERSION: Final = 1
DIGEST_BYTES: Final = 32
KIND_PASSPHRASE: Final = 1
KIND_X25519: Final = 2
KIND_BARE: Final = 3
RECIPIENT_BODY_BYTES: Final = 92

WrongKey = Literal["noise", "cover"]
"""What a wrong key gives.  ``noise``: it is recognised and refused (RandWR in the flow).  ``cover``: nothing in the
file tells a right key from a wrong one, which quietly gives the covered face (ObfsWR): no MAC, no wrapped keys,
no seals."""

RESERVED_TAG: Final = 1
"""Tag of the critical extension that says how many samples of each region in-pixel records may use."""

FOOTPRINT_TAG: Final = 0
"""Tag of the extension that holds a `Footprint` per face; critical unless every one is `PLAIN`."""

OPAQUE: Final = 255
_VARIED, _RIGHT, _BOTTOM = 1, 2, 4


@dataclass(frozen=True, slots=True)
class PassphraseStanza:
    """One passphrase that opens a group.

    Attributes:
        salt: 16 random bytes for Argon2id; equal salts in one header mean the same passphrase.
        params: cost of the derivation.
        wrapped_key: 60 bytes, the file key under the passphrase's key (`FileKey.wrap_for`).
    """

    salt: bytes
    params: KdfParams
    wrapped_key: bytes


@dataclass(frozen=True, slots=True)
class RecipientStanza:
    """One X25519 recipient that opens a group.  Nothing in it tells who the recipient is.

    Attributes:
        ephemeral: 32 bytes, the public key of a key pair that was made for this stanza alone.
        wrapped_key: 60 bytes, the file key under the key both sides agree on.
    """

    ephemeral: bytes
    wrapped_key: bytes


@dataclass(frozen=True, slots=True)
class BareStanza:
    """The passphrase of a group in ``cover`` mode: whatever Argon2id makes of it *is* the file key.

    Attributes:
        salt: 16 random bytes for Argon2id.
        params: cost of the derivation.
    """

    salt: bytes
    params: KdfParams


@dataclass(frozen=True, slots=True)
class OtherStanza:
    """A stanza of a kind this version cannot use; carried along unchanged.

    Attributes:
        kind: 0..255 but not 1 or 3; and 2 only with a body of another length than a recipient's 92 bytes.
        body: at most 65535 bytes.
    """

    kind: int
    body: bytes


Stanza = PassphraseStanza | RecipientStanza | BareStanza | OtherStanza


@dataclass(frozen=True, slots=True)
class Group:
    """Faces that open together: one file key, and everything that unwraps it.

    Attributes:
        stanzas: 1 to 64; any of them gives the file key.  In ``cover`` mode exactly one, a `BareStanza`.
        mac: 32 bytes, HMAC-SHA256 under the file key (`codec.mac_input` says over what); in ``cover`` mode zeros.
    """

    stanzas: tuple[Stanza, ...]
    mac: bytes


@dataclass(frozen=True, slots=True)
class FaceRecord:
    """What the file says about one protected face.

    Attributes:
        box: the protected region: inside the picture, even width and height, disjoint from all others.
        group: number of the group whose file key wraps this face's secret.
        style: name of the pre-obfuscation style, printable ASCII, 1 to 32 characters.
        strength: its strength, or None for the style's default; stored as a 32-bit float.
        digest: 32 bytes, SHA-256 of the protected region (`region_digest`).
        slot: 60 bytes, the wrapped face secret (in ``cover`` mode: random bytes that the face secret is derived with);
            or, once the face is forgotten, the 32 bytes of its SHA-256.
        sealed: whether a seal was made for this face (it may have been stripped since).
        erased: whether the pixels of a forgotten face were overwritten too, so that the digest is no longer theirs.
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
class Footprint:
    """What the cover of one face replaced besides the RGB values of its box.

    Attributes:
        alpha: 0..255, the alpha of every pixel of the face's area as published.
        varied: whether the original's alpha differed from pixel to pixel there.  It then showed something of the face,
            so that the published one is opaque, and the seal, if there is one, holds the original's.
        right: whether the column of pixels to the right of the box is covered too: boxes have even sides, pictures
            need not have.
        bottom: the same for the row below the box.
    """

    alpha: int = OPAQUE
    varied: bool = False
    right: bool = False
    bottom: bool = False

    def area(self, box: Box) -> Box:
        """The pixels that are covered, and that a seal holds: the box, and the edges beside it."""
        return Box(box.x, box.y, box.w + self.right, box.h + self.bottom)

    def sealed_shape(self, box: Box) -> tuple[int, int, int]:
        """Shape of the original in a seal: (h, w, 3) RGB, or (h, w, 4) RGBA where its alpha varied."""
        area = self.area(box)
        return area.h, area.w, 4 if self.varied else 3

    def encode(self) -> bytes:
        """Two bytes: alpha, flags; `decode_footprint` is the inverse."""
        return bytes([self.alpha, _VARIED * self.varied | _RIGHT * self.right | _BOTTOM * self.bottom])


PLAIN: Final = Footprint()
"""The footprint of a cover that replaced the RGB values of an opaque box and nothing else."""


def decode_footprint(data: bytes) -> Footprint:
    """Inverse of `Footprint.encode`.

    Raises:
        FileFormatError: an unknown flag.
        DamagedFileError: not two bytes, or a varied alpha that was not made opaque.
    """
    if len(data) != 2:
        raise DamagedFileError("invalid header: the covered areas are miscounted")
    alpha, flags = data
    if flags & ~(_VARIED | _RIGHT | _BOTTOM):
        raise FileFormatError(
            f"a face sets unknown flags {flags:#04x} of its area", "install a newer version of proface-s to open it"
        )
    if flags & _VARIED and alpha != OPAQUE:
        raise DamagedFileError("invalid header: a face whose alpha was covered is not opaque")
    return Footprint(alpha, bool(flags & _VARIED), bool(flags & _RIGHT), bool(flags & _BOTTOM))


@dataclass(frozen=True, slots=True)
class Extension:
    """A field of a later version.

    Attributes:
        tag: 0..32767.
        critical: True: a reader that does not know the tag must refuse the file.
        value: its bytes.
    """

    tag: int
    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """Everything a protected picture says about itself.

    Attributes:
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        model_id: 16 bytes that name the model (first half of the SHA-256 of its card).
        groups: 1 to 64.
        faces: 1 to 4096; the position in this tuple is the face's index everywhere.
        extensions: at most 256, in ascending order of their tags.
        wrong_key: what a wrong key gives.
    """

    width: int
    height: int
    model_id: bytes
    groups: tuple[Group, ...]
    faces: tuple[FaceRecord, ...]
    extensions: tuple[Extension, ...] = ()
    wrong_key: WrongKey = "noise"

    def face_context(self, index: int) -> FaceContext:
        """What the key of face ``index`` is bound to."""
        return FaceContext(FORMAT_VERSION, index, self.faces[index].box, self.model_id)

    def reserved(self, index: int) -> int:
        """How many leading samples of a region belong to its in-pixel record; 0 where there is none.

        Raises:
            DamagedFileError: the extension that says so is malformed.
        """
        for extension in self.extensions:
            if extension.tag == RESERVED_TAG:
                if len(extension.value) != 2 * len(self.faces):
                    raise DamagedFileError("invalid header: the samples of in-pixel records are miscounted")
                box, count = self.faces[index].box, int.from_bytes(extension.value[2 * index : 2 * index + 2], "big")
                if count > 3 * box.area:
                    raise DamagedFileError(f"invalid header: face {index + 1} has fewer than {count} samples")
                return count
        return 0

    @property
    def tells_footprints(self) -> bool:
        """Whether the header says what the alpha of every face is.  Those of version 0.1.0 do not."""
        return any(extension.tag == FOOTPRINT_TAG for extension in self.extensions)

    def footprint(self, index: int) -> Footprint:
        """What the cover of face ``index`` replaced; that of an opaque box where the header does not tell.

        Raises:
            FileFormatError, DamagedFileError: the extension that says so is malformed.
        """
        for extension in self.extensions:
            if extension.tag == FOOTPRINT_TAG:
                if len(extension.value) != 2 * len(self.faces):
                    raise DamagedFileError("invalid header: the covered areas are miscounted")
                return decode_footprint(extension.value[2 * index : 2 * index + 2])
        return PLAIN

    def area(self, index: int) -> Box:
        """The pixels that the cover of face ``index`` replaced: its box, and perhaps an edge of the picture."""
        return self.footprint(index).area(self.faces[index].box)


def with_footprints(header: Header, footprints: Sequence[Footprint]) -> Header:
    """A header that tells what the covers of its faces replaced; MACs are not renewed.

    Args:
        header: the header.
        footprints: one per face.
    """
    if len(footprints) != len(header.faces):
        raise ValueError(f"{len(footprints)} footprints for {len(header.faces)} faces")
    critical = any(footprint != PLAIN for footprint in footprints)
    value = b"".join(footprint.encode() for footprint in footprints)
    others = [extension for extension in header.extensions if extension.tag != FOOTPRINT_TAG]
    others.append(Extension(FOOTPRINT_TAG, critical, value))
    return replace(header, extensions=tuple(sorted(others, key=lambda extension: extension.tag)))


def reserve(header: Header, counts: Sequence[int]) -> Header:
    """A header that reserves so many leading samples of each region for in-pixel records; MACs are not renewed.

    Args:
        header: the header.
        counts: one per face, 0 to 65535; all zero leaves the extension out.
    """
    others = [extension for extension in header.extensions if extension.tag != RESERVED_TAG]
    if any(counts):
        value = b"".join(count.to_bytes(2, "big") for count in counts)
        others.append(Extension(RESERVED_TAG, True, value))
    return replace(header, extensions=tuple(sorted(others, key=lambda extension: extension.tag)))


def region_digest(region: UInt8Image, reserved: int = 0) -> bytes:
    """SHA-256 (32 bytes) of a protected region, without what an in-pixel record may change.

    Args:
        region: (h, w, 3) uint8 RGB; hashed row by row from the top, three bytes R G B per pixel.
        reserved: how many leading samples count with their lowest bit cleared (`Header.reserved`).
    """
    samples = region.flatten()
    samples[:reserved] &= 0xFE
    return hashlib.sha256(samples.data).digest()


def forget_face(header: Header, index: int, *, erased: bool = False) -> Header:
    """Destroy one face's wrapped secret: no passphrase and no recipient can open that face any more.

    Needs no key, and the header MACs stay valid, because they cover the slot's SHA-256 instead of the slot.
    The caller must drop the face's seal and its in-pixel record as well, and must know that older copies of the file
    still open, and that the face's own key, once handed out, still reads the pixels unless they are overwritten.

    Args:
        header: the header.
        index: the face.
        erased: also note that its pixels were overwritten, so that its digest need not match any more.

    Raises:
        IndexError: no such face.
    """
    faces = list(header.faces)
    face = faces[index]
    faces[index] = replace(face, slot=slot_digest(face.slot), erased=face.erased or erased)
    return replace(header, faces=tuple(faces))


def slot_digest(slot: bytes) -> bytes:
    """What the MAC covers of a slot: the SHA-256 of its 60 bytes, or the 32 bytes that already are one."""
    return slot if len(slot) == DIGEST_BYTES else hashlib.sha256(slot).digest()
