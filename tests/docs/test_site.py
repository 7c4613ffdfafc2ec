"""The documentation site: it builds without warnings, agrees with the program, and asks no other host for anything."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import click
import pytest
from click.testing import CliRunner
from examples import ROOT

import proface_s
from proface_s.cli.main import COMMANDS, LAB_COMMANDS, proface

for package in ("sphinx", "furo", "myst_parser"):
    pytest.importorskip(package, reason="needs the docs extra")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
PHONE = 390  # pixels across
FETCHED = {  # tag -> attribute whose address a browser fetches by itself
    "script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "audio": "src", "embed": "src",
    "object": "data", "link": "href", "use": "href", "image": "href", "input": "src", "track": "src",
}  # fmt: skip


class Page(HTMLParser):
    """What a test asks of a page.

    Attributes:
        ids: its anchors.
        links: addresses that a reader may follow.
        fetched: addresses that a browser fetches when it shows the page.
        text: what a reader sees, without white space.
    """

    def __init__(self, source: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self._text: list[str] = []
        self._hidden = 0
        self.feed(source)
        self.text = "".join("".join(self._text).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self._hidden += tag in ("script", "style")
        if found.get("id"):
            self.ids.add(str(found["id"]))
        if tag == "a" and found.get("href"):
            self.links.append(str(found["href"]))
        if tag in FETCHED and found.get(FETCHED[tag]):
            self.fetched.append(str(found[FETCHED[tag]]))
        self.fetched += css_addresses(found.get("style") or "")
        if found.get("srcset"):
            self.fetched += [part.split()[0] for part in str(found["srcset"]).split(",")]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._text.append(data)


def css_addresses(text: str) -> list[str]:
    """Addresses that a style sheet has a browser fetch."""
    return re.findall(r"url\(\s*['\"]?([^'\")]+)", text) + re.findall(r"@import\s+['\"]([^'\"]+)", text)


def environment() -> dict[str, str]:
    """Return the environment of a build: it imports the package that is tested here."""
    source = str(Path(proface_s.__file__).parents[1])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])}


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it: a warning is an error."""
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(ROOT / "docs"), str(out)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return out


