"""Case S9: requests beyond the limits are refused before any work is done, and no key is derived twice."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import proface_s
from proface_s import Credentials, Lock, Session
from proface_s.api.protection import protect_picture
from proface_s.container.carriers.carrier import from_chunks, read_chunks, write_chunks
from proface_s.container.header.header import Group, Header
from proface_s.container.header.key_ring import KeyRing
from proface_s.container.header.lock import FaceDescription, lock_header, relock_header
from proface_s.container.header.lock_plan import plan_header
from proface_s.container.header.stanzas import BareStanza, PassphraseStanza, RecipientStanza
from proface_s.container.header.unlock import noise_keys, unlock_groups, unlock_header
from proface_s.container.records.pixel_records import record_samples, write_record
from proface_s.container.records.record_message import face_record
from proface_s.errors import CostlyFileError, UsageError, WrongKeyError
from proface_s.flow.secure.model import SecureFlow
from proface_s.image.write import encode_picture
from proface_s.keys import derive
from proface_s.keys.derive import KdfLimits, KdfParams, KekDeriver
from proface_s.keys.recipients import Identity
from proface_s.types import Box, Picture

PASSPHRASE = "a passphrase to open it"
CHEAP = KdfParams(1, 1024, 1)
COSTLY = KdfParams(16, 1024 * 1024, 1)
BOX = Box(0, 0, 64, 64)


@pytest.fixture
def derived(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bytes, KdfParams]]:
    """Record all Argon2id requests without running costly ones."""
    runs: list[tuple[str, bytes, KdfParams]] = []
    real = derive.derive_kek

    def watched(passphrase: str, salt: bytes, params: KdfParams) -> bytes:
        runs.append((passphrase, salt, params))
        return real(passphrase, salt, params) if params.cost < 100_000 else bytes(32)

    monkeypatch.setattr(derive, "derive_kek", watched)
    return runs


@pytest.fixture
def hidden(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the faces that the flow was asked to hide."""
    calls: list[int] = []
    real = SecureFlow.protect

    def watched(self: SecureFlow, *args: Any, **options: Any) -> Any:
        calls.append(1)
        return real(self, *args, **options)

    monkeypatch.setattr(SecureFlow, "protect", watched)
    return calls


