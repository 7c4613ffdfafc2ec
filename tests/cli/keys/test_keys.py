"""Keys: one per face, key pairs and recipients, and the effect of a wrong key."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_kit import PASSPHRASE, Proface, files, save
from keys_kit import BOBS_PASSPHRASE, BOXES, BY_HAND, opened, original, outcomes, pixels, secret

from proface_s.container.carriers.carrier import from_chunks, to_chunks
from proface_s.container.carriers.png import read_png_chunks, write_png_chunks


def test_everybody_opens_his_own_face(proface: Proface, party: str, prepared: Path) -> None:
    assert proface("recover", party, "-o", "mine.png").code == 0
    assert opened("mine.png") == [0]
    carols = str(prepared / "carol.key")
    assert proface("recover", party, "-o", "carols.png", "-i", carols).code == 0
    assert opened("carols.png") == [2]
    os.environ.pop("PROFACE_PASSPHRASE")
    result = proface("recover", party, "-o", "bobs.png", "--passphrase-file", str(prepared / "bob"), "--json")
    assert outcomes(result) == ["locked", "exact", "locked"]
    assert opened("bobs.png") == [1]
    both = ("--passphrase-file", str(prepared / "bob"), "-i", carols)
    assert proface("recover", party, "-o", "both.png", *both).code == 0
    assert opened("both.png") == [1, 2]
    assert np.array_equal(pixels("both.png")[:20], original()[:20])


def test_a_face_key_opens_one_face(proface: Proface, plain: str) -> None:
    result = proface("key", plain, "--face", "3")
    assert result.code == 0
    assert re.fullmatch(r"pfk1[a-z0-9]{75}\n", result.out)
    assert "face 3 at 140,40,48,48" in result.err
    key = result.out.strip()
    assert key[10:] not in result.err
    assert proface("key", plain, "--face", "3").out.strip() == key
    assert files() == [plain]

    result = proface("recover", plain, "--face-key", key, "--json")
    assert outcomes(result) == ["locked", "locked", "exact"], "the passphrase of the environment is not used"
    assert opened("plain.recovered.png") == [2]
    assert key not in result.out + result.err

    Path("two.keys").write_text(f"# faces 1 and 3\n{proface('key', plain, '--face', '1').out}{key}\n")
    assert proface("recover", plain, "--face-key-file", "two.keys", "-o", "two.png").code == 0
    assert opened("two.png") == [0, 2]


def test_a_face_key_drawn_as_a_code(proface: Proface, plain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    result = proface("key", plain, "--face", "1", "--qr", "-q")
    assert result.code == 0
    *drawing, key = result.out.splitlines()
    assert key == proface("key", plain, "--face", "1").out.strip()
    assert len(drawing) > 15
    assert "█" in result.out or "▀" in result.out or "▄" in result.out
    monkeypatch.setitem(__import__("sys").modules, "segno", None)
    result = proface("key", plain, "--face", "1", "--qr")
    assert result.code == 2
    assert result.out == ""
    assert "proface-s[qr]" in result.err


def test_a_face_key_from_an_identity(proface: Proface, party: str, prepared: Path) -> None:
    result = proface("key", party, "--face", "3", "-i", str(prepared / "carol.key"))
    assert result.code == 0
    assert proface("recover", party, "--face-key", result.out.strip(), "-o", "x.png").code == 0
    assert opened("x.png") == [2]
    result = proface("key", party, "--face", "2", "-i", str(prepared / "carol.key"))
    assert result.code == 3
    assert result.out == ""
    assert "does not open face 2" in result.err


def test_only_some_faces_are_brought_back(proface: Proface, plain: str) -> None:
    result = proface("recover", plain, "--face", "1,3", "--json")
    assert outcomes(result) == ["exact", "left", "exact"]
    assert opened("plain.recovered.png") == [0, 2]
    result = proface("recover", plain, "--face", "4", "-o", "x.png")
    assert result.code == 2
    assert "there is no face 4" in result.err
    assert files() == [plain, "plain.recovered.png"]


def test_a_face_key_of_another_file(proface: Proface, plain: str, party: str) -> None:
    key = proface("key", plain, "--face", "1").out.strip()
    for command in ("recover", party), ("verify", party):
        result = proface(*command, "--face-key", key)
        assert result.code == 3
        assert result.errors == ["error: party.protected.png: the face key belongs to another file"]
        assert "hint: " in result.err
    result = proface("recover", plain, "--face-key", key, "--face", "2")
    assert result.code == 3
    assert "does not open face 2" in result.err
    assert files() == ["party.protected.png", plain]


def test_a_face_key_with_a_typing_error(proface: Proface, plain: str) -> None:
    key = proface("key", plain, "--face", "1").out.strip()
    wrong = key[:20] + ("q" if key[20] != "q" else "p") + key[21:]
    Path("keys").write_text(wrong)
    for text in ("--face-key", wrong), ("--face-key", key[:-3]), ("--face-key", "hello"), ("--face-key-file", "keys"):
        result = proface("recover", plain, *text)
        assert result.code == 2
        assert "is not usable" in result.err
        assert wrong[10:30] not in result.err
    assert files() == ["keys", plain]


def test_the_key_of_a_face_that_does_not_exist(proface: Proface, plain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROFACE_PASSPHRASE")  # it is not even asked for
    result = proface("key", plain, "--face", "4")
    assert result.code == 2
    assert "no face 4" in result.err
    assert result.out == ""
    save("a.png")
    assert proface("key", "a.png", "--face", "1").code == 5
    assert proface("key", "missing.png", "--face", "1").code == 1
    assert proface("key", plain).code == 2


def test_numbers_of_faces_are_those_of_detect(proface: Proface, astronaut: np.ndarray, prepared: Path) -> None:
    save("two.png", np.hstack([astronaut, astronaut]))
    own = ("--face", "3", "-R", str(prepared / "carol.pub"), "--face", "2", "--passphrase-file", str(prepared / "bob"))
    result = proface("protect", "two.png", "--box", "300,300,40,40", *own)
    assert result.code == 0
    found = proface("inspect", "two.protected.png", "--json").records[0]
    boxes = [face["box"] for face in found["faces"]]
    result = proface("recover", "two.protected.png", "-i", str(prepared / "carol.key"), "--json")
    (carols,) = [box for box, outcome in zip(boxes, outcomes(result), strict=True) if outcome == "exact"]
    assert carols[0] > 512
    os.environ.pop("PROFACE_PASSPHRASE")
    bobs = ("--passphrase-file", str(prepared / "bob"), "-o", "bobs.png", "--json")
    result = proface("recover", "two.protected.png", *bobs)
    (bobs_box,) = [box for box, outcome in zip(boxes, outcomes(result), strict=True) if outcome == "exact"]
    assert bobs_box == [300, 300, 40, 40]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--face", "4", "--passphrase-file", "bob"), "there is no face 4"),
        (("--face", "2"), "no key is named after --face 2"),
        (("--face", "2", "--passphrase-file", "bob", "--face", "1,2", "-R", "carol.pub"), "already has its keys"),
        (("--face", "one", "-R", "carol.pub"), "faces are given by number"),
        (("--face", "0", "-R", "carol.pub"), "faces are counted from 1"),
        (("--faces", "0"), "faces are counted from 1"),
        (("--face", "1", "--passphrase-file", "missing"), "does not exist"),
        (("--face", "1", "--passphrase-file", "short"), "at least 8"),
        (("-r", "age1qqqq"), "is not usable"),
        (("-r", "AGE-SECRET-KEY-1QQQQQQ"), "is a private key"),
        (("-R", "missing"), "No such file"),
        (("-R", "short"), "line 1 of recipients file short is not usable"),
        (("-R", "carol.key"), "line 3 of recipients file carol.key is a private key"),
        (("--wrong-key", "cover", "-R", "carol.pub"), "exactly one passphrase"),
        (("--wrong-key", "maybe"), "maybe"),
    ],
)
def test_locks_that_make_no_sense(proface: Proface, prepared: Path, arguments: tuple[str, ...], problem: str) -> None:
    for name in "bob", "carol.pub", "carol.key", "party.png":
        shutil.copy(prepared / name, name)
    secret("short", "seven77")
    result = proface("protect", "party.png", *BY_HAND, *arguments)
    assert result.code == 2
    assert len(result.errors) == 1
    assert problem in result.err
    for hidden in "seven77", BOBS_PASSPHRASE, Path("carol.key").read_text().splitlines()[2], "QQQQQQ":
        assert hidden not in result.err
    assert files() == ["bob", "carol.key", "carol.pub", "party.png", "short"]


def test_faces_that_overlap_cannot_have_different_keys(proface: Proface, prepared: Path) -> None:
    save("a.png")
    boxes = ("--faces", "none", "--box", "40,20,64,64", "--box", "44,24,60,60")
    result = proface("protect", "a.png", *boxes, "--face", "2", "-R", str(prepared / "carol.pub"))
    assert result.code == 2
    assert "there is no face 2: the only one is face 1" in result.err
    assert "faces that overlap are hidden as one" in result.err
    assert files() == ["a.png"]
    assert proface("protect", "a.png", *boxes, "--face", "1", "-R", str(prepared / "carol.pub")).code == 0


def test_a_face_that_nobody_could_open(proface: Proface, prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROFACE_PASSPHRASE")
    save("party.png", original())
    own = ("--face", "1,2", "-R", str(prepared / "carol.pub"))
    result = proface("protect", "party.png", *BY_HAND, *own)
    assert result.code == 2
    assert "face 3 has no passphrase and no recipient" in result.err
    assert files() == ["party.png"]
    assert proface("protect", "party.png", *BY_HAND, *own, "--face", "3", "-R", str(prepared / "carol.pub")).code == 0
    assert proface("recover", "party.protected.png", "-i", str(prepared / "carol.key")).code == 0
    assert opened("party.recovered.png") == [0, 1, 2]


def test_a_key_pair(proface: Proface) -> None:
    result = proface("keygen", "-o", "ann.key")
    assert result.code == 0
    assert re.fullmatch(r"age1[a-z0-9]{58}\n", result.out)
    assert stat.S_IMODE(Path("ann.key").stat().st_mode) == 0o600
    text = Path("ann.key").read_text()
    assert "AGE-SECRET-KEY-1" in text
    assert "AGE-SECRET-KEY-1" not in result.out + result.err
    assert proface("keygen", "--public", "ann.key").out == result.out
    again = proface("keygen", "-o", "ann.key")
    assert again.code == 1
    assert again.out == ""
    assert Path("ann.key").read_text() == text
    printed = proface("keygen")
    assert printed.out.splitlines()[2].startswith("AGE-SECRET-KEY-1")
    assert "AGE-SECRET-KEY-1" not in printed.err
    assert proface("keygen", "-o", "x", "--public", "ann.key").code == 2
    assert files() == ["ann.key"]


def test_recipients_alone_need_no_passphrase(proface: Proface, prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROFACE_PASSPHRASE")
    public = (prepared / "carol.pub").read_text().strip()
    other = proface("keygen", "-o", "ann.key").out.strip()
    save("party.png", original())
    assert proface("protect", "party.png", *BY_HAND, "-r", public, "-r", other).code == 0
    (record,) = proface("inspect", "party.protected.png", "--json").records
    assert (record["recipients"], record["kdf"]) == (2, [])
    for number, key in enumerate((prepared / "carol.key", "ann.key")):
        assert proface("recover", "party.protected.png", "-i", str(key), "-o", f"{number}.png").code == 0
        assert opened(f"{number}.png") == [0, 1, 2]
    monkeypatch.setenv("PROFACE_PASSPHRASE", PASSPHRASE)
    result = proface("recover", "party.protected.png", "-o", "x.png")
    assert result.code == 3
    assert "-i" in result.err
    assert "x.png" not in files()


def test_an_identity_that_opens_nothing(proface: Proface, party: str, plain: str) -> None:
    assert proface("keygen", "-o", "eve.key").code == 0
    result = proface("recover", party, "-i", "eve.key")
    assert result.code == 3
    assert "no identity given opens this file" in result.err
    result = proface("recover", plain, "-i", "eve.key")
    assert result.code == 3
    assert "not made for any recipient" in result.err
    assert files() == ["eve.key", party, plain]


def test_identity_files_that_cannot_be_used(proface: Proface, party: str, prepared: Path) -> None:
    Path("open.key").write_text((prepared / "carol.key").read_text())
    Path("open.key").chmod(0o644)
    result = proface("recover", party, "-i", "open.key", "-o", "x.png")
    assert result.code == 0
    assert "warning: identity file open.key can be read by other users" in result.err
    Path("locked.key").write_text("-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n")
    Path("public.key").write_text((prepared / "carol.pub").read_text())
    Path("cut.key").write_text((prepared / "carol.key").read_text()[:-4])
    for name, problem in ("locked.key", "encrypted"), ("public.key", "not usable"), ("cut.key", "line 3"), ("no", "No"):
        result = proface("recover", party, "-i", name)
        assert result.code == 2
        assert problem in result.err
        assert "SECRET-KEY-1" not in result.err.replace("AGE-SECRET-KEY-1...", "")
    assert "party.recovered.png" not in files()


def test_truncated_and_swapped_wrapped_keys(proface: Proface, party: str, prepared: Path) -> None:
    """The checksum is made right again, so that only the keys themselves can show it."""
    chunks = read_png_chunks(Path(party).read_bytes())
    header, seals = from_chunks(chunks)
    mine, bobs, carols = header.groups
    first, second, third = header.faces
    swaps: dict[str, Any] = {
        "stanzas.png": replace(
            header, groups=(replace(mine, stanzas=bobs.stanzas), replace(bobs, stanzas=mine.stanzas), carols)
        ),
        "slots.png": replace(header, faces=(replace(first, slot=second.slot), replace(second, slot=first.slot), third)),
        "macs.png": replace(header, groups=(replace(mine, mac=bobs.mac), replace(bobs, mac=mine.mac), carols)),
    }
    for name, swapped in swaps.items():
        Path(name).write_bytes(write_png_chunks(Path(party).read_bytes(), to_chunks(swapped, seals)))
    assert proface("recover", "stanzas.png").code == 3
    for name in "slots.png", "macs.png":
        result = proface("recover", name)
        assert result.code == 5
        assert "altered" in result.err
    cut = chunks["pfSh"][0]
    body = cut[:-8].replace(mine.stanzas[0].wrapped_key, mine.stanzas[0].wrapped_key[:-1])  # type: ignore[union-attr]
    Path("cut.png").write_bytes(
        write_png_chunks(Path(party).read_bytes(), {**chunks, "pfSh": [body + hashlib.sha256(body).digest()[:8]]})
    )
    assert proface("recover", "cut.png").code == 5
    assert files() == sorted([*swaps, "cut.png", party])


def test_the_noise_picture_must_be_asked_for(proface: Proface, plain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFACE_PASSPHRASE", "something else entirely")
    assert proface("recover", plain).code == 3
    assert files() == [plain]
    result = proface("recover", plain, "--force", "--json")
    assert result.code == 0
    assert outcomes(result) == ["noise"] * 3
    assert "noise" in result.err
    shown, covered = pixels("plain.recovered.png"), pixels(plain)
    for x, y, w, h in BOXES:
        region = np.s_[y : y + h, x : x + w]
        assert np.abs(shown[region].astype(int) - original()[region]).mean() > 40
        assert np.abs(shown[region].astype(int) - covered[region]).mean() > 40
    assert np.array_equal(shown[:20], original()[:20])
    monkeypatch.setenv("PROFACE_PASSPHRASE", PASSPHRASE)
    assert outcomes(proface("recover", plain, "--force", "-o", "right.png", "--json")) == ["exact"] * 3


def test_a_wrong_key_quietly_gives_the_cover(
    proface: Proface, cover_mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = proface("recover", cover_mode, "-o", "a.png", "--json")
    monkeypatch.setenv("PROFACE_PASSPHRASE", "something else entirely")
    wrong = proface("recover", cover_mode, "-o", "b.png", "--json")
    assert (right.code, wrong.code) == (0, 0)
    assert outcomes(right) == outcomes(wrong) == ["estimate"] * 3
    told = [re.sub(r", \d+ kB -> \d+ kB", "", result.err).replace("a.png", "b.png") for result in (right, wrong)]
    assert told[0] == told[1], "but for the size of another picture"
    assert np.array_equal(pixels("b.png"), pixels(cover_mode))
    close, covered = pixels("a.png").astype(int), pixels(cover_mode).astype(int)
    for x, y, w, h in BOXES:
        region = np.s_[y : y + h, x : x + w]
        assert np.abs(close[region] - original()[region]).mean() < np.abs(covered[region] - original()[region]).mean()


def test_the_deniable_file_holds_no_seal_and_no_check(proface: Proface, cover_mode: str) -> None:
    chunks = read_png_chunks(Path(cover_mode).read_bytes())
    header, seals = from_chunks(chunks)
    assert seals == {}
    assert header.groups[0].mac == bytes(32)
    assert len(header.groups[0].stanzas) == 1
    assert not hasattr(header.groups[0].stanzas[0], "wrapped_key")
    (record,) = proface("inspect", cover_mode, "--json").records
    assert record["wrong_key"] == "cover"
    result = proface("verify", cover_mode, "--json")
    assert result.code == 0
    assert result.records[0]["authentic"] is False
    assert "no key can be checked" in result.err
    assert {face["key"] for face in result.records[0]["faces"]} == {"unchecked"}


def test_a_face_key_of_a_deniable_file(proface: Proface, cover_mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    result = proface("key", cover_mode, "--face", "1")
    assert result.code == 0
    assert "nothing tells whether the passphrase was right" in result.err
    right = proface("recover", cover_mode, "--face-key", result.out.strip(), "-o", "a.png")
    assert right.code == 0
    monkeypatch.setenv("PROFACE_PASSPHRASE", "something else entirely")
    other = proface("key", cover_mode, "--face", "1")
    assert other.code == 0
    assert other.out != result.out
    assert proface("recover", cover_mode, "--face-key", other.out.strip(), "-o", "b.png").code == 0
    assert np.array_equal(pixels("b.png"), pixels(cover_mode))
    assert not np.array_equal(pixels("a.png"), pixels(cover_mode))


def test_a_seal_would_give_the_deniable_file_away(proface: Proface, prepared: Path) -> None:
    from proface_s import Session
    from proface_s.errors import UsageError

    with pytest.raises(UsageError, match="no seal"):
        Session().protect(original(), PASSPHRASE, boxes=["10,20,48,48"], faces="none", seal=True, wrong_key="cover")
