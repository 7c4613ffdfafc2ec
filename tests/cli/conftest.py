"""Fixtures: a folder to work in, pictures and protected files, and `proface`, which runs one command line."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from cli_kit import BOX, PASSPHRASE, CommandResult, Proface, save
from keys_kit import BOBS_PASSPHRASE, BY_HAND, original, secret

import proface_s
from proface_s.cli.main import main


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Change to an empty folder, with the passphrase in the environment; check that no temporary file is left."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROFACE_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("PYTHONPATH", str(Path(proface_s.__file__).parents[1]))  # for new processes
    monkeypatch.setenv("PROFACE_THREADS", "1")
    yield tmp_path
    left = [path.name for path in tmp_path.rglob("*.tmp")]
    assert not left, "temporary files stayed behind"


@pytest.fixture
def proface(here: Path, capfd: pytest.CaptureFixture[str]) -> Proface:
    """Run one command line in this process; check that it prints neither the passphrase nor a traceback."""

    def call(*argv: str) -> CommandResult:
        capfd.readouterr()
        code = main(argv)
        result = CommandResult(code, *capfd.readouterr())
        assert PASSPHRASE not in result.out + result.err
        assert "Traceback" not in result.err
        return result

    return call


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """Return a photo with one face, (H, W, 3) uint8."""
    from skimage import data

    pixels: np.ndarray = data.astronaut()
    return pixels


@pytest.fixture(scope="session")
def protected_drawing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with a drawing and its protected file, once; see `protected`."""
    folder = tmp_path_factory.mktemp("drawing")
    save(str(folder / "drawing.png"))
    before = os.environ.get("PROFACE_PASSPHRASE")
    os.environ["PROFACE_PASSPHRASE"] = PASSPHRASE
    try:
        assert main(["protect", "-q", "--faces", "none", "--box", BOX, str(folder / "drawing.png")]) == 0
    finally:
        os.environ.pop("PROFACE_PASSPHRASE") if before is None else os.environ.update(PROFACE_PASSPHRASE=before)
    return folder


@pytest.fixture
def protected(protected_drawing: Path, here: Path) -> Path:
    """Copy ``drawing.protected.png`` into the current folder, without the drawing."""
    return Path(shutil.copy(protected_drawing / "drawing.protected.png", "drawing.protected.png"))


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with Carol's key pair, ``party.png`` and its protected files, once.

    ``party.protected.png``: faces 1, 2 and 3 are opened by the passphrase, by Bob's own, and by Carol's key.
    ``plain.protected.png``: one passphrase for all.  ``quiet.protected.png``: the same; a wrong key gives the cover.
    """
    folder = tmp_path_factory.mktemp("prepared")
    before, cwd = os.environ.get("PROFACE_PASSPHRASE"), Path.cwd()
    os.environ["PROFACE_PASSPHRASE"] = PASSPHRASE
    os.chdir(folder)
    try:
        save("party.png", original())
        secret("bob", BOBS_PASSPHRASE)
        assert main(["keygen", "-o", "carol.key"]) == 0
        Path("carol.pub").write_text(re.findall(r"age1\w+", Path("carol.key").read_text())[0] + "\n")
        own = ["--face", "2", "--passphrase-file", "bob", "--face", "3", "-R", "carol.pub"]
        assert main(["protect", "-q", "party.png", *BY_HAND, *own]) == 0
        assert main(["protect", "-q", "party.png", *BY_HAND, "-o", "plain.protected.png"]) == 0
        cover_mode = ["-o", "quiet.protected.png", "--wrong-key", "cover", "--style", "pixelate:6"]
        assert main(["protect", "-q", "party.png", *BY_HAND, *cover_mode]) == 0
    finally:
        os.chdir(cwd)
        os.environ.pop("PROFACE_PASSPHRASE") if before is None else os.environ.update(PROFACE_PASSPHRASE=before)
    return folder


@pytest.fixture
def party(prepared: Path, here: Path) -> str:
    """Copy a file in which every face has its own key; see `prepared`."""
    return str(Path(shutil.copy(prepared / "party.protected.png", "party.protected.png")))


@pytest.fixture
def plain(prepared: Path, here: Path) -> str:
    """Copy a file in which one passphrase opens all faces; see `prepared`."""
    return str(Path(shutil.copy(prepared / "plain.protected.png", "plain.protected.png")))


@pytest.fixture
def cover_mode(prepared: Path, here: Path) -> str:
    """Copy a file in cover mode; see `prepared`."""
    return str(Path(shutil.copy(prepared / "quiet.protected.png", "quiet.protected.png")))