def rows_of_faces(count: int) -> tuple[np.ndarray, list[str]]:
    boxes = [Box(16 * (i % 32), 16 * (i // 32), 16, 16) for i in range(count)]
    return np.full((16 * (1 + count // 32), 512, 3), 90, np.uint8), [str(box) for box in boxes]


def header_with(*stanzas: Any, mode: Any = "noise") -> Header:
    face = plan_header(bytes(16), (64, 64), [BOX], [0], [Lock.of(PASSPHRASE)], cover=mode == "cover").faces[0]
    return Header(64, 64, bytes(16), (Group(tuple(stanzas), bytes(32)),), (face,), wrong_key=mode)


def passphrase_stanza(number: int, params: KdfParams = CHEAP) -> PassphraseStanza:
    return PassphraseStanza(number.to_bytes(16, "big"), params, bytes(60))


@pytest.mark.parametrize("mode", ["noise", "cover"])
@pytest.mark.parametrize("own", [65, 70])
def test_s9_too_many_groups_are_refused_before_any_work(
    derived: list[Any], hidden: list[int], mode: Any, own: int
) -> None:
    picture, boxes = rows_of_faces(own)
    locks = {number: Lock.of(f"the passphrase of face {number}") for number in range(1, own + 1)}
    with pytest.raises(UsageError, match=f"{own} different sets of keys .* at most 64"):
        Session().protect(picture, None, own=locks, boxes=boxes, faces="none", wrong_key=mode)
    del locks[1]
    if own == 65:  # the passphrase of all others makes one too many
        picture, boxes = rows_of_faces(66)
        with pytest.raises(UsageError, match="65 different sets of keys"):
            Session().protect(picture, PASSPHRASE, own=locks, boxes=boxes, faces="none", wrong_key=mode)
    assert (derived, hidden) == ([], [])


def test_s9_too_many_faces_and_stanzas_are_refused_before_any_work(derived: list[Any], hidden: list[int]) -> None:
    picture, boxes = rows_of_faces(4097)
    with pytest.raises(UsageError, match="4097 faces"):
        Session().protect(picture, PASSPHRASE, boxes=boxes, faces="none")
    many = [f"passphrase number {number}" for number in range(65)]
    with pytest.raises(UsageError, match="65 stanzas"):
        Session().protect(picture, many, boxes=boxes[:1], faces="none")
    recipients = [Identity.generate().recipient for _ in range(65)]
    with pytest.raises(UsageError, match="65 stanzas"):
        Session().protect(picture, None, recipients=recipients, boxes=boxes[:1], faces="none")
    assert (derived, hidden) == ([], [])


def test_s9_more_passphrases_than_a_reader_may_try(derived: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KdfParams.__init__, "__defaults__", (3, 64 * 1024, 4))  # as it is outside these tests
    locks = [Lock.of([f"passphrase {number} of {group}" for number in range(50)]) for group in range(2)]
    with pytest.raises(UsageError, match=r"100 different passphrases are too many .* at most 85"):
        plan_header(bytes(16), (64, 64), [BOX, replace(BOX, x=0)], [0, 1], locks)
    assert derived == []


def test_s9_rewrap_is_refused_before_any_work(derived: list[Any]) -> None:
    picture, boxes = rows_of_faces(1)
    data = Session().protect(picture, PASSPHRASE, boxes=boxes, faces="none").data
    header, file_keys = (
        from_chunks(read_chunks(data))[0],
        unlock_groups(from_chunks(read_chunks(data))[0], Credentials.of(PASSPHRASE)),
    )
    derived.clear()
    many = Lock.of([f"passphrase number {number}" for number in range(64)])
    with pytest.raises(UsageError, match="65 stanzas"):
        relock_header(header, file_keys, many, keep=True)
    with pytest.raises(UsageError, match="65 stanzas"):
        relock_header(header, file_keys, Lock.of([*many.passphrases, "one more of them"]))
    with pytest.raises(UsageError, match="65 stanzas"):
        proface_s.rewrap(data, Credentials.of(PASSPHRASE), Lock.of([*many.passphrases, "one more of them"]))
    assert derived == []


def test_s9_a_planned_header_is_as_long_as_the_locked_one() -> None:
    locks = [Lock.of([PASSPHRASE, "another passphrase"], [Identity.generate().recipient]), Lock.of(PASSPHRASE)]
    boxes = [BOX, Box(64, 0, 64, 64)]
    ring = KeyRing.generate(bytes(16), boxes, [0, 1])
    locked = lock_header(ring, (128, 64), [FaceDescription("blur", None, bytes(32))] * 2, locks)
    planned = plan_header(bytes(16), (128, 64), boxes, [0, 1], locks)
    for index in range(2):
        assert len(face_record(planned, index)) == len(face_record(locked, index))
    assert [len(group.stanzas) for group in planned.groups] == [3, 1]
    with pytest.raises(WrongKeyError):
        unlock_header(planned, Credentials.of(PASSPHRASE))


LIMITS = KdfLimits(memory_kib=2048, total_kib=8 * 1024)


@pytest.mark.parametrize("cover", [False, True])
@pytest.mark.parametrize(
    ("costs", "message"),
    [
        ([CHEAP] * 9, "9 key derivations .* 9 MiB .* at most 8 MiB"),
        ([KdfParams(9, 1024, 1)], "9 MiB .* at most 8"),
        ([KdfParams(1, 4096, 1)], "takes 4 MiB of memory; at most 2 MiB"),
        ([CHEAP, COSTLY], "1024 MiB of memory"),
    ],
)
def test_s9_lower_limits_are_checked_before_the_first_derivation(
    derived: list[Any], costs: list[KdfParams], message: str, cover: bool
) -> None:
    stanzas = [passphrase_stanza(number, params) for number, params in enumerate(costs)]
    header = header_with(*stanzas)
    if cover:
        bare = tuple(Group((BareStanza(stanza.salt, stanza.params),), bytes(32)) for stanza in stanzas)
        face = header_with(mode="cover").faces[0]
        faces = tuple(replace(face, group=number, box=Box(64 * number, 0, 64, 64)) for number in range(len(bare)))
        header = Header(640, 64, bytes(16), bare, faces, wrong_key="cover")
    with pytest.raises(CostlyFileError, match=message):
        unlock_header(header, Credentials.of(PASSPHRASE), deriver=KekDeriver(LIMITS))
    assert derived == []


def test_s9_several_passphrases_cost_as_much_more(derived: list[Any]) -> None:
    header = header_with(*(passphrase_stanza(number) for number in range(5)))
    with pytest.raises(WrongKeyError):
        unlock_header(header, Credentials.of(PASSPHRASE), deriver=KekDeriver(LIMITS))
    assert len(derived) == 5
    with pytest.raises(CostlyFileError, match="10 key derivations"):
        unlock_header(header, Credentials.of([PASSPHRASE, "and another one"]), deriver=KekDeriver(LIMITS))
    assert len(derived) == 5


def test_s9_the_format_allows_one_of_the_most_costly_and_tells_what_it_would_take(derived: list[Any]) -> None:
    header = header_with(passphrase_stanza(1, COSTLY))
    with pytest.raises(WrongKeyError):
        unlock_header(header, Credentials.of(PASSPHRASE))
    assert len(derived) == 1
    with pytest.raises(CostlyFileError, match="fill 32768 MiB"):
        unlock_header(header, Credentials.of([PASSPHRASE, "and another one"]))
    assert len(derived) == 1


def test_s9_nothing_is_derived_twice(derived: list[Any]) -> None:
    header, deriver = header_with(*(passphrase_stanza(number) for number in (1, 2, 1, 2, 1))), KekDeriver()
    for _ in range(3):
        with pytest.raises(WrongKeyError):
            unlock_header(header, Credentials.of([PASSPHRASE, PASSPHRASE]), deriver=deriver)
    assert noise_keys(header, Credentials.of(PASSPHRASE), deriver=deriver)
    assert len(derived) == len(set(derived)) == 2


def test_s9_cheap_stanzas_are_tried_first(derived: list[Any]) -> None:
    """A stranger may add costly stanzas to a file; the right passphrase still opens it at its own cost."""
    ring = KeyRing.generate(bytes(16), [BOX])
    header = lock_header(ring, (64, 64), [FaceDescription("blur", None, bytes(32))], [Lock.of(PASSPHRASE)])
    stanzas = (passphrase_stanza(7, KdfParams(15, 1024 * 1024, 1)), *header.groups[0].stanzas)
    derived.clear()
    opened = unlock_groups(
        replace(header, groups=(replace(header.groups[0], stanzas=stanzas),)),
        Credentials.of(PASSPHRASE),
        authenticated=False,
    )
    assert len(opened) == len(derived) == 1


def test_s9_records_of_many_headers_share_one_budget_and_one_derivation(derived: list[Any]) -> None:
    """Test a collage: each picture in it has its own header, and all have the same salt."""
    rgb = np.full((400, 400, 3), 100, np.uint8)
    for place in range(9):
        header = replace(header_with(passphrase_stanza(1)), width=400 + place, height=400)
        record, y, x = face_record(header, 0), 130 * (place // 3), 130 * (place % 3)
        assert 2 * record_samples(len(record)) < 64 * 64 * 3
        rgb[y : y + 64, x : x + 64] = write_record(rgb[y : y + 64, x : x + 64], record)
    with pytest.raises(WrongKeyError):
        Session(limits=LIMITS).recover(rgb, PASSPHRASE)
    assert len(derived) == 1
    for place in range(9):
        header = replace(header_with(passphrase_stanza(100 + place)), width=400 + place, height=400)
        y, x = 130 * (place // 3), 130 * (place % 3)
        rgb[y : y + 64, x : x + 64] = write_record(rgb[y : y + 64, x : x + 64], face_record(header, 0))
    derived.clear()
    with pytest.raises(CostlyFileError):
        Session(limits=LIMITS).recover(rgb, PASSPHRASE)
    assert derived == []


def test_s9_key_agreements_are_counted_before_the_first_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []
    real = Identity.agree_with
    monkeypatch.setattr(Identity, "agree_with", lambda self, key: asked.append(key) or real(self, key))
    header = header_with(*(RecipientStanza(bytes([1, number, *bytes(30)]), bytes(60)) for number in range(64)))
    people = [Identity.generate() for _ in range(3)]
    with pytest.raises(CostlyFileError, match="192 key agreements; at most 100"):
        unlock_header(header, Credentials.of(None, people), deriver=KekDeriver(KdfLimits(agreements=100)))
    assert asked == []
    with pytest.raises(WrongKeyError):
        unlock_header(header, Credentials.of(None, people[:1]), deriver=KekDeriver(KdfLimits(agreements=100)))
    assert len(asked) == 64


def test_s9_memory_is_taken_from_a_budget() -> None:
    held, most = [0], [0]

    @contextlib.contextmanager
    def reserve(count: int) -> Iterator[None]:
        held[0] += count
        most[0] = max(most[0], held[0])
        yield
        held[0] -= count

    picture, boxes = rows_of_faces(1)
    session = Session(threads=1, limits=KdfLimits(reserve=reserve))
    data = session.protect(picture, [PASSPHRASE, "and another one"], boxes=boxes, faces="none").data
    assert (held, most) == ([0], [1024 * 1024])
    most[0] = 0
    session.recover(data, PASSPHRASE)
    assert (held, most) == ([0], [1024 * 1024])

    def full(count: int) -> contextlib.AbstractContextManager[None]:
        raise MemoryError

    for call in (
        lambda: Session(limits=KdfLimits(reserve=full)).recover(data, PASSPHRASE),
        lambda: proface_s.verify(data, Credentials.of(PASSPHRASE), limits=KdfLimits(reserve=full)),
        lambda: proface_s.face_key(data, 1, Credentials.of(PASSPHRASE), limits=KdfLimits(reserve=full)),
        lambda: proface_s.rewrap(data, Credentials.of(PASSPHRASE), Lock.of(PASSPHRASE), limits=KdfLimits(reserve=full)),
    ):
        with pytest.raises(MemoryError):
            call()


def test_s9_a_costly_file_is_refused_by_every_way_to_open_it(derived: list[Any]) -> None:
    picture, boxes = rows_of_faces(1)
    data = Session().protect(picture, PASSPHRASE, boxes=boxes, faces="none").data
    header, seals = from_chunks(read_chunks(data))
    costly = replace(header, groups=(replace(header.groups[0], stanzas=(passphrase_stanza(1, COSTLY),)),))
    chunks = {"pfSh": [protect_picture.to_chunks(costly, seals)["pfSh"][0]], "pfSl": read_chunks(data)["pfSl"]}
    rgb = Session().recover(data, PASSPHRASE).recovered
    file = write_chunks(encode_picture(Picture(rgb), "png"), chunks)
    derived.clear()
    limits, credentials = LIMITS, Credentials.of(PASSPHRASE)
    assert proface_s.inspect(file).kdf
    for call in (
        lambda: proface_s.verify(file, credentials, limits=limits),
        lambda: proface_s.face_key(file, 1, credentials, limits=limits),
        lambda: proface_s.verify(write_chunks(data, chunks), credentials, limits=limits),
        lambda: Session(limits=limits).recover(write_chunks(data, chunks), PASSPHRASE),
        lambda: Session(limits=limits).recover(write_chunks(data, chunks), PASSPHRASE, force=True),
        lambda: proface_s.rewrap(write_chunks(data, chunks), credentials, Lock.of(PASSPHRASE), limits=limits),
    ):
        with pytest.raises(CostlyFileError):
            call()
    assert derived == []
