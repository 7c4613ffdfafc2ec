"""Moving covers: many frames show more than one, and what is laid over each other fits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from proface_lab.attacks.adversaries import moving_covers
from proface_s.covers import parse_style
from proface_s.image.measures import psnr

from .attack_kit import TINY, Unkeyed, scene, texture


def test_covers_are_laid_over_each_other_where_they_belong() -> None:
    """A style that shows everything comes back, whatever the tracker did."""
    original = texture(3, 96).repeat(2, 0).repeat(2, 1)[:96, :96]
    whole = moving_covers.draw_shifts(6, [4])
    assert whole[0] == (0, 0, 1)
    for each in whole:
        back = moving_covers._back(moving_covers._cut(original, each), each)
        assert psnr(back[12:-12, 12:-12], original[12:-12, 12:-12]) > 17
        wrong = moving_covers._cut(moving_covers._cut(original, each), each)
        assert each.x == 0 or psnr(wrong[12:-12, 12:-12], original[12:-12, 12:-12]) < psnr(
            back[12:-12, 12:-12], original[12:-12, 12:-12]
        )


def test_many_frames_of_a_sliding_mosaic_show_more_than_one() -> None:
    """The planted weakness: a grid that slides samples the face in many places; if it is anchored, less comes out."""
    rng = np.random.default_rng(2)
    soft = np.asarray(np.kron(rng.integers(30, 220, (8, 8, 3)), np.ones((12, 12, 1))), np.uint8)
    style = parse_style("pixelate")

    def gained(way: moving_covers.Way, size: float) -> float:
        shifts = [each._replace(x=size * each.x, y=size * each.y) for each in moving_covers.draw_shifts(40, [7])]
        covers = way(soft, style, shifts)
        mean = np.asarray(np.rint(np.mean(covers, axis=0)), np.uint8)
        return psnr(mean, soft) - psnr(covers[0], soft)

    assert gained(moving_covers.as_photos, 4.0) > 0.3
    assert gained(moving_covers.as_photos, 4.0) > gained(moving_covers.as_photos, 0.0)
    assert gained(moving_covers.anchored, 4.0) < gained(moving_covers.as_photos, 4.0)


def test_the_attack_compares_many_frames_with_one(tmp_path: Path) -> None:
    budget = replace(TINY, restoring=2, own=6, judged=4, frames=4)
    found = moving_covers.ATTACK.run(Unkeyed(), scene(tmp_path, budget=budget))
    figures = found.details["figures"]
    assert set(figures) == {
        f"{style}, {way}{learned}"
        for style in ("blur", "pixelate")
        for way in ("one frame", "as photos", "anchored")
        for learned in ("", ", learned")
    }
    assert found.succeeded is None
    assert "4 frames" in found.finding
    assert len(found.tables[0].rows) == 12
    assert found.attack == figures[next(label for label in figures if figures[label] == found.attack)]
