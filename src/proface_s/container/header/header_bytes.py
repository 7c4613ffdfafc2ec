"""Header <-> bytes, format version 1; docs/format.md describes every byte.

All integers are big-endian.  Every header has exactly one encoding: `encode_header(decode_header(data)) ==
data` for all data that decodes at all.
"""

from __future__ import annotations

import hashlib
import math
import struct
from typing import Final

from ...errors import DamagedFileError, FileFormatError, UsageError
from ...keys.derive import SALT_BYTES, KdfParams
from ...keys.wrap import WRAPPED_BYTES
from ...types import Box
from .header import (
    DIGEST_BYTES,
    FOOTPRINT_TAG,
    FORMAT_VERSION,
    KIND_BARE,
    KIND_PASSPHRASE,
    KIND_X25519,
    RECIPIENT_BODY_BYTES,
    RESERVED_TAG,
    BareStanza,
    Extension,
    FaceRecord,
    Group,
    Header,
    OtherStanza,
    PassphraseStanza,
    RecipientStanza,
    Stanza,
    slot_digest,
)
from .validation import MAX_EXTENSIONS, MAX_FACES, MAX_GROUPS, MAX_STANZAS, check_header

MAGIC: Final = b"PFS1"
CHECKSUM_BYTES: Final = 8
MAX_HEADER_BYTES: Final = 4 * 2**20

_PREAMBLE: Final = struct.Struct(">4sBHII16s")
_COST: Final = struct.Struct(">BIB")
_FACE: Final = struct.Struct(">IIIIBB")
_NO_STRENGTH: Final = bytes.fromhex("7fc00000")
_SEALED: Final = 1
_FORGOTTEN: Final = 2
_ERASED: Final = 4
_COVER_MODE: Final = 1
_CRITICAL: Final = 0x8000
_KNOWN_EXTENSIONS: Final = frozenset((RESERVED_TAG, FOOTPRINT_TAG))
_UPGRADE: Final = "install a newer version of proface-s to open it"


def encode_header(header: Header) -> bytes:
    """Serialise a header.

    Returns:
        Its canonical bytes, ending with an 8-byte checksum.

    Raises:
        UsageError: the header breaks a rule of the format (box outside the picture, overlapping boxes, ...).
    """
    try:
        check_header(header)
    except DamagedFileError as error:
        raise UsageError(error.message) from None
    groups = [bytes([len(header.groups)])]
    groups += [group.mac + encode_stanzas(group) for group in header.groups]
    faces = [_encode_face(face, _fate(face), face.slot) for face in header.faces]
    body = b"".join([_encode_preamble(header), *groups, _u16(len(faces)), *faces, _encode_extensions(header)])
    data = body + _checksum(body)
    if len(data) > MAX_HEADER_BYTES:
        raise UsageError(f"the header would have {len(data)} bytes; at most {MAX_HEADER_BYTES} are allowed")
    return data


def mac_input(header: Header, group: int) -> bytes:
    """The bytes that the MAC of one group covers.

    The header's own bytes, except: no MAC and no stanzas of *other* groups (so that each group's holder can
    change passphrases alone); and every face as if it were neither forgotten nor erased, with the SHA-256 of its
    slot in place of the slot (so that a face can be forgotten without any key).  The group's own number goes in
    front.
    """
    stanzas = encode_stanzas(header.groups[group])
    faces = [_encode_face(face, 0, slot_digest(face.slot)) for face in header.faces]
    parts = [
        _encode_preamble(header),
        bytes([group, len(header.groups)]),
        stanzas,
        _u16(len(faces)),
        *faces,
        _encode_extensions(header),
    ]
    return b"".join(parts)