@functools.cache
def page(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def pages(site: Path) -> list[Path]:
    found = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    assert len(found) > 20
    return found


def test_generated_pages_are_built_again(site: Path) -> None:
    """Their sources have not changed, but the program may have."""
    command = [sys.executable, "-m", "sphinx", "-W", "-N", "-b", "html", str(ROOT / "docs"), str(site)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert "0 added, 2 changed, 0 removed" in done.stdout


def test_every_page_is_in_the_site(site: Path) -> None:
    """A build with ``-W`` refuses a page outside every toctree; this is about pages that it was told to leave out."""
    sources = {path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md")}
    built = {path.relative_to(site).with_suffix("") for path in pages(site)}
    assert sources <= built


def test_links_and_anchors_resolve(site: Path) -> None:
    broken = []
    for path in pages(site):
        for link in page(path).links:
            address, anchor = urldefrag(link)
            if urlsplit(address).scheme or address.startswith("//"):
                continue
            target = (path.parent / unquote(address)).resolve() if address else path
            known = target.is_file() and (not anchor or target.suffix != ".html" or unquote(anchor) in page(target).ids)
            if not known:
                broken.append(f"{path.relative_to(site)}: {link}")
    assert not broken


def test_a_browser_asks_no_other_host(site: Path) -> None:
    """No web font, script, picture or style sheet from elsewhere, and each of those named is there."""
    wrong = []
    for path in pages(site):
        for address in page(path).fetched:
            local = unquote(urldefrag(address)[0].partition("?")[0])
            if address.startswith(("data:", "#")):
                continue
            if urlsplit(address).scheme or address.startswith("//") or not (path.parent / local).exists():
                wrong.append(f"{path.relative_to(site)}: {address}")
    for path in site.rglob("*.css"):
        for address in css_addresses(path.read_text(encoding="utf-8")):
            if address.startswith(("http:", "https:", "//")):
                wrong.append(f"{path.relative_to(site)}: {address}")
    scripts = [path for path in site.rglob("*.js") if not path.name.endswith(".LICENSE.txt")]
    for path in scripts:
        for call in re.findall(
            r"(?:fetch|import|importScripts)\(\s*[\"'`](?:https?:)?//[^\"'`]*", path.read_text("utf-8")
        ):
            wrong.append(f"{path.relative_to(site)}: {call}")
    assert scripts
    assert not wrong


def test_the_check_would_notice_a_web_font() -> None:
    found = Page(
        '<link href="https://fonts.example/css"><script src="//cdn.example/x.js"></script>'
        '<p style="background: url(https://a.example/b.png)">seen</p><script>unseen</script>'
    )
    assert found.fetched == ["https://fonts.example/css", "//cdn.example/x.js", "https://a.example/b.png"]
    assert found.text == "seen"
    assert css_addresses('@import "https://fonts.example/x.css";') == ["https://fonts.example/x.css"]


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_a_phone_shows_every_page_and_asks_nobody(site: Path) -> None:
    """In a real browser, from files: nothing is requested, no script fails, no page is too wide, the search works."""
    manager = pytest.importorskip("playwright.sync_api").sync_playwright()
    requests: list[str] = []
    faults: list[str] = []
    with (
        manager as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]) as browser,
        browser.new_page(viewport={"width": PHONE, "height": 800}) as phone,
    ):
        phone.on("request", lambda request: requests.append(request.url))
        phone.on("pageerror", lambda error: faults.append(str(error)))
        phone.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        for path in pages(site):
            phone.goto(path.as_uri())
            width = phone.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE, f"{path.relative_to(site)} is {width} pixels wide"
        phone.goto(f"{(site / 'search.html').as_uri()}?q=sidecar")
        phone.wait_for_selector("#search-results li a")
    assert len(requests) > len(pages(site))
    assert not [address for address in requests if not address.startswith(("file:", "data:"))]
    assert not faults


def paragraphs(help_text: str) -> list[str]:
    """What ``--help`` prints, in pieces that stand together: usage, paragraphs, headings, options with their texts."""
    pieces = re.split(r"\n\s*\n|\n(?=  [-\w])|\n(?=\w)", help_text.strip())
    found = ["".join(piece.split()).removeprefix("Usage:").removesuffix(":") for piece in pieces]
    return [re.sub(r"\.\.\.$", "", piece) for piece in found if piece]  # click shortens the texts of a list of commands


@pytest.mark.parametrize("name", ["", *COMMANDS, *LAB_COMMANDS])
def test_the_reference_agrees_with_the_help(site: Path, name: str) -> None:
    arguments = [name, "--help"] if name else ["--help"]
    done = CliRunner().invoke(proface, arguments, prog_name="proface", terminal_width=100)
    assert done.exit_code == 0
    pieces = paragraphs(done.output)
    assert len(pieces) > 3
    shown = page(site / "reference" / "cli.html").text
    missing = [piece for piece in pieces if piece.replace("`", "") not in shown]
    assert not missing


def test_every_option_is_in_the_reference(site: Path) -> None:
    """Hidden options aside, whatever form the help has."""
    shown = page(site / "reference" / "cli.html").text
    top = click.Context(proface)
    for name in (*COMMANDS, *LAB_COMMANDS):
        command = proface.get_command(top, name)
        assert command is not None
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                assert all(option in shown for option in parameter.opts), (name, parameter.opts)


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    ids = page(site / "reference" / "python.html").ids
    assert {f"proface_s.{name}" for name in proface_s.__all__ if name != "__version__"} <= ids
    assert {"proface_s.Session.detector", "proface_s.Session.limited", "proface_s.VideoSession.models"} <= ids


def test_no_option_lost_its_dashes(site: Path) -> None:
    """Two dashes in prose become one long one, which is right between words and wrong in ``--option``."""
    wrong = [
        f"{path.relative_to(site)}: {found}"
        for path in pages(site)
        for found in re.findall(r"[\u2013\u2014][a-z][\w-]*", re.sub(r"<[^>]+>", "", path.read_text(encoding="utf-8")))
    ]
    assert not wrong
