"""Clips on the page, in a real browser."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clip_web_kit import clip_of, left_behind, lumas
from page_kit import (
    DESK,
    NEEDS_BROWSER,
    PHONE,
    choose,
    expect,
    fresh_page,
    launch,
    open_page,
    playwright,
    saved,
    type_twice,
)
from web_kit import ANNS, BOBS, Service, drawn, until

pytestmark = NEEDS_BROWSER


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as manager, launch(manager) as opened:
        yield opened


@pytest.fixture
def page(browser: Any, clip_service: Service) -> Iterator[Any]:
    with fresh_page(browser, clip_service) as opened:
        yield opened


@pytest.fixture
def clip(tmp_path: Path, pair: bytes) -> Path:
    """The clip of two people as a file to choose."""
    (tmp_path / "party.mp4").write_bytes(pair)
    return tmp_path / "party.mp4"


def clips_in(folder: Path) -> list[str]:
    """Clips and results that the service keeps."""
    return [name for name in left_behind(folder) if name == "clip"]


def card(page: Any, number: int) -> Any:
    """The card of a person, with the settings opened."""
    found = page.locator("#people > li").nth(number - 1)
    found.locator("summary").click()
    return found


def test_from_the_clip_to_what_comes_back(
    page: Any, clip: Path, pair: bytes, clip_folder: Path, tmp_path: Path
) -> None:
    choose(page, "protect", clip)
    expect(page.locator("#people > li")).to_have_count(2)
    assert page.locator("#people input[type=checkbox]:checked").count() == 2
    expect(page.locator("#people img").first).to_have_js_property("naturalWidth", 160)
    expect(page.locator("#clip-player video")).to_have_js_property("videoWidth", 576)
    second = card(page, 2)
    second.get_by_label("Their own passphrase").check()
    type_twice(second, "Passphrase of person 2", BOBS)
    page.click("#clip-go")
    expect(page.locator("#clip-progress .notice")).to_contain_text("At least 8 characters")
    type_twice(page.locator("#clip-passphrase"), "Passphrase", ANNS)
    page.click("#clip-go")
    page.wait_for_selector("#protect-results:not([hidden])")
    expect(page.locator("#results video")).to_have_js_property("videoWidth", 576)
    expect(page.locator("#results .badge")).to_have_text("2 people covered")
    name, protected = saved(page, page.locator("#results a").click)
    assert name == "party.protected.mp4"
    assert until(lambda: len(clips_in(clip_folder)) == 1), "the result is not kept once it is here"

    page.get_by_role("button", name="Open it in Recover").click()
    expect(page.locator("#inside-faces li > :first-child")).to_have_text(
        ["Person 1: pixelate:6, key 1", "Person 2: pixelate:6, key 2"]
    )
    page.fill("#open-key", "not the right passphrase")
    page.click("#recover-go")
    expect(page.locator("#recover-progress .notice")).to_contain_text("does not open this file")
    page.fill("#open-key", BOBS)
    page.click("#recover-go")
    expect(page.locator("#recovered .badge")).to_have_text(
        ["stays covered: this key does not open it", "back, authenticated"]
    )
    name, recovered = saved(page, page.locator("#recovered a").click)
    assert name == "party.recovered.mp4"
    for first, hidden, last in zip(lumas(pair), lumas(protected), lumas(recovered), strict=True):
        halves = [abs(first.astype(int) - each)[:, 288:].mean() for each in (hidden, last)]
        assert halves[1] < 3 < halves[0]


def test_the_original_comes_back_bit_for_bit(page: Any, clip: Path, pair: bytes) -> None:
    choose(page, "protect", clip)
    expect(page.locator("#people > li")).to_have_count(2)
    page.locator("#clip-form summary", has_text="More choices").click()
    page.get_by_label("Seal the whole original file").check()
    type_twice(page.locator("#clip-passphrase"), "Passphrase", ANNS)
    page.click("#clip-go")
    page.get_by_role("button", name="Open it in Recover").click()
    expect(page.locator("#inside")).to_contain_text("the whole original file")
    page.fill("#open-key", ANNS)
    page.click("#recover-go")
    expect(page.locator("#recovered")).to_contain_text("bit for bit")
    _, recovered = saved(page, page.locator("#recovered a").click)
    assert recovered == pair


def test_people_are_left_out_and_joined(page: Any, clip: Path) -> None:
    choose(page, "protect", clip)
    first, second = page.locator("#people > li").nth(0), page.locator("#people > li").nth(1)
    first.get_by_label("Person 1", exact=True).uncheck()
    expect(first).to_contain_text("stays visible")
    second.get_by_label("Person 2", exact=True).uncheck()
    expect(page.locator("#clip-go")).to_be_disabled()
    second.get_by_label("Person 2", exact=True).check()
    type_twice(page.locator("#clip-passphrase"), "Passphrase", ANNS)
    page.click("#clip-go")
    expect(page.locator("#results .badge")).to_have_text("1 person covered")
    second.get_by_label("Same person as").select_option("Person 1")
    expect(second.get_by_label("Person 2", exact=True)).to_be_disabled()
    expect(second).to_contain_text("stays visible")
    first.get_by_label("Person 1", exact=True).check()
    page.locator("#results").evaluate("list => list.replaceChildren()")
    page.click("#clip-go")
    expect(page.locator("#results .badge")).to_have_text("1 person covered")


def test_files_go_when_the_page_is_left_or_shows_something_else(
    browser: Any, clip_service: Service, clip: Path, clip_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "drawing.png").write_bytes(drawn())
    with browser.new_context(viewport=PHONE) as context:
        page = open_page(context.new_page(), clip_service)
        choose(page, "protect", clip)
        expect(page.locator("#people > li")).to_have_count(2)
        assert len(clips_in(clip_folder)) == 1
        choose(page, "protect", tmp_path / "drawing.png")
        expect(page.locator("#protect-work")).to_be_visible()
        assert page.locator("#clip-work").is_hidden()
        assert until(lambda: not clips_in(clip_folder))
        choose(page, "protect", clip)
        expect(page.locator("#people > li")).to_have_count(2)
        page.close()
    assert until(lambda: not clips_in(clip_folder))


def test_the_work_is_cancelled(browser: Any, stuck_service: Service, clip: Path, clip_folder: Path) -> None:
    with browser.new_context(viewport=DESK) as context:
        page = open_page(context.new_page(), stuck_service)
        choose(page, "protect", clip)
        expect(page.locator("#protect-finding")).to_contain_text("Looking for people")
        assert clips_in(clip_folder)
        page.locator("#view-protect").get_by_role("button", name="Cancel").click()
        assert until(lambda: not clips_in(clip_folder))
        expect(page.locator("#protect-finding")).to_be_empty()
        assert page.locator("#clip-work").is_hidden()
        assert not page.complaints


def test_what_cannot_be_used_is_refused_in_words(page: Any, clip: Path, tmp_path: Path) -> None:
    notice = page.locator("#protect-problem .notice")
    for name, data, words in (
        ("large.mp4", bytes(3 << 20), "the limit is 2 MiB"),
        ("text.mp4", b"this is not a clip", "It cannot be read as a clip"),
        ("voice.mp4", clip_of([], suffix="m4a"), "no moving pictures, only sound"),
    ):
        (tmp_path / name).write_bytes(data)
        choose(page, "protect", tmp_path / name)
        expect(notice).to_contain_text(words)
        assert page.locator("#clip-work").is_hidden()
    choose(page, "protect", clip, tmp_path / "text.mp4")
    expect(notice).to_contain_text("choose the clip alone", ignore_case=True)
    page.click("nav a[data-view=recover]")
    choose(page, "recover", clip)
    expect(page.locator("#recover-problem .notice")).to_contain_text("is no protected clip")


def test_a_service_without_pyav_says_so(
    browser: Any, clip_service: Service, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with browser.new_context(viewport=DESK) as context:
        page = open_page(context.new_page(), clip_service)
        assert page.get_by_text("Choose photos", exact=True).is_visible()
        choose(page, "protect", clip)
        expect(page.locator("#protect-problem .notice")).to_contain_text("Clips are not taken here")
        expect(page.locator("#protect-problem .notice")).to_contain_text("proface-s[video]")
        assert not page.complaints


@pytest.mark.parametrize("viewport", [DESK, {"width": 360, "height": 740}])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_a_clip(
    browser: Any, clip_service: Service, clip: Path, viewport: dict[str, int], scheme: str
) -> None:
    """Labels, names, roles and contrast, as axe-core sees them; and nothing is wider than the screen."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def judge(page: Any) -> None:
        results = axe.run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]})
        assert not results.response["violations"], results.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    with browser.new_context(viewport=viewport, color_scheme=scheme) as context:
        page = open_page(context.new_page(), clip_service)
        choose(page, "protect", clip)
        expect(page.locator("#people > li")).to_have_count(2)
        card(page, 2)
        page.locator("#clip-form summary", has_text="More choices").click()
        judge(page)
        type_twice(page.locator("#clip-passphrase"), "Passphrase", ANNS)
        page.click("#clip-go")
        page.get_by_role("button", name="Open it in Recover").click()
        page.wait_for_selector("#recover-work:not([hidden])")
        judge(page)
        page.fill("#open-key", ANNS)
        page.click("#recover-go")
        page.wait_for_selector("#recover-result:not([hidden])")
        judge(page)
        page.click("nav a[data-view=protect]")
        judge(page)
        assert not page.complaints
