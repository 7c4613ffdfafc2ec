"""A style per face, and being told how far the work is: what the surfaces with a window need of the api."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from proface_s import Session, inspect
from proface_s.cli.hints import command_line_hint
from proface_s.errors import ImageError, UsageError
from proface_s.progress import Stage
from proface_s.types import Box

BOXES = ("20,20,60,60", "120,24,64,64")
PASSPHRASE = "seven plain words for one small test"


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(threads=1)


@pytest.fixture(scope="module")
def photo() -> bytes:
    y, x = np.mgrid[0:120, 0:220]
    pixels = np.stack([x, y * 2, 255 - x], axis=2).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_a_face_may_have_a_style_of_its_own(session: Session, photo: bytes) -> None:
    done = session.protect(photo, PASSPHRASE, style="blur:12", own_styles={2: "solid"}, faces="none", boxes=BOXES)
    assert [face.style for face in done.faces] == ["blur:12", "solid"]
    assert np.ptp(done.covers[1], axis=(0, 1)).max() == 0 < np.ptp(done.covers[0], axis=(0, 1)).max()


def test_only_the_styles_in_use_are_warned_about(session: Session, photo: bytes) -> None:
    done = session.protect(
        photo, PASSPHRASE, style="blur:3", own_styles={1: "solid", 2: "solid"}, faces="none", boxes=BOXES
    )
    assert not any("weak" in warning for warning in done.warnings)


def test_faces_hidden_as_one_region_have_one_style(session: Session, photo: bytes) -> None:
    with pytest.raises(UsageError, match="overlap") as refused:
        session.protect(
            photo,
            PASSPHRASE,
            own_styles={Box(24, 22, 60, 60): "solid"},
            faces="none",
            boxes=("20,20,60,60", "24,22,60,60"),
        )
    assert command_line_hint(refused.value) == "give them the same style"
    with pytest.raises(UsageError, match="no face 5"):
        session.protect(photo, PASSPHRASE, own_styles={5: "solid"}, faces="none", boxes=BOXES)


def test_every_stage_is_told_in_order(session: Session, photo: bytes) -> None:
    told: list[tuple[Stage, int, int]] = []
    done = session.protect(
        photo, PASSPHRASE, faces="none", boxes=BOXES, seal=False, progress=lambda *step: told.append(step)
    )
    assert told == [("read", 0, 1), ("find", 0, 1), ("hide", 0, 2), ("hide", 1, 2), ("check", 0, 1)]
    told.clear()
    session.recover(done.data, PASSPHRASE, progress=lambda *step: told.append(step))
    steps = [("read", 0, 1), ("open", 0, 1), ("restore", 0, 2), ("restore", 1, 2), ("write", 0, 1)]
    assert told == steps
    told.clear()
    session.recover(done.data, PASSPHRASE, from_pixels=True, progress=lambda *step: told.append(step))
    assert told == steps


def test_what_the_listener_raises_stops_the_work(session: Session, photo: bytes) -> None:
    def leave(stage: Stage, done: int, total: int) -> None:
        if stage == "hide":
            raise TimeoutError

    with pytest.raises(TimeoutError):
        session.protect(photo, PASSPHRASE, faces="none", boxes=BOXES, progress=leave)


def test_too_many_pixels_are_refused_before_decoding(photo: bytes) -> None:
    small = Session(threads=1, max_pixels=1000)
    for refuse in (small.detect, small.protect, small.recover, lambda image, *_: inspect(image, max_pixels=1000)):
        with pytest.raises(ImageError, match="the limit is 1000 pixels"):
            refuse(photo, *([] if refuse == small.detect else [PASSPHRASE]))
