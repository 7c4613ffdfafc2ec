"""``protect --robust`` and what becomes of the share copy: one command there, one command back."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from cli_kit import Proface, files, save
from PIL import Image

PHOTO = ("--faces", "none", "--box", "200,20,120,160", "--no-seal")


@pytest.fixture(autouse=True)
def party(here: Path, astronaut: np.ndarray) -> None:
    enlarged = cv2.resize(astronaut, (768, 768), interpolation=cv2.INTER_CUBIC)
    Image.fromarray(np.asarray(enlarged, np.uint8)).save("party.png")


def received(name: str, quality: int = 75) -> str:
    """Save a picture as an app would; return the new file's name."""
    with Image.open(name) as image:
        image.convert("RGB").save("from-app.jpg", quality=quality)
    return "from-app.jpg"


def test_there_and_back(proface: Proface, monkeypatch: pytest.MonkeyPatch) -> None:
    done = proface("protect", "party.png", *PHOTO, "--robust", "--json")
    assert done.code == 0
    assert files() == ["party.png", "party.protected.png", "party.share.jpg"]
    (record,) = done.records
    assert record["share"]["path"] == "party.share.jpg"
    assert record["share"]["size"] == [768, 768]
    name = received("party.share.jpg")
    (shown,) = proface("inspect", name, "--json").records
    assert (shown["source"], len(shown["faces"])) == ("share", 1)
    assert (shown["received_size"], shown["likeness_bytes"]) == ([768, 768], record["share"]["face_bytes"])
    told = proface("inspect", name).out
    assert "share copy, 1 face, reduced" in told
    assert f"a likeness from {shown['likeness_bytes'][0]} bytes" in told
    back = proface("recover", name, "--json")
    assert back.code == 0
    (face,) = back.records[0]["faces"]
    assert face.pop("likeness_bytes") == record["share"]["face_bytes"][0]
    assert face == {"number": 1, "box": [200, 20, 120, 160], "outcome": "reduced"}
    with Image.open("from-app.recovered.jpg") as image:
        assert image.size == (768, 768)
    checked = proface("verify", name)
    assert checked.code == 0
    assert "from-app.jpg: sound, share copy" in checked.out
    assert f"key opens      a likeness from {shown['likeness_bytes'][0]} bytes" in checked.out
    key = proface("key", name, "--face", "1").out.strip()
    assert proface("recover", name, "--face-key", key, "-o", "again.png").code == 0
    monkeypatch.setenv("PROFACE_PASSPHRASE", "something else entirely")
    wrong = proface("recover", name, "-o", "wrong.png")
    assert wrong.code == 3
    assert "share copy of 768 x 768 pixels with 1 face" in wrong.err
    assert not Path("wrong.png").exists()


def test_what_cannot_be_done_is_refused_before_anything_is_written(proface: Proface) -> None:
    Path("party.share.jpg").write_bytes(b"mine")
    for arguments, told in (
        ((), "party.share.jpg already exists"),
        (("--wrong-key", "cover", "--overwrite"), "it has no cover mode"),
        (("-o", "-"), "a share copy is written beside a file"),
    ):
        result = proface("protect", "party.png", *PHOTO, "--robust", *arguments)
        assert result.code in (1, 2)
        assert told in result.err
    assert files() == ["party.png", "party.share.jpg"]
    assert Path("party.share.jpg").read_bytes() == b"mine"


def test_share_copies_are_not_rewritten(proface: Proface) -> None:
    assert proface("protect", "party.png", *PHOTO, "--robust", "--share-format", "png").code == 0
    for command in (("forget", "--face", "1"), ("rewrap", "--new-passphrase-file", "party.png")):
        result = proface(command[0], "party.share.png", *command[1:])
        assert result.code == 5
        assert "party.share.png is a share copy, which cannot be changed" in result.err
        assert "hint: delete it, and make another one" in result.err
    assert proface("protect", ".", "-o", "out").code in (0, 4)
    assert "party.share" not in " ".join(name for name in files() if name.startswith("out"))


