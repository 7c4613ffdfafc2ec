"""What a cover says of itself: fall-backs, synthetic faces, and what an oval costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from proface_s import Session, inspect
from proface_s.covers import (
    FALLBACKS,
    SHAPES,
    STRICTEST,
    FaceRegion,
    cover_face,
    get_style,
    is_uninformative,
    oval_cost,
    parse_style,
    recorded_fallback,
    recorded_name,
    recorded_style,
    recorded_synthetic,
    style_names,
)
from proface_s.errors import UsageError
from proface_s.types import Style

BUILT_IN = ["blur", "lowpoly", "mask", "median", "pixelate", "solid", "swap"]


@pytest.mark.parametrize("code", [*FALLBACKS, None])
@pytest.mark.parametrize("shape", [*SHAPES, None])
def test_headers_keep_why_a_style_fell_back(shape: Any, code: str | None) -> None:
    style = Style("swap", 27.0, None, shape)
    name = recorded_name(style, code)
    assert len(name) <= 32
    assert recorded_fallback(name) == code
    assert recorded_name(recorded_style(name, 27.0)) == recorded_name(style)
    assert recorded_synthetic(name) is (code is None)


@pytest.mark.parametrize("name", ["blur", "blur@oval", "swap.because@oval", ".small", "small", "elsewhere.small@box"])
def test_other_texts_in_headers_say_nothing_of_a_fallback_of_ours(name: str) -> None:
    assert recorded_fallback(name) == ("small" if name.startswith("elsewhere") else None)
    assert not recorded_synthetic(name)


def test_a_name_that_is_too_long_for_both_leaves_the_reason_out() -> None:
    class Long:
        name, default_shape = "a" * 27, "oval"

    style = Style("swap", None, None, "oval")
    assert recorded_name(style, "landmarks") == "swap.landmarks@oval"
    assert recorded_name(Style(Long.name, None, None, "oval"), "landmarks") == f"{Long.name}@oval"


def test_the_strictest_cover_is_the_same_for_every_face() -> None:
    assert is_uninformative(STRICTEST, 40, 60)
    assert get_style(STRICTEST.name).rates is not None
    boxes = [rates.box for name in BUILT_IN if (rates := get_style(name).rates) is not None]
    assert min(boxes) == get_style("solid").rates.box  # type: ignore[union-attr]


def test_ovals_say_what_they_cost_and_boxes_nothing() -> None:
    assert set(BUILT_IN) <= set(style_names())
    for name in BUILT_IN:
        said = oval_cost(parse_style(f"{name}@oval"))
        assert said is not None
        assert said.startswith(f"{name}@oval: ")
        assert oval_cost(parse_style(f"{name}@box")) is None
    assert oval_cost(parse_style("blur")) is None
    assert oval_cost(parse_style("swap")) is not None


def test_a_style_cannot_invent_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(get_style("blur")), "fallbacks", lambda self, region: ("bored",))
    with pytest.raises(UsageError, match="reasons that do not exist"):
        cover_face(FaceRegion(np.zeros((40, 40, 3), np.uint8)), parse_style("blur"))


def test_a_wall_is_recorded_as_blurred_and_says_nothing_of_synthetic_faces() -> None:
    wall = np.random.default_rng(1).integers(90, 110, (160, 160, 3)).astype(np.uint8)
    done = Session(threads=1).protect(
        wall, "correct horse battery staple", style="swap", boxes=(30, 30, 90, 100), faces="none"
    )
    assert [(face.style, face.fallback, face.synthetic) for face in done.faces] == [("swap", "landmarks", False)]
    assert b"digitalsourcetype" not in done.data
    seen = inspect(done.data)
    assert [(face.style, face.fallback, face.synthetic) for face in seen.faces] == [("swap@oval", "landmarks", False)]
    assert seen.faces[0].shown == "swap@oval (blurred: not seen clearly)"
    assert not [warning for warning in seen.warnings if "synthetic" in warning]
    found = Session(threads=1).detect(wall, boxes=(30, 30, 90, 100), faces="none", style="swap")
    assert found.fallbacks == {1: "landmarks"}
