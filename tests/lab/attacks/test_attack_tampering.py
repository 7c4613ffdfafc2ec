"""Altered files: the shipped reader accepts no forgery, and the attack catches readers that do not check."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from proface_lab.attacks.adversaries import tampering
from proface_lab.attacks.adversaries.tampering import ATTACK, FAILED, FORGED, REFUSED, SAME, SPENT, UNVOUCHED
from proface_lab.attacks.alterations import RANDOM
from proface_lab.attacks.base import AttackBudget, AttackOutcome, NotApplicable, Scene
from proface_lab.evaluation.method import load_method
from proface_s.api import Session
from proface_s.api.recovery import recover_picture
from proface_s.container import seal
from proface_s.container.header import header_bytes
from proface_s.keys.derive import KdfParams
from proface_s.keys.secrets import FileKey

from ..kit import XorMethod, samples


@pytest.fixture(scope="module")
def session() -> Session:
    return Session()


class Planted(XorMethod):
    """A method that stores files as the product does; the test chooses the reader."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def file_session(self) -> Session:
        return self.session


def attacked(session: Session, altered: int = 1) -> AttackOutcome:
    scene = Scene(samples(4, 64), samples(4, 64), AttackBudget("quick", side=64, altered=altered), "blur", 1, Path())
    return ATTACK.run(Planted(session), scene)


def test_no_altered_file_is_taken_for_what_it_is_not(session: Session) -> None:
    found = attacked(session, altered=2)
    assert found.succeeded is False
    assert found.attack == found.control == 0
    counts = found.details["counts"]
    assert found.details["untouched"] == {SAME: 2}
    assert set(RANDOM) < set(counts)
    assert sum(sum(row.values()) for row in counts.values()) == found.details["files"]
    for kind in (
        "a bit of a seal",
        "a sample of a face, and its digest",
        "swapped within the file",
        "header removed",
        "mixed with another file",
        "header fields at their extremes",
        "oversized costs",
    ):
        assert set(counts[kind]) == {REFUSED}, kind
    assert set(counts["header and seals removed"]) == set(counts["seals removed"]) == {UNVOUCHED}
    assert set(counts["a bit of a record in the pixels"]) == {SAME}, "the record is not what recovery reads"
    assert "surroundings" in found.finding


def test_a_seal_that_is_not_checked_is_caught(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def unauthenticated(key: object, box: bytes, shape: tuple[int, ...], context: bytes) -> np.ndarray:
        stream = Cipher(algorithms.ChaCha20(key.seal_key(), b"\1\0\0\0" + box[:12]), None)  # type: ignore[attr-defined]
        payload = stream.decryptor().update(box[12:-16])
        return seal._decompress(payload[0], payload[5 : 5 + int.from_bytes(payload[1:5], "big")], shape)

    monkeypatch.setattr(recover_picture, "open_seal", unauthenticated)
    found = attacked(session, altered=8)
    assert found.succeeded
    assert found.attack > found.control == 0
    assert found.details["counts"]["a bit of a seal"].get(FORGED, 0) > 0
    assert FORGED in found.finding
    assert "a bit of a seal" in found.finding


def test_a_reader_that_calls_everything_exact_is_caught(session: Session) -> None:
    class Credulous(Session):
        def recover(self, image: bytes, passphrase: str | None = None, **options: object) -> object:
            done = super().recover(image, passphrase)
            for face in done.faces:
                object.__setattr__(face, "outcome", "exact")
            return done

    counts = attacked(Credulous(model=session.model)).details["counts"]
    assert counts["seals removed"] == {FORGED: 1}, "what it calls exact is an estimate"


def test_costs_that_are_not_bounded_are_caught(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KdfParams, "check", lambda self: None)
    monkeypatch.setattr(header_bytes, "check_header", lambda header: None)
    found = attacked(session)
    assert found.succeeded
    assert found.details["counts"]["oversized costs"][SPENT] > 2


def test_a_program_that_falls_over_is_caught(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(self: FileKey, covered: bytes, mac: bytes) -> bool:
        assert self.header_mac(covered) == mac
        return True

    monkeypatch.setattr(FileKey, "verify_header_mac", careless)
    found = attacked(session)
    assert found.succeeded
    assert found.details["counts"]["seals removed, as if never made"] == {FAILED: 1}


@pytest.mark.parametrize(("spec", "reason"), [("secure-3-cover", "cover mode"), ("lsb-avif", "no file format")])
def test_methods_that_call_nothing_exact_have_nothing_to_attack(spec: str, reason: str) -> None:
    scene = Scene(samples(2, 64), samples(2, 64), AttackBudget("quick", side=64), "blur", 1, Path())
    with pytest.raises(NotApplicable, match=reason):
        ATTACK.run(load_method(spec), scene)


def test_a_face_exact_in_another_place_is_false(session: Session) -> None:
    scene = Scene(samples(4, 64), samples(4, 64), AttackBudget("quick", side=64), "blur", 1, Path())
    one, two = (tampering._store(session, scene.targets(4)[i : i + 2], "blur") for i in (0, 2))
    assert tampering.judge(session, one.file(), one) == SAME
    assert tampering.judge(session, two.file(), one) == FORGED
