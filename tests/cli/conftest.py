"""A folder to work in, pictures to work on, and `proface`: one command line and all it said."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from cli_kit import BOX, PASSPHRASE, Proface, Said, save
from keys_kit import BOBS, BY_HAND, original, secret

import proface_s
from proface_s.cli.main import main


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder that is the current one; the passphrase is in the environment, as in a script."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROFACE_PASSPHRASE", PASSPHRASE)
    monkeypatch.setenv("PYTHONPATH", str(Path(proface_s.__file__).parents[1]))  # for processes of their own
    monkeypatch.setenv("PROFACE_THREADS", "1")
    yield tmp_path
    left = [path.name for path in tmp_path.rglob("*.tmp")]
    assert not left, "temporary files stayed behind"


@pytest.fixture
def proface(here: Path, capfd: pytest.CaptureFixture[str]) -> Proface:
    """Run one command line in this process; whatever happens, the passphrase is not said and nothing is traced."""

    def call(*argv: str) -> Said:
        capfd.readouterr()
        code = main(argv)
        said = Said(code, *capfd.readouterr())
        assert PASSPHRASE not in said.out + said.err
        assert "Traceback" not in said.err
        return said

    return call


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """A photo with one face."""
    from skimage import data

    pixels: np.ndarray = data.astronaut()
    return pixels


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a drawing and its protected file, made once; see `protected`."""
    folder = tmp_path_factory.mktemp("kept")
    save(str(folder / "drawing.png"))
    before = os.environ.get("PROFACE_PASSPHRASE")
    os.environ["PROFACE_PASSPHRASE"] = PASSPHRASE
    try:
        assert main(["protect", "-q", "--faces", "none", "--box", BOX, str(folder / "drawing.png")]) == 0
    finally:
        os.environ.pop("PROFACE_PASSPHRASE") if before is None else os.environ.update(PROFACE_PASSPHRASE=before)
    return folder


@pytest.fixture
def protected(kept: Path, here: Path) -> Path:
    """``drawing.protected.png`` in the current folder; the drawing itself is not there."""
    return Path(shutil.copy(kept / "drawing.protected.png", "drawing.protected.png"))


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: Carol's key pair, ``party.png`` and its protected files.

    ``party.protected.png``: faces 0, 1 and 2 are opened by the passphrase, by Bob's own, and by Carol's key.
    ``plain.protected.png``: one passphrase for all.  ``quiet.protected.png``: the same; a wrong key gives the cover.
    """
    folder = tmp_path_factory.mktemp("shelf")
    before, cwd = os.environ.get("PROFACE_PASSPHRASE"), Path.cwd()
    os.environ["PROFACE_PASSPHRASE"] = PASSPHRASE
    os.chdir(folder)
    try:
        save("party.png", original())
        secret("bob", BOBS)
        assert main(["keygen", "-o", "carol.key"]) == 0
        Path("carol.pub").write_text(re.findall(r"age1\w+", Path("carol.key").read_text())[0] + "\n")
        own = ["--face", "2", "--passphrase-file", "bob", "--face", "3", "-R", "carol.pub"]
        assert main(["protect", "-q", "party.png", *BY_HAND, *own]) == 0
        assert main(["protect", "-q", "party.png", *BY_HAND, "-o", "plain.protected.png"]) == 0
        quiet = ["-o", "quiet.protected.png", "--wrong-key", "cover", "--style", "pixelate:6"]
        assert main(["protect", "-q", "party.png", *BY_HAND, *quiet]) == 0
    finally:
        os.chdir(cwd)
        os.environ.pop("PROFACE_PASSPHRASE") if before is None else os.environ.update(PROFACE_PASSPHRASE=before)
    return folder


@pytest.fixture
def party(shelf: Path, here: Path) -> str:
    """Every face has a key of its own; see `shelf`."""
    return str(Path(shutil.copy(shelf / "party.protected.png", "party.protected.png")))


@pytest.fixture
def plain(shelf: Path, here: Path) -> str:
    """One passphrase opens all faces; see `shelf`."""
    return str(Path(shutil.copy(shelf / "plain.protected.png", "plain.protected.png")))


@pytest.fixture
def quiet(shelf: Path, here: Path) -> str:
    """A wrong key gives the cover; see `shelf`."""
    return str(Path(shutil.copy(shelf / "quiet.protected.png", "quiet.protected.png")))
