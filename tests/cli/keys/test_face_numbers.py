"""Case U2: every command shows and takes the same numbers, and `forget` asks before it destroys a face."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pytest
from cli_kit import Proface, files, save
from keys_kit import BOXES, original, pixels

RIGHT, LEFT = "140,40,48,48", "10,20,48,48"
BY_HAND = ("--faces", "none", "--box", RIGHT, "--box", LEFT)


def numbers(record: dict[str, object]) -> list[tuple[int, list[int]]]:
    faces = record["faces"]
    assert isinstance(faces, list)
    return [(face["number"], face["box"]) for face in faces]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Pretend that there is a terminal with a given answer; return the list of questions."""
    asked: list[str] = []

    def answering(answer: str) -> list[str]:
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        monkeypatch.setattr(click, "confirm", lambda text, **_: asked.append(text) or answer == "y")
        return asked

    return answering


def test_all_commands_show_the_same_numbers(proface: Proface) -> None:
    save("party.png", original())
    (found,) = proface("detect", "party.png", *BY_HAND, "--json").records
    (done,) = proface("protect", "party.png", *BY_HAND, "--json").records
    (shown,) = proface("inspect", "party.protected.png", "--json").records
    (back,) = proface("recover", "party.protected.png", "--json").records
    (checked,) = proface("verify", "party.protected.png", "--json").records
    expected = [(1, [int(v) for v in LEFT.split(",")]), (2, [int(v) for v in RIGHT.split(",")])]
    assert numbers(found) == numbers(done) == numbers(shown) == numbers(back) == numbers(checked) == expected
    lines = proface("inspect", "party.protected.png").out.splitlines()[-2:]
    assert [line.split()[:2] for line in lines] == [["1", LEFT], ["2", RIGHT]]
    assert "left, middle" in lines[0]
    result = proface("key", "party.protected.png", "--face", "2")
    assert f"opens face 2 at {RIGHT} (" in result.err
    Path("bob").write_text("the words of bob alone")
    assert proface("protect", "party.png", *BY_HAND, "--face", "1", "--passphrase-file", "bob", "--overwrite").code == 0
    (back,) = proface("recover", "party.protected.png", "--overwrite", "--json").records
    assert [face["outcome"] for face in back["faces"]] == ["locked", "exact"]


def test_numbers_that_shift_are_told(proface: Proface, astronaut: np.ndarray) -> None:
    save("two.png", np.hstack([astronaut, astronaut]))
    assert [line.split()[0] for line in proface("detect", "two.png").out.splitlines()] == ["1", "2"]
    result = proface("detect", "two.png", "--faces", "2", "--box", "4,4,40,40")
    assert [line.split()[0] for line in result.out.splitlines()] == ["1", "2"]
    assert "by hand" in result.out.splitlines()[0]
    result = proface("detect", "two.png", "--faces", "2")
    assert result.out.split()[0] == "1"
    assert "found as 2" in result.out
    result = proface("protect", "two.png", "--faces", "2")
    assert "in the file, face 1 is 2 of those found" in result.err
    (record,) = proface("protect", "two.png", "--faces", "2", "-o", "b.png", "--json").records
    assert [(face["number"], face["found"]) for face in record["faces"]] == [(1, [2])]
    result = proface("protect", "two.png", "-o", "c.png")
    assert "in the file" not in result.err
    result = proface("protect", "two.png", "--faces", "2", "--box", "4,4,40,40", "-o", "e.png")
    assert "in the file, face 1 was given by hand\n" in result.err, "detect shows another face 1; 2 is 2"
    result = proface("protect", "two.png", "--box", "4,4,40,40", "-o", "d.png")
    assert "in the file, face 1 was given by hand, 2 is 1 of those found, 3 is 2 of those found" in result.err


def test_a_terminal_is_asked_before_a_face_is_forgotten(
    proface: Proface, plain: str, terminal: Callable[[str], list[str]]
) -> None:
    before = Path(plain).read_bytes()
    asked = terminal("n")
    for more in ("--erase", "--in-place"), ():
        result = proface("forget", plain, "--face", "3", *more)
        assert result.code == 1
        assert f"{plain}: face 3, right, middle ({','.join(map(str, BOXES[2]))}), blur" in result.err
        assert "nothing was changed" in result.err
    assert "overwrite" in asked[0]
    assert Path(plain).read_bytes() == before
    assert files() == [plain]
    terminal("y")
    assert proface("forget", plain, "--face", "3", "--erase", "--in-place").code == 0
    (record,) = proface("inspect", plain, "--json").records
    assert record["forgotten"] == [3]
    assert not np.array_equal(pixels(plain), before)


def test_scripts_say_yes(proface: Proface, plain: str, terminal: Callable[[str], list[str]]) -> None:
    before = Path(plain).read_bytes()
    for more in ("--in-place",), ("--erase",), ("--erase", "--in-place"):
        result = proface("forget", plain, "--face", "2", *more)
        assert result.code == 2
        assert "--yes" in result.err
    assert Path(plain).read_bytes() == before
    assert files() == [plain]
    asked = terminal("n")
    assert proface("forget", plain, "--face", "2", "--erase", "--in-place", "--yes").code == 0
    assert not asked
    assert json.loads(proface("inspect", plain, "--json").out)["forgotten"] == [2]
