"""The way of a picture from a command to a file stays short enough to be read, and is the one in the documentation."""

from __future__ import annotations

import re
import sys
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import FrameType

import numpy as np
import pytest
from PIL import Image

import proface_s
from paths_kit import ROOT
from proface_s import Session
from proface_s.cli.main import main

PACKAGE = Path(proface_s.__file__).parent
COUNTED = (str(PACKAGE / "api"), str(PACKAGE / "progress.py"))
MOST_RETURNS = 25
"""Half of the 50 of version 0.2.0, whose room ``api`` held progress.py too."""
MOST_FILES = 8


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


def photo_file(folder: Path) -> Path:
    y, x = np.mgrid[0:256, 0:256]
    path = folder / "photo.png"
    Image.fromarray(np.stack([x, y, 255 - x], axis=2).astype(np.uint8)).save(path)
    return path


def files_entered(arguments: list[str]) -> list[str]:
    """Run a command; return the package's files in the order in which a function of each is first called."""
    entered: dict[str, None] = {}

    def note(frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        called = event == "call" and code.co_flags & CO_OPTIMIZED  # modules and class bodies are not
        if called and code.co_filename.startswith(str(PACKAGE)):
            entered.setdefault(Path(code.co_filename).relative_to(PACKAGE).as_posix())

    sys.setprofile(note)
    try:
        assert main(arguments) == 0
    finally:
        sys.setprofile(None)
    return list(entered)


def walks() -> list[list[str]]:
    """Return the files of the tables in the walk through the code, `protect` first."""
    text = (ROOT / "docs" / "explain" / "code.md").read_text(encoding="utf-8")
    tables = re.findall(r"(?:^\| \d+ \| `.*\n)+", text, re.MULTILINE)
    return [re.findall(r"^\| \d+ \| `([^`]+)`", table, re.MULTILINE) for table in tables]


def test_a_command_can_be_followed_through_few_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run both commands: the files on the page are those that the program enters, in that order, and few."""
    monkeypatch.setenv("PROFACE_PASSPHRASE", "correct horse battery staple")
    photo, hidden = str(photo_file(tmp_path)), str(tmp_path / "photo.protected.png")
    commands = [
        ["protect", photo, "--box", "64,64,96,96", "--faces", "none", "--no-seal", "--quiet"],
        ["recover", hidden, "--quiet"],
    ]
    assert len(walks()) == len(commands)
    for arguments, walk in zip(commands, walks(), strict=True):
        entered = files_entered(arguments)
        assert len(walk) <= MOST_FILES
        *way, last = walk
        assert [path for path in entered if path in way] == way
        assert last in entered  # several times: it checks the name of the output first, and writes in the end