def test_a_resumed_run_makes_the_share_copies_that_are_missing(proface: Proface) -> None:
    folder("in", 3)
    run = ("protect", "in", "-o", "out", *PHOTO, "--robust", "--resume", "--jobs", "2", "--json")
    first = proface(*run)
    assert first.code == 0
    told = {record["input"]: record for record in first.records}
    for name in "abc":
        assert told[f"in/{name}.png"]["output"] == f"out/{name}.protected.png"
        assert told[f"in/{name}.png"]["share"]["path"] == f"out/{name}.share.jpg"
    before = {name: Path(name).read_bytes() for name in files() if name.startswith("out")}
    Path("out/a.share.jpg").unlink()
    Path("out/b.share.jpg").write_bytes(b"")  # reserved by a run that was killed
    for path in Path("out").glob("c.*"):
        path.unlink()
    again = proface(*run)
    assert again.code == 0
    reasons = {record["input"]: record.get("reason", record["status"]) for record in again.records}
    assert reasons == {
        "in/a.png": "is done already; its share copy is new",
        "in/b.png": "is done already; its share copy is new",
        "in/c.png": "protected",
    }
    assert {record["share"]["path"] for record in again.records} == {f"out/{name}.share.jpg" for name in "abc"}
    after = {name: Path(name).read_bytes() for name in files() if name.startswith("out")}
    assert set(after) == set(before)
    assert [name for name in after if after[name] == before[name]] == ["out/a.protected.png", "out/b.protected.png"]
    last = proface(*run)
    assert {record["reason"] for record in last.records} == {"is done already"}
    assert {name: Path(name).read_bytes() for name in after} == after
    for name in "ab":
        assert proface("recover", received(f"out/{name}.share.jpg"), "--overwrite").code == 0


