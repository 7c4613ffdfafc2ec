"""The way of a picture through `Session.protect` stays short enough to be read."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

import numpy as np

import proface_s
from proface_s import Session

PACKAGE = Path(proface_s.__file__).parent
COUNTED = (str(PACKAGE / "api"), str(PACKAGE / "progress.py"))
MOST_RETURNS = 25
"""Half of the 50 of version 0.2.0, whose room ``api`` held progress.py too."""


def test_one_picture_passes_through_few_functions() -> None:
    """Count the returns of named functions of the room ``api`` while one array with one box is protected.

    Comprehensions, generator expressions and lambdas are not counted: they are read where they are written.
    """
    returns: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if event == "return" and code.co_filename.startswith(COUNTED) and not code.co_name.startswith("<"):
            returns.append(code.co_qualname)

    session = Session()
    y, x = np.mgrid[0:256, 0:256]
    photo = np.stack([x, y, 255 - x], axis=2).astype(np.uint8)
    session.protect(photo, "correct horse battery staple", boxes=[(64, 64, 96, 96)], faces="none")  # loads the model
    sys.setprofile(note)
    try:
        session.protect(photo, "correct horse battery staple", boxes=[(64, 64, 96, 96)], faces="none")
    finally:
        sys.setprofile(None)
    assert "Session.protect" in returns
    assert len(returns) <= MOST_RETURNS, returns
