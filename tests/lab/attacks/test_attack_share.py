"""Adversaries of the layer of share copies: they break it without its cipher, and get nothing from it as it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from proface_lab.attacks.adversaries import guessing, known_plaintext, readout, share_access, wrong_keys
from proface_lab.attacks.adversaries import two_time as two_time_attack
from proface_lab.attacks.base import BUDGETS, NotApplicable
from proface_lab.attacks.run import raised
from proface_lab.evaluation.faces import FaceSample
from proface_lab.evaluation.measures.quality import evaluation_key
from proface_lab.evaluation.method import load_method
from proface_lab.evaluation.peers import SecureMethod
from proface_lab.evaluation.share_method import ShareMethod
from proface_s.covers import apply_style
from proface_s.errors import UsageError
from proface_s.image.measures import psnr
from proface_s.keys.derive import KdfParams
from proface_s.keys.secrets import FaceKey
from proface_s.keys.share_keys import ENTRY_TAG_BYTES, decrypt_entry
from proface_s.robust.share_picture import find_layer
from proface_s.types import Style

from .attack_kit import TINY, Pad, scene, texture

SIDE = ShareMethod.least_side
SMALL = replace(TINY, side=SIDE, learning_side=SIDE)
RIGHT, WRONG = bytes(range(32)), bytes(range(1, 33))


class Unencrypted(ShareMethod):
    """Hides likenesses as they are."""

    name = "unencrypted"

    def locked_entry(self, key: FaceKey, code: bytes) -> bytes:
        return code + bytes(ENTRY_TAG_BYTES)


class OneKeystream(ShareMethod):
    """Encrypts every likeness with the same stream, as a cipher without a salt would."""

    name = "one keystream"

    def locked_entry(self, key: FaceKey, code: bytes) -> bytes:
        return super().locked_entry(FaceKey(bytes(32)), code)

    def recover(self, protected: np.ndarray, key: bytes) -> np.ndarray:
        if key != evaluation_key(0, known_plaintext.PASSPHRASE):
            return protected
        found = find_layer(protected)
        assert found is not None
        assert found.fine is not None
        return self.shown(found, decrypt_entry(FaceKey(bytes(32)), "fine", found.fine[0]), protected)


def smooth(seed: int) -> FaceSample:
    """Draw four by four soft patches of colour, which a likeness shows well."""
    patches = np.random.default_rng(seed).integers(40, 216, (4, 4, 3)).astype(np.uint8)
    image = cv2.resize(patches, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    return FaceSample(Path(f"{seed}.png"), f"{seed}.png", f"person {seed}", image)


def covered() -> tuple[np.ndarray, np.ndarray]:
    original = texture(5, SIDE)
    return original, apply_style(original, Style("pixelate"))


def test_it_brings_a_likeness_back_and_a_wrong_key_the_picture() -> None:
    original, cover = covered()
    method = load_method("share")
    protected = method.protect(original, cover, RIGHT)
    assert psnr(protected, cover) > 40
    assert not np.array_equal(protected, method.protect(original, cover, RIGHT))  # another salt
    assert psnr(method.recover(protected, RIGHT), original) > psnr(cover, original)
    assert np.array_equal(method.recover(protected, WRONG), protected)
    assert np.array_equal(method.recover(original, RIGHT), original)  # nothing is hidden there


def test_small_pictures_and_odd_sides_are_refused() -> None:
    method = ShareMethod()
    for side, reason in ((SIDE - 16, "no room"), (SIDE + 2, "multiples of 4")):
        picture = np.full((side, side, 3), 128, np.uint8)
        with pytest.raises(UsageError, match=reason):
            method.protect(picture, picture, RIGHT)


def test_budgets_are_raised_for_methods_that_need_room(tmp_path: Path) -> None:
    quick = scene(tmp_path, budget=BUDGETS["quick"])
    assert raised(quick, Pad()).budget == quick.budget
    found = raised(quick, ShareMethod()).budget
    assert (found.side, found.learning_side) == (SIDE, SIDE)
    assert found.unet < quick.budget.unet
    assert found.raised_to(SIDE) == found


def test_a_readout_tells_faces_apart_unless_it_is_encrypted(tmp_path: Path) -> None:
    here = scene(tmp_path, budget=replace(SMALL, victims=4, copies=12, judged=4, own=6))
    assert readout.ATTACK.run(Unencrypted(), here).attack == 1.0
    found = readout.ATTACK.run(ShareMethod(), here)
    assert found.attack < 1.0  # by chance in one of 2.7 million runs
    assert found.details["restored"][0] < found.details["restored"][1] + readout.LEAK


def test_a_readout_of_the_exact_system_says_nothing_and_others_have_none(tmp_path: Path) -> None:
    here = scene(tmp_path, budget=replace(TINY, victims=8, copies=16))
    assert 0.1 < readout.ATTACK.run(SecureMethod(threads=1), here).attack < 0.9  # of 64 copies: five deviations
    with pytest.raises(NotApplicable):
        readout.ATTACK.run(Pad(), here)


def test_a_known_picture_opens_others_only_under_one_keystream(tmp_path: Path) -> None:
    here = replace(scene(tmp_path, budget=replace(SMALL, victims=3, judged=3)), victims=[smooth(i) for i in range(3)])
    broken = known_plaintext.ATTACK.run(OneKeystream(), here)
    assert broken.succeeded
    found = known_plaintext.ATTACK.run(ShareMethod(), here)
    assert not found.succeeded
    assert "bytes of the keystream" in found.finding


def test_the_keystream_of_a_known_picture_opens_that_picture() -> None:
    original, cover = covered()
    method = ShareMethod()
    protected = method.protect(original, cover, RIGHT)
    pad = share_access.SharePad(method)
    stream = pad.pad_of(original, cover, protected)
    assert stream is not None
    assert np.array_equal(pad.recover(protected, stream), method.recover(protected, RIGHT))
    assert pad.pad_of(original, cover, original) is None


def test_networks_are_kept_by_the_name_of_a_method_that_draws_random_numbers() -> None:
    pytest.importorskip("torch")
    from proface_lab.attacks.learning import fingerprint

    assert fingerprint(ShareMethod()) == "share"


def test_nearly_right_keys_open_nothing(tmp_path: Path) -> None:
    found = wrong_keys.ATTACK.run(ShareMethod(), scene(tmp_path, budget=replace(SMALL, victims=1)))
    rows = found.details["levels"][wrong_keys.KEY]
    assert len({row["whole"] for name, row in rows.items() if name != "right"}) == 1
    assert rows["right"]["whole"] > rows["random"]["whole"]


def test_two_copies_of_one_photo_differ(tmp_path: Path) -> None:
    found = two_time_attack.ATTACK.run(ShareMethod(), scene(tmp_path, "blur", replace(SMALL, judged=4, own=6)))
    assert found.details["cases"]["one photo twice"]["equal"] == 0


def test_a_guess_costs_the_derivation_of_share_copies() -> None:
    opens = share_access.opens_entry("right", KdfParams(time_cost=1, memory_kib=1024, lanes=1))
    assert opens("right")
    assert not opens("wrong")


def test_guesses_at_share_copies_are_counted(tmp_path: Path) -> None:
    found = guessing.ATTACK.run(ShareMethod(), scene(tmp_path))
    assert found.details["recognised"]
    assert "one tag of 8 bytes" in found.details["derivation"]
