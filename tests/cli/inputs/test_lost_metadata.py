"""Files without their metadata: stripped by other programs, cropped, or with a sidecar."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from cli_kit import BOX, PASSPHRASE, Proface, drawn, files, save
from PIL import Image

from proface_s.container.carriers.carrier import read_chunks, write_chunks
from proface_s.container.records.pixel_records import erase_record, find_records, write_record

BY_HAND = ("--box", BOX, "--faces", "none")
INSIDE = np.s_[20:84, 40:104]

STRIPPERS: dict[str, tuple[str, ...]] = {
    "optipng": ("optipng", "-quiet", "-strip", "all", "{from}", "-out", "{to}"),
    "pngcrush": ("pngcrush", "-q", "-rem", "alla", "-rem", "allb", "{from}", "{to}"),
    "ImageMagick -strip": ("{imagemagick}", "{from}", "-strip", "{to}"),
    "ImageMagick": ("{imagemagick}", "{from}", "{to}"),
    "exiftool": ("exiftool", "-q", "-all=", "-o", "{to}", "{from}"),
    "cwebp": ("cwebp", "-quiet", "-lossless", "-exact", "{from}", "-o", "{to}"),
    "dwebp": ("dwebp", "-quiet", "{from}", "-o", "{to}"),
    "tiffcp": ("tiffcp", "{from}", "{to}"),
}
"""Programs of Debian: optipng, pngcrush, imagemagick, libimage-exiftool-perl, webp and libtiff-tools."""


def pixels(name: str | Path) -> np.ndarray:
    with Image.open(name) as image:
        return np.array(image.convert("RGB"))


@cache
def imagemagick() -> str:
    """Return ImageMagick's program: other programs are called ``convert`` too, on Windows always."""
    for name in ("magick", "convert"):
        if shutil.which(name) is not None:
            result = subprocess.run([name, "-version"], capture_output=True, text=True, timeout=300)
            if "ImageMagick" in result.stdout:
                return name
    return "ImageMagick"


def strip(program: str, source: str, target: str) -> str:
    """Let a program write a file anew; the name of the new file."""
    command = [part.replace("{imagemagick}", imagemagick()) for part in STRIPPERS[program]]
    command = [part.replace("{from}", source).replace("{to}", target) for part in command]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return target


def estimated(proface: Proface, name: str, *more: str) -> np.ndarray:
    """Recover, check that it is called an estimate, and give the pixels."""
    result = proface("recover", name, "-o", "back.png", "--overwrite", "--json", *more)
    assert result.code == 0, result.err
    assert [face["outcome"] for face in result.records[0]["faces"]] == ["estimate"]
    assert "nothing vouches for" in result.err
    return pixels("back.png")


def is_near(recovered: np.ndarray, original: np.ndarray) -> bool:
    """Better than 30 dB: the drawing is smooth, and the cover is far from it."""
    return bool(np.square(recovered.astype(float) - original).mean() < 65)


@pytest.mark.parametrize("program", ["optipng", "pngcrush", "ImageMagick -strip", "ImageMagick", "exiftool"])
def test_stripped_png_files_come_back(proface: Proface, protected: Path, program: str) -> None:
    name = strip(program, str(protected), "stripped.png")
    if read_chunks(Path(name).read_bytes()):
        assert program in ("exiftool", "pngcrush"), "some keep chunks that say they are safe to copy"
        assert proface("recover", name, "-o", "exact.png").code == 0
        assert np.array_equal(pixels("exact.png"), drawn())
        Path("exact.png").unlink()
        back = estimated(proface, name, "--from-pixels")
    else:
        back = estimated(proface, name)
    assert is_near(back[INSIDE], drawn()[INSIDE])
    outside = np.ones((120, 160), bool)
    outside[INSIDE] = False
    assert np.array_equal(back[outside], drawn()[outside])
    assert files() == ["back.png", "drawing.protected.png", "stripped.png"]


@pytest.mark.parametrize(
    ("program", "source", "target"),
    [
        ("cwebp", "png", "webp"), ("cwebp", "webp", "webp"), ("dwebp", "webp", "png"), ("tiffcp", "tif", "tif"),
        ("ImageMagick -strip", "tif", "tif"), ("ImageMagick -strip", "webp", "png"), ("exiftool", "tif", "tif"),
    ],
)  # fmt: skip
def test_stripped_files_of_other_formats_come_back(proface: Proface, program: str, source: str, target: str) -> None:
    save("a.png")
    assert proface("protect", "a.png", "-o", f"a.protected.{source}", *BY_HAND).code == 0
    name = strip(program, f"a.protected.{source}", f"s.{target}")
    left = read_chunks(Path(name).read_bytes())
    assert not left or program == "exiftool", "which leaves the private tags of a TIFF alone"
    assert is_near(estimated(proface, name, *(["--from-pixels"] if left else []))[INSIDE], drawn()[INSIDE])


