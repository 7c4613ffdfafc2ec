"""What the tests of the page share: a browser, and what people do in it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from web_kit import PATIENCE, Service

playwright = pytest.importorskip("playwright.sync_api", reason="pip install 'proface-s[webtest]'")
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
NEEDS_BROWSER = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium; see `make test-web`"),
]

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
NO_AUTOFILL = "--disable-features=AutofillServerCommunication"  # asks its maker what the forms of any page are for
expect = playwright.expect
expect.set_options(timeout=PATIENCE * 1000)


def launch(manager: Any, *options: str) -> Any:
    """Chromium, without a window."""
    return manager.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *options])


def open_page(opened: Any, service: Service, address: str = "/") -> Any:
    """Load the page and wait until it is ready; collects what its scripts complain about."""
    opened.set_default_timeout(PATIENCE * 1000)
    opened.complaints = []
    opened.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.on(
        "console",
        lambda message: (
            opened.complaints.append(message.text)
            if "Content Security Policy" in message.text or "Trusted" in message.text
            else None
        ),
    )
    opened.on("filechooser", lambda chooser: None)  # asked for now: the browser takes a while to hand choosers over
    opened.goto(service.url + address)
    opened.wait_for_selector("html[data-ready]")
    return opened


@contextmanager
def fresh_page(browser: Any, service: Service) -> Iterator[Any]:
    """A fresh page; whatever a test does with it, no script fails and nothing breaks the policy."""
    with browser.new_context(viewport=DESK) as context:
        opened = context.new_page()
        yield open_page(opened, service)
        assert not opened.complaints


def wait_for(page: Any, true: Callable[[], bool]) -> None:
    """Let the browser go on until something is true; its events come meanwhile."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)


def choose(page: Any, view: str, *paths: Path) -> None:
    page.set_input_files(f"#{view}-drop input", list(paths))


def type_twice(place: Any, label: str, text: str) -> None:
    place.get_by_label(label, exact=True).fill(text)
    place.get_by_label(f"{label}, again").fill(text)


def saved(page: Any, click: Any) -> tuple[str, bytes]:
    """Name and bytes of the file that a click saves."""
    with page.expect_download() as download:
        click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()
