"""A recovery from which no face comes back is a failure: with an error and without an output."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli_kit import PASSPHRASE, Proface, files
from keys_kit import pixels

from proface_s import Session, WrongKeyError

WHY = "no face came back: face 1, 2, 3 is forgotten"


@pytest.fixture
def forgotten(proface: Proface, plain: str) -> str:
    assert proface("forget", plain, "--face", "1,2,3", "--in-place", "--yes").code == 0
    return plain


def test_nothing_is_written_and_the_status_says_so(proface: Proface, forgotten: str) -> None:
    for more in (), ("--force",), ("--expect", "noise"), ("--resume",):
        result = proface("recover", forgotten, "-o", "x.png", *more)
        assert (result.code, result.errors) == (3, [f"error: {forgotten}: {WHY}"])
    assert files() == [forgotten]
    (record,) = proface("recover", forgotten, "-o", "x.png", "--json").records
    assert (record["status"], record["exit_code"]) == ("error", 3)
    assert files() == [forgotten]


def test_an_output_of_an_earlier_version_is_not_taken_for_done(proface: Proface, forgotten: str) -> None:
    earlier = Session(threads=1).recover(Path(forgotten).read_bytes(), PASSPHRASE)
    Path("x.png").write_bytes(earlier.data)
    for more in (), ("--overwrite",):
        assert proface("recover", forgotten, "-o", "x.png", "--resume", *more).code == 3
    assert Path("x.png").read_bytes() == earlier.data


def test_pipes_stay_empty(proface: Proface, forgotten: str) -> None:
    result = proface("recover", forgotten, "-o", "-")
    assert (result.code, result.out) == (3, "")
    assert WHY in result.err


def test_the_audit_log_has_it_too(proface: Proface, forgotten: str) -> None:
    assert proface("recover", forgotten, "-o", "x.png", "--audit", "log").code == 3
    last = json.loads(Path("log").read_text().splitlines()[-1])
    assert (last["exit_code"], last["error"]) == (3, WHY)


def test_others_in_the_folder_come_back(proface: Proface, forgotten: str, cover_mode: str) -> None:
    result = proface("recover", ".", "-o", "out")
    assert result.code == 1
    assert [path.name for path in Path("out").iterdir()] == [cover_mode.replace(".protected.", ".recovered.")]


def test_faces_that_stay_locked_are_named_apart(proface: Proface, plain: str) -> None:
    key = proface("key", plain, "--face", "2").out.strip()
    assert proface("forget", plain, "--face", "2", "--erase", "--in-place", "--yes").code == 0
    result = proface("recover", plain, "--face-key", key)
    assert (result.code, result.errors) == (
        3,
        [f"error: {plain}: no face came back: face 1, 3 is locked; face 2 is forgotten"],
    )


def test_in_cover_mode_too(proface: Proface, cover_mode: str) -> None:
    faces = ",".join(
        str(face.number) for face in Session(threads=1).recover(cover_mode, PASSPHRASE, output="x.png").faces
    )
    Path("x.png").unlink()
    assert proface("forget", cover_mode, "--face", faces, "--in-place", "--yes").code == 0
    result = proface("recover", cover_mode)
    assert result.code == 3
    assert "no face came back: face " in result.err
    assert files() == [cover_mode]


def test_the_library_returns_the_covered_photo_and_writes_nothing(forgotten: str) -> None:
    result = Session(threads=1).recover(forgotten, PASSPHRASE, output="x.png")
    assert (result.path, result.image) == (None, None)
    assert f"{WHY}; nothing was written" in result.warnings
    assert np.array_equal(result.recovered, pixels(forgotten))
    assert files() == [forgotten]
    with pytest.raises(WrongKeyError, match=WHY):
        result.require_faces()


def test_one_face_is_enough(proface: Proface, plain: str) -> None:
    assert proface("forget", plain, "--face", "1,2", "--in-place", "--yes").code == 0
    result = Session(threads=1).recover(plain, PASSPHRASE)
    result.require_faces()
    assert result.path is not None
    assert not any("no face came back" in warning for warning in result.warnings)
    assert proface("recover", plain, "-o", "x.png").code == 0
