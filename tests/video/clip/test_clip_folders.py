"""Folders with photos and clips: one input one task, and what fails is named while the rest goes on."""

from __future__ import annotations

import builtins
import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from clip_kit import av, write_clip
from PIL import Image

from proface_s.cli.main import main
from proface_s.keys.recipients import Identity
from proface_s.video.clip.manage import inspect_clip
from proface_s.video.clip_names import COMMENT, is_protected_clip

PLACE = ("--faces", "none", "--box", "20,20,48,48")
"""Nobody is in drawings: a place is marked by hand."""


class Ended(tuple[int, str, str]):
    """Exit code, stdout and stderr of a command."""

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self[1].splitlines()]


Run = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Change to a folder with a photo and two clips in ``in``, and the file ``key``; return what runs a command."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PROFACE_THREADS", "1")
    (tmp_path / "in" / "deep").mkdir(parents=True)
    y, x = np.mgrid[0:120, 0:160]
    Image.fromarray(np.dstack([x, y, x + y]).astype(np.uint8)).save("in/photo.png")
    write_clip(tmp_path / "in/a.mp4", 20, sounds=1)
    write_clip(tmp_path / "in/deep/b.mkv", 20)
    (tmp_path / "in/notes.txt").write_text("left alone")
    Path("key").write_text("my very long passphrase\n")
    os.chmod("key", 0o600)

    def call(*words: str) -> Ended:
        capfd.readouterr()
        code = main(list(words))
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return Ended((code, out, err))

    return call


def written(folder: str = "out") -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*") if path.is_file())


def protect(run: Run, *words: str) -> Ended:
    return run("protect", "in", "-o", "out", *PLACE, "--passphrase-file", "key", *words)


def test_a_folder_goes_there_and_back(run: Run) -> None:
    code, _, err = protect(run)
    assert code == 0, err
    assert written() == ["a.protected.mp4", "deep/b.protected.mp4", "photo.protected.png"]
    assert "3 files done, 1 other file left alone" in err
    assert inspect_clip(Path("out/a.protected.mp4")).people[0].style == "pixelate"
    shown = run("inspect", "out", "--json").records
    assert sorted(Path(each["input"]).name for each in shown) == [
        "a.protected.mp4", "b.protected.mp4", "photo.protected.png",
    ]  # fmt: skip
    done = run("verify", "out", "--passphrase-file", "key", "--audit", "log")
    assert done[0] == 0, done[2]
    assert done[1].count(": sound") == 3
    assert {json.loads(line)["input"].rsplit(".", 1)[1] for line in Path("log").read_text().splitlines()} == {
        "mp4", "png",
    }  # fmt: skip
    done = run("recover", "out", "-o", "back", "--passphrase-file", "key", "--jobs", "2")
    assert done[0] == 0, done[2]
    assert written("back") == ["a.recovered.mp4", "deep/b.recovered.mp4", "photo.recovered.png"]
    again = run("recover", "out", "-o", "back", "--passphrase-file", "key", "--resume")
    assert (again[0], again[2].count("is done already")) == (0, 3)


def test_a_run_is_resumed_and_outputs_are_not_protected_again(run: Run) -> None:
    assert protect(run)[0] == 0
    before = {name: Path("out", name).read_bytes() for name in written()}
    assert "already exists" in protect(run)[2]
    Path("out/a.protected.mp4").unlink()
    done = protect(run, "--resume")
    assert done[0] == 0, done[2]
    assert done[2].count("is done already") == 2
    assert {name: Path("out", name).read_bytes() for name in written()} != before
    assert {**before, "a.protected.mp4": b""} == {
        name: data if name != "a.protected.mp4" else b""
        for name, data in ((each, Path("out", each).read_bytes()) for each in written())
    }
    shutil.copytree("out", "in/done")
    (Path("in/done/a.protected.mp4")).rename("in/done/renamed.mp4")
    assert is_protected_clip("in/done/renamed.mp4")
    done = protect(run, "--resume", "-v")
    assert done[0] == 0, done[2]
    assert "renamed.mp4: skipped, it is protected already" in done[2]
    assert len(written()) == 3


def test_a_folder_with_sidecars(run: Run) -> None:
    Path("in/photo.png").unlink()
    assert protect(run, "--sidecar-only")[0] == 0
    assert written() == ["a.protected.mp4", "a.protected.mp4.pfs", "deep/b.protected.mp4", "deep/b.protected.mp4.pfs"]
    unfinished = Path("out/.a.protected.mp4.pfs.0123456789abcdef.tmp")
    unfinished.touch()
    os.utime(unfinished, (0, 0))
    assert protect(run, "--sidecar-only", "--resume")[2].count("is done already") == 2
    assert not unfinished.exists()
    Path("out/a.protected.mp4").rename("out/renamed.mp4")
    Path("out/a.protected.mp4.pfs").rename("out/renamed.mp4.pfs")
    done = run("recover", "out", "-o", "back", "--passphrase-file", "key")
    assert done[0] == 0, done[2]
    assert written("back") == ["deep/b.recovered.mp4", "renamed.recovered.mp4"]
    done = run("protect", "in", "-o", "on", "--engine", "local", "-r", str(Identity.generate().recipient), "--sidecar")
    assert (done[0], "--sidecar" in done[2]) == (2, True)


