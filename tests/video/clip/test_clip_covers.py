"""Covers of clips stay with their people."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from cast_kit import appearing, planes_of, protected, two_people

from proface_s.covers import CoverStyle, FaceRegion, Unit
from proface_s.covers import registry as styles
from proface_s.errors import UsageError
from proface_s.types import UInt8Image
from proface_s.video.clip.areas import covered_box


@pytest.mark.parametrize("style", ["swap", "mask@oval", "pixelate:9"])
def test_styles_that_remember_cover_clips(tmp_path: Path, style: str) -> None:
    source, target = protected(tmp_path, 20, style=style)
    for before, covered, shown in zip(planes_of(source), planes_of(target), appearing(two_people(20)), strict=True):
        for _, box in shown:
            area = covered_box(box, before.size)
            middle = (
                slice(area.y + area.h // 3, area.bottom - area.h // 3),
                slice(area.x + area.w // 3, area.right - area.w // 3),
            )
            assert np.abs(before.y[middle].astype(int) - covered.y[middle]).mean() > 3


def test_a_mosaic_moves_with_its_person(tmp_path: Path) -> None:
    """Ann is as she was two pixels further left: so is her cover, but for the codec."""
    _, target = protected(tmp_path, 15, style="pixelate", quality=100)
    covered = planes_of(target)
    cuts = []
    for number, planes in enumerate(covered):
        left = 14 + 2 * number
        cuts.append(planes.y[26:54, left : left + 28].astype(int))
    alone = [number for number, shown in enumerate(appearing(two_people(15))) if len(shown) == 1]
    steps = [np.abs(cuts[number] - cuts[number - 1]).mean() for number in alone[1:]]
    assert len(steps) > 1
    assert max(steps) < 3


def test_a_style_that_changes_from_frame_to_frame_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Noise(CoverStyle):
        name: ClassVar[str] = "noise-of-frames"
        summary: ClassVar[str] = "another one each time"
        unit: ClassVar[Unit] = Unit("none")
        default_strength: ClassVar[float] = 0.0
        strength_range: ClassVar[tuple[float, float]] = (0.0, 1.0)
        steady: ClassVar[bool] = False

        def fill(self, region: FaceRegion, strength: float, option: str | None) -> UInt8Image:
            return np.zeros_like(region.pixels)

    monkeypatch.setitem(styles._registered, Noise.name, Noise())
    with pytest.raises(UsageError, match="would change") as caught:
        protected(tmp_path, 5, style=Noise.name)
    assert caught.value.code == "unsteady-style"
