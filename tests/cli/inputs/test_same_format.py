"""The kind of file that comes out: the photo's own, what the name says, or what was asked for."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from cli_kit import BOX, Proface, drawn, files, save
from PIL import Image

from jpeg_kit import jpeg_file
from proface_s.image.write import format_of_bytes

BY_HAND = ("--box", BOX, "--faces", "none")
SUFFIXES = {"a.png": ".png", "a.jpg": ".jpg", "a.webp": ".webp", "a.tif": ".tif", "a.bmp": ".png"}


def kind(name: str) -> str:
    return format_of_bytes(Path(name).read_bytes())


def coloured(name: str, mode: str) -> None:
    """Write a JPEG of a mode of Pillow."""
    Image.fromarray(drawn()).convert(mode).save(name, "JPEG", quality=90)


@pytest.mark.parametrize("name", SUFFIXES)
def test_every_command_keeps_the_kind_of_file(proface: Proface, name: str) -> None:
    save(name)
    suffix = SUFFIXES[name]
    assert proface("protect", name, *BY_HAND).code == 0
    assert proface("protect", name, *BY_HAND, "--resume").err.count("is done already") == 1
    assert proface("rewrap", f"a.protected{suffix}", "--add", "--new-passphrase-file", str(words())).code == 0
    assert proface("recover", f"a.protected{suffix}").code == 0
    assert proface("forget", f"a.protected{suffix}", "--face", "1", "--yes").code == 0
    made = {f"a.{what}{suffix}" for what in ("protected", "rewrapped", "recovered", "forgotten")}
    assert set(files()) == {name, "words", *made}
    assert {kind(each) for each in made} == {format_of(suffix)}


def words() -> Path:
    path = Path("words")
    path.write_text("another passphrase for it\n")
    return path


def format_of(suffix: str) -> str:
    return {".png": "png", ".jpg": "jpeg", ".webp": "webp", ".tif": "tiff"}[suffix]


def test_bytes_count_and_not_the_name(proface: Proface) -> None:
    Path("party.png").write_bytes(jpeg_file(160, 120))
    save("real.png").rename("real.jpg")
    assert proface("protect", "party.png", *BY_HAND).code == 0
    assert proface("protect", "real.jpg", *BY_HAND).code == 0
    assert (kind("party.protected.jpg"), kind("real.protected.png")) == ("jpeg", "png")
    Path("party.protected.jpg").rename("named.protected.png")
    assert proface("inspect", "named.protected.png").code == 0
    assert proface("recover", "named.protected.png").code == 0
    assert kind("named.recovered.jpg") == "jpeg"


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        (("--no-seal",), "without seals, faces are hidden in pixels"),
        (("--wrong-key", "cover"), "where a wrong key gives the cover, faces are hidden in pixels"),
        (("--model", "secure-2"), "model secure-2 hides faces in pixels"),
    ],
)
def test_what_a_jpeg_cannot_hold_goes_into_a_png(proface: Proface, option: tuple[str, ...], reason: str) -> None:
    save("a.jpg")
    told = f"warning: a.jpg: a PNG was written: {reason}, which a JPEG does not keep"
    result = proface("protect", "a.jpg", *BY_HAND, *option)
    assert result.code == 0
    assert told in result.err
    assert files() == ["a.jpg", "a.protected.png"]
    assert proface("protect", "a.jpg", *BY_HAND, *option, "--resume").err.count("is done already") == 1
    assert told not in proface("protect", "a.jpg", *BY_HAND, *option, "-o", "named.png").err
    assert told not in proface("protect", "a.jpg", *BY_HAND, *option, "--format", "png", "-o", "asked.png").err
    assert proface("protect", ".", "-o", "out", *BY_HAND, *option).code == 0
    assert kind("out/a.protected.png") == "png"


def test_jpegs_that_cannot_be_edited_go_into_a_png(proface: Proface) -> None:
    coloured("cmyk.jpg", "CMYK")
    result = proface("protect", "cmyk.jpg", *BY_HAND)
    assert result.code == 0
    assert "warning: cmyk.jpg: a PNG was written: its colours are CMYK or YCCK" in result.err
    assert kind("cmyk.protected.png") == "png"
    assert proface("recover", "cmyk.protected.png").code == 0
    result = proface("protect", "cmyk.jpg", *BY_HAND, "--format", "jpeg")
    assert result.code == 0
    assert "its colours are CMYK or YCCK: a new JPEG of quality 95 was made, and that is what comes back" in result.err
    coloured("grey.jpg", "L")
    assert proface("protect", "grey.jpg", *BY_HAND).code == 0
    assert kind("grey.protected.jpg") == "jpeg"


def test_another_kind_can_be_asked_for(proface: Proface) -> None:
    save("a.jpg")
    for file_format, suffix in (("png", ".png"), ("webp", ".webp"), ("tiff", ".tif"), ("same", ".jpg")):
        assert proface("protect", "a.jpg", *BY_HAND, "--format", file_format).code == 0
        assert proface("recover", f"a.protected{suffix}", "--format", "png", "-o", f"{file_format}.png").code == 0
        assert proface("recover", f"a.protected{suffix}", "--format", "jpeg", "-o", f"{file_format}.jpg").code == 0
        assert proface("recover", f"a.protected{suffix}", "-o", f"{file_format}.webp").code == 0
        assert np.array_equal(np.asarray(Image.open(f"{file_format}.png")), np.asarray(Image.open("a.jpg")))
    assert proface("protect", "a.jpg", *BY_HAND, "--format", "png", "-o", "x.webp").code == 2
    assert proface("protect", "a.jpg", *BY_HAND, "-o", "x.tif").code == 0
    assert kind("x.tif") == "tiff"


def test_a_jpeg_is_made_of_another_kind(proface: Proface) -> None:
    save("a.png")
    sizes = []
    for quality in ("60", "95"):
        result = proface("protect", "a.png", *BY_HAND, "-o", f"{quality}.jpg", "--quality", quality)
        assert result.code == 0
        assert f"the photo is no JPEG: a new JPEG of quality {quality} was made" in result.err
        sizes.append(Path(f"{quality}.jpg").stat().st_size)
    assert sizes[0] < sizes[1]
    expected = io.BytesIO()
    Image.fromarray(drawn()).save(expected, "JPEG", quality=95, subsampling=0)
    assert proface("recover", "95.jpg", "-o", "back.jpg").code == 0
    assert np.array_equal(np.asarray(Image.open("back.jpg")), np.asarray(Image.open(expected)))


def test_the_page_and_detect_place_regions_alike(proface: Proface) -> None:
    """What `detect` shows is what `protect` hides: the regions of a JPEG are whole MCUs."""
    Path("a.jpg").write_bytes(jpeg_file(160, 120))
    (found,) = proface("detect", "a.jpg", *BY_HAND, "--json").records
    (done,) = proface("protect", "a.jpg", *BY_HAND, "--json").records
    assert found["regions"] == [face["box"] for face in done["faces"]]
    (found,) = proface("detect", "a.jpg", *BY_HAND, "--format", "png", "--json").records
    (done,) = proface("protect", "a.jpg", *BY_HAND, "--format", "png", "--json").records
    assert found["regions"] == [face["box"] for face in done["faces"]]


def test_sidecars_of_outputs_of_one_name_stay_apart(proface: Proface) -> None:
    save("a.png")
    save("a.jpg", drawn(seed=2))
    save("a.webp", drawn(seed=3))
    for name in "a.png", "a.jpg", "a.webp":
        assert proface("protect", name, *BY_HAND, "--sidecar-only").code == 0
    assert {name for name in files() if name.endswith(".pfs")} == {
        "a.protected.pfs", "a.protected.jpg.pfs", "a.protected.webp.pfs",
    }  # fmt: skip
    for suffix in ".png", ".jpg", ".webp":
        assert proface("verify", f"a.protected{suffix}").code == 0
        assert proface("recover", f"a.protected{suffix}", "-o", f"back{suffix}").code == 0
    save("b.jpg")
    result = proface("protect", "b.jpg", *BY_HAND, "-o", "a.protected.jpeg")
    assert "belongs to an earlier file" not in result.err, "the PNG file's sidecar must not be deleted"


def test_sidecars_of_earlier_versions_are_found(proface: Proface, monkeypatch: pytest.MonkeyPatch) -> None:
    save("a.jpg")
    assert proface("protect", "a.jpg", *BY_HAND, "--sidecar-only").code == 0
    Path("a.protected.jpg.pfs").rename("a.protected.pfs")
    assert proface("recover", "a.protected.jpg").code == 0
    assert proface("rewrap", "a.protected.jpg", "--in-place", "--new-passphrase-file", str(words())).code == 0
    assert files() == ["a.jpg", "a.protected.jpg", "a.protected.pfs", "a.recovered.jpg", "words"]
    monkeypatch.delenv("PROFACE_PASSPHRASE")
    assert proface("recover", "a.protected.jpg", "--passphrase-file", "words", "-o", "b.jpg").code == 0
