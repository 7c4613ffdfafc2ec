"""``protect --robust`` and what becomes of the share copy: one command there, one command back."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from cli_kit import Proface, files
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
    assert proface("verify", name).code == 0
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
        (("--wrong-key", "cover"), "it has no cover mode"),
        (("--resume",), "cannot be given together"),
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
        assert "party.share.png is a share copy" in result.err
    assert proface("protect", ".", "-o", "out").code in (0, 4)
    assert "party.share" not in " ".join(name for name in files() if name.startswith("out"))
