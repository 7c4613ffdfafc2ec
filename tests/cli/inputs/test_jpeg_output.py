"""`proface protect --format jpeg` and what the other commands do with its files."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from cli_kit import Proface

from jpeg_kit import jpeg_file, opencv_pixels, pillow_frame, pillow_pixels

pytest.importorskip("wasmtime")

BY_HAND = ("--box", "9,7,20,18", "--box", "40,20,14,14", "--faces", "none")
PROTECT = ("--format", "jpeg", *BY_HAND)


@pytest.fixture
def party(here: Path) -> bytes:
    """Write a photo, `party.jpg`, into the current folder."""
    data = jpeg_file(orientation=6, progressive=True)
    Path("party.jpg").write_bytes(data)
    return data


def same_pixels(name: str, data: bytes) -> bool:
    found = Path(name).read_bytes()
    return all(np.array_equal(decode(found), decode(data)) for decode in (pillow_pixels, opencv_pixels))


def test_there_and_back(proface: Proface, party: bytes) -> None:
    assert proface("protect", "party.jpg", *PROTECT).code == 0
    assert Path("party.protected.jpg").exists()
    assert proface("inspect", "party.protected.jpg").code == 0
    assert proface("verify", "party.protected.jpg").code == 0
    assert proface("recover", "party.protected.jpg").code == 0
    assert same_pixels("party.recovered.jpg", party)
    assert pillow_frame(Path("party.recovered.jpg").read_bytes()) == pillow_frame(party)
    assert proface("protect", "party.jpg", *PROTECT, "--resume").code == 0
    assert proface("recover", "party.protected.jpg", "--resume").code == 0
    assert proface("recover", "party.protected.jpg", "-o", "pixels.png").code == 0
    assert proface("recover", "party.protected.jpg", "--from-pixels", "-o", "x.png").code == 2


def test_forget_and_rewrap_name_their_outputs_after_the_input(proface: Proface, party: bytes) -> None:
    proface("protect", "party.jpg", *PROTECT)
    assert proface("forget", "party.protected.jpg", "--face", "1", "--erase", "--yes").code == 0
    assert Path("party.forgotten.jpg").exists()
    assert proface("recover", "party.forgotten.jpg", "--face", "1", "-o", "no.jpg").code == 3
    told = json.loads(proface("verify", "party.forgotten.jpg", "--json").out)
    assert [face["pixels"] for face in told["faces"]] == ["erased", "unchanged"]


def test_folders_and_what_cannot_be_done(proface: Proface, party: bytes) -> None:
    Path("album").mkdir()
    shutil.copy("party.jpg", "album/one.jpg")
    assert proface("protect", "album", "-o", "safe", *PROTECT).code == 0
    assert proface("recover", "safe", "-o", "back").code == 0
    assert same_pixels("back/one.recovered.jpg", party)
    for option in (("--no-seal",), ("--wrong-key", "cover")):
        refused = proface("protect", "party.jpg", *PROTECT, *option)
        assert refused.code == 2
        assert "--format jpeg" in refused.err
    assert proface("protect", "party.jpg", *PROTECT, "-o", "x.png").code == 2


@pytest.mark.parametrize(
    "command",
    [
        ("exiftool", "-q", "-q", "-warning", "-error"),
        ("djpeg", "-outfile", "out.ppm"),
        ("jpegtran", "-outfile", "out.jpg"),
    ],
)
def test_other_programs_read_it_without_a_warning(proface: Proface, party: bytes, command: tuple[str, ...]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    proface("protect", "party.jpg", *PROTECT)
    done = subprocess.run([*command, "party.protected.jpg"], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_passphrase_is_needed(proface: Proface, party: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    proface("protect", "party.jpg", *PROTECT)
    monkeypatch.setenv("PROFACE_PASSPHRASE", "another one altogether")
    assert proface("recover", "party.protected.jpg").code == 3
    assert not Path("party.recovered.jpg").exists()
