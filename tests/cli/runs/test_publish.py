"""``protect --publish``: a second file with the covers alone, in which nothing is hidden and nothing sealed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cli_kit import PASSPHRASE, Proface, files, save
from PIL import Image

BY_HAND = ("--faces", "none", "--box", "20,16,96,96", "--style", "solid")
REGION = np.s_[16:112, 20:116]


@pytest.fixture(autouse=True)
def passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFACE_PASSPHRASE", PASSPHRASE)


def test_the_covers_alone_hold_no_face(proface: Proface) -> None:
    save("photo.png")
    done = proface("protect", "photo.png", *BY_HAND, "--publish", "public.png", "--json")
    assert done.code == 0
    assert done.records[0]["published"] == "public.png"
    assert files() == ["photo.png", "photo.protected.png", "public.png"]
    public, photo = (np.asarray(Image.open(name).convert("RGB")) for name in ("public.png", "photo.png"))
    assert (public[REGION] == public[REGION][0, 0]).all()  # one colour: not even a record in the lowest bits
    outside = np.ones(photo.shape[:2], bool)
    outside[REGION] = False
    np.testing.assert_array_equal(public[outside], photo[outside])
    assert proface("inspect", "public.png").code == 5
    assert proface("recover", "public.png").code == 5
    assert proface("recover", "photo.protected.png", "-o", "back.png").code == 0
    np.testing.assert_array_equal(np.asarray(Image.open("back.png").convert("RGB")), photo)


def test_a_folder_is_published_with_its_tree(proface: Proface) -> None:
    for name in ("album/a.png", "album/trip/b.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        save(name)
    assert proface("protect", "album", *BY_HAND, "-o", "out", "--publish", "public").code == 0
    public = sorted(path.relative_to("public").as_posix() for path in Path("public").rglob("*.png"))
    assert public == ["a.covered.png", "trip/b.covered.png"]


def test_a_missing_cover_is_made_when_a_run_is_resumed(proface: Proface) -> None:
    Path("album").mkdir()
    save("album/a.png")
    run = ("protect", "album", *BY_HAND, "-o", "out", "--publish", "public")
    assert proface(*run).code == 0
    protected = Path("out/a.protected.png").read_bytes()
    cover = Path("public/a.covered.png").read_bytes()
    Path("public/a.covered.png").unlink()
    assert proface(*run, "--resume").code == 0
    assert Path("out/a.protected.png").read_bytes() == protected
    assert Path("public/a.covered.png").read_bytes() == cover


@pytest.mark.parametrize("publish", ["photo.png", "photo.protected.png"])
def test_no_input_or_output_is_replaced(proface: Proface, publish: str) -> None:
    save("photo.png")
    before = Path("photo.png").read_bytes()
    done = proface("protect", "photo.png", *BY_HAND, "--publish", publish, "--overwrite")
    assert done.code == 2
    assert publish in done.err
    assert files() == ["photo.png"]
    assert Path("photo.png").read_bytes() == before


def test_an_existing_file_stays(proface: Proface) -> None:
    save("photo.png")
    Path("public.png").write_bytes(b"mine")
    done = proface("protect", "photo.png", *BY_HAND, "--publish", "public.png")
    assert done.code != 0
    assert Path("public.png").read_bytes() == b"mine"
    assert files() == ["photo.png", "public.png"]
