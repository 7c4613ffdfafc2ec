"""Changing protected files (`rewrap`, `forget`), checking them (`verify`), and the audit log."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_kit import PASSPHRASE, Proface, files, save
from keys_kit import NEW_PASSPHRASE, opened, outcomes, pixels, secret

from proface_s import Session
from proface_s.container.carriers.carrier import from_chunks
from proface_s.container.carriers.png import read_png_chunks, write_png_chunks


def same_but_for_records(name: str, other: str) -> bool:
    """Compare all but the lowest bits, which hold records: those must not open what was locked again or forgotten."""
    return np.array_equal(pixels(name) & 0xFE, pixels(other) & 0xFE)


def test_without_a_terminal_the_hint_names_the_options_for_new_passphrases(proface: Proface, plain: str) -> None:
    result = proface("rewrap", plain)
    assert result.code == 2
    assert "error: a new passphrase is needed" in result.err
    assert "--new-passphrase-file" in result.err


def test_other_passphrases_and_recipients_without_touching_a_pixel(
    proface: Proface, plain: str, prepared: Path
) -> None:
    secret("new", NEW_PASSPHRASE)
    before = Path(plain).read_bytes()
    arguments = ("--new-passphrase-file", "new", "-R", str(prepared / "carol.pub"))
    key = proface("key", plain, "--face", "2").out.strip()
    result = proface("rewrap", plain, *arguments)
    assert result.code == 0
    assert result.err.startswith("plain.protected.png -> plain.rewrapped.png: 3 faces locked with new keys")
    assert Path(plain).read_bytes() == before
    assert same_but_for_records("plain.rewrapped.png", plain)
    old = proface("recover", "plain.rewrapped.png", "-o", "old.png")
    assert old.code == 3
    assert proface("recover", "plain.rewrapped.png", "-i", str(prepared / "carol.key"), "-o", "carols.png").code == 0
    assert opened("carols.png") == [0, 1, 2]
    assert proface("recover", "plain.rewrapped.png", "--face-key", key, "-o", "key.png").code == 0
    assert opened("key.png") == [1]
    os.environ.pop("PROFACE_PASSPHRASE")
    assert proface("recover", "plain.rewrapped.png", "--passphrase-file", "new", "-o", "new.png").code == 0
    assert opened("new.png") == [0, 1, 2]
    assert "old.png" not in files()
    assert NEW_PASSPHRASE not in result.out + result.err


def test_somebody_more_can_open_it(proface: Proface, plain: str, prepared: Path) -> None:
    Path(plain).chmod(0o640)
    result = proface("rewrap", plain, "--add", "--in-place", "-r", (prepared / "carol.pub").read_text().strip())
    assert result.code == 0
    assert files() == [plain]
    assert stat.S_IMODE(Path(plain).stat().st_mode) == 0o640
    for number, more in enumerate(((), ("-i", str(prepared / "carol.key")))):
        assert proface("recover", plain, "-o", f"{number}.png", *more).code == 0
        assert opened(f"{number}.png") == [0, 1, 2]


def test_only_what_opens_is_rewrapped(proface: Proface, party: str, prepared: Path) -> None:
    secret("new", NEW_PASSPHRASE)
    result = proface("rewrap", party, "--new-passphrase-file", "new", "--in-place", "--json")
    assert result.code == 0
    assert result.records[0]["faces"] == [{"face": 1}]
    assert "2 of 3 groups of faces did not open" in result.err
    assert proface("recover", party, "-i", str(prepared / "carol.key"), "-o", "carols.png").code == 0
    assert opened("carols.png") == [2]
    assert proface("recover", party).code == 3


def test_rewrap_with_a_wrong_key(proface: Proface, plain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Path(plain).read_bytes()
    secret("new", NEW_PASSPHRASE)
    monkeypatch.setenv("PROFACE_PASSPHRASE", "something else entirely")
    for more in (), ("--in-place",):
        result = proface("rewrap", plain, "--new-passphrase-file", "new", *more)
        assert result.code == 3
    assert Path(plain).read_bytes() == before
    assert files() == ["new", plain]


def test_rewrap_in_ways_that_make_no_sense(
    proface: Proface, plain: str, cover_mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret("new", NEW_PASSPHRASE)
    secret("short", "seven77")
    save("a.png")
    new = ("--new-passphrase-file", "new")
    for code, arguments in (
        (2, (plain,)),  # no terminal to ask for a new passphrase
        (2, (plain, "--new-passphrase-file", "short")),
        (2, (plain, "-r", "age1nonsense")),
        (2, (plain, *new, "--in-place", "-o", "x.png")),
        (2, (cover_mode, *new)),
        (5, ("a.png", *new)),
        (1, ("missing.png", *new)),
        (1, (plain, *new, "-o", "missing/x.png")),
        (2, (plain, *new, "-o", plain)),
        (2, (plain, *new, "-o", "x.jpg")),
    ):
        result = proface("rewrap", *arguments)
        assert (result.code, len(result.errors)) == (code, 1), arguments
        assert "seven77" not in result.err
    assert files() == ["a.png", "new", plain, cover_mode, "short"]


def test_an_interrupted_replacement_leaves_the_old_file(
    proface: Proface, plain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Path(plain).read_bytes()
    secret("new", NEW_PASSPHRASE)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    for command in ("rewrap", "--new-passphrase-file", "new"), ("forget", "--yes", "--face", "1"):
        result = proface(*command, plain, "--in-place")
        assert result.code == 1
        assert "No space left" in result.err
    assert Path(plain).read_bytes() == before
    assert files() == ["new", plain]


def test_a_forgotten_face_stays_covered(proface: Proface, plain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Path(plain).read_bytes()
    key = proface("key", plain, "--face", "2").out.strip()
    monkeypatch.delenv("PROFACE_PASSPHRASE")  # it needs none
    result = proface("forget", plain, "--face", "2")
    assert result.code == 0
    assert "plain.forgotten.png: 1 face forgotten" in result.err
    assert "still open the face" in result.err
    assert "--erase" in result.err
    assert Path(plain).read_bytes() == before
    assert same_but_for_records("plain.forgotten.png", plain)
    header, seals = from_chunks(read_png_chunks(Path("plain.forgotten.png").read_bytes()))
    old, _ = from_chunks(read_png_chunks(before))
    assert set(seals) == {0, 2}
    assert old.faces[1].slot not in Path("plain.forgotten.png").read_bytes()
    assert header.faces[1].forgotten
    (record,) = proface("inspect", "plain.forgotten.png", "--json").records
    assert (record["forgotten"], record["stripped"]) == ([2], [])
    assert "forgotten" in proface("inspect", "plain.forgotten.png").out

    monkeypatch.setenv("PROFACE_PASSPHRASE", PASSPHRASE)
    result = proface("recover", "plain.forgotten.png", "-o", "x.png", "--json")
    assert outcomes(result) == ["exact", "forgotten", "exact"]
    assert opened("x.png") == [0, 2]
    for command in ("recover", "plain.forgotten.png", "-o", "y.png"), ("key", "plain.forgotten.png"):
        result = proface(*command, "--face", "2")
        assert result.code == 3
        assert "face 2 was forgotten" in result.err
    result = proface("recover", "plain.forgotten.png", "-o", "own.png", "--face-key", key, "--json")
    assert outcomes(result) == ["locked", "estimate", "locked"], (
        "a key that was handed out reads the pixels, as was said"
    )
    assert "y.png" not in files()


def test_an_erased_face_is_gone_from_the_pixels_too(proface: Proface, plain: str) -> None:
    key = proface("key", plain, "--face", "2").out.strip()
    result = proface("forget", plain, "--face", "2", "--erase", "--in-place", "--yes")
    assert result.code == 0
    assert "--erase" not in result.err
    assert files() == [plain]
    result = proface("recover", plain, "-o", "x.png", "--json")
    assert outcomes(result) == ["exact", "forgotten", "exact"]
    assert proface("recover", plain, "--face-key", key, "-o", "y.png", "--json").code == 3
    assert "y.png" not in files()
    result = Session(threads=1).recover(Path(plain).read_bytes(), face_keys=[key])
    assert [face.outcome for face in result.faces] == ["locked", "forgotten", "locked"]
    assert np.array_equal(result.recovered, pixels(plain))
    assert proface("verify", plain).code == 0
    assert "erased" in proface("verify", plain).out


def test_forgetting_what_is_not_there(proface: Proface, plain: str) -> None:
    before = Path(plain).read_bytes()
    save("a.png")
    for code, arguments in (
        (2, (plain, "--face", "4")),
        (2, (plain, "--face", "1,4", "--in-place", "--yes")),
        (2, (plain, "--face", "1", "--in-place")),
        (2, (plain, "--face", "1", "--erase")),
        (2, (plain, "--face", "0")),
        (2, (plain,)),
        (2, (plain, "--face", "first")),
        (2, (plain, "--face", "1", "--in-place", "-o", "x.png")),
        (5, ("a.png", "--face", "1")),
        (1, ("missing.png", "--face", "1")),
    ):
        result = proface("forget", *arguments)
        assert (result.code, len(result.errors)) == (code, 1), arguments
    assert Path(plain).read_bytes() == before
    assert files() == ["a.png", plain]


def test_forget_and_rewrap_take_whole_folders(proface: Proface, plain: str, party: str) -> None:
    Path("in").mkdir()
    for name in plain, party:
        shutil.move(name, f"in/{name}")
    secret("new", NEW_PASSPHRASE)
    assert proface("forget", "in", "--face", "3", "-o", "out").code == 0
    assert proface("rewrap", "in", "--in-place", "--new-passphrase-file", "new").code == 0
    assert files() == [
        "in/party.protected.png", "in/plain.protected.png", "new", "out/party.forgotten.png", "out/plain.forgotten.png",
    ]  # fmt: skip
    assert proface("recover", "in", "-o", "back").code == 3


def test_a_sound_file_is_verified_and_nothing_written(proface: Proface, party: str, prepared: Path) -> None:
    result = proface("verify", party, "-i", str(prepared / "carol.key"))
    assert result.code == 0
    assert result.out.startswith("party.protected.png: sound, header authentic\n")
    (record,) = proface("verify", party, "--json").records
    assert record["status"] == "verified"
    assert [face["key"] for face in record["faces"]] == ["opens", "locked", "locked"]
    assert [face["seal"] for face in record["faces"]] == ["sound", "unchecked", "unchecked"]
    result = proface("verify", party, "--without-key")
    assert result.code == 0
    assert "without a key" in result.err
    key = proface("key", party, "--face", "1").out.strip()
    result = proface("verify", party, "--face-key", key)
    assert result.code == 0
    assert "for its own face alone" in result.err
    assert files() == [party]


def test_what_is_not_sound(proface: Proface, plain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = Path(plain).read_bytes()
    chunks = read_png_chunks(data)
    changed = pixels(plain)
    changed[30, 20, 0] ^= 4
    save("pixel.png", changed)
    Path("pixel.png").write_bytes(write_png_chunks(Path("pixel.png").read_bytes(), chunks))
    Path("stripped.png").write_bytes(write_png_chunks(data, {**chunks, "pfSl": chunks["pfSl"][:2]}))
    broken = chunks["pfSl"][1]
    Path("broken.png").write_bytes(
        write_png_chunks(data, {**chunks, "pfSl": [chunks["pfSl"][0], broken[:-1] + bytes([broken[-1] ^ 1])]})
    )
    for name, problem, state in (
        ("pixel.png", "pixels of face 1 were changed", ("changed", "sound")),
        ("stripped.png", "seal of face 3 was stripped", ("unchanged", "stripped")),
        ("broken.png", "seal of face 2 is damaged", ("unchanged", "damaged")),
    ):
        result = proface("verify", name, "--json")
        assert result.code == 5
        assert problem in result.err
        assert state in [(face["pixels"], face["seal"]) for face in result.records[0]["faces"]]
    monkeypatch.setenv("PROFACE_PASSPHRASE", "something else entirely")
    result = proface("verify", plain)
    assert result.code == 3
    save("a.png")
    assert proface("verify", "a.png").code == 5
    assert files() == ["a.png", "broken.png", "pixel.png", plain, "stripped.png"]


def entries(name: str = "log") -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(name).read_text().splitlines() if line]


def test_every_deed_is_noted(proface: Proface, party: str, prepared: Path) -> None:
    secret("new", NEW_PASSPHRASE)
    carols = ("-i", str(prepared / "carol.key"))
    log = ("--audit", "log")
    assert proface("recover", party, *log).code == 0
    assert proface("verify", party, *log, *carols).code == 0
    key = proface("key", party, "--face", "1", *log).out.strip()
    assert proface("recover", party, "--face-key", key, "-o", "x.png", *log).code == 0
    assert proface("rewrap", party, "--new-passphrase-file", "new", *log).code == 0
    assert proface("forget", party, "--face", "2", *log).code == 0
    assert proface("recover", party, "--face", "2", "-o", "y.png", *log).code == 3
    notes = entries()
    assert [(note["event"], note["command"]) for note in notes] == [
        (event, command)
        for command in ("recover", "verify", "key", "recover", "rewrap", "forget", "recover")
        for event in ("begin", "end")
    ]
    for begin, end in zip(notes[::2], notes[1::2], strict=True):
        assert begin["id"] == end["id"]
        assert begin["input"] == end["input"] == str(Path(party).absolute())
        assert re.fullmatch(r"[0-9a-f]{64}", begin["input_sha256"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", begin["time"])
        assert {"user", "uid", "host", "pid"} <= set(begin)
    public = (prepared / "carol.pub").read_text().strip()
    assert [note["keys"] for note in notes[::2]] == [
        ["passphrase"], [f"identity {public}"], ["passphrase"], ["face key"], ["passphrase"], [], ["passphrase"],
    ]  # fmt: skip
    assert [face["outcome"] for face in notes[1]["outcomes"]] == ["exact", "locked", "locked"]
    assert notes[1]["output"] == str(Path("party.recovered.png").absolute())
    assert notes[4]["faces"] == [1]
    assert [face["number"] for face in notes[1]["outcomes"]] == [1, 2, 3]
    assert (notes[-1]["exit_code"], notes[-1]["error"] is None) == (3, False)
    text = Path("log").read_text()
    secrets_used = [PASSPHRASE, NEW_PASSPHRASE, key, (prepared / "carol.key").read_text().splitlines()[2]]
    assert not [each for each in secrets_used if each in text]
    assert stat.S_IMODE(Path("log").stat().st_mode) == 0o600


def test_nothing_is_recovered_where_the_log_cannot_be_written(
    proface: Proface, plain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    Path("folder").mkdir()
    os.mkfifo("pipe")
    for name in "missing/log", "folder", "pipe", plain:
        result = proface("recover", plain, "--audit", name)
        assert result.code in (1, 2)
        assert "audit log" in result.err
    before = Path(plain).read_bytes()

    def full(descriptor: int, data: bytes) -> int:
        if data.startswith(b'{"time"'):
            raise OSError(28, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr("os.write", full)
    for command in ("recover",), ("verify",), ("key", "--face", "1"), ("forget", "--face", "1", "--in-place", "--yes"):
        result = proface(*command, plain, "--audit", "log")
        assert result.code == 1
        assert "the audit log log cannot be written" in result.err
        assert "pfk1" not in result.out
    assert Path(plain).read_bytes() == before
    assert [name for name in files() if name != "log"] == [plain]


def test_a_log_that_was_cut_short_goes_on_in_a_new_line(proface: Proface, plain: str) -> None:
    Path("log").write_text('{"time": "2026-01-01", "event": "be')
    assert proface("verify", plain, "--audit", "log").code == 0
    torn, *lines = Path("log").read_text().splitlines()
    assert torn.endswith('"be')
    assert [json.loads(line)["event"] for line in lines] == ["begin", "end"]
    Path("shopping").write_text("eggs\n")
    assert proface("verify", plain, "--audit", "shopping").code == 2
    assert Path("shopping").read_text() == "eggs\n"


def test_an_interrupted_deed_is_noted_too(proface: Proface, plain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise SystemExit(143)

    monkeypatch.setattr("proface_s.api.recovery.recover_file.recover_picture", stopped)
    assert proface("recover", plain, "--audit", "log").code == 143
    assert [(note["event"], note.get("error")) for note in entries()] == [("begin", None), ("end", "interrupted")]
    assert files() == ["log", plain]


@pytest.mark.parametrize(
    "option",
    ["--passphrase-file", "--passphrase-fd", "--passphrase", "--identity", "-i", "--face-key", "--new-passphrase-file"],
)
@pytest.mark.parametrize("command", [["forget", "--face", "1"], ["inspect"], ["detect"], ["styles"], ["keygen"]])
def test_u6_commands_that_need_no_key_say_so(proface: Proface, command: list[str], option: str) -> None:
    """Case U6: the hint said "leave it out, and you will be asked for it", and then nothing was asked."""
    result = proface(*command, "a.png", option, "1")
    assert result.code == 2
    assert f"hint: `proface {command[0]}` needs no key: leave it out" in result.err
    assert "you will be asked for it" not in result.err


def test_u6_commands_that_ask_say_so(proface: Proface) -> None:
    for command in ["recover"], ["rewrap"], ["verify"], ["key", "--face", "1"], ["protect"]:
        result = proface(*command, "a.png", "--passphrase", "x")
        assert (result.code, "leave it out, and you will be asked for it" in result.err) == (2, True)
    result = proface("recover", "a.png", "-r", "age1")
    assert "see `proface recover --help`" in result.err
