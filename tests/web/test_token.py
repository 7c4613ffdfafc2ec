"""The token reaches its owner's browser and nobody else: case S6."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from web_kit import PATIENCE, until

from proface_s.web import login
from proface_s.web.login import BrowserLogin, is_private

TOKEN = "a-token-of-enough-characters"
COMMAND = [sys.executable, "-m", "proface_s", "serve"]
BROWSER = """#!{python}
import json, os, sys
with open({target!r} + ".part", "w") as file:
    json.dump({{"arguments": sys.argv, "environment": dict(os.environ)}}, file)
os.rename({target!r} + ".part", {target!r})
"""


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[tuple[dict[str, object], str, Path]]:
    """What a browser was given by a service that has a token, where that service is, and the page on disk."""
    seen, browser = tmp_path / "seen.json", tmp_path / "browser"
    browser.write_text(BROWSER.format(python=sys.executable, target=str(seen)))
    browser.chmod(0o755)
    environment = os.environ | {"PROFACE_TOKEN": TOKEN, "BROWSER": str(browser)}
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1].partition("#")[0]
        assert until(seen.exists)
        given = json.loads(seen.read_text())
        yield given, url, Path(unquote(urlsplit(given["arguments"][-1]).path))
        process.terminate()


@pytest.mark.slow
def test_s6_the_browser_is_given_no_secret(opened: tuple[dict[str, object], str, Path]) -> None:
    """Case S6: neither in its arguments nor in its environment; what it opens only its owner can read."""
    given, url, page = opened
    assert TOKEN not in str(given)
    assert "code" not in str(given["arguments"])
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert stat.S_IMODE(page.parent.stat().st_mode) == 0o700
    text = page.read_text()
    assert TOKEN not in text
    code = re.search(r"#code=([\w-]+)", text)
    assert code is not None
    wrong = httpx.post(f"{url}api/enter", content=b"guess", trust_env=False)
    assert wrong.status_code == 403
    assert httpx.post(f"{url}api/enter", content=code[1], trust_env=False).json() == {"token": TOKEN}
    again = httpx.post(f"{url}api/enter", content=code[1], trust_env=False)
    assert (again.status_code, again.json()["type"]) == (403, "urn:proface:code")
    assert not page.parent.exists()
    cross = httpx.post(f"{url}api/enter", content=code[1], headers={"origin": "http://evil.example"}, trust_env=False)
    assert cross.json()["type"] == "urn:proface:origin"


@pytest.mark.slow
def test_s6_the_page_leads_the_browser_in_and_leaves_no_trace(opened: tuple[dict[str, object], str, Path]) -> None:
    """Case S6: in a real browser; neither token nor code stay in the address or where `back` leads."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install 'proface-s[webtest]'")
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no chromium")
    _, url, page = opened
    with (
        playwright.sync_playwright() as manager,
        manager.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as browser,
    ):
        window = browser.new_page()
        asked: list[str] = []
        window.on("request", lambda request: asked.append(f"{request.url} {request.headers}"))
        window.goto(page.as_uri())
        window.wait_for_selector("html[data-ready]", timeout=PATIENCE * 1000)
        assert window.url == url
        assert window.evaluate("document.referrer") == ""
        assert not [each for each in asked if TOKEN in each.partition(" ")[0]]
    assert not page.exists()


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "shown"), [(0o600, True), (0o644, False), (0o640, False)])
def test_s6_a_log_that_others_can_read_gets_no_token(tmp_path: Path, mode: int, shown: bool) -> None:
    """Case S6: the address is printed with the token only where nobody else reads it."""
    log = tmp_path / "log"
    log.touch(mode)
    log.chmod(mode)
    environment = os.environ | {"PROFACE_TOKEN": TOKEN, "PYTHONUNBUFFERED": "1"}
    with (
        log.open("w") as out,
        subprocess.Popen(
            [*COMMAND, "--no-browser"], stdout=out, stderr=subprocess.PIPE, text=True, env=environment
        ) as process,
    ):
        assert process.stderr is not None
        said = process.stderr.readline()
        process.terminate()
    assert log.read_text().startswith("PRO-Face S is at http://127.0.0.1:")
    assert (TOKEN in log.read_text()) == shown
    assert ("not printed" in said) != shown
    assert TOKEN not in said


@pytest.mark.slow
def test_s6_a_token_on_the_command_line_is_warned_about() -> None:
    """Case S6: other users see the arguments of the service itself, too."""
    with subprocess.Popen(
        [*COMMAND, "--no-browser", "--token", TOKEN], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        process.terminate()
    assert "other users" in said
    assert "PROFACE_TOKEN" in said
    assert TOKEN not in said


def test_s6_a_journal_is_not_private(monkeypatch: pytest.MonkeyPatch) -> None:
    """Case S6: what runs as a system's service writes to a log that administrators read."""
    inner, outer = os.pipe()
    os.close(inner)
    stream: IO[str]
    with open(outer, "w") as stream:
        assert is_private(stream)
        status = os.fstat(outer)
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        assert not is_private(stream)


def test_s6_codes_work_once_and_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    door = BrowserLogin(TOKEN)

    def new_code() -> str:
        page = Path(unquote(urlsplit(door.page_for("http://127.0.0.1:1/")).path))
        found = re.search(r"#code=([\w-]+)", page.read_text())
        assert found is not None
        return found[1]

    first = new_code()
    second = new_code()
    assert first != second
    assert [door.redeem(code) for code in ("", first, second + "x", second, second)] == [None, None, None, TOKEN, None]
    late = new_code()
    monkeypatch.setattr(login.time, "monotonic", lambda: 1e12)
    assert door.redeem(late) is None
    door.close()


def test_s6_without_a_token_nothing_is_written() -> None:
    """Case S6: the plain address has no secret in it."""
    door = BrowserLogin(None)
    assert door.page_for("http://127.0.0.1:1/") == "http://127.0.0.1:1/"
    assert door.redeem("") is None
