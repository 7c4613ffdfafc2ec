"""``proface channels``: a kit is made once and read as often as something comes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_kit import Proface
from PIL import Image


def test_a_kit_there_and_back(proface: Proface, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROFACE_PASSPHRASE", raising=False)  # it needs no key of the user's
    made = proface("channels", "kit", "--count", "1")
    assert made.code == 0
    assert "1 photo to send" in made.err
    text = Path("kit/README.txt").read_text()
    assert "proface channels kit" in text
    assert "photo-01.share.jpg  1600 x 1200  1 face" in text

    empty = proface("channels", "kit")
    assert empty.code == 2
    assert "no files in folders of" in empty.err
    assert "named after the app" in empty.err

    Path("kit/received/chat").mkdir()
    with Image.open("kit/send/photo-01.share.jpg") as image:
        image.save("kit/received/chat/abc.jpg", quality=75)
    Path("kit/received/chat/list.txt").write_text("1")
    read = proface("channels", "kit")
    assert read.code == 0
    assert "| chat | abc.jpg | photo-01.share.jpg | 1600x1200 | all bytes," in read.out
    assert "| chat | list.txt | - | - | not a picture | - |" in read.out
    assert "chat: 1 of 1 face back, in 2 files; nothing of the kit in 1" in read.out
    first, second = proface("channels", "kit", "--json").records
    assert (first["app"], first["photo"], first["state"]) == ("chat", "photo-01.share.jpg", "all")
    assert (first["faces_back"], first["faces_sent"]) == (1, 1)
    assert (second["photo"], second["state"], second["size"]) == (None, "unreadable", None)


def test_a_folder_with_other_things_is_left_alone(proface: Proface) -> None:
    Path("album").mkdir()
    Path("album/mine.jpg").write_bytes(b"mine")
    refused = proface("channels", "album")
    assert refused.code == 2
    assert "not an empty folder" in refused.err
    assert [path.name for path in Path("album").iterdir()] == ["mine.jpg"]
    Path("album/kit.json").write_text("{}")
    assert "make a new one" in proface("channels", "album").err