def test_converted_and_cropped_files_come_back(proface: Proface, protected: Path) -> None:
    with Image.open(protected) as image:
        image.save("a.bmp")
        image.crop((31, 13, 160, 120)).save("cropped.png")
    assert is_near(estimated(proface, "a.bmp")[INSIDE], drawn()[INSIDE])
    back = estimated(proface, "cropped.png")
    assert is_near(back[7:71, 9:73], drawn()[INSIDE])
    assert "cropped" in proface("recover", "cropped.png", "-o", "x.png").err


def test_inspecting_what_is_left(proface: Proface, protected: Path) -> None:
    save("stripped.png", pixels(protected))
    result = proface("inspect", "stripped.png", "--json")
    assert result.code == 0
    (record,) = result.records
    assert (record["source"], record["stripped"], record["lost"]) == ("pixels", [1], [])
    assert record["faces"][0]["box"] == [40, 20, 64, 64]
    assert "metadata    missing" in proface("inspect", "stripped.png").out


def test_a_wrong_passphrase_for_a_stripped_file(
    proface: Proface, protected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save("stripped.png", pixels(protected))
    monkeypatch.setenv("PROFACE_PASSPHRASE", "something else entirely")
    assert proface("recover", "stripped.png").code == 3
    assert files() == ["drawing.protected.png", "stripped.png"]
    result = proface("recover", "stripped.png", "--force", "--json")
    assert [face["outcome"] for face in result.records[0]["faces"]] == ["noise"]
    assert not is_near(pixels("stripped.recovered.png")[INSIDE], drawn()[INSIDE])


def test_the_cover_mode_survives_too(proface: Proface, monkeypatch: pytest.MonkeyPatch) -> None:
    save("a.png")
    assert proface("protect", "a.png", "--wrong-key", "cover", *BY_HAND).code == 0
    save("stripped.png", pixels("a.protected.png"))
    assert is_near(estimated(proface, "stripped.png")[INSIDE], drawn()[INSIDE])
    monkeypatch.setenv("PROFACE_PASSPHRASE", "something else entirely")
    assert np.array_equal(estimated(proface, "stripped.png"), pixels("stripped.png")), "the cover, and no word about it"


def test_face_keys_and_groups_survive_too(proface: Proface) -> None:
    save("a.png", drawn(300, 120))
    Path("bobs").write_text("the passphrase of bob")
    Path("bobs").chmod(0o600)
    boxes = ("--box", "10,20,64,64", "--box", "150,20,64,64", "--faces", "none")
    assert proface("protect", "a.png", *boxes, "--face", "2", "--passphrase-file", "bobs").code == 0
    key = proface("key", "a.protected.png", "--face", "1").out.strip()
    save("stripped.png", pixels("a.protected.png"))
    result = proface("recover", "stripped.png", "-o", "mine.png", "--json")
    assert [face["outcome"] for face in result.records[0]["faces"]] == ["estimate", "locked"]
    result = proface("recover", "stripped.png", "-o", "key.png", "--face-key", key, "--json")
    assert [face["outcome"] for face in result.records[0]["faces"]] == ["estimate", "locked"]
    save("half.png", pixels("stripped.png")[:, 100:])
    result = proface("recover", "half.png", "-o", "none.png", "--json")
    assert result.code == 3, "bob's face alone is left, and this is not his passphrase"
    assert "none.png" not in files()


def test_two_headers_that_disagree(proface: Proface, protected: Path) -> None:
    """Metadata of one file on the pixels of another: an error; records that speak of something else: a warning."""
    save("b.png", drawn(seed=3))
    assert proface("protect", "b.png", *BY_HAND).code == 0
    chunks = read_chunks(protected.read_bytes())
    Path("mixed.png").write_bytes(write_chunks(Path("b.protected.png").read_bytes(), chunks))
    result = proface("recover", "mixed.png")
    assert result.code == 5
    assert "another file's" in result.err
    assert "--from-pixels" in result.err
    assert "mixed.recovered.png" not in files()
    assert is_near(estimated(proface, "mixed.png", "--from-pixels")[INSIDE], drawn(seed=3)[INSIDE])

    (foreign,) = find_records(pixels("b.protected.png"))
    changed = pixels(protected)
    changed[INSIDE] = write_record(np.ascontiguousarray(changed[INSIDE]), foreign.record)
    save("foreign.png", changed)
    Path("foreign.png").write_bytes(write_chunks(Path("foreign.png").read_bytes(), chunks))
    result = proface("recover", "foreign.png")
    assert result.code == 0, "the header, which the passphrase vouches for, wins"
    assert "disagrees with the header; the header was used" in result.err
    assert np.array_equal(pixels("foreign.recovered.png"), drawn())


def test_in_cover_mode_nothing_vouches_for_either(proface: Proface) -> None:
    for name, seed in (("a", 0), ("b", 3)):
        save(f"{name}.png", drawn(seed=seed))
        assert proface("protect", f"{name}.png", "--wrong-key", "cover", *BY_HAND).code == 0
    (foreign,) = find_records(pixels("b.protected.png"))
    chunks = read_chunks(Path("a.protected.png").read_bytes())
    changed = pixels("a.protected.png")
    changed[INSIDE] = write_record(np.ascontiguousarray(changed[INSIDE]), foreign.record)
    save("foreign.png", changed)
    Path("foreign.png").write_bytes(write_chunks(Path("foreign.png").read_bytes(), chunks))
    result = proface("recover", "foreign.png")
    assert result.code == 5
    assert "disagree" in result.err
    assert "foreign.recovered.png" not in files()


def test_a_damaged_record_does_not_harm_a_file_with_metadata(proface: Proface, protected: Path) -> None:
    chunks = read_chunks(protected.read_bytes())
    changed = pixels(protected)
    changed[INSIDE] = erase_record(np.ascontiguousarray(changed[INSIDE]), 1000)
    save("damaged.png", changed)
    assert proface("recover", "damaged.png").code == 5
    Path("damaged.png").write_bytes(write_chunks(Path("damaged.png").read_bytes(), chunks))
    assert proface("recover", "damaged.png").code == 0
    assert np.array_equal(pixels("damaged.recovered.png"), drawn())


def test_what_was_forgotten_is_not_in_the_pixels(proface: Proface, protected: Path) -> None:
    assert proface("forget", str(protected), "--face", "1", "-o", "f.png").code == 0
    save("stripped.png", pixels("f.png"))
    assert proface("recover", "stripped.png").code == 5
    assert "stripped.recovered.png" not in files()


def test_rewrap_changes_the_pixels_too(proface: Proface, protected: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("new").write_text("an entirely new passphrase")
    Path("new").chmod(0o600)
    assert proface("rewrap", str(protected), "--new-passphrase-file", "new", "-o", "r.png").code == 0
    save("stripped.png", pixels("r.png"))
    assert proface("recover", "stripped.png").code == 3
    monkeypatch.delenv("PROFACE_PASSPHRASE")
    assert is_near(estimated(proface, "stripped.png", "--passphrase-file", "new")[INSIDE], drawn()[INSIDE])


def test_faces_without_a_record_are_warned_about(proface: Proface) -> None:
    save("a.png")
    result = proface("protect", "a.png", "--box", "10,10,24,24", "--box", BOX, "--faces", "none")
    assert result.code == 0
    assert "face 1: too small, or opened by too many, for a record" in result.err
    save("b.png")
    assert proface("protect", "b.png", "--no-record", *BY_HAND).code == 0
    save("stripped.png", pixels("b.protected.png"))
    assert proface("recover", "stripped.png").code == 5
    recipients = [part for _ in range(12) for part in ("-r", new_recipient(proface))]
    result = proface("protect", "b.png", "-o", "c.png", *recipients, *BY_HAND)
    assert result.code == 0
    assert "opened by too many" in result.err
    assert proface("recover", "c.png").code == 0


def new_recipient(proface: Proface) -> str:
    from proface_s.keys.recipients import Identity

    return str(Identity.generate().recipient)


def test_protecting_a_stripped_file_again_is_refused(proface: Proface, protected: Path) -> None:
    save("stripped.png", pixels(protected))
    result = proface("protect", "stripped.png", *BY_HAND)
    assert result.code == 2
    assert "protected already" in result.err
    assert files() == ["drawing.protected.png", "stripped.png"]


def test_folders_of_stripped_files(proface: Proface, protected: Path) -> None:
    save("in/from a friend.png", pixels(protected))
    save("in/other.png")
    save("in/x.protected.png", pixels(protected))
    assert proface("recover", "in", "-o", "out").code == 0
    assert [name for name in files() if name.startswith("out")] == ["out/x.recovered.png"]
    assert proface("recover", "in", "-o", "all", "--from-pixels").code == 0
    assert [name for name in files() if name.startswith("all")] == [
        "all/from a friend.recovered.png", "all/x.recovered.png",
    ]  # fmt: skip


def sidecar_pair(proface: Proface, *more: str) -> tuple[Path, Path]:
    save("a.png")
    assert proface("protect", "a.png", *more, *BY_HAND).code == 0
    return Path("a.protected.png"), Path("a.protected.pfs")


def test_a_sidecar_beside_a_stripped_file_brings_it_back_exactly(proface: Proface) -> None:
    photo, sidecar = sidecar_pair(proface, "--sidecar")
    assert files() == ["a.png", "a.protected.pfs", "a.protected.png"]
    assert PASSPHRASE.encode() not in sidecar.read_bytes()
    save(str(photo), pixels(photo))  # whatever saves it keeps the pixels and nothing else
    for command in "inspect", "verify":
        assert proface(command, str(photo)).code == 0
    result = proface("recover", str(photo), "--json")
    assert [face["outcome"] for face in result.records[0]["faces"]] == ["exact"]
    assert np.array_equal(pixels("a.recovered.png"), drawn())


def test_nothing_but_the_sidecar(proface: Proface) -> None:
    sidecar_pair(proface, "--sidecar-only", "--no-record", "--format", "webp")
    photo, sidecar = Path("a.protected.webp"), Path("a.protected.webp.pfs")
    assert read_chunks(photo.read_bytes()) == {}
    sidecar.rename("elsewhere.pfs")
    assert proface("recover", str(photo)).code == 5
    assert proface("recover", str(photo), "--sidecar", "elsewhere.pfs").code == 0
    assert np.array_equal(pixels("a.recovered.webp"), drawn())


def test_a_picture_changed_outside_its_faces_keeps_its_sidecar(proface: Proface) -> None:
    photo, _ = sidecar_pair(proface, "--sidecar-only")
    changed = pixels(photo)
    changed[0, 0] = 0
    save(str(photo), changed)
    assert proface("recover", str(photo)).code == 0


Damage = Callable[[Path, Path], None]


def of_another(photo: Path, sidecar: Path) -> None:
    shutil.copy("b.protected.pfs", sidecar)


def cut_short(photo: Path, sidecar: Path) -> None:
    sidecar.write_bytes(sidecar.read_bytes()[:-9])


def scaled(photo: Path, sidecar: Path) -> None:
    with Image.open(photo) as image:
        image.resize((80, 60)).save(photo)


@pytest.mark.parametrize("damage", [of_another, cut_short, scaled])
def test_sidecars_that_do_not_fit(proface: Proface, damage: Damage) -> None:
    photo, sidecar = sidecar_pair(proface, "--sidecar-only")
    save("b.png", drawn(seed=3))
    assert proface("protect", "b.png", "--sidecar", *BY_HAND).code == 0
    damage(photo, sidecar)
    for command, *more in ("recover",), ("recover", "--sidecar", str(sidecar)), ("inspect",):
        result = proface(command, str(photo), *more)
        assert result.code == 5
        assert len(result.errors) == 1
        assert "a.protected.pfs" in result.err
    assert "a.recovered.png" not in files()


def test_a_sidecar_and_a_file_that_disagree(proface: Proface) -> None:
    photo, sidecar = sidecar_pair(proface, "--sidecar")
    Path("new").write_text("an entirely new passphrase")
    Path("new").chmod(0o600)
    sidecar.rename("old.pfs")
    assert proface("rewrap", str(photo), "--new-passphrase-file", "new", "--in-place").code == 0
    result = proface("recover", str(photo), "--sidecar", "old.pfs")
    assert result.code == 5
    assert "disagree" in result.err
    assert "a.recovered.png" not in files()


def test_sidecars_are_never_overwritten_unasked(proface: Proface) -> None:
    save("a.png")
    Path("a.protected.pfs").write_text("somebody else's")
    result = proface("protect", "a.png", "--sidecar", *BY_HAND)
    assert result.code == 1
    assert "a.protected.pfs already exists" in result.err
    assert Path("a.protected.pfs").read_text() == "somebody else's"
    assert files() == ["a.png", "a.protected.pfs"]
    assert proface("protect", "a.png", *BY_HAND).code == 0, "other programs use the suffix too"
    assert proface("recover", "a.protected.png").code == 0
    assert proface("protect", "a.png", "--sidecar", "--overwrite", *BY_HAND).code == 0
    assert proface("recover", "a.protected.png", "--sidecar", "missing.pfs", "-o", "x.png").code == 1
    assert "x.png" not in files()


@pytest.mark.parametrize("name", ["out.webp", "out.tif", "out.TIFF", "out.png"])
def test_formats_by_name(proface: Proface, name: str) -> None:
    save("a.png")
    assert proface("protect", "a.png", "-o", name, *BY_HAND).code == 0
    assert proface("verify", name).code == 0
    assert proface("recover", name, "-o", "back.webp").code == 0
    assert np.array_equal(pixels("back.webp"), drawn())


def test_formats_by_option(proface: Proface) -> None:
    save("in/a.png")
    assert proface("protect", "in", "-o", "out", "--format", "tiff", *BY_HAND).code == 0
    assert proface("recover", "out", "-o", "back", "--format", "webp").code == 0
    assert files() == ["back/a.recovered.webp", "in/a.png", "out/a.protected.tif"]
    result = proface("protect", "in/a.png", "-o", "x.png", "--format", "webp", *BY_HAND)
    assert result.code == 2
    assert "not a name for a webp file" in result.err
    assert "x.png" not in files()
