"""Faces to measure on: folders of crops and of photos, good and bad."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from proface_lab.evaluation.faces import NoFaceSamplesError, Omission, make_cover, read_faces, resized
from proface_s.errors import NoFaceError, UsageError

from ..kit import MiddleDetector, picture, samples, write_faces


def test_crops_are_reduced_to_the_size_and_named(tmp_path: Path) -> None:
    write_faces(tmp_path / "set", 3)
    found = read_faces([tmp_path / "set"], 64, kind="crops")
    assert [(face.name, face.identity) for face in found] == [("0.png", "0"), ("1.png", "1"), ("2.png", "2")]
    assert all(face.image.shape == (64, 64, 3) and face.image.dtype == np.uint8 for face in found)


def test_several_folders_are_taken_in_turn_up_to_the_limit(tmp_path: Path) -> None:
    write_faces(tmp_path / "a", 3)
    write_faces(tmp_path / "b", 1)
    found = read_faces([tmp_path / "a", tmp_path / "b"], 32, 3, kind="crops")
    assert [face.path.relative_to(tmp_path).as_posix() for face in found] == ["a/0.png", "b/0.png", "a/1.png"]


def test_the_folder_or_the_name_says_who_it_is(tmp_path: Path) -> None:
    for name in ("Ann_Other/Ann_Other_0001.png", "Ben_Else_0002.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(picture(1)).save(path)
    assert [face.identity for face in read_faces([tmp_path], 32, kind="crops")] == ["Ann_Other", "Ben_Else"]


def test_a_large_face_makes_a_crop_and_a_small_one_is_cut_out(tmp_path: Path) -> None:
    write_faces(tmp_path, 1)
    whole = read_faces([tmp_path], 64, detector=MiddleDetector())[0]
    cut = read_faces([tmp_path], 64, kind="photos", detector=MiddleDetector())[0]
    np.testing.assert_array_equal(whole.image, resized(picture(0), 64))
    np.testing.assert_array_equal(cut.image, resized(picture(0)[12:84, 12:84], 64))


def test_unusable_pictures_are_named_and_the_rest_is_read(tmp_path: Path) -> None:
    write_faces(tmp_path, 1)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 this is no picture")
    Image.fromarray(picture(5, 40)).save(tmp_path / "tiny.png")
    Image.new("RGB", (96, 96), "white").save(tmp_path / "white.png")
    (tmp_path / "notes.txt").write_text("no picture at all")
    omitted: list[Omission] = []
    found = read_faces([tmp_path], 64, omitted=omitted, detector=MiddleDetector())
    assert [face.name for face in found] == ["0.png"]
    assert [each.name for each in omitted] == ["broken.jpg", "tiny.png", "white.png"]
    assert "no face found" in omitted[2].reason
    assert "40" in omitted[1].reason
    assert str(tmp_path) not in omitted[0].reason


@pytest.mark.parametrize("kind", ["auto", "crops", "photos"])
def test_an_empty_folder_is_an_error_that_names_it(tmp_path: Path, kind) -> None:
    with pytest.raises(NoFaceSamplesError, match=str(tmp_path)):
        read_faces([tmp_path], 64, kind=kind)
    assert issubclass(NoFaceSamplesError, NoFaceError)


def test_a_folder_without_faces_says_what_was_wrong(tmp_path: Path) -> None:
    Image.new("RGB", (96, 96), "white").save(tmp_path / "white.png")
    with pytest.raises(NoFaceSamplesError, match=r"white.png: no face found"):
        read_faces([tmp_path], 64, detector=MiddleDetector())


def test_missing_folders_and_odd_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        read_faces([tmp_path / "nowhere"], 64)
    for size in (63, 8, 0, -2):
        with pytest.raises(UsageError, match="even size"):
            read_faces([tmp_path], size)


def test_other_face_takes_another_identity() -> None:
    faces = samples(3)
    np.testing.assert_array_equal(make_cover(faces[2], "other-face", faces), faces[0].image)
    np.testing.assert_array_equal(make_cover(faces[0], "other-face", faces), faces[1].image)
    with pytest.raises(UsageError, match="two people"):
        make_cover(faces[0], "other-face", faces[:1])


def test_other_covers_are_the_shipped_styles() -> None:
    face = samples(1)[0]
    assert not np.array_equal(make_cover(face, "blur:4", []), make_cover(face, "blur:30", []))
    with pytest.raises(UsageError, match="there is no style"):
        make_cover(face, "sepia", [])
