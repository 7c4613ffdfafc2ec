"""Draws docs/screenshots: the page as it is, with two portraits in the public domain that other packages carry."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from matplotlib import cbook
from PIL import Image
from playwright.sync_api import sync_playwright
from skimage import data
from web_kit import BOBS, running

from proface_s import Session
from proface_s.web.settings import ServiceSettings

VIEWS = (
    ("desktop-light", 1280, 860, "light"),
    ("desktop-dark", 1280, 860, "dark"),
    ("phone-light", 390, 844, "light"),
    ("phone-dark", 390, 844, "dark"),
)


def photo(folder: Path) -> Path:
    """Two people side by side: portraits that NASA and the United States Navy put into the public domain."""
    left = Image.fromarray(data.astronaut())
    with Image.open(cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)) as portrait:
        right = portrait.convert("RGB").resize((437, 512))
    both = Image.new("RGB", (left.width + right.width, 512))
    both.paste(left, (0, 0))
    both.paste(right, (left.width, 0))
    both.save(folder / "party.jpg", quality=95)
    return folder / "party.jpg"


def walk(page: Any, picture: Path, target: Path, name: str) -> None:
    """Protect, recover one of two faces, read what is protected; a picture of each."""

    def keep(step: str) -> None:
        page.evaluate("scrollTo(0, 0)")  # what sticks to the top is drawn where it then is
        page.wait_for_timeout(300)
        size = page.viewport_size
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": size["width"], "height": height})  # so that nothing sticks in the middle
        drawn = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        page.set_viewport_size(size)
        drawn.quantize(256).save(target / f"{step}-{name}.png", optimize=True)

    page.set_input_files("#protect-drop input", picture)
    page.wait_for_selector(".stage .box img:not([hidden])")
    row = page.locator("#faces > li").nth(1)
    row.locator("summary").click()
    row.get_by_label("Cover of this face").select_option("pixelate")
    row.get_by_label("Its own passphrase").check()
    for label in ("Passphrase of this face", "Passphrase of this face, again"):
        row.get_by_label(label, exact=True).fill(BOBS)
    page.locator("#passphrase").get_by_label("Passphrase", exact=True).fill("a passphrase for the picture")
    page.locator("#passphrase").get_by_label("Passphrase, again").fill("a passphrase for the picture")
    page.wait_for_timeout(1200)
    keep("protect")
    page.click("#protect-go")
    page.get_by_role("button", name="Open it in Recover").click()
    page.wait_for_selector("#recover-work:not([hidden])")
    page.fill("#open-key", BOBS)
    page.click("#recover-go")
    page.wait_for_selector("#recover-result:not([hidden])")
    keep("recover")
    page.click("nav a[data-view=about]")
    keep("about")


def main(target: Path) -> None:
    """Write all pictures into a folder."""
    target.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(ServiceSettings(), Session(threads=1)) as service,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"]) as browser,
    ):
        picture = photo(Path(folder))
        for name, width, height, scheme in VIEWS:
            with browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme) as context:
                page = context.new_page()
                page.goto(service.url)
                page.wait_for_selector("html[data-ready]")
                walk(page, picture, target, name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