def passphrases_for(options: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Write passphrases to files; if options name them, the environment has none."""
    if "--passphrase-file" in options:
        monkeypatch.delenv("PROFACE_PASSPHRASE")
    for name in ("mine", "bobs"):
        Path(name).write_text(f"seven wrong ducks of {name}")


@pytest.mark.parametrize(
    ("first", "then", "reason"),
    [
        (("--share-region", "halo"), (), "another size or region"),
        ((), ("--share-size", "keep", "--share-format", "jpeg"), None),
        (("--style", "pixelate"), (), "another cover"),
        (("--passphrase-file", "mine", "--passphrase-file", "bobs"), ("--passphrase-file", "mine"), "other keys"),
        (("--passphrase-file", "mine"), ("--passphrase-file", "bobs"), "does not open"),
    ],
    ids=["region", "same size", "style", "keys", "passphrase"],
)
def test_a_share_copy_made_in_another_way_is_not_finished(
    proface: Proface,
    monkeypatch: pytest.MonkeyPatch,
    first: tuple[str, ...],
    then: tuple[str, ...],
    reason: str | None,
) -> None:
    """The protected file is what was asked for; the share copy beside it is that of another run."""
    passphrases_for(first, monkeypatch)
    run = ("protect", "party.png", *PHOTO, "--robust")
    assert proface(*run, *first).code == 0
    Path("party.share.jpg").rename("other.jpg")
    assert proface(*run, *then, "--overwrite").code == 0
    Path("other.jpg").replace("party.share.jpg")
    before = Path("party.share.jpg").read_bytes()
    done = proface(*run, *then, "--resume")
    if reason is None:
        assert done.code == 0
        return
    assert done.code == 1
    assert "party.share.jpg already exists, and is not the share copy" in done.err
    assert reason in done.err
    assert Path("party.share.jpg").read_bytes() == before
    assert proface(*run, *then, "--resume", "--overwrite").code == 0
    assert proface(*run, *then, "--resume").code == 0
    assert Path("party.share.jpg").read_bytes() != before


def test_a_share_copy_of_a_jpeg_is_proved_too(proface: Proface) -> None:
    with Image.open("party.png") as image:
        image.resize((1001, 999)).save("odd.jpg", quality=90)
    run = ("protect", "odd.jpg", "--faces", "none", "--box", "700,600,301,399", "--robust", "--resume", "--json")
    assert proface(*run).code == 0
    (again,) = proface(*run).records
    assert (again["status"], again["reason"]) == ("skipped", "is done already")
    assert again["share"] == {"path": "odd.share.jpg"}


def test_recipients_of_a_share_copy_are_proved_with_their_keys(proface: Proface) -> None:
    for name in ("alice", "bob"):
        assert proface("keygen", "-o", f"{name}.key").code == 0
        line = next(each for each in Path(f"{name}.key").read_text().splitlines() if "public key" in each)
        Path(f"{name}.pub").write_text(line.split()[-1])
    run = ("protect", "party.png", *PHOTO, "--robust", "--resume", "-R", "alice.pub", "-R", "bob.pub")
    assert proface(*run).code == 0
    assert "for which recipients" in proface(*run, "-i", "alice.key").err
    assert proface(*run, "-i", "alice.key", "-i", "bob.key").code == 0
    back = proface("recover", received("party.share.jpg"), "-i", "bob.key", "--json")
    assert [face["outcome"] for face in back.records[0]["faces"]] == ["reduced"]


def test_a_photo_without_a_face_has_no_share_copy(proface: Proface) -> None:
    run = ("protect", "party.png", "--faces", "none", "--allow-no-face", "--robust", "--resume", "--json")
    (record,) = proface(*run).records
    assert record["status"] == "no-face"
    assert "share" not in record
    (again,) = proface(*run).records
    assert (again["status"], "share" in again) == ("skipped", False)
    assert files() == ["party.png", "party.protected.png"]


def test_a_share_copy_alone(proface: Proface) -> None:
    run = ("protect", "party.png", *PHOTO, "--share-only")
    done = proface(*run, "--json")
    assert done.code == 0
    assert files() == ["party.png", "party.share.jpg"]
    (record,) = done.records
    assert (record["output"], record["share"]["path"]) == ("party.share.jpg", "party.share.jpg")
    assert record["output_bytes"] == Path("party.share.jpg").stat().st_size
    assert any("the exact faces are in the original only" in warning for warning in record["warnings"])
    assert proface("recover", received("party.share.jpg")).code == 0
    assert "already exists" in proface(*run).err
    before = Path("party.share.jpg").read_bytes()
    (again,) = proface(*run, "--resume", "--json").records
    assert again["reason"] == "is done already"
    other = proface(*run, "--resume", "--share-region", "halo")
    assert "is not the share copy for party.png" in other.err
    assert Path("party.share.jpg").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--sidecar",), "--sidecar and --share-only cannot be given together"),
        (("--allow-no-face",), "--allow-no-face and --share-only cannot be given together"),
        (("--format", "webp"), "--format and --share-only cannot be given together"),
        (("-o", "sent.png"), "sent.png is not a name for a share copy in jpeg"),
        (("--share-format", "png", "-o", "sent.jpg"), "sent.jpg is not a name for a share copy in png"),
    ],
)
def test_what_does_not_go_with_a_share_copy_alone(proface: Proface, arguments: tuple[str, ...], told: str) -> None:
    result = proface("protect", "party.png", *PHOTO, "--share-only", *arguments)
    assert result.code == 2
    assert told in result.err
    assert files() == ["party.png"]


BOTH = ("--faces", "none", "--box", "200,20,120,160", "--share-inside")


def test_one_file_for_both(proface: Proface) -> None:
    Image.open("party.png").save("party.jpg", quality=92)
    Path("party.png").unlink()
    done = proface("protect", "party.jpg", *BOTH, "--publish", "covers.png", "--json")
    assert done.code == 0
    assert files() == ["covers.png", "party.jpg", "party.protected.png"]
    (record,) = done.records
    assert (record["output"], record["share"]["path"]) == ("party.protected.png", "party.protected.png")
    assert (record["share"]["inside"], record["share"]["size"]) == (True, [768, 768])
    lengths = record["share"]["face_bytes"]
    assert (
        f"in this file: 1 face, reduced, likenesses from {lengths[0]} bytes"
        in proface("inspect", "party.protected.png").out
    )
    assert proface("inspect", "party.protected.png", "--json").records[0]["inside_bytes"] == lengths
    assert proface("inspect", "covers.png").code == 5
    (exact,) = proface("recover", "party.protected.png", "--json").records
    assert [face["outcome"] for face in exact["faces"]] == ["exact"]
    (reduced,) = proface("recover", received("party.protected.png"), "--json").records
    assert [face["outcome"] for face in reduced["faces"]] == ["reduced"]
    assert "of which the key opens face 1" in proface("verify", "party.protected.png").err
    Path("new").write_text("another fine passphrase")
    for command in (("forget", "--face", "1"), ("rewrap", "--new-passphrase-file", "new")):
        result = proface(command[0], "party.protected.png", *command[1:])
        assert result.code == 2
        assert "also carries a share copy, which cannot be changed" in result.err
        assert "hint: protect the original photo again" in result.err
    piped = proface("protect", "party.jpg", *BOTH, "-o", "-")
    assert piped.code == 0


@pytest.mark.parametrize(
    ("first", "then", "reason"),
    [
        (BOTH, BOTH, None),
        ((*BOTH, "--share-region", "halo"), BOTH, "another size or region of the share copy"),
        (BOTH[:-1], BOTH, "without a share copy in it"),
        (BOTH, BOTH[:-1], "with a share copy in it"),
        ((*BOTH, "--style", "pixelate"), BOTH, "another photo"),
        ((*BOTH, "--passphrase-file", "mine"), (*BOTH, "--passphrase-file", "bobs"), "does not open"),
    ],
    ids=["same", "region", "without", "with", "style", "passphrase"],
)
def test_a_resumed_run_knows_files_for_both(
    proface: Proface,
    monkeypatch: pytest.MonkeyPatch,
    first: tuple[str, ...],
    then: tuple[str, ...],
    reason: str | None,
) -> None:
    passphrases_for(first, monkeypatch)
    Path("in").mkdir()
    Path("party.png").rename("in/party.png")
    assert proface("protect", "in", "-o", "out", *first).code == 0
    before = Path("out/party.protected.png").read_bytes()
    done = proface("protect", "in", "-o", "out", *then, "--resume", "--json")
    if reason is None:
        assert done.records[0]["reason"] == "is done already"
    else:
        assert done.code == 1
        assert reason in done.err
    assert [name for name in files() if name.startswith("out")] == ["out/party.protected.png"]
    assert Path("out/party.protected.png").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--share-only",), "--share-only and --share-inside cannot be given together"),
        (("--share-size", "1600"), "--share-size and --share-inside cannot be given together"),
        (("--share-format", "png"), "--share-format and --share-inside cannot be given together"),
        (("--no-seal",), "without seals, no face in a file is exact"),
        (("--format", "jpeg"), "the output cannot be a JPEG: reduced faces are hidden in the pixels"),
        (("-o", "both.jpg"), "the output cannot be a JPEG"),
    ],
)
def test_what_does_not_go_with_one_file_for_both(proface: Proface, arguments: tuple[str, ...], told: str) -> None:
    result = proface("protect", "party.png", *BOTH, *arguments)
    assert result.code == 2
    assert told in result.err
    assert files() == ["party.png"]


def test_share_copies_in_a_folder_are_found_if_asked_for(proface: Proface) -> None:
    folder("in", 2)
    assert proface("protect", "in", "-o", "sent", *PHOTO, "--share-only").code == 0
    assert files()[-2:] == ["sent/a.share.jpg", "sent/b.share.jpg"]
    Path("chat").mkdir()
    for number, name in enumerate("ab"):
        Path(received(f"sent/{name}.share.jpg")).rename(f"chat/IMG-{number}.jpg")
    with Image.open("party.png") as image:
        image.save("chat/holiday.png")
    Path("chat/notes.txt").write_text("left alone")
    assert "there are no protected files in this folder" in proface("recover", "chat", "-o", "back").err
    done = proface("recover", "chat", "-o", "back", "--share-copies", "--json", "--jobs", "2")
    assert done.code == 0
    told = {record["input"]: record for record in done.records}
    assert told["chat/holiday.png"]["reason"] == "has nothing hidden in it that could be found"
    for number in range(2):
        record = told[f"chat/IMG-{number}.jpg"]
        assert record["output"] == f"back/IMG-{number}.recovered.jpg"
        assert [face["outcome"] for face in record["faces"]] == ["reduced"]
    assert len(told) == 3
    for command in ("inspect", "verify"):
        assert len(proface(command, "chat", "--share-copies", "--json").records) == 3
    assert proface("recover", "chat", "-o", "again", "--share-copies", "--from-pixels").code == 2


def test_no_share_copy_replaces_another_file_of_the_run(proface: Proface) -> None:
    save("in/a.png", np.asarray(Image.open("party.png")))
    save("in/a.protected.png", np.asarray(Image.open("party.png")))
    result = proface("protect", "party.png", *PHOTO, "--robust", "-o", "x.png", "--publish", "x.share.jpg")
    assert result.code == 2
    assert "the share copy of party.png would replace x.share.jpg" in result.err
    Path("y.share.jpg").write_bytes(Path("party.png").read_bytes())
    result = proface("protect", "y.share.jpg", *PHOTO, "--robust", "-o", "y.png", "--overwrite")
    assert result.code == 2
    assert Path("y.share.jpg").read_bytes() == Path("party.png").read_bytes()


def test_who_changes_a_protected_file_hears_of_its_share_copies(proface: Proface) -> None:
    assert proface("protect", "party.png", *PHOTO, "--robust").code == 0
    before = Path("party.share.jpg").read_bytes()
    Path("new").write_text("another fine passphrase")
    for command in (("forget", "--face", "1"), ("rewrap", "--new-passphrase-file", "new")):
        done = proface(command[0], "party.protected.png", *command[1:])
        assert done.code == 0
        assert "party.share.jpg is not changed, nor are copies of it that were sent" in done.err
    assert Path("party.share.jpg").read_bytes() == before
    Path("party.share.jpg").unlink()
    quiet = proface("forget", "party.protected.png", "--face", "1", "--overwrite")
    assert "share" not in quiet.err


def test_the_audit_log_tells_reduced_faces(proface: Proface) -> None:
    assert proface("protect", "party.png", *PHOTO, "--share-only").code == 0
    name = received("party.share.jpg")
    assert proface("recover", name, "--audit", "log").code == 0
    assert proface("key", name, "--face", "1", "--audit", "log").code == 0
    assert proface("verify", name, "--audit", "log").code == 0
    entries = [json.loads(line) for line in Path("log").read_text().splitlines()]
    assert list(dict.fromkeys(entry["command"] for entry in entries)) == ["recover", "key", "verify"]
    recovered = [entry for entry in entries if entry["command"] == "recover"][-1]
    assert "reduced" in json.dumps(recovered)


def test_a_sidecar_is_no_part_of_a_share_copy(proface: Proface) -> None:
    assert proface("protect", "party.png", *PHOTO, "--robust", "--sidecar").code == 0
    assert "party.protected.pfs" in files()
    name = received("party.share.jpg")
    wrong = proface("recover", name, "--sidecar", "party.protected.pfs")
    assert wrong.code == 5
    assert "belongs to another picture" in wrong.err
    assert proface("recover", name).code == 0


def folder(name: str, number: int) -> None:
    """Write photos a.png, b.png, ..., which differ."""
    Path(name).mkdir()
    with Image.open("party.png") as image:
        for index in range(number):
            image.rotate(index).save(Path(name, f"{'abcdef'[index]}.png"))
