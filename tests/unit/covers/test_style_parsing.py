"""The user's way of writing a style."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from proface_s.cli.hints import command_line_hint
from proface_s.covers import (
    apply_style,
    format_style,
    get_style,
    is_weak,
    parse_style,
    recorded_name,
    recorded_style,
)
from proface_s.errors import UsageError
from proface_s.types import Style
from proface_s.web.hints import page_hint


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("blur", Style("blur")),
        (" Blur ", Style("blur")),
        ("blur:9.5", Style("blur", 9.5)),
        ("pixelate:12", Style("pixelate", 12.0)),
        ("mask", Style("mask")),
        ("mask:cat", Style("mask", None, "cat")),
        ("mask:cat:110", Style("mask", 110.0, "cat")),
        ("mask:120", Style("mask", 120.0)),
        ("solid:#20407F", Style("solid", None, "#20407F")),
        ("solid:80", Style("solid", 80.0)),
        ("blur@oval", Style("blur", shape="oval")),
        ("swap:woman", Style("swap", None, "woman")),
        ("swap:man:27@box", Style("swap", 27.0, "man", "box")),
        (" Pixelate:8 @ Oval ", Style("pixelate", 8.0, shape="oval")),
        ("mask:cat:110@box", Style("mask", 110.0, "cat", "box")),
        ("solid:#20407F@oval", Style("solid", None, "#20407F", "oval")),
    ],
)
def test_a_style_is_read_and_written(text: str, style: Style) -> None:
    assert parse_style(text) == style
    assert parse_style(format_style(style)) == style


def test_an_unknown_style_is_refused_with_the_list_of_styles() -> None:
    for text in ("swirl", "", ":5", "blur5"):
        with pytest.raises(UsageError) as caught:
            parse_style(text)
        assert command_line_hint(caught.value) == "styles: blur, lowpoly, mask, median, pixelate, solid, swap, swapper"
    with pytest.raises(UsageError):
        apply_style([], Style("swirl"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "blur:0",
        "blur:-3",
        "blur:1000",
        "blur:nan",
        "blur:inf",
        "pixelate:0",
        "pixelate:-inf",
        "mask:10",
        "solid:101",
    ],
)
def test_a_strength_out_of_range_is_refused_with_the_range(text: str) -> None:
    with pytest.raises(UsageError, match="out of range") as caught:
        parse_style(text)
    name = text.split(":")[0]
    hint = command_line_hint(caught.value)
    assert hint is not None
    assert f"{get_style(name).strength_range[0]:g} to {get_style(name).strength_range[1]:g}" in hint


@pytest.mark.parametrize("text", ["blur:strong", "blur:", "median:5:5", "pixelate:#ffffff", "blur:cat:5"])
def test_an_option_a_style_does_not_have_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_style(text)
    assert caught.value.code == "style-option"
    assert str(command_line_hint(caught.value)).startswith("write ")


@pytest.mark.parametrize("text", ["solid:grey", "solid:#12345", "solid:#12345g"])
def test_a_bad_colour_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a colour"):
        parse_style(text)


def test_unreadable_stickers_are_refused_with_the_list_of_stickers(tmp_path: Path) -> None:
    text_file = tmp_path / "note.png"
    text_file.write_text("not a picture")
    empty = tmp_path / "empty.png"
    Image.new("RGBA", (4, 4)).save(empty)
    for option in ("dog", str(tmp_path / "missing.png"), str(text_file), str(empty), str(tmp_path), "a\0b"):
        with pytest.raises(UsageError) as caught:
            parse_style(f"mask:{option}")
        assert repr(option) in caught.value.message
        for hint in command_line_hint(caught.value), page_hint(caught.value):
            assert "cat, cool, fox, frog" in str(hint)


def test_weak_strengths_are_known() -> None:
    assert is_weak(Style("blur", 1.0))
    assert is_weak(Style("pixelate", 40.0))
    assert not is_weak(Style("pixelate", 2.0))
    for name in ("blur", "lowpoly", "mask", "median", "pixelate", "solid", "swap"):
        assert not is_weak(Style(name))


@pytest.mark.parametrize("text", ["blur@square", "blur:12@", "mask:cat@ovals", "@oval"])
def test_an_unknown_shape_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_style(text)
    assert command_line_hint(caught.value) is not None


def test_a_file_name_may_hold_the_mark_of_shapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("me@home.png", "me@oval"):
        Image.new("RGBA", (4, 4), "red").save(name, "PNG")
    assert parse_style("mask:me@home.png") == Style("mask", None, "me@home.png")
    assert parse_style("mask:me@oval@box") == Style("mask", None, "me@oval", "box")
    assert parse_style("mask:me@home.png:80@oval") == Style("mask", 80.0, "me@home.png", "oval")


@pytest.mark.parametrize(("text", "name"), [("blur:5", "blur"), ("blur@box", "blur"), ("blur:5@oval", "blur@oval")])
def test_headers_name_ovals_and_say_nothing_of_boxes(text: str, name: str) -> None:
    style = parse_style(text)
    assert recorded_name(style) == name
    found = recorded_style(name, style.strength)
    assert recorded_name(found) == name
    assert (found.name, found.strength) == (style.name, style.strength)


def test_a_header_may_name_any_style() -> None:
    assert recorded_style("of@elsewhere", 3.0) == Style("of@elsewhere", 3.0)
    assert recorded_style("stripes@oval", None) == Style("stripes", shape="oval")
