"""Header bytes: rules, versions and golden bytes."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest

from paths_kit import GOLDEN_VECTORS
from proface_s.cli.hints import command_line_hint
from proface_s.container.header.header import Extension, FaceEntry, Group, Header, forget_face, with_reserved_samples
from proface_s.container.header.header_bytes import _checksum, decode_header, encode_header
from proface_s.container.header.stanzas import BareStanza, OtherStanza, PassphraseStanza, RecipientStanza
from proface_s.errors import DamagedFileError, FileFormatError, UsageError
from proface_s.keys.derive import KdfParams
from proface_s.types import Box

GOLDEN = GOLDEN_VECTORS / "header_v1.hex"

STANZA = PassphraseStanza(bytes(range(16)), KdfParams(), b"\xaa" * 60)
FACE = FaceEntry(Box(10, 20, 32, 48), 0, "blur", 1.5, b"\xdd" * 32, b"\xbb" * 60)
HEADER = Header(
    width=640,
    height=480,
    model_id=b"model id, 16 by.",
    groups=(Group((STANZA,), b"\xcc" * 32), Group((OtherStanza(2, b"recipient"), STANZA), b"\xee" * 32)),
    faces=(
        FACE,
        FaceEntry(Box(100, 20, 2, 2), 1, "mask", None, b"\x11" * 32, b"\x22" * 32, sealed=False),
    ),
    extensions=(Extension(7, False, b"later"),),
)


def with_checksum(body: bytes) -> bytes:
    return body + _checksum(body)


def test_golden_bytes() -> None:
    data = bytes.fromhex(GOLDEN.read_text(encoding="ascii"))
    assert decode_header(data) == HEADER
    assert encode_header(HEADER) == data


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"width": 0}, "width is 0"),
        ({"width": 40}, "outside the 40x480 picture"),
        ({"model_id": b"short"}, "model id has 5 bytes"),
        ({"groups": ()}, "0 key groups"),
        ({"faces": ()}, "0 faces"),
        ({"faces": (replace(FACE, box=Box(10, 20, 31, 48)),)}, "odd side"),
        ({"faces": (replace(FACE, box=Box(10, 20, 0, 48)),)}, "empty"),
        ({"faces": (FACE, replace(FACE, box=Box(41, 67, 10, 10)))}, "faces 1 and 2 overlap"),
        ({"faces": (replace(FACE, group=2),)}, "group 2, which is missing"),
        ({"faces": (replace(FACE, style=""),)}, "style name"),
        ({"faces": (replace(FACE, style="blür"),)}, "style name"),
        ({"faces": (replace(FACE, style="x" * 33),)}, "style name"),
        ({"faces": (replace(FACE, strength=float("inf")),)}, "strength"),
        ({"faces": (replace(FACE, slot=b""),)}, "slot of 0 bytes"),
        ({"faces": (replace(FACE, digest=b"x"),)}, "digest of 1 bytes"),
        ({"groups": (Group((), bytes(32)),)}, "0 stanzas"),
        ({"groups": (Group((STANZA,), bytes(31)),)}, "MAC of 31 bytes"),
        ({"groups": (Group((replace(STANZA, params=KdfParams(99)),), bytes(32)),)}, "time cost is 99"),
        ({"extensions": (Extension(7, False, b""), Extension(7, False, b""))}, "ascending"),
        ({"groups": (Group((RecipientStanza(bytes(31), bytes(60)),), bytes(32)),)}, "ephemeral key of 31 bytes"),
        ({"groups": (Group((RecipientStanza(bytes(32), bytes(59)),), bytes(32)),)}, "wrapped key of 59 bytes"),
        ({"groups": (Group((OtherStanza(2, bytes(92)),), bytes(32)),)}, "opaque stanza of kind 2"),
        ({"groups": (Group((BareStanza(bytes(16), KdfParams()),), bytes(32)),)}, "stanza of the cover mode"),
        ({"faces": (replace(FACE, erased=True),)}, "erased but not forgotten"),
        ({"wrong_key": "cover"}, "show whether a passphrase is right"),
    ],
)
def test_invalid_headers_are_not_written(change: dict, problem: str) -> None:
    header = replace(HEADER, groups=HEADER.groups[:1], faces=HEADER.faces[:1])
    assert decode_header(encode_header(header)) == header
    with pytest.raises(UsageError, match=problem):
        encode_header(replace(header, **change))


BARE = Group((BareStanza(bytes(range(16)), KdfParams()),), bytes(32))
COVER_MODE = replace(HEADER, groups=(BARE,), faces=(replace(FACE, sealed=False),), wrong_key="cover")


@pytest.mark.parametrize(
    "change",
    [
        {"faces": (FACE,)},
        {"groups": (replace(BARE, mac=b"\x01" * 32),)},
        {"groups": (Group((*BARE.stanzas, RecipientStanza(bytes(32), bytes(60))), bytes(32)),)},
        {"groups": (Group((STANZA,), bytes(32)),)},
        {"groups": (Group((OtherStanza(9, b""),), bytes(32)),)},
    ],
)
def test_in_cover_mode_nothing_may_vouch_for_a_passphrase(change: dict) -> None:
    assert decode_header(encode_header(COVER_MODE)) == COVER_MODE
    with pytest.raises(UsageError, match=r"shows? whether a passphrase is right"):
        encode_header(replace(COVER_MODE, **change))


def test_touching_boxes_are_disjoint() -> None:
    faces = tuple(replace(FACE, box=Box(10 * i, 10 * j, 10, 10)) for i in range(4) for j in range(4))
    assert len(decode_header(encode_header(replace(HEADER, faces=faces))).faces) == 16


def test_many_faces_are_quick_and_more_are_refused() -> None:
    faces = [replace(FACE, box=Box(2 * (i % 100), 2 * (i // 100), 2, 2)) for i in range(4097)]
    header = replace(HEADER, faces=tuple(faces[:4096]))
    assert decode_header(encode_header(header)) == header
    with pytest.raises(UsageError, match="4097 faces"):
        encode_header(replace(HEADER, faces=tuple(faces)))


def test_total_cost_of_all_stanzas_is_bounded() -> None:
    """Any single stanza is accepted, but hundreds of expensive ones would keep a reader busy for hours."""
    dear = KdfParams(time_cost=16, memory_kib=2**20)
    once = (Group((replace(STANZA, params=dear),), bytes(32)),)
    encode_header(replace(HEADER, groups=once, faces=(FACE,)))
    twice = (Group((replace(STANZA, params=dear), STANZA), bytes(32)),)
    with pytest.raises(UsageError, match="Argon2id work"):
        encode_header(replace(HEADER, groups=twice, faces=(FACE,)))


def test_every_truncation_is_damage() -> None:
    data = encode_header(HEADER)
    for length in range(len(data)):
        with pytest.raises(DamagedFileError):
            decode_header(data[:length])


def test_every_truncation_is_damage_even_with_a_right_checksum() -> None:
    body = encode_header(HEADER)[:-8]
    for length in range(5, len(body)):
        with pytest.raises(DamagedFileError):
            decode_header(with_checksum(body[:length]))


def test_trailing_bytes_and_flipped_bits_are_damage() -> None:
    data = encode_header(HEADER)
    with pytest.raises(DamagedFileError, match="1 bytes too many"):
        decode_header(with_checksum(data[:-8] + b"\0"))
    for at in range(len(data)):
        with pytest.raises(FileFormatError):
            decode_header(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])


def test_later_versions_ask_for_an_upgrade() -> None:
    data = bytearray(encode_header(HEADER))
    data[4] = 2
    with pytest.raises(FileFormatError, match="format version 2") as caught:
        decode_header(bytes(data))
    assert "newer version" in (command_line_hint(caught.value) or "")
    assert not isinstance(caught.value, DamagedFileError)


def test_unknown_flags_and_critical_extensions_ask_for_an_upgrade() -> None:
    body = bytearray(encode_header(HEADER)[:-8])
    body[6] |= 0x40
    with pytest.raises(FileFormatError, match="unknown flags"):
        decode_header(with_checksum(bytes(body)))
    critical = replace(HEADER, extensions=(Extension(9, True, b""),))
    with pytest.raises(FileFormatError, match="extension 9"):
        decode_header(encode_header(critical))


def test_hostile_counts_are_refused() -> None:
    body = bytearray(encode_header(HEADER)[:-8])
    body[31] = 255  # number of groups
    with pytest.raises(DamagedFileError, match="255 groups; 1 to 64"):
        decode_header(with_checksum(bytes(body)))
    with pytest.raises(DamagedFileError, match="more than"):
        decode_header(b"PFS1" + bytes(5 * 2**20))


def test_forgetting_keeps_only_the_digest_of_the_slot() -> None:
    forgotten = forget_face(HEADER, 0)
    assert forgotten.faces[0].forgotten
    assert forgotten.faces[1] == HEADER.faces[1]
    assert FACE.slot not in encode_header(forgotten)
    assert decode_header(encode_header(forgotten)) == forgotten
    assert forget_face(forgotten, 0) == forgotten
    erased = forget_face(forgotten, 0, erased=True)
    assert decode_header(encode_header(erased)) == erased
    assert forget_face(erased, 0) == erased, "what was erased stays erased"


def test_extension_1_has_one_encoding() -> None:
    reserving = with_reserved_samples(replace(HEADER, faces=(FACE, replace(FACE, box=Box(100, 20, 64, 64)))), [0, 1824])
    assert decode_header(encode_header(reserving)) == reserving
    (later, counts) = sorted(reserving.extensions, key=lambda each: -each.tag)
    for wrong, problem in (
        (replace(counts, critical=False), "not marked as critical"), (replace(counts, value=b""), "reserves nothing"),
        (replace(counts, value=bytes(4)), "reserves nothing"), (replace(counts, value=b"\x01" * 6), "miscounted"),
    ):  # fmt: skip
        header = replace(reserving, extensions=(wrong, later))
        with pytest.raises(UsageError, match=problem):
            encode_header(header)
    data = encode_header(reserving)
    at = data.index(b"\x80\x01\x00\x00\x00\x04")
    for body in (
        data[:at] + b"\x00\x01" + data[at + 2 : -8],
        data[: at + 6] + bytes(4) + data[at + 10 : -8],
    ):
        with pytest.raises(DamagedFileError, match="extension 1"):
            decode_header(with_checksum(body))


def test_the_largest_single_is_no_strength() -> None:
    at = struct.pack(">f", 1.5)
    data = encode_header(HEADER)
    with pytest.raises(DamagedFileError, match="strength"):
        decode_header(with_checksum(data[:-8].replace(at, bytes.fromhex("7f7fffff"))))