def decode_header(data: bytes) -> Header:
    """Inverse of `encode_header`, for data from anywhere.

    Raises:
        FileFormatError: written by a later version of the format.
        DamagedFileError: everything else: not a header, truncated, altered, or outside the format's limits.
    """
    if not data.startswith(MAGIC):
        raise DamagedFileError("invalid header: it does not begin with the PRO-Face S mark")
    if len(data) > MAX_HEADER_BYTES:
        raise DamagedFileError(f"invalid header: it has {len(data)} bytes, more than {MAX_HEADER_BYTES}")
    if len(data) > len(MAGIC) and data[len(MAGIC)] != FORMAT_VERSION:
        version = data[len(MAGIC)]
        raise FileFormatError(f"the file uses format version {version}; known is {FORMAT_VERSION}", _UPGRADE)
    body, checksum = data[:-CHECKSUM_BYTES], data[-CHECKSUM_BYTES:]
    if checksum != _checksum(body):
        raise DamagedFileError("the header is damaged: its checksum does not match")
    reader = Reader(body)
    header = _read_header(reader)
    reader.finish()
    check_header(header)
    return header


class Reader:
    """Cursor over untrusted bytes: nothing is read, or allocated, beyond their end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int, what: str) -> bytes:
        """The next ``count`` bytes.

        Raises:
            DamagedFileError: fewer are left.
        """
        end = self._at + count
        if end > len(self._data):
            raise DamagedFileError(f"invalid header: it ends inside {what}")
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def integer(self, width: int, what: str) -> int:
        """The next ``width`` bytes as an unsigned big-endian integer."""
        return int.from_bytes(self.take(width, what), "big")

    def count(self, width: int, limit: int, what: str) -> int:
        """An integer that says how many ``what`` follow; at most ``limit``."""
        value = self.integer(width, f"the number of {what}")
        if value > limit:
            raise DamagedFileError(f"invalid header: {value} {what}; at most {limit} are allowed")
        return value

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(len(self._data) - self._at, "the rest")

    def finish(self) -> None:
        """Refuse trailing bytes."""
        if self._at != len(self._data):
            raise DamagedFileError(f"invalid header: {len(self._data) - self._at} bytes too many")


def _u16(value: int) -> bytes:
    return value.to_bytes(2, "big")


def _checksum(body: bytes) -> bytes:
    """Tells damage from a wrong key; proves nothing about who wrote the header."""
    return hashlib.sha256(body).digest()[:CHECKSUM_BYTES]


def _encode_preamble(header: Header) -> bytes:
    flags = _COVER_MODE if header.wrong_key == "cover" else 0
    return _PREAMBLE.pack(MAGIC, FORMAT_VERSION, flags, header.width, header.height, header.model_id)


def encode_stanzas(group: Group) -> bytes:
    """Number of stanzas u8, and the stanzas; `read_stanzas` is the inverse."""
    parts = [bytes([len(group.stanzas)])]
    for stanza in group.stanzas:
        kind, body = _stanza_body(stanza)
        parts += [bytes([kind]), _u16(len(body)), body]
    return b"".join(parts)


def _stanza_body(stanza: Stanza) -> tuple[int, bytes]:
    match stanza:
        case PassphraseStanza(salt, params, wrapped_key):
            return KIND_PASSPHRASE, salt + _encode_cost(params) + wrapped_key
        case RecipientStanza(ephemeral, wrapped_key):
            return KIND_X25519, ephemeral + wrapped_key
        case BareStanza(salt, params):
            return KIND_BARE, salt + _encode_cost(params)
        case OtherStanza(kind, body):
            return kind, body


def _encode_cost(params: KdfParams) -> bytes:
    return _COST.pack(params.time_cost, params.memory_kib, params.lanes)


def _fate(face: FaceRecord) -> int:
    """The flags of what happened to a face after it was protected."""
    return (_FORGOTTEN if face.forgotten else 0) | (_ERASED if face.erased else 0)


def _encode_face(face: FaceRecord, fate: int, slot: bytes) -> bytes:
    box = face.box
    flags = (_SEALED if face.sealed else 0) | fate
    strength = _NO_STRENGTH if face.strength is None else struct.pack(">f", face.strength)
    name = face.style.encode("ascii")
    fixed = _FACE.pack(box.x, box.y, box.w, box.h, face.group, flags)
    return b"".join([fixed, bytes([len(name)]), name, strength, face.digest, slot])


def _encode_extensions(header: Header) -> bytes:
    parts = [_u16(len(header.extensions))]
    for extension in header.extensions:
        tag = extension.tag | (_CRITICAL if extension.critical else 0)
        parts += [_u16(tag), len(extension.value).to_bytes(4, "big"), extension.value]
    return b"".join(parts)


def _read_header(reader: Reader) -> Header:
    _, _, flags, width, height, model_id = _PREAMBLE.unpack(reader.take(_PREAMBLE.size, "the preamble"))
    if flags & ~_COVER_MODE:
        raise FileFormatError(f"the header sets unknown flags {flags:#06x}", _UPGRADE)
    groups = tuple(_read_group(reader) for _ in range(reader.count(1, MAX_GROUPS, "groups")))
    faces = tuple(_read_face(reader) for _ in range(reader.count(2, MAX_FACES, "faces")))
    number = reader.count(2, MAX_EXTENSIONS, "extensions")
    extensions = tuple(_read_extension(reader) for _ in range(number))
    return Header(width, height, model_id, groups, faces, extensions, "cover" if flags & _COVER_MODE else "noise")


def _read_group(reader: Reader) -> Group:
    mac = reader.take(DIGEST_BYTES, "a group")
    return Group(read_stanzas(reader), mac)


def read_stanzas(reader: Reader) -> tuple[Stanza, ...]:
    """Inverse of `encode_stanzas`.

    Raises:
        DamagedFileError: too many, cut short or malformed.
    """
    number = reader.count(1, MAX_STANZAS, "stanzas")
    return tuple(_read_stanza(reader) for _ in range(number))


def _read_stanza(reader: Reader) -> Stanza:
    kind = reader.integer(1, "a stanza")
    body = reader.take(reader.integer(2, "a stanza"), "a stanza")
    if kind == KIND_PASSPHRASE:
        return PassphraseStanza(*_read_salt_and_cost(body, WRAPPED_BYTES), body[-WRAPPED_BYTES:])
    if kind == KIND_BARE:
        return BareStanza(*_read_salt_and_cost(body, 0))
    if kind == KIND_X25519 and len(body) == RECIPIENT_BODY_BYTES:
        return RecipientStanza(body[:-WRAPPED_BYTES], body[-WRAPPED_BYTES:])
    return OtherStanza(kind, body)


def _read_salt_and_cost(body: bytes, rest: int) -> tuple[bytes, KdfParams]:
    """Salt and cost of a stanza's body, of which exactly ``rest`` bytes must follow."""
    reader = Reader(body)
    salt = reader.take(SALT_BYTES, "a passphrase stanza")
    params = KdfParams(*_COST.unpack(reader.take(_COST.size, "a passphrase stanza")))
    reader.take(rest, "a passphrase stanza")
    reader.finish()
    return salt, params


