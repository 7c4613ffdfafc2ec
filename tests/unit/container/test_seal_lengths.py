"""Case S11: under a cover that shows nothing, the length of the seal reveals nothing either."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from proface_s import Session
from proface_s.container.carriers.carrier import from_chunks, read_chunks
from proface_s.container.seal import largest_payload, padded_length
from proface_s.covers import apply_style, is_uninformative, parse_style
from proface_s.types import UInt8Image

PASSPHRASE = "as long as any other"
BOX = "20,10,64,80"


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(threads=1)


@pytest.fixture
def sticker(tmp_path: Path) -> str:
    Image.new("RGB", (20, 20), (250, 240, 10)).save(tmp_path / "opaque.png")
    return str(tmp_path / "opaque.png")


def faces() -> list[UInt8Image]:
    """Return a flat region, a smooth one and noise: (100, 120, 3) each."""
    y, x = np.mgrid[0:100, 0:120]
    smooth = np.dstack([128 + 90 * np.sin(x / 17), 128 + 60 * np.cos(y / 13), 128 + 50 * np.sin((x - y) / 11)])
    noise = np.random.default_rng(1).integers(0, 256, (100, 120, 3))
    return [np.asarray(each, np.uint8) for each in (np.full((100, 120, 3), 90), smooth, noise)]


def seal_lengths(session: Session, style: str) -> set[int]:
    files = [session.protect(face, PASSPHRASE, style=style, boxes=[BOX], faces="none").data for face in faces()]
    return {len(from_chunks(read_chunks(file))[1][0]) for file in files}


@pytest.mark.parametrize("style", ["solid", "solid:0", "solid:#20407f", "mask:{sticker}", "mask:{sticker}:150"])
def test_s11_nothing_shown_nothing_told(session: Session, sticker: str, style: str) -> None:
    style = style.format(sticker=sticker)
    parsed = parse_style(style)
    assert is_uninformative(parsed, 80, 64)
    assert len({apply_style(face[:80, :64], parsed).tobytes() for face in faces()}) == 1
    assert len(seal_lengths(session, style)) == 1


@pytest.mark.parametrize("style", ["blur", "pixelate", "median", "mask", "mask:{sticker}:60"])
def test_s11_other_covers_tell_two_bits_at_most(session: Session, sticker: str, style: str) -> None:
    style = style.format(sticker=sticker)
    assert not is_uninformative(parse_style(style), 80, 64)
    assert len({apply_style(face[:80, :64], parse_style(style)).tobytes() for face in faces()}) > 1
    most = largest_payload(80, 64)
    assert seal_lengths(session, style) <= {28 + padded_length(length, most) for length in range(1, most + 1)}
