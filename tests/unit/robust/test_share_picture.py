"""A layer written into a photo and found again: after every channel, in parts, and never where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from robust_kit import SIZE, photo, shared

from proface_lab.channels import (
    in_turn,
    through_avif,
    through_crop,
    through_dead_zone,
    through_jpeg,
    through_resize,
    through_scale,
    through_screenshot,
    through_size_limit,
    through_webp,
)
from proface_s.image.measures import psnr
from proface_s.robust.carriers import carrying_blocks
from proface_s.robust.directory import ShareDirectory
from proface_s.robust.share_picture import ShareEntry, find_layer, write_layer
from proface_s.types import Box, UInt8Image

LENGTHS = ((60, 500), (40, 300))


def sent() -> UInt8Image:
    return write_layer(photo(), *shared(*LENGTHS))


@pytest.mark.parametrize(
    "channel",
    [
        in_turn(),
        through_jpeg(75),
        through_jpeg(75, "4:4:4", progressive=True),
        through_jpeg(71),
        through_dead_zone(75),
        in_turn(through_jpeg(80), through_jpeg(75)),
        through_crop(37, 21, 50, 0),
        in_turn(through_crop(16, 160, 3, 17), through_jpeg(85)),
    ],
    ids=["none", "75", "progressive", "71", "dead zone", "two", "crop", "crop of blocks"],
)
def test_both_layers_come_back(channel: object) -> None:
    directory, entries = shared(*LENGTHS)
    found = find_layer(channel(sent()))  # type: ignore[operator]
    assert found is not None
    assert found.directory == directory
    assert found.base == tuple(each.base for each in entries)
    assert found.fine == tuple(each.fine for each in entries)


@pytest.mark.parametrize(
    "channel",
    [through_jpeg(50), through_webp(80), through_avif(60), through_size_limit(40_000)],
    ids=["JPEG 50", "WebP 80", "AVIF 60", "40 kB"],
)
def test_the_base_layer_outlives_the_fine_one(channel: object) -> None:
    directory, entries = shared(*LENGTHS)
    found = find_layer(channel(sent()))  # type: ignore[operator]
    assert found is not None
    assert found.directory == directory
    assert found.base == tuple(each.base for each in entries)


@pytest.mark.parametrize("size", [(1600, 1066), (853, 1280)])
@pytest.mark.parametrize(
    "channel",
    [
        in_turn(through_resize(1080, "bilinear"), through_jpeg(75)),
        in_turn(through_scale(0.5, "bicubic"), through_jpeg(75)),
        in_turn(through_jpeg(75), through_screenshot(), through_jpeg(80)),
    ],
    ids=["1080", "half", "screenshot"],
)
def test_usual_sizes_are_found_after_resizing(size: tuple[int, int], channel: object) -> None:
    directory, entries = shared(*LENGTHS, size=size)
    found = find_layer(channel(write_layer(photo(size), directory, entries)))  # type: ignore[operator]
    assert found is not None
    assert found.directory == directory
    assert found.base == tuple(each.base for each in entries)


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("channel", [through_jpeg(75), in_turn(through_resize(1080), through_jpeg(75))])
def test_a_turned_picture_is_found(turns: int, channel: object) -> None:
    directory, entries = shared(*LENGTHS, size=(1280, 853))
    received = channel(np.rot90(write_layer(photo((1280, 853)), directory, entries), -turns))  # type: ignore[operator]
    found = find_layer(np.ascontiguousarray(received))
    assert found is not None
    assert (found.directory, found.turns) == (directory, turns)
    assert found.base == tuple(each.base for each in entries)


@pytest.mark.parametrize("size", [(1024, 682), (1444, 960), (700, 1050)])
@pytest.mark.parametrize("factor", [0.6, 0.83])
def test_any_size_is_found_after_resizing(size: tuple[int, int], factor: float) -> None:
    directory, entries = shared(*LENGTHS, size=size)
    received = in_turn(through_scale(factor), through_jpeg(85))(write_layer(photo(size), directory, entries))
    found = find_layer(received)
    assert found is not None
    assert found.directory == directory
    assert found.base == tuple(each.base for each in entries)


@pytest.mark.parametrize(
    ("size", "cut"),
    [((1600, 1066), (267, 0, 267, 0)), ((1600, 1066), (0, 100, 0, 151)), ((960, 1280), (0, 160, 0, 160))],
)
def test_a_cut_along_one_side_is_found_after_resizing(size: tuple[int, int], cut: tuple[int, int, int, int]) -> None:
    directory, entries = shared(*LENGTHS, size=size)
    shown = write_layer(photo(size), directory, entries)
    found = find_layer(in_turn(through_crop(*cut), through_resize(800), through_jpeg(85))(shown))
    assert found is not None
    assert found.directory == directory
    assert found.base == tuple(each.base for each in entries)
    scale = 800 / max(size[0] - cut[0] - cut[2], size[1] - cut[1] - cut[3])
    place = found.placement
    assert (place.left, place.top) == pytest.approx((-cut[0] * scale, -cut[1] * scale), abs=1)
    assert place.right - place.left == pytest.approx(size[0] * scale, abs=2)


def test_the_crop_is_placed_where_it_was_cut() -> None:
    found = find_layer(through_crop(37, 21, 50, 9)(sent()))
    assert found is not None
    place = found.placement
    assert (place.size, place.left, place.top) == (SIZE, -37, -21)
    assert (place.right, place.bottom) == (SIZE[0] - 37, SIZE[1] - 21)


def test_a_halo_changes_nothing_around_it() -> None:
    directory, entries = shared((40, 250), (40, 250), region="halo")
    shown = write_layer(photo(), directory, entries)
    carrying = np.kron(carrying_blocks(directory), np.ones((16, 16), bool))
    changed = (shown != photo()).any(axis=2)
    assert 0.1 < carrying.mean() < 0.6
    assert not changed[: carrying.shape[0], : carrying.shape[1]][~carrying].any()
    found = find_layer(through_jpeg(75)(shown))
    assert found is not None
    assert found.directory == directory
    assert found.fine == tuple(each.fine for each in entries)


@pytest.mark.parametrize(
    "channel",
    [in_turn(), through_jpeg(75), through_jpeg(71), in_turn(through_resize(1280), through_jpeg(87))],
    ids=["none", "75", "71", "1280"],
)
def test_boxes_alone_carry_and_nothing_else_changes(channel: object) -> None:
    size = (1600, 1066)
    directory, entries = boxes_only(size, (0, 150), (0, 180))
    shown = write_layer(photo(size), directory, entries)
    inside = np.zeros(size[::-1], bool)
    for face in directory.faces:
        inside[face.box.y : face.box.bottom, face.box.x : face.box.right] = True
    assert not (shown != photo(size)).any(axis=2)[~inside].any()
    error = np.square(shown.astype(float) - photo(size))[inside].mean()
    assert 10 * np.log10(255**2 / error) >= 38
    found = find_layer(channel(shown))  # type: ignore[operator]
    assert found is not None
    assert (found.directory, found.base) == (directory, None)
    assert found.fine == tuple(each.fine for each in entries)


def boxes_only(size: tuple[int, int], *lengths: tuple[int, int]) -> tuple[ShareDirectory, list[ShareEntry]]:
    """Return a directory whose boxes alone carry, large ones, and entries for it."""
    directory, entries = shared(*lengths, size=size)
    faces = tuple(
        replace(face, box=Box(100 + 500 * number, 240, 200, 244)) for number, face in enumerate(directory.faces)
    )
    return replace(directory, region="box", faces=faces), entries


def test_the_result_is_a_function_of_cover_directory_and_entries() -> None:
    assert np.array_equal(sent(), sent())
    assert psnr(sent(), photo()) >= 43


def test_nothing_is_found_where_nothing_is_hidden() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    plain = np.full((480, 640, 3), 200, np.uint8)
    tiny = photo()[:40, :50]
    for picture in (photo(), through_jpeg(60)(photo()), noise, plain, tiny, through_screenshot()(photo())):
        assert find_layer(picture) is None


@pytest.mark.parametrize("level", [0, 255])
def test_a_picture_without_room_for_grain_still_answers(level: int) -> None:
    """Black and white clip half of every change; the layer is lost or read, never misread."""
    directory, entries = shared(*LENGTHS)
    plain = np.full((SIZE[1], SIZE[0], 3), level, np.uint8)
    found = find_layer(through_jpeg(75)(write_layer(plain, directory, entries)))
    assert found is None or found.directory == directory


def test_a_share_copy_of_a_share_copy_shows_the_last() -> None:
    second, entries = shared((50, 200), seed=5)
    found = find_layer(write_layer(through_jpeg(85)(sent()), second, entries))
    assert found is not None
    assert found.directory == second
    assert found.fine == (entries[0].fine,)


def test_another_photo_with_a_strip_of_a_share_copy() -> None:
    """What is left of the layer is too little: nothing, or the directory, and no layer."""
    other = np.ascontiguousarray(photo()[::-1, ::-1])
    other[:96] = sent()[:96]
    found = find_layer(other)
    assert found is None or (found.fine is None and found.directory == shared(*LENGTHS)[0])


def test_wrong_sizes_and_lengths_are_refused() -> None:
    directory, entries = shared(*LENGTHS)
    with pytest.raises(ValueError, match="cover of 512 x 512"):
        write_layer(photo()[:512, :512], directory, entries)
    with pytest.raises(ValueError, match="other lengths"):
        write_layer(photo(), directory, entries[:1])
    with pytest.raises(ValueError, match="no code"):
        write_layer(photo(), *shared((60, 20_000)))