def _read_face(reader: Reader) -> FaceRecord:
    x, y, w, h, group, flags = _FACE.unpack(reader.take(_FACE.size, "a face"))
    if flags & ~(_SEALED | _FORGOTTEN | _ERASED):
        raise FileFormatError(f"a face sets unknown flags {flags:#04x}", _UPGRADE)
    name = reader.take(reader.integer(1, "a face"), "a style name")
    packed = reader.take(4, "a face")
    strength = None if packed == _NO_STRENGTH else float(struct.unpack(">f", packed)[0])
    if strength is not None and not math.isfinite(strength):
        raise DamagedFileError("invalid header: a strength is not a finite number")
    digest = reader.take(DIGEST_BYTES, "a face")
    slot = reader.take(DIGEST_BYTES if flags & _FORGOTTEN else WRAPPED_BYTES, "a face")
    style = name.decode("ascii", "replace")
    sealed, erased = bool(flags & _SEALED), bool(flags & _ERASED)
    return FaceRecord(Box(x, y, w, h), group, style, strength, digest, slot, sealed, erased)


def _read_extension(reader: Reader) -> Extension:
    tag = reader.integer(2, "an extension")
    value = reader.take(reader.integer(4, "an extension"), "an extension")
    critical = bool(tag & _CRITICAL)
    tag &= ~_CRITICAL
    if critical and tag not in _KNOWN_EXTENSIONS:
        raise FileFormatError(f"the header needs extension {tag}, which is unknown", _UPGRADE)
    return Extension(tag, critical, value)
