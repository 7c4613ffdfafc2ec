"""Inputs: names of any length and alphabet, suffixes, and files that cannot be read."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from cli_kit import BOX, PASSPHRASE, Proface, drawn, files, save
from PIL import Image

from paths_kit import ROOT
from proface_s.image.names import (
    FOREIGN,
    MAX_NAME_BYTES,
    PICTURES,
    fitted_name,
    is_temporary,
    name_bytes,
    temporary_name,
)

BY_HAND = ("--box", BOX, "--faces", "none")
SOURCE = ROOT / "src" / "proface_s"
LONG = ["写" * 75, "写" * 83, "é" * 125, "x" * 251, "x" * 240 + "写", "a" * 3 + "😀" * 62]


@pytest.mark.parametrize("stem", LONG)
def test_d5_long_names(proface: Proface, stem: str) -> None:
    """Bytes count, not characters; the whole way there and back."""
    source = save(f"in/{stem}.jpg" if name_bytes(stem) <= 251 else f"in/{stem}")
    assert proface("protect", str(source), *BY_HAND, "--sidecar").code == 0
    assert proface("protect", "in", "-o", "out", *BY_HAND).code == 0
    (inside,) = os.listdir("out")
    assert inside in os.listdir("in"), "the same name in both ways"
    assert name_bytes(inside) <= MAX_NAME_BYTES
    assert inside.endswith((".protected.jpg", ".protected.png"))
    assert proface("protect", "in", "-o", "out", *BY_HAND, "--resume").code == 0
    assert proface("recover", "out", "-o", "back").code == 0
    assert proface("forget", f"out/{inside}", "--face", "1", "--yes").code == 0
    new = ("--new-passphrase-file", "new")
    Path("new").write_text("another passphrase\n")
    assert proface("rewrap", f"in/{inside}", *new).code == 0
    assert sum(name.endswith(".pfs") for name in os.listdir("in")) == 2


def test_d5_names_that_begin_alike_stay_apart(proface: Proface) -> None:
    for seed, end in enumerate("ab"):
        save(f"in/{'写' * 82}{end}.png", drawn(seed=seed))
    save(f"in/{'写' * 82}a.bmp", drawn(seed=3))
    assert proface("protect", "in", "-o", "out", *BY_HAND).code == 0
    assert len(os.listdir("out")) == 3
    assert proface("protect", "in", "-o", "out", *BY_HAND, "--resume").err.count("is done already") == 3


def test_d5_a_name_that_was_chosen_too_long_is_refused_before_any_work(proface: Proface) -> None:
    save("a.png")
    result = proface("protect", "a.png", "-o", "写" * 90 + ".png", *BY_HAND)
    assert result.code == 1
    assert "has 274 bytes" in result.err
    assert files() == ["a.png"]


def test_d5_names_are_cut_between_characters() -> None:
    for stem in ("写" * 100, "é" * 200, "😀" * 90, "x" * 300, "\udc80" * 100):
        for suffix in (".protected.png", ".protected.webp", ".recovered.tif"):
            name = fitted_name(stem, suffix)
            assert 240 < name_bytes(name) <= MAX_NAME_BYTES
            assert re.fullmatch(rf"{stem[0]}+~[0-9a-f]{{8}}{re.escape(suffix)}", name)
            assert name == fitted_name(stem, suffix)
            assert name != fitted_name(stem + stem[0], suffix)
            temporary = temporary_name(name)
            assert name_bytes(temporary) <= MAX_NAME_BYTES
            assert is_temporary(temporary, name)
    assert fitted_name("a", ".png") == "a.png"
    assert not is_temporary(temporary_name("a.png"), "b.png")


def test_d10_every_suffix_of_a_picture_is_taken(proface: Proface) -> None:
    formats = {".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP", ".dib": "BMP"}
    for index, suffix in enumerate(sorted(PICTURES - {".heic", ".heif", ".hif"})):
        save(f"in/{index:02}{suffix if index % 2 else suffix.upper()}", format=formats.get(suffix, "JPEG"))
    number = len(os.listdir("in"))
    assert {".jfif", ".jpe", ".dib"} < PICTURES
    result = proface("protect", "in", "-o", "out", *BY_HAND)
    assert result.code == 0, result.err
    assert len(os.listdir("out")) == number


def test_d10_what_is_left_alone_is_named(proface: Proface) -> None:
    save("in/a.png")
    for name in ("notes.txt", "words.csv", ".hidden.png", "line\nbreak.txt"):
        Path("in", name).write_text("x")
    Path("elsewhere").mkdir()
    Path("in/linked").symlink_to(Path("elsewhere").absolute())
    result = proface("protect", "in", "-o", "out", *BY_HAND)
    assert result.code == 0
    for name in ("in/notes.txt", "in/words.csv", "in/.hidden.png", "in/line\\nbreak.txt", "in/linked"):
        assert name in result.err
    assert result.err.endswith("1 file done, 5 other files left alone\n")
    for index in range(30):
        Path(f"in/{index:02}.txt").touch()
    result = proface("protect", "in", "-o", "other", *BY_HAND)
    assert "and 23 more; -v names all" in result.err
    assert "in/29.txt" not in result.err
    assert "in/29.txt" in proface("protect", "in", "-o", "third", *BY_HAND, "-v").err


def test_d10_pictures_that_cannot_be_read_do_not_pass_unnoticed(proface: Proface) -> None:
    for index, suffix in enumerate(sorted(FOREIGN)):
        Path("in").mkdir(exist_ok=True)
        Path(f"in/{index:02}{suffix.upper()}").write_bytes(b"whatever")
    result = proface("protect", "in", "-o", "out", *BY_HAND)
    assert result.code == 1
    assert len(result.errors) == len(FOREIGN)


def test_d10_the_page_offers_the_same_suffixes() -> None:
    accepted = re.search(r'ACCEPTED =\s+"image/\*,([^"]*)"', (SOURCE / "web/static/dom.js").read_text())
    assert accepted is not None
    assert set(accepted[1].split(",")) == PICTURES


def test_d10_there_is_one_list_of_suffixes() -> None:
    """Suffixes of JPEG files stand nowhere else in the code."""
    found = [
        str(path.relative_to(SOURCE))
        for path in sorted(SOURCE.rglob("*.py"))
        if re.search(r"""["']\.jpe?g["']""", path.read_text(encoding="utf-8"))
    ]
    assert found == ["image/names.py"]


