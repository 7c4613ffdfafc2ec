"""``proface serve`` as a command: what it refuses, what it says, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from proface_s.cli.main import main
from proface_s.web.guard import known_names
from proface_s.web.settings import is_loopback

TOKEN = "a-token-of-enough-characters"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "needs a token"),
        (["--host", "192.0.2.1"], "needs a token"),
        (["--host", "0.0.0.0", "--token", "short"], "at least 16"),
        (["--token", "a token with a line\nbreak in it"], "at least 16 printable"),
        (["--host", "192.0.2.1", "--token", TOKEN], "cannot listen on 192.0.2.1"),
    ],
)
def test_what_is_not_safe_is_refused(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROFACE_TOKEN", raising=False)
    assert main(["serve", "--no-browser", *arguments]) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert "hint: " in said.err
    assert TOKEN not in said.out + said.err


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["serve", "--no-browser", "--port", str(taken.getsockname()[1])]) == 2
    assert "cannot listen on 127.0.0.1" in capsys.readouterr().err


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_ends_when_told(end: signal.Signals) -> None:
    command = [sys.executable, "-m", "proface_s", "serve", "--no-browser"]
    environment = os.environ | {"PROFACE_TOKEN": TOKEN}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        address, _, token = process.stdout.readline().split()[-1].partition("#token=")
        assert token == TOKEN
        assert address.startswith("http://127.0.0.1:")
        headers = {"authorization": f"Bearer {TOKEN}"}
        assert httpx.get(f"{address}api/about", headers=headers, trust_env=False).status_code == 200
        process.send_signal(end)
        assert process.wait(timeout=300) == (0 if end == signal.SIGINT else 143)
        assert process.stderr.read().split() == ["stop", "it", "with", "Ctrl-C"]
        assert process.stdout.read() == ""


def test_which_hosts_are_this_machine_alone() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.8.8.8", "localhost", "LOCALHOST", "::1", "[::1]")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.0.2.1", "example.org", "localhost.example.org", "")))
    assert known_names("::1") == known_names("127.0.0.1") == {"localhost", "127.0.0.1", "[::1]"}
    assert known_names("192.0.2.1") == {"192.0.2.1"}
    assert "localhost" in known_names("0.0.0.0")
    assert "[2001:db8::1]" in known_names("2001:db8::1")
