"""A writer of protected files that can also break the rules of docs/format.md, for the vectors of `make_container`.

Everything that a real writer draws at random is derived from the name of the file, so that the same script makes the
same bytes: these keys are for tests only.  Header, chunks and carriers are assembled here byte by byte, following the
page; key derivation, the flow and Reed-Solomon come from the program, estimates from the second reader of the flow.
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import flow_reader
import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from file_parts import (
    chunk,
    cost_bytes,
    hmac_sha256,
    leb128,
    mosaic,
    padded,
    picture_digest,
    png_parts,
    riff_payload,
    stanza,
)
from PIL import Image

from proface_s.container.records.pixel_records import record_fits, record_samples, write_record
from proface_s.flow.cards import shipped_models
from proface_s.flow.model import Model
from proface_s.flow.registry import Models
from proface_s.flow.secure.model import SecureFlow
from proface_s.keys.bech32 import encode_bech32
from proface_s.keys.derive import KdfParams, derive_kek, subkey
from proface_s.keys.recipients import decode_identity
from proface_s.keys.secrets import FaceKey
from proface_s.types import UInt8Image

PASSPHRASE = "a passphrase for test vectors"
COST = KdfParams(1, 1024, 1)
NO_STRENGTH = bytes.fromhex("7fc00000")
PLAIN = b"\xff\0"
Bytes = Callable[[bytes], bytes]


def same(data: bytes) -> bytes:
    """Return the bytes unchanged."""
    return data


@cache
def second_reader(model: str) -> flow_reader.Model:
    """Return a model as the second reader of docs/reference/flow.md reads it."""
    return flow_reader.Model.load(shipped_models() / model)


@cache
def model_of_vectors(name: str) -> Model:
    """Return a model that protects as it did when the first vectors were made, so that they stay the same.

    Which quantiser step is chosen is the writer's own business; `secure-3` has accepted coarser ones since.
    """
    model = Models(name, 1).named()
    if isinstance(model, SecureFlow) and name == "secure-3":
        model.coder = replace(model.coder, slack=0.015, margin=1.5)
    return model


@dataclass
class Group:
    """The keys of one group, and raw stanzas behind theirs."""

    passphrases: tuple[str, ...] = (PASSPHRASE,)
    identities: tuple[str, ...] = ()
    extra: tuple[bytes, ...] = ()
    cost: KdfParams = COST


@dataclass
class Face:
    """One face: its place, and deviations from what an honest writer does."""

    box: tuple[int, int, int, int]
    group: int = 0
    style: bytes = b"pixelate"
    strength: bytes = NO_STRENGTH
    flags: int = 1
    stored_box: tuple[int, int, int, int] | None = None
    footprint: bytes = PLAIN
    codec: int = 1
    content: UInt8Image | None = None
    payload: Bytes = same
    seal: Bytes = same


@dataclass
class File:
    """One protected file; see `chunks`, `png`, `webp`, `tiff` and `sidecar` for its forms."""

    name: str
    rgb: UInt8Image
    faces: list[Face]
    groups: list[Group] = field(default_factory=lambda: [Group()])
    alpha: UInt8Image | None = None
    model_name: str = "secure-2"
    other_id: bytes | None = None
    cover: bool = False
    records: bool = True
    magic: bytes = b"PFS1\1"
    header_flags: int = 0
    size: tuple[int, int] | None = None
    extensions: list[tuple[int, bytes]] = field(default_factory=list)
    reserved_extension: tuple[int, bytes] | None = None
    footprint_extension: tuple[int, bytes] | None = None
    with_footprints: bool = True
    body: Bytes = same
    checksum: Bytes = same
    mac: Bytes = same
    record: Bytes = same

    def __post_init__(self) -> None:
        self.model = model_of_vectors(self.model_name)
        self.model_id = self.other_id or self.model.card.model_id
        self.file_keys = [self._file_key(number) for number in range(len(self.groups))]
        self.protected = self.rgb.copy()
        self.slots: list[bytes] = []
        self.face_keys: list[bytes] = []
        for index in range(len(self.faces)):
            self._make_key(index)
        lengths = [len(self.record_of(index)) for index in range(len(self.faces))]
        self.reserved = [
            record_samples(length) if self.records and record_fits(face.box[2], face.box[3], length) else 0
            for face, length in zip(self.faces, lengths, strict=True)
        ]
        for index in range(len(self.faces)):
            self._protect(index)

    def drawn(self, label: str, size: int) -> bytes:
        """Return the bytes that stand for random ones."""
        return hashlib.shake_256(f"proface-s test vector/{self.name}/{label}".encode()).digest(size)

    # Keys: docs/format.md, section 3

    def _kek(self, group: int, number: int) -> bytes:
        text, cost = self.groups[group].passphrases[number], self.groups[group].cost
        return derive_kek(text, self._salt(text), cost)

    def _salt(self, text: str) -> bytes:
        return self.drawn(f"salt {text}", 16)

    def _file_key(self, group: int) -> bytes:
        return self._kek(group, 0) if self.cover else self.drawn(f"file key {group}", 32)

    def wrap(self, kek: bytes, key: bytes, label: str, context: bytes) -> bytes:
        """Wrap a key as in section 3."""
        nonce = self.drawn(f"nonce {label} {context.hex()} {hashlib.sha256(kek).hexdigest()}", 12)
        return nonce + ChaCha20Poly1305(subkey(kek, label, context)).encrypt(nonce, key, None)

    def context(self, index: int) -> bytes:
        """Return the context of a face."""
        return struct.pack(">BHIIII", 1, index, *self.faces[index].box) + self.model_id

    def _make_key(self, index: int) -> None:
        context, file_key = self.context(index), self.file_keys[self.faces[index].group]
        if self.cover:
            slot = self.drawn(f"slot {index}", 60)
            secret = subkey(file_key, "cover-face", context + slot)
        else:
            secret = self.drawn(f"face secret {index}", 32)
            slot = self.wrap(file_key, secret, "wrap-face", context)
        self.slots.append(slot)
        self.face_keys.append(subkey(secret, "face-key", context))

    def face_key_text(self, index: int) -> str:
        """Return a face key as text, section 3.3."""
        tag = hashlib.sha256(self.slots[index]).digest()[:8]
        return encode_bech32("pfk", struct.pack(">BH", 1, index) + tag + self.face_keys[index])

    # Pixels: sections 1.5 and 2

    def _protect(self, index: int) -> None:
        face = self.faces[index]
        x, y, w, h = face.box
        original = self.rgb[y : y + h, x : x + w]
        cover = mosaic(original)
        region = self.model.protect(original, cover, FaceKey(self.face_keys[index]), reserved=self.reserved[index])
        region.reshape(-1)[: self.reserved[index]] &= 0xFE
        if self.reserved[index]:
            region = write_record(region, self.record(self.record_of(index)))
        self.protected[y : y + h, x : x + w] = region
        right, bottom = face.footprint[1] >> 1 & 1, face.footprint[1] >> 2 & 1
        area = self.protected[y : y + h + bottom, x : x + w + right]
        if right:
            area[:h, w] = area[:h, w - 1] & 0xFE
        if bottom:
            area[h, :w] = area[h - 1, :w] & 0xFE
        if right and bottom:
            area[h, w] = area[h - 1, w - 1] & 0xFE

    def region(self, index: int) -> UInt8Image:
        """Return a protected region."""
        x, y, w, h = self.faces[index].box
        return self.protected[y : y + h, x : x + w]

    def estimated(
        self, pixels: UInt8Image | None = None, chosen: Sequence[int] | None = None, at: tuple[int, int] = (0, 0)
    ) -> UInt8Image:
        """Return a picture with estimates of some faces, all if None; ``at`` is where this file's corner is in it."""
        back = (self.protected if pixels is None else pixels).copy()
        for index in range(len(self.faces)) if chosen is None else chosen:
            x, y, w, h = self.faces[index].box
            area = np.s_[y + at[1] : y + at[1] + h, x + at[0] : x + at[0] + w]
            model, key = second_reader(self.model_name), self.face_keys[index]
            back[area], _ = flow_reader.estimate(back[area], self.reserved[index], key, model)
        return back

    def digest(self, index: int) -> bytes:
        """Return the digest of a protected region, without the bits of its record."""
        samples = self.region(index).flatten()
        samples[: self.reserved[index]] &= 0xFE
        return hashlib.sha256(samples.tobytes()).digest()

    def record_of(self, index: int) -> bytes:
        """Return the record of a face, section 1.5."""
        face = self.faces[index]
        reserved = self.reserved[index] if hasattr(self, "reserved") else 0
        front = bytes([1, (face.flags & 1) | 2 * self.cover]) + self.model_id + reserved.to_bytes(2, "big")
        height, width = self.rgb.shape[:2]
        numbers = b"".join(map(leb128, (width, height, *face.box, index, face.group)))
        return front + numbers + self.stanzas(face.group) + self.slots[index]

    # Header: section 2

    def stanzas(self, number: int) -> bytes:
        """Return number and bytes of the stanzas of a group."""
        group, file_key, bound = self.groups[number], self.file_keys[number], bytes([number])
        found = []
        for place, text in enumerate(group.passphrases):
            body = self._salt(text) + cost_bytes(group.cost)
            wrapped = b"" if self.cover else self.wrap(self._kek(number, place), file_key, "wrap-file", bound)
            found.append(stanza(3 if self.cover else 1, body + wrapped))
        for text in group.identities:
            recipient = decode_identity(text).recipient.public
            private = X25519PrivateKey.from_private_bytes(self.drawn(f"ephemeral {number} {text}", 32))
            ephemeral = private.public_key().public_bytes_raw()
            shared = private.exchange(X25519PublicKey.from_public_bytes(recipient))
            kek = subkey(shared, "x25519", ephemeral + recipient)
            found.append(stanza(2, ephemeral + self.wrap(kek, file_key, "wrap-file", bound)))
        found += group.extra
        return bytes([len(found)]) + b"".join(found)

    def _face(self, index: int, *, slot: bytes, flags: int) -> bytes:
        face = self.faces[index]
        fixed = struct.pack(">IIIIBB", *(face.stored_box or face.box), face.group, flags)
        return b"".join([fixed, bytes([len(face.style)]), face.style, face.strength, self.digest(index), slot])

    def _extensions(self) -> bytes:
        found = []
        if self.footprint_extension or self.with_footprints:
            value = b"".join(face.footprint for face in self.faces)
            critical = 0x8000 if value != PLAIN * len(self.faces) else 0
            found.append(self.footprint_extension or (critical, value))
        if self.reserved_extension or any(self.reserved):
            counts = b"".join(count.to_bytes(2, "big") for count in self.reserved)
            found.append(self.reserved_extension or (0x8001, counts))
        found += self.extensions
        return struct.pack(">H", len(found)) + b"".join(struct.pack(">HI", tag, len(v)) + v for tag, v in found)

    def header(self, forgotten: Sequence[int] = (), erased: Sequence[int] = ()) -> bytes:
        """Return the bytes of the header, with some faces forgotten or erased since."""
        height, width = self.rgb.shape[:2]
        flags = self.header_flags | self.cover
        preamble = self.magic + struct.pack(">HII", flags, *(self.size or (width, height))) + self.model_id
        extensions, count = self._extensions(), struct.pack(">H", len(self.faces))
        hashed = [hashlib.sha256(slot).digest() for slot in self.slots]
        in_macs = [self._face(i, slot=hashed[i], flags=face.flags & ~6) for i, face in enumerate(self.faces)]
        groups = [bytes([len(self.groups)])]
        for number, file_key in enumerate(self.file_keys):
            numbers = bytes([number, len(self.groups)])
            covered = b"".join([preamble, numbers, self.stanzas(number), count, *in_macs, extensions])
            mac = hmac_sha256(subkey(file_key, "header-mac"), covered) if not self.cover else bytes(32)
            groups.append(self.mac(mac) + self.stanzas(number))
        faces = []
        for index, face in enumerate(self.faces):
            gone = index in forgotten or index in erased
            fate = 2 * gone | 4 * (index in erased)
            faces.append(self._face(index, slot=hashed[index] if gone else self.slots[index], flags=face.flags | fate))
        body = self.body(b"".join([preamble, *groups, count, *faces, extensions]))
        return body + self.checksum(hashlib.sha256(body).digest()[:8])

    # Seals: section 5

    def seals(self) -> list[bytes]:
        """Return index and seal of every face that is marked as sealed."""
        return [index.to_bytes(2, "big") + self._seal(index) for index, face in enumerate(self.faces) if face.flags & 1]

    def _seal(self, index: int) -> bytes:
        face = self.faces[index]
        content = self._content(index)
        payload = bytes([face.codec]) + len(content).to_bytes(4, "big") + content
        payload = face.payload(payload if face.payload is not same else self._padded(payload, index))
        size = struct.pack(">II", self.rgb.shape[1], self.rgb.shape[0])
        data = self.context(index) + size + self.digest(index) + self._bound(index)
        nonce = self.drawn(f"seal {index}", 12)
        return face.seal(nonce + ChaCha20Poly1305(subkey(self.face_keys[index], "seal")).encrypt(nonce, payload, data))

    def _original(self, face: Face) -> UInt8Image:
        x, y, w, h = face.box
        area = np.s_[y : y + h + (face.footprint[1] >> 2 & 1), x : x + w + (face.footprint[1] >> 1 & 1)]
        if face.footprint[1] & 1 and self.alpha is not None:
            return np.dstack([self.rgb[area], self.alpha[area]])
        return self.rgb[area]

    def _padded(self, payload: bytes, index: int) -> bytes:
        return padded(payload, self._original(self.faces[index]).shape)

    def _bound(self, index: int) -> bytes:
        """Return what the associated data of a seal ends with."""
        footprint = self.faces[index].footprint
        return b"" if footprint == PLAIN else footprint

    def _content(self, index: int) -> bytes:
        face = self.faces[index]
        image = Image.fromarray(self._original(face) if face.content is None else face.content)
        buffer = io.BytesIO()
        if face.codec == 2:
            image.save(buffer, "WEBP", lossless=True, exact=True, quality=0, method=2)
        else:
            image.save(buffer, "PNG", compress_level=9)
        return buffer.getvalue()

    # Carriers: sections 1.1 to 1.4

    def published_alpha(self) -> UInt8Image | None:
        """Return the alpha of the protected picture: opaque inside an area whose alpha varied."""
        if self.alpha is None:
            return None
        alpha = self.alpha.copy()
        for face in self.faces:
            x, y, w, h = face.box
            if face.footprint[1] & 1:
                alpha[y : y + h, x : x + w] = 255
        return alpha

    def png(
        self,
        layout: str = "front header pixels seals end",
        header: bytes | None = None,
        seals: list[bytes] | None = None,
    ) -> bytes:
        """Return a PNG file whose parts have this order."""
        alpha = self.published_alpha()
        parts = png_parts(self.protected if alpha is None else np.dstack([self.protected, alpha]))
        parts["header"] = chunk(b"pfSh", self.header() if header is None else header)
        parts["seals"] = b"".join(chunk(b"pfSl", each) for each in (self.seals() if seals is None else seals))
        return b"".join(parts[name] for name in layout.split())

    def webp(self) -> bytes:
        """Return a lossless WebP file in the extended form."""
        buffer = io.BytesIO()
        Image.fromarray(self.protected).save(buffer, "WEBP", lossless=True, exact=True)
        height, width = self.rgb.shape[:2]
        extended = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        chunks = [(b"VP8X", extended), (b"VP8L", riff_payload(buffer.getvalue(), b"VP8L")), (b"pfSh", self.header())]
        chunks += [(b"pfSl", each) for each in self.seals()]
        body = b"WEBP" + b"".join(
            kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2) for kind, data in chunks
        )
        return b"RIFF" + struct.pack("<I", len(body)) + body

    def tiff(self, order: str) -> bytes:
        """Return an uncompressed TIFF file, ``<`` little-endian or ``>`` big-endian."""
        height, width = self.rgb.shape[:2]
        pixels, header = self.protected.tobytes(), self.header()
        seals = b"".join(len(each).to_bytes(4, "big") + each for each in self.seals())
        body = bytearray((b"II*\0" if order == "<" else b"MM\0*") + bytes(4))
        places = {}
        for name, data in (
            ("bits", struct.pack(order + "3H", 8, 8, 8)),
            ("pixels", pixels),
            ("h", header),
            ("s", seals),
        ):
            places[name] = len(body)
            body += data + bytes(len(data) % 2)
        short, long, undefined = 3, 4, 7
        entries = [
            (256, long, 1, width), (257, long, 1, height), (258, short, 3, places["bits"]), (259, short, 1, 1),
            (262, short, 1, 2), (273, long, 1, places["pixels"]), (277, short, 1, 3), (278, long, 1, height),
            (279, long, 1, len(pixels)), (284, short, 1, 1), (65360, undefined, len(header), places["h"]),
            (65361, undefined, len(seals), places["s"]),
        ]  # fmt: skip
        struct.pack_into(order + "I", body, 4, len(body))
        body += struct.pack(order + "H", len(entries))
        for tag, kind, number, value in entries:
            inline = kind == short and number == 1
            body += struct.pack(order + "HHI", tag, kind, number)
            body += struct.pack(order + "HH", value, 0) if inline else struct.pack(order + "I", value)
        return bytes(body + bytes(4))

    def sidecar(self, rgb: UInt8Image | None = None) -> bytes:
        """Return a sidecar of the protected picture, or of another one."""
        header, seals = self.header(), self.seals()
        body = b"PFSC\1" + picture_digest(self.protected if rgb is None else rgb)
        body += len(header).to_bytes(4, "big") + header + struct.pack(">H", len(seals))
        body += b"".join(len(each).to_bytes(4, "big") + each for each in seals)
        return body + hashlib.sha256(body).digest()[:8]