def test_d13_one_fault_does_not_stop_the_others(proface: Proface) -> None:
    save("a.png")
    Path("broken.png").symlink_to("nowhere.png")
    Path("loop.png").symlink_to("loop.png")
    os.mkfifo("pipe.png")
    os.mkfifo("in.png")
    long = "x" * 300 + ".png"
    result = proface(
        "protect", "a.png", "broken.png", "loop.png", "pipe.png", "missing.png", long, "/dev/zero", "-o", "out",
        *BY_HAND, "--json",
    )  # fmt: skip
    assert result.code == 1
    by_input = {record["input"]: record for record in result.records}
    assert by_input["a.png"]["status"] == "protected"
    for name, message in (
        ("broken.png", "is a link to something that does not exist"), ("loop.png", "cannot be read: Too many levels"),
        ("pipe.png", "is not an ordinary file"), ("missing.png", "does not exist"), (long, "cannot be read: File name"),
        ("/dev/zero", "is not an ordinary file"),
    ):  # fmt: skip
        assert by_input[name]["status"] == "error"
        assert message in by_input[name]["error"]
    assert os.listdir("out") == ["a.protected.png"]


def test_d13_in_folders(proface: Proface) -> None:
    save("in/a.png")
    Path("in/broken.png").symlink_to("nowhere.png")
    Path("in/loop.png").symlink_to("loop.png")
    Path("in/again").symlink_to(Path("in").absolute())
    os.mkfifo("in/pipe.png")
    save("in/line\nbreak.png", drawn(seed=2))
    odd = os.fsdecode(b"in/\xff\xfe.png")
    shutil.copy("in/a.png", odd)
    save("in/sub/b.png", drawn(seed=4))
    Path("out").mkdir()
    Path("out/sub").touch()
    for jobs in "1", "2":
        result = proface("protect", "in", "-o", "out", *BY_HAND, "--json", "--jobs", jobs, "--overwrite")
        assert result.code == 1
        statuses = {record["input"]: record["status"] for record in result.records}
        assert statuses == {
            "in/a.png": "protected", "in/broken.png": "error", "in/loop.png": "error",
            "in/line\nbreak.png": "protected", odd: "protected", "in/sub/b.png": "error",
        }  # fmt: skip
        assert "in/pipe.png" in result.err
        assert "\\nbreak" in result.err
    assert proface("recover", "out", "-o", "back").code == 0
    assert np.array_equal(np.array(Image.open(os.fsdecode(b"back/\xff\xfe.recovered.png"))), drawn())


def test_d13_a_file_that_goes_away_in_between(proface: Proface, monkeypatch: pytest.MonkeyPatch) -> None:
    from proface_s.cli.commands import protect

    save("in/a.png")
    save("in/b.png")
    planned = protect._make_plan

    def and_then_gone(*args: object, **options: object) -> object:
        plan = planned(*args, **options)  # type: ignore[arg-type]
        Path("in/a.png").unlink()
        return plan

    monkeypatch.setattr(protect, "_make_plan", and_then_gone)
    result = proface("protect", "in", "-o", "out", *BY_HAND)
    assert result.code == 1
    assert result.errors == ["error: in/a.png cannot be read: No such file or directory"]
    assert os.listdir("out") == ["b.protected.png"]


