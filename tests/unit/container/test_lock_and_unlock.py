"""Locking and unlocking headers: passphrases, recipients, keys of single faces, and the cover mode."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from paths_kit import GOLDEN_VECTORS
from proface_s.container.header.header import Group, Header, forget_face, slot_digest
from proface_s.container.header.header_bytes import decode_header, encode_header
from proface_s.container.header.key_ring import KeyRing
from proface_s.container.header.lock import FaceDescription, lock_header, relock_header
from proface_s.container.header.stanzas import OtherStanza, RecipientStanza
from proface_s.container.header.unlock import noise_keys, unlock_groups, unlock_header
from proface_s.errors import DamagedFileError, UsageError, WrongKeyError
from proface_s.keys import derive
from proface_s.keys.access import Credentials, Lock
from proface_s.keys.derive import KdfParams
from proface_s.keys.face_key_text import PortableFaceKey, decode_face_key
from proface_s.keys.recipients import Identity, decode_identity
from proface_s.keys.secrets import FaceKey
from proface_s.types import Box

GOLDEN = GOLDEN_VECTORS / "locked_header_v1.json"
PEOPLE = GOLDEN.with_name("people_v1.json")
CHEAP = KdfParams(time_cost=1, memory_kib=1024, lanes=1)
BOXES = (Box(0, 0, 10, 10), Box(20, 0, 10, 10), Box(40, 0, 10, 10))
DESCRIPTIONS = tuple(FaceDescription("blur", None, bytes([i]) * 32) for i in range(3))
UNSEALED = tuple(replace(note, sealed=False) for note in DESCRIPTIONS)


def locked(locks: Sequence[Lock | Sequence[str]], groups: Sequence[int] = (0, 0, 0)) -> tuple[KeyRing, Header]:
    ring = KeyRing.generate(bytes(16), BOXES, groups)
    header = lock_header(
        ring, (100, 50), DESCRIPTIONS, [x if isinstance(x, Lock) else Lock.of(x) for x in locks], CHEAP
    )
    return ring, decode_header(encode_header(header))


def deniable(passphrases: Sequence[str], groups: Sequence[int] = (0, 0, 0)) -> tuple[KeyRing, Header]:
    ring = KeyRing.derive(bytes(16), BOXES, groups, passphrases, CHEAP)
    return ring, decode_header(encode_header(lock_header(ring, (100, 50), UNSEALED, ())))


def keys_by(header: Header, *arguments: object, **more: object) -> dict[int, FaceKey]:
    return unlock_header(header, Credentials.of(*arguments, **more)).face_keys  # type: ignore[arg-type]


def portable(ring: KeyRing, header: Header, index: int) -> PortableFaceKey:
    return PortableFaceKey(index, slot_digest(header.faces[index].slot)[:8], ring.face_key(index))


def test_unlock_gives_the_keys_the_faces_were_protected_with() -> None:
    ring, header = locked([["first passphrase", "second passphrase"]])
    for passphrase in ("first passphrase", "second passphrase"):
        assert keys_by(header, passphrase) == {index: ring.face_key(index) for index in range(3)}
    with pytest.raises(WrongKeyError) as caught:
        keys_by(header, "third passphrase")
    assert "third" not in caught.value.message
    with pytest.raises(UsageError, match="no passphrase"):
        unlock_header(header, Credentials())


def test_golden_header_opens_for_ever() -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    header = decode_header(bytes.fromhex(golden["header"]))
    for passphrase, faces in golden["face_keys"].items():
        assert {str(index): key.reveal().hex() for index, key in keys_by(header, passphrase).items()} == faces


def test_groups_open_separately_and_share_derivations(monkeypatch: pytest.MonkeyPatch) -> None:
    ring, header = locked([["alice alice", "both both"], ["bob bob bob", "both both"]], (0, 1, 0))
    assert set(keys_by(header, "alice alice")) == {0, 2}
    assert keys_by(header, "bob bob bob") == {1: ring.face_key(1)}
    assert set(keys_by(header, ["alice alice", "bob bob bob"])) == {0, 1, 2}
    calls = []
    real = derive.derive_kek
    monkeypatch.setattr(derive, "derive_kek", lambda *arguments: calls.append(1) or real(*arguments))
    assert set(keys_by(header, "both both")) == {0, 1, 2}
    assert len(calls) == 2, "the salt of 'both both' is shared; 'alice alice' was tried once"


def test_recipients_open_beside_passphrases_and_nothing_tells_who_they_are() -> None:
    ann, bob, eve = (Identity.generate() for _ in range(3))
    recipients = (ann.recipient, bob.recipient)
    ring, header = locked([Lock(("the passphrase",), recipients), Lock((), (bob.recipient,))], (0, 0, 1))
    every = {index: ring.face_key(index) for index in range(3)}
    assert keys_by(header, None, [ann]) == {0: every[0], 1: every[1]}
    assert keys_by(header, None, [eve, bob]) == every
    assert keys_by(header, "the passphrase", [bob]) == every
    assert unlock_groups(header, Credentials((), (bob,))) == dict(enumerate(ring.file_keys))
    with pytest.raises(WrongKeyError, match="no identity"):
        keys_by(header, None, [eve])
    data = encode_header(header)
    assert all(recipient.public not in data for recipient in recipients)
    _, other = locked([Lock((), recipients)])
    with pytest.raises(WrongKeyError, match="no passphrase opens"):
        keys_by(other, "the passphrase")
    with pytest.raises(WrongKeyError, match="not made for any recipient"):
        keys_by(locked([["the passphrase"]])[1], None, [ann])


def test_altered_recipient_stanzas_open_nothing() -> None:
    ann = Identity.generate()
    _, header = locked([Lock((), (ann.recipient,))])
    (stanza,) = header.groups[0].stanzas
    assert isinstance(stanza, RecipientStanza)
    for broken in (
        replace(stanza, ephemeral=bytes(32)),
        replace(stanza, ephemeral=ann.recipient.public),
        replace(stanza, wrapped_key=stanza.wrapped_key[:-1] + b"\0"),
    ):
        with pytest.raises(WrongKeyError):
            keys_by(replace(header, groups=(Group((broken,), header.groups[0].mac),)), None, [ann])
    short = OtherStanza(2, stanza.ephemeral + stanza.wrapped_key[:-1])
    with pytest.raises(DamagedFileError, match="recipient's part"):
        keys_by(replace(header, groups=(Group((short,), header.groups[0].mac),)), None, [ann])


def test_swapped_keys_are_recognised() -> None:
    """A wrapped file key moved to another group does not open; moved to another face, the MAC no longer matches."""
    ann, bob = Identity.generate(), Identity.generate()
    _, header = locked([Lock((), (ann.recipient,)), Lock((), (bob.recipient,))], (0, 1, 1))
    first, second = header.groups
    swapped = replace(header, groups=(replace(first, stanzas=second.stanzas), replace(second, stanzas=first.stanzas)))
    for identity in ann, bob:
        with pytest.raises(WrongKeyError):
            keys_by(swapped, None, [identity])
    faces = header.faces
    mixed = replace(
        header, faces=(faces[0], replace(faces[1], slot=faces[2].slot), replace(faces[2], slot=faces[1].slot))
    )
    with pytest.raises(DamagedFileError, match="altered"):
        keys_by(mixed, None, [bob])


def test_a_face_key_opens_its_face_and_no_other() -> None:
    ring, header = locked([["the passphrase"]])
    assert keys_by(header, None, (), [portable(ring, header, 1)]) == {1: ring.face_key(1)}
    assert set(keys_by(header, None, (), [portable(ring, header, 1), portable(ring, header, 2)])) == {1, 2}
    again, other = locked([["the passphrase"]])
    with pytest.raises(WrongKeyError, match="another file"):
        keys_by(other, None, (), [portable(ring, header, 1)])
    with pytest.raises(WrongKeyError, match="another file"):
        keys_by(header, None, (), [replace(portable(ring, header, 1), index=7)])
    with pytest.raises(WrongKeyError, match="another file"):
        keys_by(header, None, (), [replace(portable(ring, header, 1), index=2)])
    mixed = [portable(ring, header, 1), portable(again, other, 0)]
    assert set(keys_by(header, None, (), mixed)) == {1}, "keys of other files do not matter where one opens"
    assert unlock_header(header, Credentials((), (), (mixed[0],))).groups == {}


def test_two_pictures_share_nothing() -> None:
    (_, first), (_, second) = locked([["same passphrase"]]), locked([["same passphrase"]])
    assert keys_by(first, "same passphrase")[0] != keys_by(second, "same passphrase")[0]
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
            keys_by(altered, "the passphrase")
    unsigned = replace(header, groups=(replace(header.groups[0], mac=b""),))
    opened = unlock_header(unsigned, Credentials.of("the passphrase"), authenticated=False)
    assert opened.face_keys == keys_by(header, "the passphrase")


def test_forgotten_faces_stay_shut_and_the_others_open() -> None:
    ring, header = locked([["the passphrase"]])
    forgotten = forget_face(forget_face(header, 1), 2, erased=True)
    keys = keys_by(decode_header(encode_header(forgotten)), "the passphrase")
    assert keys == {0: ring.face_key(0)}
    assert keys_by(forget_face(forgotten, 0), "the passphrase") == {}
    own = keys_by(forgotten, None, (), [portable(ring, header, 1)])
    assert own == {1: ring.face_key(1)}, "its own key was handed out before; it needs nothing of the header"


def test_rewrap_keeps_faces_and_other_groups() -> None:
    ann = Identity.generate()
    ring, header = locked([["alice alice"], ["bob bob bob"]], (0, 1, 0))
    opened = unlock_groups(header, Credentials.of("alice alice"), required=True)
    changed = relock_header(header, opened, Lock.of(["new words", "more words"], [ann.recipient]), CHEAP)
    for arguments in (("more words",), ("new words",), (None, [ann])):
        assert keys_by(changed, *arguments) == {0: ring.face_key(0), 2: ring.face_key(2)}
    assert keys_by(changed, "bob bob bob") == {1: ring.face_key(1)}
    with pytest.raises(WrongKeyError):
        keys_by(changed, "alice alice")
    assert [face.slot for face in changed.faces] == [face.slot for face in header.faces], "face keys stay valid"
    added = relock_header(header, opened, Lock.of("new words"), CHEAP, keep=True)
    for passphrase in "new words", "alice alice":
        assert set(keys_by(added, passphrase)) == {0, 2}
    with pytest.raises(WrongKeyError):
        unlock_groups(header, Credentials.of("carol carol"), required=True)
    with pytest.raises(UsageError, match="no new"):
        relock_header(header, opened, Lock(), CHEAP)
    with pytest.raises(UsageError, match="66 stanzas"):
        relock_header(header, opened, Lock.of([f"passphrase {i}" for i in range(66)]), CHEAP)


def test_in_cover_mode_every_passphrase_gives_keys_and_one_gives_the_right_ones() -> None:
    ring, header = deniable(["alice alice", "bob bob bob"], (0, 1, 0))
    right = keys_by(header, "alice alice")
    assert {index: right[index] for index in (0, 2)} == {0: ring.face_key(0), 2: ring.face_key(2)}
    assert set(right) == {0, 1, 2}
    assert right[1] != ring.face_key(1)
    wrong = keys_by(header, "carol carol")
    assert set(wrong) == {0, 1, 2}
    assert all(wrong[index] != ring.face_key(index) for index in range(3))
    assert set(keys_by(forget_face(header, 0), "alice alice")) == {1, 2}
    assert keys_by(header, None, (), [portable(ring, header, 1)]) == {1: ring.face_key(1)}
    with pytest.raises(UsageError, match="several passphrases"):
        keys_by(header, ["alice alice", "bob bob bob"])
    with pytest.raises(WrongKeyError, match="not made for any recipient"):
        keys_by(header, None, [Identity.generate()])
    with pytest.raises(UsageError, match="cannot be changed"):
        relock_header(header, {}, Lock.of("new words"), CHEAP)
    with pytest.raises(UsageError, match="2 groups"):
        KeyRing.derive(bytes(16), BOXES, (0, 1, 0), ["one alone"], CHEAP)


def test_in_cover_mode_no_byte_of_the_header_depends_on_the_passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    """With fixed randomness, two passphrases give the same header, bit for bit."""
    monkeypatch.setattr("secrets.token_bytes", lambda count: bytes(range(count)))
    (ring, first), (other, second) = deniable(["alice alice"]), deniable(["bob bob bob"])
    assert encode_header(first) == encode_header(second)
    assert ring.face_key(0) != other.face_key(0)


def test_noise_keys_are_wrong_keys_for_every_face() -> None:
    ann = Identity.generate()
    ring, header = locked([["the passphrase"], Lock((), (ann.recipient,))], (0, 1, 0))
    for wrong in (
        Credentials.of("carol carol"), Credentials.of("the passphrase"), Credentials.of("carol carol", [ann]),
    ):  # fmt: skip
        keys = noise_keys(header, wrong)
        assert set(keys) == {0, 1, 2}
        assert all(keys[index] != ring.face_key(index) for index in keys)
    assert noise_keys(header, Credentials.of(None, [Identity.generate()])).keys() == {1}
    elsewhere = PortableFaceKey(2, bytes(8), FaceKey(bytes(32)))
    assert noise_keys(header, Credentials((), (), (elsewhere,))) == {2: FaceKey(bytes(32))}
    assert set(noise_keys(forget_face(header, 0), Credentials.of("carol carol"))) == {1, 2}


def test_unusable_requests() -> None:
    ring = KeyRing.generate(bytes(16), BOXES)
    with pytest.raises(UsageError, match="0 stanzas"):
        lock_header(ring, (100, 50), DESCRIPTIONS, [Lock()], CHEAP)
    with pytest.raises(UsageError, match="descriptions"):
        lock_header(ring, (100, 50), DESCRIPTIONS[:2], [Lock.of("the passphrase")], CHEAP)
    with pytest.raises(UsageError, match="locks for 0"):
        lock_header(ring, (100, 50), DESCRIPTIONS, [], CHEAP)
    with pytest.raises(UsageError, match="outside"):
        lock_header(ring, (45, 50), DESCRIPTIONS, [Lock.of("the passphrase")], CHEAP)
    with pytest.raises(UsageError, match="lanes"):
        lock_header(ring, (100, 50), DESCRIPTIONS, [Lock.of("the passphrase")], KdfParams(lanes=99))
    with pytest.raises(ValueError, match="group numbers"):
        KeyRing.generate(bytes(16), BOXES, [0])


def test_reserved_samples_are_covered_by_the_mac() -> None:
    ring = KeyRing.generate(bytes(16), BOXES)
    header = lock_header(ring, (100, 50), DESCRIPTIONS, [Lock.of("the passphrase")], CHEAP, reserved=(100, 0, 40))
    assert [header.reserved(index) for index in range(3)] == [100, 0, 40]
    assert set(keys_by(decode_header(encode_header(header)), "the passphrase")) == {0, 1, 2}
    with pytest.raises(DamagedFileError, match="altered"):
        keys_by(replace(header, extensions=()), "the passphrase")


def test_unicode_forms_and_duplicates_of_a_passphrase_are_one() -> None:
    _, header = locked([["cafe\u0301 passphrase", "caf\u00e9 passphrase"]])
    assert len(header.groups[0].stanzas) == 1
    assert set(unlock_groups(header, Credentials.of("caf\u00e9 passphrase"))) == {0}


def test_golden_headers_of_people_open_for_ever() -> None:
    golden = json.loads(PEOPLE.read_text(encoding="utf-8"))
    noise, cover = golden["noise"], golden["cover"]
    header = decode_header(bytes.fromhex(noise["header"]))
    given = {int(index): decode_face_key(text) for index, text in noise["face_keys"].items()}
    identity = decode_identity(noise["identity"])
    assert str(identity.recipient) == noise["recipient"]
    for arguments, faces in (
        ((None, [identity]), noise["opened_by_identity"]),
        ((noise["passphrase"],), noise["opened_by_passphrase"]),
        ((None, (), list(given.values())), [0, 1, 2]),
    ):
        assert keys_by(header, *arguments) == {index: given[index].key for index in faces}
    header = decode_header(bytes.fromhex(cover["header"]))
    for index, passphrase in enumerate(cover["passphrases"]):
        assert keys_by(header, passphrase)[index] == decode_face_key(cover["face_keys"][str(index)]).key
    assert keys_by(header, None, (), list(cover["face_keys"].values())).keys() == {0, 1, 2}
