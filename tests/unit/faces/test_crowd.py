"""One crowd at eight sizes, and a stack of 20,000 pixels: no size at which people are overlooked."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from proface_s.faces import open_detector
from proface_s.image.read import read_picture
from proface_s.types import Box, UInt8Image

PHOTOS = Path(os.environ.get("EVAL") or "no-data") / "photos"  # as for `make results EVAL=DIR`
CROWD = "18f_team.jpg"
SIDES = (800, 1024, 1279, 1280, 1600, 2559, 2560)
needs_photos = pytest.mark.skipif(not (PHOTOS / "faces.csv").exists(), reason="needs EVAL=DIR, with labelled photos")


def crowd() -> tuple[UInt8Image, list[Box]]:
    """Return the photo, and the boxes of the faces that are labelled in it."""
    with (PHOTOS / "faces.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["photo"] == CROWD and row["label"].startswith("face")]
    boxes = [Box(*(int(row[key]) for key in "xywh")) for row in rows if row["label"] != "face-on-screen-or-print"]
    return read_picture(PHOTOS / CROWD).rgb, boxes


def found_in(rgb: UInt8Image, places: list[tuple[int, float, float, float]]) -> set[int]:
    """Return which faces are found, each given as its name, its centre and its longer side in pixels."""
    boxes = [face.box for face in open_detector().detect(rgb)]
    return {
        name
        for name, x, y, side in places
        if any(abs(b.x + b.w / 2 - x) < side / 2 and abs(b.y + b.h / 2 - y) < side / 2 for b in boxes)
    }


@needs_photos
@pytest.mark.slow
def test_a_crowd_loses_nobody_at_any_size() -> None:
    """A face of 14 pixels and more that is found at one size is found at all; at most one in fifty is missed."""
    photo, faces = crowd()
    found, large = {}, {}
    for side in SIDES:
        scale = side / max(photo.shape[:2])
        small = np.asarray(cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        places = [
            (name, (b.x + b.w / 2) * scale, (b.y + b.h / 2) * scale, max(b.w, b.h) * scale)
            for name, b in enumerate(faces)
        ]
        large[side] = {name for name, _, _, length in places if length >= 14}
        found[side] = found_in(small, places)
    anywhere = set.union(*found.values())
    lost = {side: sorted((anywhere & large[side]) - found[side]) for side in SIDES}
    assert sum(map(len, lost.values())) <= len(faces) * len(SIDES) // 50, lost


@needs_photos
@pytest.mark.slow
def test_a_stack_of_20000_pixels_loses_nobody() -> None:
    photo, faces = crowd()
    scale = 1080 / photo.shape[1]
    strip = np.asarray(cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    count = 20_000 // strip.shape[0]
    places = [
        (1000 * copy + name, (b.x + b.w / 2) * scale, (b.y + b.h / 2) * scale + copy * strip.shape[0], side)
        for copy in range(count)
        for name, b in enumerate(faces)
        if (side := max(b.w, b.h) * scale) >= 14
    ]
    alone = {name for name in found_in(strip, places) if name < 1000}
    stacked = found_in(np.concatenate([strip] * count), places)
    lost = {1000 * copy + one for copy in range(count) for one in alone} - stacked
    assert len(lost) <= len(places) // 50
    assert alone
