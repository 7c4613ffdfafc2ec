"""Bad input gives an error, often a hint, an exit code, and never a file."""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from cli_kit import BOX, Proface, drawn, files, save
from PIL import Image

from proface_s.container.carriers.carrier import from_chunks
from proface_s.container.carriers.png import read_png_chunks, write_png_chunks
from proface_s.container.header.header import Header
from proface_s.container.header.header_bytes import encode_header

BY_HAND = ("--box", BOX, "--faces", "none")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(width: int, height: int, bits: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def test_a_missing_file(proface: Proface) -> None:
    for command in "protect", "recover", "inspect", "detect":
        result = proface(command, "party.jpg")
        assert result.code == 1
        assert result.err == "error: party.jpg does not exist\n"
    assert files() == []


@pytest.mark.parametrize(("command", "code"), [("protect", 1), ("recover", 5), ("inspect", 5), ("detect", 1)])
def test_a_folder_without_pictures(proface: Proface, command: str, code: int) -> None:
    Path("folder").mkdir()
    Path("folder/notes.txt").write_text("hello")
    result = proface(command, "folder", *(("-o", "out") if command in ("protect", "recover") else ()))
    assert result.code == code
    assert len(result.errors) == 1
    assert result.errors[0].startswith("error: folder: there are no ")
    assert files() == ["folder/notes.txt"]
    assert not Path("out").exists()


def test_a_truncated_jpeg(proface: Proface) -> None:
    data = save("a.jpg", drawn(300, 200)).read_bytes()
    Path("a.jpg").write_bytes(data[: len(data) // 2])
    result = proface("protect", "a.jpg", *BY_HAND)
    assert result.code == 1
    assert "truncated or damaged" in result.err
    assert "hint: " in result.err
    assert files() == ["a.jpg"]


def test_a_png_bomb(proface: Proface) -> None:
    Path("bomb.png").write_bytes(raw_png(60_000, 60_000, 8, bytes(10_000)))
    result = proface("protect", "bomb.png", *BY_HAND)
    assert result.code == 1
    assert "60000x60000 pixels" in result.err
    assert files() == ["bomb.png"]


def test_16_bits_are_refused(proface: Proface) -> None:
    Path("deep.png").write_bytes(raw_png(8, 8, 16, bytes((8 * 6 + 1) * 8)))
    result = proface("protect", "deep.png", *BY_HAND)
    assert result.code == 1
    assert "16 bits" in result.err
    assert "hint: " in result.err
    assert files() == ["deep.png"]


@pytest.mark.parametrize(("mode", "name"), [("L", "a.png"), ("P", "a.png"), ("CMYK", "a.jpg"), ("1", "a.png")])
def test_grey_palette_and_cmyk_are_converted(proface: Proface, mode: str, name: str) -> None:
    Image.fromarray(drawn()).convert(mode).save(name)
    result = proface("protect", name, *BY_HAND)
    assert result.code == 0
    assert ("CMYK converted" in result.err) == (mode == "CMYK")
    assert proface("recover", "a.protected.png").code == 0
    with Image.open("a.recovered.png") as back:
        assert back.mode == "RGB"
        if mode != "CMYK":
            with Image.open(name) as image:
                assert np.array_equal(np.array(image.convert("RGB")), np.array(back))


def test_alpha_is_kept_outside_of_the_box_and_comes_back_inside(proface: Proface) -> None:
    alpha = np.arange(160 * 120).reshape(120, 160, 1).astype(np.uint8)
    rgba = np.dstack([drawn(), alpha])
    save("a.png", rgba)
    assert proface("protect", "a.png", *BY_HAND).code == 0
    with Image.open("a.protected.png") as image:
        published, expected = np.array(image)[..., 3], alpha[..., 0].copy()
    expected[20:84, 40:104] = 255
    assert np.array_equal(published, expected)
    assert proface("recover", "a.protected.png").code == 0
    with Image.open("a.recovered.png") as image:
        assert np.array_equal(np.array(image), rgba)


@pytest.mark.parametrize("side", [1, 2, 4, 7])
def test_pictures_too_small_for_a_face(proface: Proface, side: int) -> None:
    save("dot.png", drawn(side, side))
    assert proface("protect", "dot.png").code == 4
    result = proface("protect", "dot.png", "--box", "0,0,1,1")
    assert result.code == 2
    assert len(result.errors) == 1
    assert f"{side}x{side}" in result.err
    assert files() == ["dot.png"]


@pytest.mark.parametrize("name", ["out.heic", "out.bmp", "out"])
def test_only_some_formats_come_out(proface: Proface, name: str) -> None:
    save("a.png")
    result = proface("protect", "a.png", "-o", name, *BY_HAND)
    assert result.code == 2
    assert "png" in result.err.split("hint: ")[1].lower()
    assert files() == ["a.png"]


@pytest.mark.parametrize("option", [("--no-seal",), ("--wrong-key", "cover"), ("--model", "secure-2")])
def test_a_jpeg_would_destroy_what_is_hidden_in_pixels(proface: Proface, option: tuple[str, ...]) -> None:
    save("a.png")
    result = proface("protect", "a.png", "-o", "out.jpg", *BY_HAND, *option)
    assert result.code == 2
    assert "hidden in pixels" in result.err or "hides faces in pixels" in result.err
    assert "hint: leave --format jpeg out, or name a .png" in result.err
    assert files() == ["a.png"]


def test_the_input_is_never_the_output(proface: Proface) -> None:
    data = save("a.png").read_bytes()
    Path("link.png").symlink_to("a.png")
    for name in "a.png", "./a.png", "link.png":
        result = proface("protect", "a.png", "-o", name, "--overwrite", *BY_HAND)
        assert result.code == 2
        assert "is the input itself" in result.err
    assert Path("a.png").read_bytes() == data


@pytest.mark.parametrize("name", ["missing/out.png", "file.txt/out.png", "/proc/self/out.png", "folder.png"])
def test_an_output_that_cannot_be_written(proface: Proface, name: str) -> None:
    save("a.png")
    Path("file.txt").write_text("hello")
    Path("folder.png").mkdir()
    result = proface("protect", "a.png", "-o", name, *BY_HAND)
    if name == "folder.png":  # a folder: the file goes into it
        assert result.code == 0
        return
    assert result.code == 1
    assert len(result.errors) == 1
    assert files() == ["a.png", "file.txt"]


def test_a_full_disk_leaves_nothing(proface: Proface, monkeypatch: pytest.MonkeyPatch) -> None:
    save("a.png")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    result = proface("protect", "a.png", "-o", "new/", *BY_HAND)
    assert result.code == 1
    assert "No space left on device" in result.err
    assert files() == ["a.png"]
    assert not Path("new").exists()


def test_a_wrong_passphrase(proface: Proface, protected: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFACE_PASSPHRASE", "something else entirely")
    result = proface("recover", str(protected))
    assert result.code == 3
    assert "something else" not in result.err
    assert files() == ["drawing.protected.png"]


def test_files_that_are_not_protected(proface: Proface, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROFACE_PASSPHRASE")  # it is not even asked for
    save("a.png")
    save("b.jpg")
    Path("notes.txt").write_text("hello")
    for command in "recover", "inspect":
        for name in "a.png", "b.jpg", "notes.txt":
            result = proface(command, name)
            assert result.code == 5
            assert result.errors == [f"error: {name} is not a protected file"]
    assert files() == ["a.png", "b.jpg", "notes.txt"]


def test_protecting_twice_is_refused(proface: Proface, protected: Path) -> None:
    result = proface("protect", str(protected), *BY_HAND)
    assert result.code == 2
    assert "protected already" in result.err
    assert files() == ["drawing.protected.png"]


def test_a_protected_file_cut_short(proface: Proface, protected: Path) -> None:
    data = protected.read_bytes()
    for length in len(data) - 20, len(data) // 2, 2000:
        protected.write_bytes(data[:length])
        for command in "recover", "inspect":
            result = proface(command, str(protected))
            assert result.code == 5
            assert len(result.errors) == 1
    assert files() == ["drawing.protected.png"]


def test_a_protected_file_compressed_by_an_editor(proface: Proface, protected: Path) -> None:
    with Image.open(protected) as image:
        image.save("edited.jpg", quality=95)
        image.resize((150, 110)).save("smaller.png")
    for name in "edited.jpg", "smaller.png":
        result = proface("recover", name)
        assert result.code == 5
        assert "hint: " in result.err
    assert files() == ["drawing.protected.png", "edited.jpg", "smaller.png"]


def test_the_header_of_another_file(proface: Proface, protected: Path) -> None:
    chunks = read_png_chunks(protected.read_bytes())
    for name, pixels in ("same.png", drawn(seed=3)), ("larger.png", drawn(200, 150)):
        path = save(name, pixels)
        path.write_bytes(write_png_chunks(path.read_bytes(), chunks))
        result = proface("recover", name)
        assert result.code == 5
        assert "header" in result.err
    assert files() == ["drawing.protected.png", "larger.png", "same.png"]


def test_changed_pixels(proface: Proface, protected: Path) -> None:
    chunks = read_png_chunks(protected.read_bytes())
    with Image.open(protected) as image:
        pixels = np.array(image)
    pixels[50, 50, 0] ^= 1
    path = save("changed.png", pixels)
    path.write_bytes(write_png_chunks(path.read_bytes(), chunks))
    result = proface("recover", "changed.png")
    assert result.code == 5
    assert "changed" in result.err


def test_a_stripped_seal_leaves_an_estimate(proface: Proface, protected: Path) -> None:
    chunks = read_png_chunks(protected.read_bytes())
    protected.write_bytes(write_png_chunks(protected.read_bytes(), {**chunks, "pfSl": []}))
    result = proface("recover", str(protected), "--json")
    assert result.code == 0
    assert result.records[0]["faces"][0]["outcome"] == "estimate"
    assert "stripped" in result.err
    (record,) = proface("inspect", str(protected), "--json").records
    assert record["stripped"] == [1]
    assert "seal stripped" in proface("inspect", str(protected)).out


def hostile(good: bytes, header: Header, kind: str) -> bytes:
    """A header that demands too much, or is none."""
    params = header.groups[0].stanzas[0].params  # type: ignore[union-attr]
    cost = struct.pack(">BIB", params.time_cost, params.memory_kib, params.lanes)
    sides = struct.pack(">II", header.width, header.height)
    assert good.count(cost) == good.count(sides) == 1
    return {
        "memory": good.replace(cost, struct.pack(">BIB", 3, 0xFFFFFFFF, 4)),
        "time": good.replace(cost, struct.pack(">BIB", 255, 1024 * 1024, 4)),
        "size": good.replace(sides, struct.pack(">II", 0x7FFFFFFF, 0x7FFFFFFF)),
        "half": good[: len(good) // 2],
        "noise": np.random.default_rng(1).bytes(len(good)),
        "nothing": b"",
    }[kind]


@pytest.mark.parametrize("kind", ["memory", "time", "size", "half", "noise", "nothing"])
def test_a_hostile_header(proface: Proface, protected: Path, kind: str) -> None:
    header, _ = from_chunks(read_png_chunks(protected.read_bytes()))
    bad = hostile(encode_header(header), header, kind)
    protected.write_bytes(write_png_chunks(protected.read_bytes(), {"pfSh": [bad]}))
    for command in "recover", "inspect":
        result = proface(command, str(protected))
        assert result.code == 5
        assert len(result.errors) == 1
        assert "internal" not in result.err
    assert files() == ["drawing.protected.png"]


def test_two_inputs_with_one_output(proface: Proface) -> None:
    save("a.png")
    save("a.bmp")
    result = proface("protect", "a.bmp", "a.png", "-o", "out", *BY_HAND)
    assert result.code == 2
    assert "a.bmp and a.png would both be written to" in result.err
    assert files() == ["a.bmp", "a.png"]
    assert not Path("out").exists()


def test_an_output_that_is_another_input(proface: Proface) -> None:
    save("a.png")
    save("a.protected.png")
    result = proface("protect", "a.png", "a.protected.png", "-o", ".", "--overwrite", *BY_HAND)
    assert result.code == 2
    assert files() == ["a.png", "a.protected.png"]


def test_several_inputs_need_a_folder(proface: Proface) -> None:
    save("a.png")
    save("b.png")
    Path("file.png").write_bytes(b"")
    assert proface("protect", "a.png", "b.png").code == 2
    assert proface("protect", ".").code == 2
    assert proface("protect", "a.png", "b.png", "-o", "file.png", "--overwrite").code == 2
    assert files() == ["a.png", "b.png", "file.png"]


def test_pictures_that_cannot_be_read_do_not_go_unnoticed(proface: Proface) -> None:
    save("photos/a.png")
    Path("photos/b.heic").write_bytes(b"\0\0\0\x18ftypavif" + bytes(40))
    result = proface("protect", "photos", "-o", "out", *BY_HAND)
    assert result.code == 1
    assert "AVIF" in result.err
    assert files() == ["out/a.protected.png", "photos/a.png", "photos/b.heic"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--box", "1,2,3"), ("--box", "a,b,c,d"), ("--box", "1,2,0,5"), ("--box", "900,900,10,10"),
        ("--faces", "first"), ("--faces", "1,,2"), ("--faces", "0"),
        ("--faces", "1,0"), ("--style", "blur:-1"), ("--style", "blur:"), ("--threads", "many"),
        ("--unknown",), ("--passphrase", "my secret words"), ("--passphrase-fd", "my secret words"),
        ("--passphrase-file", "my secret words"),
    ],
)  # fmt: skip
def test_requests_that_make_no_sense(
    proface: Proface, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    save("a.png")
    if "--passphrase-file" in arguments:
        monkeypatch.delenv("PROFACE_PASSPHRASE")
    result = proface("protect", "a.png", *arguments)
    assert result.code == 2
    assert len(result.errors) == 1
    assert "hint: " in result.err
    assert "my secret" not in result.err
    assert files() == ["a.png"]


def test_an_empty_name_is_not_the_current_folder(proface: Proface) -> None:
    save("a.png")
    for output in "out", "":
        result = proface("protect", "" if output else "a.png", "-o", output, *BY_HAND)
        assert result.code == 2
        assert len(result.errors) == 1
    assert files() == ["a.png"]


def test_pipes_in_a_folder_do_not_keep_us_waiting(proface: Proface) -> None:
    save("photos/a.png")
    os.mkfifo("photos/b.png")
    assert proface("protect", "photos", "-o", "out", *BY_HAND).code == 0
    assert proface("recover", "out", "photos", "-o", "back").code == 1  # nothing protected in one of them
    assert files() == ["back/out/a.recovered.png", "out/a.protected.png", "photos/a.png"]


def test_no_command_or_an_unknown_one(proface: Proface) -> None:
    assert proface().code == 2
    assert "Usage" in proface().out
    assert proface("protekt").code == 2
    assert proface("protect").code == 2


def test_names_cannot_steer_the_terminal(proface: Proface) -> None:
    name = "a\x1b[2J\nerror: fake.png"
    Path(name).write_bytes(b"no picture")
    result = proface("protect", name, *BY_HAND)
    assert result.code == 1
    assert "\x1b" not in result.err
    assert len(result.errors) == 1


def test_a_bug_is_called_a_bug(proface: Proface, monkeypatch: pytest.MonkeyPatch) -> None:
    save("a.png")

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("proface_s.api.protection.protect_file.protect_picture", broken)
    result = proface("protect", "a.png", *BY_HAND)
    assert result.code == 1
    assert result.errors == ["error: a.png: internal error: ZeroDivisionError: division by zero"]
    assert "--debug" in result.err
    assert files() == ["a.png"]


def test_debug_shows_the_traceback(here: Path, protected: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from proface_s.cli.main import main

    shutil.copy(protected, "x.png")
    Path("x.png").write_bytes(Path("x.png").read_bytes()[:1500])
    assert main(["recover", "--debug", "x.png"]) == 5
    assert "Traceback" in capfd.readouterr().err


def test_damaged_seals_are_told_apart_from_wrong_keys(proface: Proface, protected: Path) -> None:
    header, seals = from_chunks(read_png_chunks(protected.read_bytes()))
    broken = bytes([seals[0][0] ^ 1]) + seals[0][1:]
    chunks = {"pfSh": [encode_header(header)], "pfSl": [b"\0\0" + broken]}
    protected.write_bytes(write_png_chunks(protected.read_bytes(), chunks))
    result = proface("recover", str(protected))
    assert result.code == 5
    assert "seal" in result.err
    assert files() == ["drawing.protected.png"]
