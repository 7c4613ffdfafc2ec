"""The kit for real apps: what it makes, and what it says of files that came back, or never were part of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from proface_lab.channels import encoded_jpeg, in_turn, through_jpeg, through_scale
from proface_s.api.share import kit
from proface_s.api.share.drawn_photos import FACES, SIZES, draw_photo
from proface_s.errors import ImageError, UsageError
from proface_s.image.read import read_picture
from proface_s.types import UInt8Image


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("apps") / "kit"
    assert len(kit.make_kit(folder, 2)) == 2
    return folder


def arrive(made: Path, name: str, picture: UInt8Image) -> None:
    path = made / kit.RECEIVED / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(encoded_jpeg(picture, 75))


def sent(made: Path, number: int) -> UInt8Image:
    return read_picture(made / kit.SEND / f"photo-0{number}.share.jpg").rgb


def test_it_says_what_came_back(made: Path) -> None:
    arrive(made, "good/a.jpg", sent(made, 1))
    arrive(made, "small/IMG_0001.jpg", in_turn(through_scale(0.5), through_jpeg(80))(sent(made, 1)))
    arrive(made, "tiny/x.jpg", through_scale(0.2)(sent(made, 2)))
    arrive(made, "other/holiday.jpg", np.full((300, 400, 3), 90, np.uint8))
    (made / kit.RECEIVED / "other" / "notes.txt").write_text("version 2.1")
    (made / kit.RECEIVED / "loose.jpg").write_bytes(b"in no folder of an app")
    told: list[kit.ReturnedPhoto] = []
    found = {each.path.name: each for each in kit.read_kit(made, told.append)}
    assert (
        list(found)
        == [each.path.name for each in told]
        == ["a.jpg", "holiday.jpg", "notes.txt", "IMG_0001.jpg", "x.jpg"]
    )
    first = kit.kit_photos(made)[0]
    good, small = found["a.jpg"], found["IMG_0001.jpg"]
    assert (good.app, good.photo, good.state, good.faces, good.size) == ("good", first, "all", 1, (1600, 1200))
    assert (small.app, small.photo, small.state, small.size) == ("small", first, "smallest", (800, 600))
    assert (good.face_bytes, small.face_bytes) == (first.face_bytes, first.robust_face_bytes)
    assert found["x.jpg"].state in ("nothing", "faded")
    assert (found["holiday.jpg"].state, found["notes.txt"].state) == ("nothing", "unreadable")
    assert found["notes.txt"].size is None


def test_a_share_copy_of_another_kit_is_foreign(made: Path, tmp_path: Path) -> None:
    kit.make_kit(tmp_path, 1)
    arrive(tmp_path, "app/a.jpg", sent(made, 1))
    (found,) = kit.read_kit(tmp_path)
    assert (found.state, found.photo, found.faces) == ("foreign", None, 0)


def test_a_kit_is_never_made_over_anything(made: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    for folder in (made, tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(UsageError, match="not an empty folder"):
            kit.make_kit(folder)
    with pytest.raises(ImageError, match="cannot make"):
        kit.make_kit(tmp_path / "mine.txt" / "kit")
    for count in (0, kit.PHOTOS + 1):
        with pytest.raises(UsageError, match="1 to 10"):
            kit.make_kit(tmp_path / "new", count)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "index", [b"", b"[]", b"{}", b'{"kit": 2, "photos": []}', b'{"kit": 1, "photos": [{"name": 1}]}']
)
def test_a_damaged_index_is_told(index: bytes, tmp_path: Path) -> None:
    assert not kit.is_kit(tmp_path)
    (tmp_path / kit.INDEX).write_bytes(index)
    assert kit.is_kit(tmp_path)
    with pytest.raises(UsageError, match="is no kit"):
        kit.read_kit(tmp_path)


def test_the_index_says_what_was_sent(made: Path) -> None:
    index = json.loads((made / kit.INDEX).read_text())
    assert [each["name"] for each in index["photos"]] == ["photo-01.share.jpg", "photo-02.share.jpg"]
    assert kit.kit_photos(made)[1].size == (1200, 1600)
    assert kit.PASSPHRASE not in json.dumps(index)


@pytest.mark.parametrize("number", range(kit.PHOTOS))
def test_drawn_photos_have_their_faces_inside_and_apart(number: int) -> None:
    drawn = draw_photo(number)
    width, height = SIZES[number % len(SIZES)]
    assert drawn.rgb.shape == (height, width, 3)
    assert len(drawn.boxes) == FACES[number]
    marked = np.zeros((height, width), int)
    for box in drawn.boxes:
        assert min(box.x, box.y) >= 0
        assert box.right <= width
        assert box.bottom <= height
        assert min(box.w, box.h) >= 80
        marked[box.y : box.bottom, box.x : box.right] += 1
    assert marked.max() == 1
    assert np.array_equal(drawn.rgb, draw_photo(number).rgb)


def test_sent_photos_are_of_a_size_that_apps_leave_alone(made: Path) -> None:
    for path in sorted((made / kit.SEND).iterdir()):
        with Image.open(path) as image:
            assert max(image.size) in (1280, 1600, 2048)
        assert path.stat().st_size < 500_000
