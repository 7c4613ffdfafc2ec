"""Standard streams that are absent, full, or closed by their reader (case D4), and signals that are ignored."""

from __future__ import annotations

import itertools
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cli_kit import BOX, PASSPHRASE, drawn, files, save
from PIL import Image

PROGRAM = [sys.executable, "-m", "proface_s"]
BY_HAND = ("--box", BOX, "--faces", "none")
CLOSED = ("<&-", ">&-", "2>&-")
SOME = [" ".join(chosen) for n in (1, 2, 3) for chosen in itertools.combinations(CLOSED, n)]
ALL = " ".join(CLOSED)

needs_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")


def with_streams(redirections: str, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run one command line as a shell would with these redirections."""
    line = f"{shlex.join([*PROGRAM, *argv])} {redirections}"
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=300)


@pytest.fixture
def secret(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("secret").write_text(PASSPHRASE + "\n")
    Path("secret").chmod(0o600)
    monkeypatch.delenv("PROFACE_PASSPHRASE")


@pytest.mark.parametrize("closed", SOME)
def test_d4_protecting_without_standard_streams(secret: None, closed: str) -> None:
    save("a.png")
    done = with_streams(closed, "protect", "a.png", "-o", "c.png", "--passphrase-file", "secret", *BY_HAND)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert ("a.png -> c.png" in done.stderr) == ("2>" not in closed)
    assert files() == ["a.png", "c.png", "secret"]
    Image.open("c.png").verify()


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("recover", "drawing.protected.png", "-o", "back.png"), 0), (("inspect", "drawing.protected.png"), 0),
        (("inspect", "drawing.protected.png", "--json"), 0), (("verify", "drawing.protected.png"), 0),
        (("detect", "drawing.protected.png"), 4), (("styles",), 0), (("--help",), 0), (("--version",), 0), ((), 2),
        (("forget", "drawing.protected.png", "--face", "1", "--yes"), 0), (("nonsense",), 2),
        (("rewrap", "drawing.protected.png", "--new-passphrase-file", "secret"), 0),
        (("keygen", "-o", "private"), 0), (("protect", "missing.png", "other.png", "-o", "out"), 1),
        (("protect", ".", "-o", "out", "--jobs", "2", *BY_HAND, "--resume", "--json"), 0),
    ],
)  # fmt: skip
def test_d4_every_command_without_standard_streams(protected: Path, argv: tuple[str, ...], code: int) -> None:
    Path("secret").write_text(PASSPHRASE + "\n")
    if argv[:2] == ("protect", "."):
        save("a.png")
        save("b.png", drawn(seed=3))
    assert with_streams(ALL, *argv).returncode == code
    done = with_streams(">&-", *argv)
    assert "Traceback" not in done.stderr
    assert done.returncode in (code, 1), "what exists after the first time is an error"


@pytest.mark.parametrize(
    ("argv", "what"),
    [
        (("keygen",), "the private key"), (("key", "drawing.protected.png", "--face", "1"), "the key"),
        (("protect", "drawing.png", "-o", "-"), "a picture"),
        (("recover", "drawing.protected.png", "-o", "-"), "a picture"),
    ],
)  # fmt: skip
def test_d4_what_can_only_be_said_on_stdout_is_not_lost(protected: Path, argv: tuple[str, ...], what: str) -> None:
    save("drawing.png")
    done = with_streams(">&-", *argv)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {what} would")
    assert "closed" in done.stderr


def test_d4_a_picture_from_a_closed_stdin(here: Path) -> None:
    done = with_streams("<&-", "protect", "-")
    assert done.returncode == 2
    assert "stdin, which is closed" in done.stderr


@needs_full
@pytest.mark.parametrize(
    "argv",
    [
        ("inspect", "drawing.protected.png"), ("inspect", "drawing.protected.png", "--json"), ("styles",), ("--help",),
        ("--version",), ("key", "drawing.protected.png", "--face", "1"), ("keygen",),
        ("recover", "drawing.protected.png", "-o", "-"), ("verify", "drawing.protected.png"),
    ],
)  # fmt: skip
def test_d4_a_full_stdout_is_an_error(protected: Path, argv: tuple[str, ...]) -> None:
    done = with_streams(">/dev/full", *argv)
    assert done.returncode == 1
    assert [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@needs_full
def test_d4_messages_that_cannot_be_told_fail_nothing(here: Path) -> None:
    save("in/a.png")
    save("in/b.png", drawn(seed=3))
    assert with_streams("2>/dev/full", "protect", "in", "-o", "out", *BY_HAND).returncode == 0
    assert with_streams("2>/dev/full", "recover", "out", "-o", "back", "--jobs", "2").returncode == 0
    assert np.array_equal(np.array(Image.open("back/a.recovered.png")), drawn())
    assert with_streams("2>/dev/full", "protect", "missing.png").returncode == 1
    assert with_streams(">/dev/full 2>/dev/full", "inspect", "out/a.protected.png").returncode == 1


@pytest.mark.parametrize("argv", [("--help",), ("styles",), ("inspect", "drawing.protected.png")])
def test_d4_a_reader_that_has_gone(protected: Path, argv: tuple[str, ...]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*PROGRAM, *argv], stdout=writer, stderr=subprocess.PIPE, text=True, timeout=300)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_messages_whose_reader_has_gone_fail_nothing(here: Path) -> None:
    save("a.png")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*PROGRAM, "protect", "a.png", *BY_HAND], stderr=writer, timeout=300)
    os.close(writer)
    assert done.returncode == 0
    assert files() == ["a.png", "a.protected.png"]


@pytest.mark.parametrize(("ignored", "handlers"), [("", "_stop _stop"), ("HUP", "ignored _stop")])
def test_a_hangup_that_is_ignored_stays_ignored(ignored: str, handlers: str) -> None:
    """As ``nohup proface ... &`` has it."""
    script = (
        "import signal; from proface_s.cli import main\n"
        "def told(number):\n"
        "    handler = signal.getsignal(number)\n"
        "    return 'ignored' if handler == signal.SIG_IGN else handler.__name__\n"
        "main.main = lambda: print(told(signal.SIGHUP), told(signal.SIGTERM)) or 0\n"
        "main.run()\n"
    )
    trap = f"trap '' {ignored}; " if ignored else ""
    line = f"{trap}exec {shlex.join([sys.executable, '-c', script])}"
    done = subprocess.run(
        ["sh", "-c", line],
        capture_output=True,
        text=True,
        timeout=300,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # the suite itself may run under ``nohup``
    )
    assert done.stdout.split() == handlers.split(), done.stderr
