"""Locking and unlocking headers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from proface_s.container import unlock
from proface_s.container.codec import decode_header, encode_header
from proface_s.container.header import Group, Header, OtherStanza, forget_face
from proface_s.container.unlock import (
    FaceNote,
    KeyRing,
    change_passphrases,
    lock_header,
    unlock_groups,
    unlock_header,
)
from proface_s.errors import DamagedFileError, UsageError, WrongKeyError
from proface_s.keys.derive import KdfParams
from proface_s.types import Box

GOLDEN = Path(__file__).parents[1] / "golden" / "locked_header_v1.json"
CHEAP = KdfParams(time_cost=1, memory_kib=1024, lanes=1)
BOXES = (Box(0, 0, 10, 10), Box(20, 0, 10, 10), Box(40, 0, 10, 10))
NOTES = tuple(FaceNote("blur", None, bytes([i]) * 32) for i in range(3))


def locked(passphrases: Sequence[Sequence[str]], groups: Sequence[int] = (0, 0, 0)) -> tuple[KeyRing, Header]:
    ring = KeyRing.generate(bytes(16), BOXES, groups)
    header = lock_header(ring, (100, 50), NOTES, passphrases, CHEAP)
    return ring, decode_header(encode_header(header))


def test_unlock_gives_the_keys_the_faces_were_protected_with() -> None:
    ring, header = locked([["first passphrase", "second passphrase"]])
    for passphrase in ("first passphrase", "second passphrase"):
        keys = unlock_header(header, passphrase)
        assert keys == {index: ring.face_key(index) for index in range(3)}
    with pytest.raises(WrongKeyError) as caught:
        unlock_header(header, "third passphrase")
    assert "third" not in caught.value.message


def test_golden_header_opens_for_ever() -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    header = decode_header(bytes.fromhex(golden["header"]))
    for passphrase, faces in golden["face_keys"].items():
        opened = unlock_header(header, passphrase)
        assert {str(index): key.reveal().hex() for index, key in opened.items()} == faces


def test_groups_open_separately_and_share_derivations(monkeypatch: pytest.MonkeyPatch) -> None:
    ring, header = locked([["alice alice", "both both"], ["bob bob bob", "both both"]], (0, 1, 0))
    assert set(unlock_header(header, "alice alice")) == {0, 2}
    assert unlock_header(header, "bob bob bob") == {1: ring.face_key(1)}
    calls = []
    derive = unlock.derive_kek
    monkeypatch.setattr(unlock, "derive_kek", lambda *arguments: calls.append(1) or derive(*arguments))
    assert set(unlock_header(header, "both both")) == {0, 1, 2}
    assert len(calls) == 2, "the salt of 'both both' is shared; 'alice alice' was tried once"


def test_two_pictures_share_nothing() -> None:
    (_, first), (_, second) = locked([["same passphrase"]]), locked([["same passphrase"]])
    one, other = unlock_header(first, "same passphrase"), unlock_header(second, "same passphrase")
    assert one[0] != other[0]
    assert first.groups[0].stanzas[0] != second.groups[0].stanzas[0]


def test_altered_headers_are_recognised_once_a_group_opens() -> None:
    _, header = locked([["the passphrase"]])
    face = header.faces[0]
    extra = Group((*header.groups[0].stanzas, OtherStanza(9, b"")), header.groups[0].mac)
    for altered in (
        replace(header, width=101),
        replace(header, model_id=b"x" * 16),
        replace(header, faces=(replace(face, style="mask"), *header.faces[1:])),
        replace(header, faces=(replace(face, sealed=False), *header.faces[1:])),
        replace(header, faces=(replace(face, digest=bytes([9]) * 32), *header.faces[1:])),
        replace(header, faces=(replace(face, slot=header.faces[1].slot), *header.faces[1:])),
        replace(header, faces=header.faces[1:]),
        replace(header, groups=(extra,)),
        replace(header, groups=(replace(header.groups[0], mac=bytes(32)),)),
    ):
        with pytest.raises(DamagedFileError, match="altered"):
            unlock_header(altered, "the passphrase")


def test_forgotten_faces_stay_shut_and_the_others_open() -> None:
    ring, header = locked([["the passphrase"]])
    forgotten = forget_face(header, 1)
    keys = unlock_header(decode_header(encode_header(forgotten)), "the passphrase")
    assert keys == {0: ring.face_key(0), 2: ring.face_key(2)}
    everything = forget_face(forget_face(forgotten, 0), 2)
    assert unlock_header(everything, "the passphrase") == {}


def test_changing_passphrases_keeps_faces_and_other_groups() -> None:
    ring, header = locked([["alice alice"], ["bob bob bob"]], (0, 1, 0))
    changed = change_passphrases(header, "alice alice", ["new words", "more words"], CHEAP)
    assert unlock_header(changed, "more words") == {0: ring.face_key(0), 2: ring.face_key(2)}
    assert unlock_header(changed, "bob bob bob") == {1: ring.face_key(1)}
    with pytest.raises(WrongKeyError):
        unlock_header(changed, "alice alice")
    with pytest.raises(UsageError):
        change_passphrases(header, "alice alice", [], CHEAP)


def test_unusable_requests() -> None:
    ring = KeyRing.generate(bytes(16), BOXES)
    with pytest.raises(UsageError, match="0 stanzas"):
        lock_header(ring, (100, 50), NOTES, [[]], CHEAP)
    with pytest.raises(UsageError, match="notes"):
        lock_header(ring, (100, 50), NOTES[:2], [["the passphrase"]], CHEAP)
    with pytest.raises(UsageError, match="outside"):
        lock_header(ring, (45, 50), NOTES, [["the passphrase"]], CHEAP)
    with pytest.raises(UsageError, match="lanes"):
        lock_header(ring, (100, 50), NOTES, [["the passphrase"]], KdfParams(lanes=99))
    with pytest.raises(ValueError, match="group numbers"):
        KeyRing.generate(bytes(16), BOXES, [0])


def test_unicode_forms_and_duplicates_of_a_passphrase_are_one() -> None:
    _, header = locked([["cafe\u0301 passphrase", "caf\u00e9 passphrase"]])
    assert len(header.groups[0].stanzas) == 1
    assert set(unlock_groups(header, "caf\u00e9 passphrase")) == {0}