@pytest.fixture
def as_nobody(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that an ordinary user may write to, as the current one."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o777)
        monkeypatch.chdir(name)
        yield Path(name)
        subprocess.run(["chmod", "-R", "u+rwX", name], check=True, timeout=300)


def test_d13_what_may_not_be_read(as_nobody: Path) -> None:
    """As a user whom permissions stop; root reads everything."""
    save("a.png").chmod(0o644)
    save("locked.png").chmod(0)
    save("closed/b.png").chmod(0o644)
    save("listed/c.png").chmod(0o644)
    Path("closed").chmod(0)
    Path("listed").chmod(0o444)
    environment = os.environ | {
        "PROFACE_PASSPHRASE": PASSPHRASE, "PYTHONPATH": str(SOURCE.parent), "HOME": str(as_nobody)
    }  # fmt: skip
    command = [sys.executable, "-m", "proface_s", "protect", "a.png", "locked.png", "closed", "closed/b.png", "listed",
               "-o", "out", *BY_HAND]  # fmt: skip
    user = {"user": 65534, "group": 65534} if os.getuid() == 0 else {}
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, **user)  # type: ignore[call-overload]
    except PermissionError:
        pytest.skip("another user may not run this Python")
    if "ModuleNotFoundError" in done.stderr or "PermissionError" in done.stderr.splitlines()[0]:
        pytest.skip("another user may not read this project")
    assert done.returncode == 1, done.stderr
    assert os.listdir("out") == ["a.protected.png"]
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 4
    assert all("cannot be read: Permission denied" in line for line in errors)
    assert "Traceback" not in done.stderr


def test_u8_a_warning_that_repeats_is_told_once(proface: Proface) -> None:
    for seed in range(4):
        save(f"in/{seed}.png", drawn(seed=seed))
    tiny = ("--faces", "none", "--box", "40,20,16,16")
    for more in ((), ("--jobs", "2")):
        result = proface("protect", "in", "-o", f"out{len(more)}", *tiny, *more)
        assert result.code == 0
        told = [line for line in result.err.splitlines() if "record in the pixels" in line]
        assert len(told) == 1
        assert re.match(r"warning: 4 files, such as in/\d\.png: face 1: too small", told[0])
        assert result.err.splitlines()[-2] == told[0], "at the end, before the sum"
    result = proface("protect", "in", "-o", "verbose", *tiny, "-v")
    assert result.err.count("record in the pixels") == 4
    result = proface("protect", "in", "-o", "json", *tiny, "--json")
    assert all("record in the pixels" in record["warnings"][0] for record in result.records)
    result = proface("protect", "in/0.png", *tiny)
    assert result.err.count("warning: in/0.png: face 1: too small") == 1


def test_u8_different_warnings_stay_apart(proface: Proface) -> None:
    save("in/a.png")
    Image.fromarray(drawn()).convert("CMYK").save("in/b.jpg")
    save("in/c.png", drawn(seed=2))
    result = proface("protect", "in", "-o", "out", "--faces", "none", "--box", "40,20,16,16")
    assert len([line for line in result.err.splitlines() if line.startswith("warning: 3 files, such as in/a.png")]) == 1
    assert [line for line in result.err.splitlines() if line.startswith("warning: in/b.jpg: ")] == [
        "warning: in/b.jpg: a PNG was written: its colours are CMYK or YCCK",
        "warning: in/b.jpg: CMYK converted to RGB without a colour profile",
    ]


def test_d13_permissions_as_root_is_told_of_them(proface: Proface, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same without another user: what the system says of files that may not be read."""
    save("a.png")
    save("locked.png")
    save("closed/b.png")
    access, stat = os.access, os.stat

    def no_access(path: object, mode: int, **options: object) -> bool:
        return "locked" not in str(path) and access(path, mode, **options)  # type: ignore[arg-type]

    def no_stat(path: object, **options: object) -> os.stat_result:
        if str(path) == "closed/b.png":
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "access", no_access)
    monkeypatch.setattr(os, "stat", no_stat)
    result = proface("protect", "a.png", "locked.png", "closed/b.png", "-o", "out", *BY_HAND)
    assert result.code == 1
    assert result.errors == [
        "error: locked.png cannot be read: Permission denied", "error: closed/b.png cannot be read: Permission denied",
    ]  # fmt: skip
    assert os.listdir("out") == ["a.protected.png"]
