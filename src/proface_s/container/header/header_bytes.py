"""Header to bytes and back, format version 1; docs/format.md describes every byte.

All integers are big-endian.  Every header has exactly one encoding: `encode_header(decode_header(data)) == data` for
all data that decodes at all.
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
from ..byte_reader import ByteReader
from .header import (
    CLIP_TAG,
    COEFFICIENTS_TAG,
    DIGEST_BYTES,
    FOOTPRINT_TAG,
    FORMAT_VERSION,
    RESERVED_TAG,
    Extension,
    FaceEntry,
    Group,
    Header,
    slot_digest,
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
_KNOWN_EXTENSIONS: Final = frozenset((RESERVED_TAG, FOOTPRINT_TAG, COEFFICIENTS_TAG, CLIP_TAG))


def encode_header(header: Header) -> bytes:
    """Serialise a header.

    Returns:
        Its canonical bytes, ending with an 8-byte checksum.

    Raises:
        UsageError: if the header breaks a rule of the format (box outside the picture, overlapping boxes, ...).
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
    """Return the bytes that the MAC of one group covers.

    They are the header's own bytes, with two exceptions.  MACs and the stanzas of *other* groups are left out, so that
    each group's holder can change passphrases alone.  Every face is written as if neither forgotten nor erased, with
    the SHA-256 of its slot in place of the slot, so that a face can be forgotten without any key.  The group's number
    is included.
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
    """Parse a header from untrusted bytes; inverse of `encode_header`.

    Raises:
        FileFormatError: if a later version of the format wrote it.
        DamagedFileError: if it is not a header, or is truncated, altered or outside the format's limits.
    """
    if not data.startswith(MAGIC):
        raise DamagedFileError("invalid header: it does not begin with the PRO-Face S mark")
    if len(data) > MAX_HEADER_BYTES:
        raise DamagedFileError(f"invalid header: it has {len(data)} bytes, more than {MAX_HEADER_BYTES}")
    if len(data) > len(MAGIC) and data[len(MAGIC)] != FORMAT_VERSION:
        version = data[len(MAGIC)]
        raise FileFormatError(
            f"the file uses format version {version}; known is {FORMAT_VERSION}", code="newer-version"
        )
    body, checksum = data[:-CHECKSUM_BYTES], data[-CHECKSUM_BYTES:]
    if checksum != _checksum(body):
        raise DamagedFileError("the header is damaged: its checksum does not match")
    reader = ByteReader(body)
    header = _decode_header(reader)
    reader.finish()
    check_header(header)
    return header


def _u16(value: int) -> bytes:
    return value.to_bytes(2, "big")


def _checksum(body: bytes) -> bytes:
    """Return the checksum, which tells damage from a wrong key but proves nothing about the header's author."""
    return hashlib.sha256(body).digest()[:CHECKSUM_BYTES]


def _encode_preamble(header: Header) -> bytes:
    flags = _COVER_MODE if header.wrong_key == "cover" else 0
    return _PREAMBLE.pack(MAGIC, FORMAT_VERSION, flags, header.width, header.height, header.model_id)


def encode_stanzas(group: Group) -> bytes:
    """Serialise a group's stanzas: their number u8, then each of them; `decode_stanzas` is the inverse."""
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


def _fate(face: FaceEntry) -> int:
    """Return the flags that record whether a face was forgotten or erased after it was protected."""
    return (_FORGOTTEN if face.forgotten else 0) | (_ERASED if face.erased else 0)


def _encode_face(face: FaceEntry, fate: int, slot: bytes) -> bytes:
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


def _decode_header(reader: ByteReader) -> Header:
    _, _, flags, width, height, model_id = _PREAMBLE.unpack(reader.take(_PREAMBLE.size, "the preamble"))
    if flags & ~_COVER_MODE:
        raise FileFormatError(f"the header sets unknown flags {flags:#06x}", code="newer-version")
    groups = tuple(_decode_group(reader) for _ in range(reader.count(1, MAX_GROUPS, "groups", least=1)))
    faces = tuple(_decode_face(reader) for _ in range(reader.count(2, MAX_FACES, "faces", least=1)))
    number = reader.count(2, MAX_EXTENSIONS, "extensions")
    extensions = tuple(_decode_extension(reader) for _ in range(number))
    return Header(width, height, model_id, groups, faces, extensions, "cover" if flags & _COVER_MODE else "noise")


def _decode_group(reader: ByteReader) -> Group:
    mac = reader.take(DIGEST_BYTES, "a group")
    return Group(decode_stanzas(reader), mac)


def decode_stanzas(reader: ByteReader) -> tuple[Stanza, ...]:
    """Parse stanzas; inverse of `encode_stanzas`.

    Raises:
        DamagedFileError: if there are none or too many, or one is cut short or malformed.
    """
    number = reader.count(1, MAX_STANZAS, "stanzas", least=1)
    return tuple(_decode_stanza(reader) for _ in range(number))


def _decode_stanza(reader: ByteReader) -> Stanza:
    kind = reader.integer(1, "a stanza")
    body = reader.take(reader.integer(2, "a stanza"), "a stanza")
    if kind == KIND_PASSPHRASE:
        return PassphraseStanza(*_decode_salt_and_cost(body, WRAPPED_BYTES), body[-WRAPPED_BYTES:])
    if kind == KIND_BARE:
        return BareStanza(*_decode_salt_and_cost(body, 0))
    if kind == KIND_X25519 and len(body) == RECIPIENT_BODY_BYTES:
        return RecipientStanza(body[:-WRAPPED_BYTES], body[-WRAPPED_BYTES:])
    return OtherStanza(kind, body)


def _decode_salt_and_cost(body: bytes, rest: int) -> tuple[bytes, KdfParams]:
    """Parse the salt and cost of a stanza's body, which exactly ``rest`` bytes must follow."""
    reader = ByteReader(body)
    salt = reader.take(SALT_BYTES, "a passphrase stanza")
    params = KdfParams(*_COST.unpack(reader.take(_COST.size, "a passphrase stanza")))
    reader.take(rest, "a passphrase stanza")
    reader.finish()
    return salt, params


def _decode_face(reader: ByteReader) -> FaceEntry:
    x, y, w, h, group, flags = _FACE.unpack(reader.take(_FACE.size, "a face"))
    if flags & ~(_SEALED | _FORGOTTEN | _ERASED):
        raise FileFormatError(f"a face sets unknown flags {flags:#04x}", code="newer-version")
    name = reader.take(reader.integer(1, "a face"), "a style name")
    packed = reader.take(4, "a face")
    strength = None if packed == _NO_STRENGTH else float(struct.unpack(">f", packed)[0])
    if strength is not None and not math.isfinite(strength):
        raise DamagedFileError("invalid header: a strength is not a finite number")
    digest = reader.take(DIGEST_BYTES, "a face")
    slot = reader.take(DIGEST_BYTES if flags & _FORGOTTEN else WRAPPED_BYTES, "a face")
    style = name.decode("ascii", "replace")
    sealed, erased = bool(flags & _SEALED), bool(flags & _ERASED)
    return FaceEntry(Box(x, y, w, h), group, style, strength, digest, slot, sealed, erased)


def _decode_extension(reader: ByteReader) -> Extension:
    tag = reader.integer(2, "an extension")
    value = reader.take(reader.integer(4, "an extension"), "an extension")
    critical = bool(tag & _CRITICAL)
    tag &= ~_CRITICAL
    if critical and tag not in _KNOWN_EXTENSIONS:
        raise FileFormatError(f"the header needs extension {tag}, which is unknown", code="newer-version")
    return Extension(tag, critical, value)
