"""The bench of channels: pictures, one measurement that is continued, and the page's section."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from PIL import Image

from paths_kit import ROOT
from proface_lab.channels import CHANNELS, CROP
from proface_lab.evaluation.peers import LsbAvif

from ..kit import picture, samples


@pytest.fixture
def benches() -> Iterator[dict[str, ModuleType]]:
    before = list(sys.path)
    sys.path.insert(0, str(ROOT / "bench" / "share"))
    try:
        import channel_page
        import channel_parts
        import page_sections

        yield {"page": channel_page, "parts": channel_parts, "sections": page_sections}
    finally:
        sys.path[:] = before


def test_windows_are_cut_from_large_photos_only(tmp_path: Path, benches: dict[str, ModuleType]) -> None:
    for name, size in (
        ("a.png", (1700, 1300)),
        ("b.png", (3300, 2450)),
        ("c.png", (900, 700)),
        ("derived_b.png", (1700, 1300)),
    ):
        Image.new("RGB", size).save(tmp_path / name)
    (tmp_path / "photos.csv").write_text("")
    found = benches["parts"].sources(tmp_path)
    assert [each.name for each in found] == ["a.png", "b.png", "b.png#0,0", "b.png#0,1", "b.png#1,0", "b.png#1,1"]
    assert found[0].read().shape == (1224, 1600, 3)
    assert found[-1].read().shape == (1200, 1600, 3)


def test_a_picture_is_straightened_after_every_channel(benches: dict[str, ModuleType]) -> None:
    coarse = np.random.default_rng(1).integers(40, 216, (6, 8, 3)).astype(np.uint8)
    smooth = np.asarray(cv2.resize(coarse, (800, 600), interpolation=cv2.INTER_CUBIC), np.uint8)
    inner = slice(CROP[1] + 8, 600 - CROP[3] - 8), slice(CROP[0] + 8, 800 - CROP[2] - 8)
    for name, channel in CHANNELS.items():
        back = benches["parts"].straightened(name, channel(smooth), (800, 600))
        assert back.shape == smooth.shape
        assert np.abs(back[inner].astype(int) - smooth[inner]).mean() < 3, name


def test_the_section_counts_faces_and_pictures(tmp_path: Path, benches: dict[str, ModuleType]) -> None:
    parts, rgb = benches["parts"], picture(5, 480)
    exact = parts.exact_systems(rgb, 0, [LsbAvif()], samples(2, parts.EXACT_SIDE))
    assert exact["untouched"] == {name: int(name == "metadata stripped") for name in CHANNELS}
    assert exact["decibels"]["metadata stripped"]["lsb-avif"] > parts.BACK > exact["decibels"]["JPEG 50"]["lsb-avif"]
    assert parts.nothing_hidden(rgb) == {"false": 0}
    right = {name: [True, name != "JPEG 50", name == "JPEG 75"] for name in CHANNELS}
    photo = {
        "part": "photo", "picture": "a.jpg#0,1", "faces": 3, "base_bytes": 100, "has_base": True,
        "psnr": 43.0, "ssim": 0.98, "sent_psnr": 38.0,
        "right": right, "png": {"JPEG 75": [True, True, True]}, "seconds": [0.1, 0.4],
    }  # fmt: skip
    records = json.loads(
        json.dumps([photo, {"part": "exact", "picture": "a.jpg", **exact}, {"part": "halo", "refused": "x"}])
    )
    text = benches["page"].channels_section(records, 250, 1900)
    assert "| JPEG 75 | 3/3 (44-100 %) | 0/1 (0-79 %) | 0/1 (0-79 %) |" in text
    assert "| JPEG 50 | 0/3 (0-56 %) |" in text
    assert "| JPEG 75 | 1/1 (21-100 %) | 1/1 (21-100 %) | 1/1 (21-100 %) |" in text
    assert "43.00 (least 43.00) dB" in text
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- channels -->\nold\n<!-- end of channels -->\nafter\n")
    benches["sections"].replace_section(page, "channels", text)
    assert page.read_text().startswith(
        "before\n<!-- channels -->\n\n| channel | share copy, 2 to 5 faces | seal | lsb-avif |"
    )
    assert "\nold\n" not in page.read_text()
    with pytest.raises(ValueError, match="0 sections"):
        benches["sections"].replace_section(page, "other", text)
