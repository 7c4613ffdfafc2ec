"""A protected file that every later version must open.

`python tests/golden/test_protected_file.py` writes it anew; do so only together with a new format or model, and keep
the old file under its own name with its own test.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from proface_s.api import Session
from proface_s.api.protecting import psnr
from proface_s.api.session import inspect, load
from proface_s.container.carrier import from_chunks
from proface_s.errors import WrongKeyError
from proface_s.types import Box, UInt8Image

GOLDEN = Path(__file__).with_name("protected_v1.png")
NO_SEAL = Path(__file__).with_name("protected_v1_noseal.png")
PASSPHRASE = "a golden file opens for ever"
BOXES = ("8,6,48,52", "70,10,34,40")


def drawing() -> UInt8Image:
    """(72, 112, 3): two faces as a child would draw them, on a gradient; integer arithmetic only."""
    y, x = np.mgrid[0:72, 0:112]
    picture = np.stack([60 + x, 90 + y, 200 - x // 2], axis=2)
    for cx, cy, r in ((32, 32, 22), (87, 30, 15)):
        head = (x - cx) ** 2 + (y - cy) ** 2 <= r * r
        picture[head] = (224, 172, 140)
        for side in (-1, 1):
            picture[(x - cx - side * r // 2) ** 2 + (y - cy + r // 4) ** 2 <= (r // 6) ** 2] = (40, 50, 90)
        mouth = (abs(y - cy - r // 2) <= 1) & (abs(x - cx) <= r // 2)
        picture[mouth] = (150, 40, 50)
    return picture.astype(np.uint8)


@pytest.mark.parametrize(("path", "outcome"), [(GOLDEN, "exact"), (NO_SEAL, "estimate")])
def test_it_opens(path: Path, outcome: str) -> None:
    result = Session().recover(path.read_bytes(), PASSPHRASE)
    assert [face.outcome for face in result.faces] == [outcome] * 2
    if outcome == "exact":
        np.testing.assert_array_equal(result.recovered, drawing())
    for face in result.faces:
        box = face.box
        region = np.s_[box.y : box.bottom, box.x : box.right]
        assert psnr(result.recovered[region], drawing()[region]) > 24


def test_it_shows_what_it_showed() -> None:
    shown = inspect(GOLDEN)
    assert shown.version == 1
    assert shown.size == (112, 72)
    assert [str(face.box) for face in shown.faces] == list(BOXES)
    assert shown.model == "secure-1"
    header, seals = from_chunks(load(GOLDEN).chunks)
    assert header.faces[0].box == Box(8, 6, 48, 52)
    assert set(seals) == {0, 1}


def test_it_stays_closed() -> None:
    with pytest.raises(WrongKeyError):
        Session().recover(GOLDEN, PASSPHRASE.upper(), output=GOLDEN.with_name("never.png"))
    assert not GOLDEN.with_name("never.png").exists()


if __name__ == "__main__":
    session = Session()
    for path, seal in ((GOLDEN, True), (NO_SEAL, False)):
        made = session.protect(drawing(), PASSPHRASE, style="blur", boxes=BOXES, faces="none", seal=seal)
        path.write_bytes(made.png)
        print(path, len(made.png), *made.warnings, file=sys.stderr)