def test_a_resumed_run_leaves_clips_that_were_made_otherwise(run: Run) -> None:
    assert protect(run)[0] == 0
    before = Path("out/a.protected.mp4").read_bytes()
    for words in (("--style", "solid"), ("--exact",), ("-r", str(Identity.generate().recipient))):
        done = protect(run, "--resume", *words)
        assert done[0] == 1, words
        assert "a.protected.mp4 already exists, and is not such a protected copy of in/a.mp4" in done[2]
        assert Path("out/a.protected.mp4").read_bytes() == before


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_clip_that_fails_is_named_and_the_rest_is_done(run: Run, jobs: str) -> None:
    Path("in/broken.mp4").write_bytes(b"no clip at all" * 99)
    done = protect(run, "--jobs", jobs, "--json")
    assert done[0] == 1
    reports = {Path(each["input"]).name: each for each in done.records}
    assert {name: each["status"] for name, each in reports.items()} == {
        "a.mp4": "protected", "b.mkv": "protected", "photo.png": "protected", "broken.mp4": "error",
    }  # fmt: skip
    assert "broken.mp4" in reports["broken.mp4"]["error"]
    assert reports["broken.mp4"]["hint"]
    assert [each["number"] for each in reports["a.mp4"]["faces"]] == [1]
    assert written() == ["a.protected.mp4", "deep/b.protected.mp4", "photo.protected.png"]


def test_clips_whose_names_differ_in_the_suffix_alone(run: Run) -> None:
    shutil.copy("in/a.mp4", "in/photo.mp4")
    shutil.copy("in/deep/b.mkv", "in/a.mkv")
    assert protect(run)[0] == 0
    assert written() == [
        "a.mkv.protected.mp4", "a.mp4.protected.mp4", "deep/b.protected.mp4", "photo.protected.mp4",
        "photo.protected.png",
    ]  # fmt: skip


def without_av(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let PyAV be missing."""
    real = builtins.__import__

    def fails(name: str, *rest: Any, **more: Any) -> Any:
        if name.split(".")[0] == "av":
            raise ModuleNotFoundError("no av", name="av")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", fails)


def test_without_the_extra_each_clip_is_named_with_a_hint(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy("in/a.mp4", "in/c.protected.mp4")
    without_av(monkeypatch)
    done = protect(run, "--json")
    assert done[0] == 1
    failed = {Path(each["input"]).name: each for each in done.records if each["status"] == "error"}
    assert sorted(failed) == ["a.mp4", "b.mkv"]
    assert all("need av" in each["error"] and "proface-s[video]" in each["hint"] for each in failed.values())
    assert written() == ["photo.protected.png"]
    for words in (("inspect", "in"), ("verify", "in"), ("recover", "in", "-o", "back")):
        keys = () if words[0] == "inspect" else ("--passphrase-file", "key")
        code, _, err = run(*words, *keys)
        assert code != 0
        assert "c.protected.mp4" in err
        assert "proface-s[video]" in err
    assert not Path("back").exists()


def test_options_of_photos_and_of_one_clip_are_told(run: Run) -> None:
    for words in (("--publish", "public"), ("--keep-metadata",), ("--no-seal",)):
        done = protect(run, *words, "--json", "--overwrite")
        failed = sorted(Path(each["input"]).name for each in done.records if each["status"] == "error")
        assert (done[0], failed) == (1, ["a.mp4", "b.mkv"]), words
        assert not list(Path("out").rglob("*.mp4"))
    done = protect(run, "--robust", "--json", "--overwrite")
    assert sum("--robust is for photos" in (each["error"] or "") for each in done.records) == 2
    for words in (("--people", "people.json"), ("--same", "1,2"), ("--box", "0-1:2,2,40,40")):
        done = protect(run, *words)
        assert done[0] == 2, words
        assert f"{words[0]}" in done[2]
        assert "there are several" in done[2]
    done = protect(run, "--format", "png", "--allow-no-face", "--mute", "--overwrite")
    assert done[0] == 0, done[2]
    with av.open("out/a.protected.mp4") as container:
        assert not container.streams.audio


def test_keys_are_changed_and_forgotten_in_a_folder(run: Run) -> None:
    who = Identity.generate()
    assert protect(run)[0] == 0
    done = run("rewrap", "out", "-o", "new", "--passphrase-file", "key", "-r", str(who.recipient))
    assert done[0] == 0, done[2]
    assert written("new") == ["a.rewrapped.mp4", "deep/b.rewrapped.mp4", "photo.rewrapped.png"]
    done = run("forget", "out", "--face", "1", "--in-place", "--yes")
    assert done[0] == 0, done[2]
    assert all(
        each["faces"][0]["forgotten"] for each in run("inspect", "out", "--json").records if "mp4" in each["input"]
    )
    done = run("forget", "new", "--face", "1", "--erase", "--in-place", "--yes")
    assert done[0] == 1
    assert done[2].count("--erase is for photos") == 2


@pytest.mark.parametrize(
    ("boxes", "protected"),
    [
        (struct.pack(">I4sQ", 1, b"free", 2**63 + 40), False),
        (struct.pack(">I4sQ", 1, b"free", 2**40), False),
        (struct.pack(">I4s", 3, b"free"), False),
        (struct.pack(">I4s", 12, b"free") + bytes(4) + struct.pack(">I4s", 0, b"moov") + COMMENT.encode(), True),
        (struct.pack(">I4s", 0, b"free") + struct.pack(">I4s", 0, b"moov") + COMMENT.encode(), False),
    ],
    ids=["beyond-offsets", "beyond-the-end", "too-short", "to-the-end", "all-to-the-end"],
)
def test_boxes_of_any_size_are_looked_through(tmp_path: Path, boxes: bytes, protected: bool) -> None:
    (tmp_path / "odd.mp4").write_bytes(boxes + bytes(50))
    assert is_protected_clip(tmp_path / "odd.mp4") == protected
