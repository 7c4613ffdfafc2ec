"""Adversaries that search for keys, each on a planted weakness, on a method without it, and on the shipped flow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from proface_lab.attacks.adversaries import ciphertext_only, known_plaintext, two_time, wrong_keys
from proface_lab.attacks.adversaries.access import PadDigits, passphrase_keys
from proface_lab.attacks.base import NotApplicable
from proface_lab.evaluation.peers import LsbAvif, SecureMethod
from proface_s.image.measures import psnr

from .attack_kit import TINY, Pad, Signs, Smeared, Unkeyed, faces, scene


@pytest.fixture(scope="module")
def secure() -> SecureMethod:
    return SecureMethod(threads=1)


def test_half_a_key_map_opens_half_a_face(tmp_path: Path) -> None:
    found = wrong_keys.ATTACK.run(Signs(), scene(tmp_path))
    rows = found.details["levels"][wrong_keys.SPREAD]
    assert found.succeeded
    assert rows["left half right"]["part"] > found.control + 10
    assert rows["left half right"]["whole"] < rows["right"]["whole"] - 10
    errors = [y for _, y in sorted(found.plots["key-errors"].curves[wrong_keys.SPREAD])]
    assert errors == sorted(errors, reverse=True)  # a slope: the more key bits are wrong, the less is recovered


def test_a_key_that_decides_everything_is_a_cliff(tmp_path: Path) -> None:
    found = wrong_keys.ATTACK.run(Pad(), scene(tmp_path))
    assert found.succeeded is False
    rows = found.details["levels"][wrong_keys.KEY]
    assert rows["right"]["whole"] > 30 > 15 > rows["one bit"]["part"]


def test_the_shipped_flow_is_a_cliff_and_says_what_its_pad_opens(tmp_path: Path, secure: SecureMethod) -> None:
    found = wrong_keys.ATTACK.run(secure, scene(tmp_path, "blur", replace(TINY, victims=1)))
    assert found.succeeded is False
    assert wrong_keys.SPREAD in found.details["levels"]
    assert "digits of the pad" in found.finding


def test_a_change_touches_as_many_elements_as_it_says() -> None:
    elements = np.zeros((20, 50, 3), np.uint8)
    changed = wrong_keys.changed_share(0.25)(elements, 3, np.random.default_rng(0))
    assert int((changed != elements).sum()) == 750
    assert set(np.unique(changed)) == {0, 1, 2}


def test_a_known_picture_opens_others_under_one_relaxable_key(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    found = known_plaintext.ATTACK.run(Signs(reused=True), scene(tmp_path))
    assert found.succeeded
    assert found.attack > found.control + 10


def test_a_known_picture_opens_nothing_where_every_picture_has_its_key(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    found = known_plaintext.ATTACK.run(Signs(), scene(tmp_path))
    assert found.succeeded is False
    misuse = found.details["misuse: one key used for all of them"]["figures"]
    assert misuse["key from the known picture"] > found.control + 10  # the adversary itself works


def test_a_known_picture_says_nothing_where_nothing_can_be_computed(tmp_path: Path) -> None:
    with pytest.raises(NotApplicable, match="relaxed"):
        known_plaintext.ATTACK.run(LsbAvif(), scene(tmp_path))


def test_the_pad_of_the_shipped_flow_follows_from_a_known_picture_and_fits_no_other(
    tmp_path: Path, secure: SecureMethod
) -> None:
    here = scene(tmp_path, "blur")
    face, other = here.covered()[:2]
    key = bytes(range(32))
    opened = PadDigits(secure, 5)
    protected = secure.protect(face.original, face.cover, key)
    pad = opened.pad_of(face.original, face.cover, protected)
    assert np.array_equal(pad, opened.expand(key, protected.shape))
    again = secure.protect(other.original, other.cover, key)  # no command reuses a key
    assert psnr(opened.recover(again, pad), other.original) > 30
    found = known_plaintext.ATTACK.run(secure, here)
    assert found.succeeded is False
    assert "never use a key again" in found.finding


def test_keys_of_one_passphrase() -> None:
    keys, _ = passphrase_keys(SecureMethod(threads=1), "some words", 3)
    assert len(set(keys)) == 3
    keys, _ = passphrase_keys(LsbAvif(), "some words", 3)
    assert len(set(keys)) == 1


def test_few_keys_are_found_by_trying(tmp_path: Path) -> None:
    found = ciphertext_only.ATTACK.run(Pad(bits=3), scene(tmp_path))
    assert found.succeeded
    assert found.leak > 10
    assert ciphertext_only.ATTACK.run(Pad(), scene(tmp_path)).succeeded is False


def test_a_smooth_key_is_found_by_the_look_of_a_photo(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    found = ciphertext_only.ATTACK.run(Smeared(), scene(tmp_path))
    assert found.succeeded
    assert found.attack > 25


def test_an_original_that_shines_through_is_found_in_two_protections(tmp_path: Path) -> None:
    found = two_time.ATTACK.run(Unkeyed(), scene(tmp_path))
    assert found.succeeded
    assert found.leak > 0.3
    assert found.details["cases"]["one photo twice"]["equal"] == 1


def test_fresh_keys_share_nothing_and_one_key_shows(tmp_path: Path) -> None:
    assert two_time.ATTACK.run(Pad(), scene(tmp_path)).succeeded is False
    again = two_time.ATTACK.run(Pad(reused=True), scene(tmp_path))
    assert again.succeeded
    assert "identical in 100%" in again.finding


def test_a_burst_is_the_same_face_but_not_the_same_picture(tmp_path: Path) -> None:
    face = scene(tmp_path).covered()[0]
    second = two_time.burst(face, np.random.default_rng(1))
    assert not np.array_equal(second, face.original)
    assert psnr(second, face.original) > 15
    assert faces(2)[0].identity != faces(2)[1].identity
