"""Passphrase guessing: a fast hash counts as cheap, guesses use the stored cost, and cover mode needs a look."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from proface_lab.attacks.adversaries import guessing
from proface_lab.attacks.adversaries.guessing import ATTACK, PASSPHRASE, Guesser
from proface_lab.attacks.base import AttackBudget, AttackOutcome, NotApplicable, Scene
from proface_lab.evaluation.method import Method, load_method
from proface_s.keys import derive
from proface_s.keys.derive import KdfParams

from ..kit import XorMethod, samples


@pytest.fixture(autouse=True)
def few_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guessing, "SECONDS", 0.02)


def attacked(method: Method) -> AttackOutcome:
    return ATTACK.run(method, Scene(samples(1, 64), samples(1, 64), AttackBudget("quick", side=64), "blur", 1, Path()))


class Hashed(XorMethod):
    """A method whose key is a plain hash of the passphrase."""

    def guesser(self, passphrase: str) -> Guesser:
        right = hashlib.md5(passphrase.encode()).digest()
        return Guesser(lambda text: hashlib.md5(text.encode()).digest() == right, "MD5")


class Deaf(XorMethod):
    def guesser(self, passphrase: str) -> Guesser:
        return Guesser(lambda text: False, "nothing")


def test_a_fast_hash_is_called_cheap() -> None:
    found = attacked(Hashed())
    assert found.succeeded
    assert abs(found.leak) < 5, "a hash costs what the control costs"
    assert found.details["recognised"]
    assert "Guessing is cheap" in found.finding


def test_a_method_that_cannot_tell_the_right_passphrase_is_reported() -> None:
    found = attacked(Deaf())
    assert not found.details["recognised"]
    assert "Warning" in found.finding


@pytest.mark.parametrize(("cost", "cheap"), [((1, 1024, 1), True), ((3, 64 * 1024, 4), False)])
def test_guesses_use_the_cost_that_a_file_stores(
    monkeypatch: pytest.MonkeyPatch, cost: tuple[int, int, int], cheap: bool
) -> None:
    monkeypatch.setattr(KdfParams.__init__, "__defaults__", cost)
    found = attacked(load_method("secure-3"))
    assert found.succeeded is cheap
    assert found.details["recognised"]
    assert found.details["memory_kib"] == cost[1]
    assert found.attack < found.control, "slower than plain SHA-256"
    assert f"{cost[1] // 1024} MiB" in found.finding
    assert [row[0] for row in found.tables[1].rows][-1] == "6 random words"
    assert found.tables[1].rows[-1][1] == "77.5"


def test_every_guess_runs_the_derivation(monkeypatch: pytest.MonkeyPatch) -> None:
    tried, argon = [], derive.Argon2id

    def counted(**options: object) -> object:
        tried.append(options)
        return argon(**options)  # type: ignore[arg-type]

    monkeypatch.setattr(derive, "Argon2id", counted)
    attacked(load_method("secure-3"))
    assert len(tried) >= guessing.FEWEST + 3
    assert {options["memory_cost"] for options in tried} == {1024}


def test_in_cover_mode_the_attacker_has_to_look_at_pictures() -> None:
    found = attacked(load_method("secure-3-cover"))
    assert found.details["recognised"], "the right passphrase gives another picture than what was stored"
    assert "looking at the picture" in found.finding
    assert "one decoding" in found.finding


def test_more_bits_cost_more() -> None:
    rows = attacked(Hashed()).tables[1].rows
    bits = [float(row[1]) for row in rows]
    years = [float(str(row[2]).replace(",", "")) for row in rows]
    assert sorted(bits) == bits
    assert sorted(years) == years


def test_methods_without_passphrases_have_nothing_to_guess() -> None:
    with pytest.raises(NotApplicable, match="passphrases"):
        attacked(load_method("lsb-avif"))
    assert PASSPHRASE
