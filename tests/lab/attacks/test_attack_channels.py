"""Channels: a face in the most significant bits survives, one in the least does not, and reports say so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from proface_lab.attacks.adversaries.channels import ATTACK, CHANNELS, Channel, rescaled, saved
from proface_lab.attacks.base import AttackBudget, AttackOutcome, Scene
from proface_lab.attacks.matching import Matcher
from proface_lab.evaluation import faces as reading
from proface_lab.evaluation.method import Method, load_method
from proface_s.image.measures import psnr

from ..kit import ColourJudge, MiddleLocator, picture, samples

LOSSY = [channel.name for channel in CHANNELS if not channel.lossless]


class Robust:
    """Shows the face, inverted by a bit of the key, so that it survives whatever a picture survives."""

    name = "robust"

    def protect(self, original: np.ndarray, cover: np.ndarray, key: bytes) -> np.ndarray:
        return original ^ np.uint8(255 * (key[0] & 1))

    def recover(self, protected: np.ndarray, key: bytes) -> np.ndarray:
        return protected ^ np.uint8(255 * (key[0] & 1))


class Forgetful(Robust):
    """Loses the face even in a lossless file."""

    def recover(self, protected: np.ndarray, key: bytes) -> np.ndarray:
        return np.full_like(protected, 128)


def attacked(method: Method, matcher: Matcher | None = None, count: int = 2) -> AttackOutcome:
    given = samples(count, 64)
    return ATTACK.run(method, Scene(given, given, AttackBudget("quick", side=64), "blur:3", 1, Path(), matcher=matcher))


def test_a_face_in_the_most_significant_bits_survives() -> None:
    found = attacked(Robust())
    figures = found.details["channels"]
    assert found.leak > 5
    assert all(figures[name]["back"] == 1 for name in ("JPEG 95", "WebP 95", "PNG", "surroundings cropped"))
    assert "Most faces survive" in found.finding
    assert "Nothing is left" not in found.finding


def test_the_shipped_method_survives_nothing_lossy_and_says_so() -> None:
    found = attacked(load_method("secure-3"))
    figures = found.details["channels"]
    for channel in CHANNELS:
        assert figures[channel.name]["back"] == channel.lossless, channel.name
    assert found.leak < 0, "less comes back than the cover shows"
    assert "Nothing is left of the hidden face" in found.finding
    assert "Warning" in found.finding
    assert found.succeeded is None, "nobody promised that it survives"


def test_a_method_that_fails_in_lossless_files_is_named() -> None:
    found = attacked(Forgetful())
    assert "Even where every sample arrives" in found.finding
    assert "PNG" in found.finding


def test_curves_fall_with_the_quality() -> None:
    found = attacked(Robust())
    curves = found.plots["channels"].curves
    for kind in ("JPEG", "WebP"):
        assert [q for q, _ in curves[kind]] == [50, 70, 80, 90, 95]
        assert curves[kind][0][1] < curves[kind][-1][1]
    assert set(found.plots["channels"].dashed) <= set(curves)


def test_matches_are_counted_where_a_judge_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proface_lab.attacks.matching.Locator", MiddleLocator)
    people = samples(12, 64)
    matcher = Matcher([ColourJudge()], people)
    table = attacked(Robust(), matcher, count=12).tables[1]
    rates = {row[0]: row[1] for row in table.rows}
    assert set(rates) == {"the cover (control)", *(channel.name for channel in CHANNELS)}
    assert rates["PNG"] == "100.0%"
    lost = attacked(Forgetful(), matcher, count=12).tables[1]
    assert {row[0]: row[1] for row in lost.rows}["PNG"] == "0.0%"


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_a_channel_hands_back_the_place_of_the_face(channel: Channel) -> None:
    face = picture(3, 64)
    found = channel.face(face)
    kept = slice(channel.columns(64))
    assert found.shape == face.shape
    assert found.dtype == np.uint8
    assert np.array_equal(found, face) == channel.lossless
    assert psnr(found[:, kept], face[:, kept]) > 28, "and nothing else"


def test_scaling_and_saving_keep_the_size() -> None:
    odd = reading.resized(picture(1), 64)[:, :62]
    assert rescaled(0.5)(odd).shape == rescaled(1.25)(odd).shape == saved("JPEG", quality=80)(odd).shape == odd.shape
