"""The manual, command by command: input, output, and the files that exist afterwards."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from cli_kit import BOX, Proface, drawn, files, save
from PIL import Image

from proface_s.flow.cards import DEFAULT_MODEL


def pixels(name: str) -> np.ndarray:
    with Image.open(name) as image:
        return np.array(image.convert("RGB"))


def test_a_photo_there_and_back(proface: Proface, astronaut: np.ndarray) -> None:
    save("party.jpg", astronaut, quality=95)
    before = pixels("party.jpg")

    result = proface("protect", "party.jpg")
    assert result.code == 0
    assert result.out == ""
    assert result.err.startswith("party.jpg -> party.protected.jpg: 1 face protected")
    assert files() == ["party.jpg", "party.protected.jpg"]
    assert not np.array_equal(pixels("party.protected.jpg"), before)
    sizes = [os.path.getsize(name) / 1000 for name in ("party.jpg", "party.protected.jpg")]
    assert f", {sizes[0]:.0f} kB -> {sizes[1]:.0f} kB" in result.err

    result = proface("recover", "party.protected.jpg")
    assert result.code == 0
    assert result.err.startswith("party.protected.jpg -> party.recovered.jpg: 1 face (1 exact), ")
    assert files() == ["party.jpg", "party.protected.jpg", "party.recovered.jpg"]
    assert np.array_equal(pixels("party.recovered.jpg"), before)


def test_detect_says_and_draws_what_would_be_protected(proface: Proface, astronaut: np.ndarray) -> None:
    save("party.jpg", astronaut)
    result = proface("detect", "party.jpg")
    assert result.code == 0
    number, box, score = result.out.split()
    assert number == "1"
    assert len(box.split(",")) == 4
    assert 0 < float(score) <= 1
    assert files() == ["party.jpg"]

    result = proface("detect", "party.jpg", "--draw", "out.png", "--json")
    assert result.code == 0
    (record,) = result.records
    assert record["status"] == "detected"
    assert record["output"] == "out.png"
    assert record["faces"][0]["box"] == [int(v) for v in box.split(",")]
    assert not np.array_equal(pixels("out.png"), pixels("party.jpg"))
    assert proface("detect", "party.jpg", "--draw", "out.png").code == 1  # it exists
    assert proface("detect", "party.jpg", "--draw", "out.png", "--overwrite").code == 0


def test_detect_without_a_face(proface: Proface) -> None:
    save("wall.png")
    result = proface("detect", "wall.png", "--draw", "out.png")
    assert result.code == 4
    assert result.out == ""
    assert "--box" in result.err
    assert files() == ["wall.png"]


def test_inspect_shows_what_is_in_it_without_a_key(
    proface: Proface, protected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROFACE_PASSPHRASE")
    result = proface("inspect", str(protected))
    assert result.code == 0
    assert "format version 1" in result.out
    assert "160x120" in result.out
    assert BOX in result.out
    assert "sealed" in result.out
    (record,) = proface("inspect", "--json", str(protected)).records
    assert record["faces"] == [{"number": 1, "box": [40, 20, 64, 64], "style": "blur", "sealed": True}]
    assert record["size"] == [160, 120]
    assert record["model"] == DEFAULT_MODEL
    assert record["stripped"] == []
    assert files() == ["drawing.protected.png"]


def test_styles_are_listed(proface: Proface) -> None:
    result = proface("styles")
    assert result.code == 0
    assert "blur" in result.out
    names = {record["name"] for record in proface("styles", "--json").records}
    assert {"blur", "pixelate", "median", "solid"} <= names
    assert proface("styles", "blur").out.startswith("blur: ")
    assert proface("styles", "sepia").code == 2


def test_every_file_a_json_line_with_stable_keys(proface: Proface, protected: Path) -> None:
    keys = {
        "command", "input", "output", "status", "faces", "warnings", "error", "hint", "exit_code", "seconds",
        "input_bytes", "output_bytes",
    }  # fmt: skip
    save("a.png")
    (record,) = proface("protect", "a.png", "--box", BOX, "--faces", "none", "--json").records
    assert set(record) == keys
    assert record["status"] == "protected"
    assert record["faces"] == [{"number": 1, "box": [40, 20, 64, 64], "style": "blur", "sealed": True}]
    assert record["input_bytes"] == os.path.getsize("a.png")
    assert record["output_bytes"] == os.path.getsize("a.protected.png")
    (record,) = proface("recover", str(protected), "--json").records
    assert set(record) == keys
    assert record["status"] == "recovered"
    assert record["faces"] == [{"number": 1, "box": [40, 20, 64, 64], "outcome": "exact"}]
    (record,) = proface("protect", "missing.jpg", "--json").records
    assert set(record) == keys
    assert (record["status"], record["exit_code"], record["output"]) == ("error", 1, None)


def test_quiet_and_verbose(proface: Proface) -> None:
    save("a.png")
    options = ("--box", BOX, "--faces", "none", "--overwrite")
    assert proface("protect", "-q", "a.png", *options).err == ""
    assert f"face 1 at {BOX}" in proface("protect", "-v", "a.png", *options).err
    assert proface("protect", "-q", "missing.png").err == "error: missing.png does not exist\n"


def test_without_a_seal_an_estimate_comes_back(proface: Proface, astronaut: np.ndarray) -> None:
    save("party.png", astronaut)
    assert proface("protect", "party.png", "--no-seal", "--style", "pixelate:6").code == 0
    (record,) = proface("recover", "party.protected.png", "--json").records
    x, y, w, h = record["faces"][0]["box"]
    assert record["faces"][0]["outcome"] == "estimate"
    inside = (slice(y, y + h), slice(x, x + w))
    error = [
        np.abs(pixels(name)[inside].astype(int) - astronaut[inside]).mean()
        for name in ("party.recovered.png", "party.protected.png")
    ]
    assert error[0] < error[1]


def test_metadata_is_dropped_unless_asked_for(proface: Proface) -> None:
    exif = Image.Exif()
    exif[0x013B], exif[0x010E] = "Ann Author", "Bob at the party"
    Image.fromarray(drawn()).save("a.jpg", exif=exif)
    options = ("--box", BOX, "--faces", "none", "--overwrite")
    for more, kept in ((), None), (("--keep-metadata",), "Ann Author"):
        assert proface("protect", "a.jpg", *options, *more).code == 0
        with Image.open("a.protected.jpg") as image:
            assert image.getexif().get(0x013B) == kept
        assert b"Bob" not in Path("a.protected.jpg").read_bytes()


def test_styles_are_named_and_weak_ones_warned_about(proface: Proface) -> None:
    save("a.png")
    result = proface("protect", "a.png", "--box", BOX, "--faces", "none", "--style", "pixelate:40")
    assert result.code == 0
    assert "warning: a.png: style pixelate:40 is weak" in result.err
    result = proface("protect", "a.png", "--style", "sepia", "--overwrite")
    assert result.code == 2
    assert "hint: styles: " in result.err


def test_a_photo_without_a_face(proface: Proface) -> None:
    save("wall.png")
    result = proface("protect", "wall.png", "--json")
    assert result.code == 4
    assert result.records[0]["status"] == "no-face"
    assert "hint: " in result.err
    assert files() == ["wall.png"]

    result = proface("protect", "wall.png", "--allow-no-face", "--json")
    assert result.code == 0
    assert result.records[0]["status"] == "no-face"
    assert "unprotected" in result.err
    assert np.array_equal(pixels("wall.protected.png"), drawn())


def test_an_existing_output_needs_overwrite(proface: Proface, protected: Path) -> None:
    Path("drawing.recovered.png").write_bytes(b"precious")
    result = proface("recover", str(protected))
    assert result.code == 1
    assert "--overwrite" in result.err
    assert Path("drawing.recovered.png").read_bytes() == b"precious"
    assert proface("recover", str(protected), "--overwrite").code == 0
    assert np.array_equal(pixels("drawing.recovered.png"), drawn())


def test_output_names(proface: Proface, protected: Path) -> None:
    assert proface("recover", str(protected), "-o", "x.png").code == 0
    assert proface("recover", str(protected), "-o", "new/").code == 0
    Path("old").mkdir()
    assert proface("recover", str(protected), "-o", "old").code == 0
    assert files() == [
        "drawing.protected.png", "new/drawing.recovered.png", "old/drawing.recovered.png", "x.png",
    ]  # fmt: skip


def test_folders_are_mirrored(proface: Proface, protected: Path) -> None:
    save("photos/a.png")
    save("photos/trip/b.jpg")
    save("photos/.hidden/c.jpg")
    Path("photos/notes.txt").write_text("not a picture")
    shutil.move(protected, "photos/trip/drawing.protected.png")
    save("photos/a.recovered.png")

    result = proface("protect", "photos", "-o", "out", "--box", BOX, "--faces", "none", "--json")
    assert result.code == 0
    assert {r["input"]: r["status"] for r in result.records} == {
        "photos/a.png": "protected",
        "photos/trip/b.jpg": "protected",
        "photos/trip/drawing.protected.png": "skipped",
        "photos/a.recovered.png": "skipped",
    }
    assert "skipped, it is protected already" in result.err
    assert result.err.endswith("2 files done, 2 skipped, 1 other file left alone\n")
    assert [f for f in files() if f.startswith("out")] == ["out/a.protected.png", "out/trip/b.protected.jpg"]

    result = proface("recover", "out", "-o", "back")
    assert result.code == 0
    assert [f for f in files() if f.startswith("back")] == ["back/a.recovered.png", "back/trip/b.recovered.jpg"]
    assert np.array_equal(pixels("back/a.recovered.png"), drawn())


def test_an_output_folder_inside_the_input_is_not_searched(proface: Proface) -> None:
    save("a.png")
    save("out/b.png")
    assert proface("protect", ".", "-o", "out", "--box", BOX, "--faces", "none").code == 0
    assert files() == ["a.png", "out/a.protected.png", "out/b.png"]


def test_one_bad_file_does_not_stop_the_others(proface: Proface) -> None:
    save("a.png")
    Path("b.png").write_bytes(b"no picture")
    save("c.png")
    arguments = ("-o", "out", "--box", BOX, "--faces", "none", "--json")
    result = proface("protect", "a.png", "b.png", "c.png", *arguments)
    assert result.code == 1
    assert [r["status"] for r in result.records] == ["protected", "error", "protected"]
    assert [r["exit_code"] for r in result.records] == [0, 1, 0]
    assert result.errors == ["error: b.png is not a picture this program knows"]
    assert files() == ["a.png", "b.png", "c.png", "out/a.protected.png", "out/c.protected.png"]


def test_failures_that_are_all_alike_share_their_code(proface: Proface) -> None:
    save("a.png")
    save("b.png")
    assert proface("protect", "a.png", "b.png", "-o", "out").code == 4
    assert files() == ["a.png", "b.png"]
    assert not Path("out").exists()


@pytest.mark.parametrize("sides", [(161, 121), (33, 201), (9, 8)])
def test_odd_sizes(proface: Proface, sides: tuple[int, int]) -> None:
    save("a.png", drawn(*sides))
    assert proface("protect", "a.png", "--box", "0,0,999,999", "--faces", "none").code == 0
    assert proface("recover", "a.protected.png").code == 0
    assert np.array_equal(pixels("a.recovered.png"), drawn(*sides))


def test_faces_at_the_border_and_overlapping(proface: Proface) -> None:
    save("a.png")
    boxes = ("-10,-10,40,40", "140,100,60,60", "60,40,40,40", "80,60,40,40")
    arguments = [part for box in boxes for part in ("--box", box)]
    (record,) = proface("protect", "a.png", "--faces", "none", "--json", *arguments).records
    assert record["status"] == "protected"
    hidden = np.zeros((120, 160), int)
    for face in record["faces"]:
        x, y, w, h = face["box"]
        assert x >= 0
        assert y >= 0
        hidden[y : y + h, x : x + w] += 1
        assert w * h == hidden[y : y + h, x : x + w].size
    assert hidden.max() == 1
    for area in np.s_[0:30, 0:30], np.s_[100:120, 140:160], np.s_[40:80, 60:100], np.s_[60:100, 80:120]:
        assert hidden[area].all()
    assert proface("recover", "a.protected.png").code == 0
    assert np.array_equal(pixels("a.recovered.png"), drawn())


def test_a_hundred_faces(proface: Proface) -> None:
    save("crowd.png", drawn(420, 420))
    boxes = [f"{10 + 40 * i},{10 + 40 * j},24,24" for i in range(10) for j in range(10)]
    arguments = [part for box in boxes for part in ("--box", box)]
    (record,) = proface("protect", "crowd.png", "--faces", "none", "--json", *arguments).records
    assert len(record["faces"]) == 100
    assert proface("recover", "crowd.protected.png").code == 0
    assert np.array_equal(pixels("crowd.recovered.png"), drawn(420, 420))


def test_chosen_faces(proface: Proface, astronaut: np.ndarray) -> None:
    save("two.png", np.hstack([astronaut, astronaut]))
    (record,) = proface("detect", "two.png", "--json").records
    assert len(record["faces"]) == 2
    (record,) = proface("protect", "two.png", "--faces", "2", "--json").records
    assert len(record["faces"]) == 1
    assert record["faces"][0]["box"][0] > 512
    result = proface("protect", "two.png", "--faces", "7", "-o", "x.png")
    assert result.code == 2
    assert "x.png" not in files()
