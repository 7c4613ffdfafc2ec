"""Permissions of outputs: nobody can read an output who could not read the input (case S8)."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_kit import BOX, Proface, drawn, save

import proface_s
from proface_s.image import write

BY_HAND = ("--box", BOX, "--faces", "none")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")


def mode(name: str | Path) -> str:
    return oct(stat.S_IMODE(Path(name).stat().st_mode))[2:]


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """The usual umask, whatever the tests were started with."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.parametrize(
    ("before", "mask", "after"),
    [(0o600, 0o022, "600"), (0o640, 0o022, "640"), (0o644, 0o022, "644"), (0o666, 0o022, "644"), (0o644, 0o077, "600"),
     (0o444, 0o022, "644"), (0o660, 0o002, "660"), (0o755, 0o022, "644"), (0o400, 0o022, "600")],
)  # fmt: skip
def test_s8_nothing_gets_more_permissions_than_its_input(proface: Proface, before: int, mask: int, after: str) -> None:
    save("in/a.png").chmod(before)
    os.umask(mask)
    assert proface("protect", "in/a.png", *BY_HAND, "--sidecar").code == 0
    assert (mode("in/a.protected.png"), mode("in/a.protected.pfs")) == (after, after)
    Path("in/a.protected.png").chmod(before)
    assert proface("recover", "in/a.protected.png").code == 0
    assert mode("in/a.recovered.png") == after
    assert proface("forget", "in/a.protected.png", "--face", "1", "--yes").code == 0
    assert (mode("in/a.forgotten.png"), mode("in/a.forgotten.pfs")) == (after, after)
    for name in ("in/a.forgotten.png", "in/a.forgotten.pfs"):  # no face comes back from them
        Path(name).unlink()
    for jobs in "1", "2":
        assert proface("recover", "in", "-o", f"back{jobs}", "--jobs", jobs).code == 0
        assert mode(f"back{jobs}/a.recovered.png") == after


def test_s8_files_in_the_making_are_private(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[str] = []
    fsync = os.fsync

    def looking(descriptor: int) -> None:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            modes.extend(mode(path) for path in Path().glob(".*.tmp"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", looking)
    write.write_atomic("a.png", b"data")
    assert modes == ["600"]
    assert mode("a.png") == "644"
    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(1, "no links here")))
    write.write_atomic("b.png", b"data")
    assert mode("b.png") == "644"


def test_s8_what_is_replaced_keeps_its_permissions(proface: Proface) -> None:
    save("a.png")
    assert proface("protect", "a.png", *BY_HAND, "--sidecar").code == 0
    for name in ("a.protected.png", "a.protected.pfs"):
        Path(name).chmod(0o640)
    Path("new").write_text("another passphrase\n")
    new = ("--new-passphrase-file", "new")
    assert proface("rewrap", "a.protected.png", "--in-place", *new).code == 0
    assert (mode("a.protected.png"), mode("a.protected.pfs")) == ("640", "640")
    assert proface("forget", "a.protected.png", "--face", "1", "--in-place", "--yes").code == 0
    assert (mode("a.protected.png"), mode("a.protected.pfs")) == ("640", "640")
    Path("a.protected.png").chmod(0o600)
    assert proface("protect", "a.png", *BY_HAND, "--overwrite").code == 0
    assert mode("a.protected.png") == "600"
    Path("a.protected.png").chmod(0o644)
    Path("a.png").chmod(0o600)
    assert proface("protect", "a.png", *BY_HAND, "--overwrite").code == 0
    assert mode("a.protected.png") == "600"


def test_s8_drawings_keys_and_logs(proface: Proface) -> None:
    from skimage import data

    save("a.png", data.astronaut()).chmod(0o600)
    assert proface("detect", "a.png", "--draw", "drawn.png").code == 0
    assert proface("keygen", "-o", "private").code == 0
    assert proface("protect", "a.png").code == 0
    assert proface("recover", "a.protected.png", "--audit", "log").code == 0
    assert {name: mode(name) for name in ("drawn.png", "private", "log", "a.recovered.png")} == dict.fromkeys(
        ("drawn.png", "private", "log", "a.recovered.png"), "600"
    )


def test_s8_a_private_file_on_stdin(here: Path) -> None:
    save("a.png").chmod(0o600)
    command = [sys.executable, "-m", "proface_s", "protect", "-", "-o", "b.png", *BY_HAND]
    with open("a.png", "rb") as stdin:
        subprocess.run(command, stdin=stdin, check=True, timeout=300)
    assert mode("b.png") == "600"


def test_s8_the_python_interface(here: Path) -> None:
    save("a.png").chmod(0o600)
    result = proface_s.protect("a.png", "correct horse battery staple", boxes=[BOX], faces="none")
    assert mode("a.protected.png") == "600"
    assert mode(result.save("copy.png")) == "600"
    back = proface_s.recover("a.protected.png", "correct horse battery staple")
    assert mode("a.recovered.png") == "600"
    assert mode(back.save("back.tif")) == "600"
    copy = proface_s.protect("a.png", "correct horse battery staple", faces="none", allow_no_face=True, output="c.png")
    assert copy.path is not None
    assert mode(copy.path) == "600"
    assert drawn().shape == copy.protected.shape
