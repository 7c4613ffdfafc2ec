"""Fixtures: a folder to work in, a key pair, and `proface`, which runs one command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import proface_s
from proface_s.cli.main import main
from proface_s.keys.recipients import Identity


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Change to an empty folder; check that no temporary file is left."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROFACE_PASSPHRASE", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(Path(proface_s.__file__).parents[1]))  # for new processes
    monkeypatch.setenv("PROFACE_THREADS", "1")
    yield tmp_path
    assert not [path.name for path in tmp_path.rglob("*.tmp")], "temporary files stayed behind"


@pytest.fixture(scope="session")
def identity() -> Identity:
    """Return the private key of the photos' owner; no worker ever sees it."""
    return Identity.generate()


@pytest.fixture
def proface(here: Path, identity: Identity, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Protect ``in`` to ``out`` with further arguments; return exit code and stderr."""

    def call(*argv: str, key: bool = True) -> tuple[int, str]:
        capfd.readouterr()
        code = main(["protect", "in", "-o", "out", *(["-r", str(identity.recipient)] if key else []), *argv])
        stderr = capfd.readouterr().err
        assert "Traceback" not in stderr
        return code, stderr

    return call
