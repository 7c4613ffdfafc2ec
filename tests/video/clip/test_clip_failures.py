"""Failures half-way leave no file, and say what happened; memory does not grow with the clip."""

from __future__ import annotations

import errno
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cast_kit import ANN, options, protected, two_people
from clip_kit import write_clip

from proface_s.api.options import RecoverOptions
from proface_s.errors import DiskFullError, ImageError, UsageError
from proface_s.video.clip import protect as protect_module
from proface_s.video.clip import recover as recover_module
from proface_s.video.clip.options import ClipOptions
from proface_s.video.clip.protect import protect_clip, write_protected
from proface_s.video.clip.read import open_clip
from proface_s.video.clip.recover import recover_clip
from proface_s.video.clip.track import reading as reading_module
from proface_s.video.clip.track.reading import read_sealed_track
from proface_s.video.clip.write import ClipWriter


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fail_after(monkeypatch: pytest.MonkeyPatch, packets: int, error: BaseException) -> None:
    """Let the writer fail with its n-th packet."""
    mux, count = ClipWriter._mux, 0

    def failing(writer: ClipWriter, given: Any) -> None:
        nonlocal count
        count += 1
        if count > packets:
            raise error
        mux(writer, given)

    monkeypatch.setattr(ClipWriter, "_mux", failing)


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_clip(tmp_path / "a.mp4", 60)
    fail_after(monkeypatch, 30, OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(DiskFullError, match="No space left"):
        write_protected(source, tmp_path / "b.mp4", two_people(60), options(), ClipOptions())
    assert names(tmp_path) == ["a.mp4"]


def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, target = protected(tmp_path)
    before = names(tmp_path)
    fail_after(monkeypatch, 30, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        recover_clip(target, tmp_path / "c.mp4", RecoverOptions.of(ANN))
    assert names(tmp_path) == before


def test_an_existing_file_is_never_replaced_unasked(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4", 10)
    (tmp_path / "b.mp4").write_bytes(b"mine")
    with pytest.raises(ImageError, match="already exists"):
        write_protected(source, tmp_path / "b.mp4", two_people(10), options(), ClipOptions())
    assert (tmp_path / "b.mp4").read_bytes() == b"mine"
    assert names(tmp_path) == ["a.mp4", "b.mp4"]


def test_the_clip_itself_is_never_the_output(tmp_path: Path) -> None:
    source, target = protected(tmp_path)
    before = {path: path.read_bytes() for path in (source, target)}
    with pytest.raises(UsageError, match="is the input itself"):
        protect_clip(source, source, options(), people=two_people(30), overwrite=True)
    with pytest.raises(UsageError, match="is the input itself"):
        recover_clip(target, target, RecoverOptions.of(ANN), overwrite=True)
    assert {path: path.read_bytes() for path in (source, target)} == before


def test_an_output_that_cannot_be_written_is_told_before_any_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = protected(tmp_path)
    monkeypatch.setattr(protect_module, "find_clip_people", None)
    monkeypatch.setattr(recover_module, "open_track_of", None)
    for output, reason in ((tmp_path / "no" / "c.mp4", "does not exist"), (target, "already exists")):
        with pytest.raises(ImageError, match=reason):
            protect_clip(source, output, options())
    for output, reason in ((tmp_path / "no" / "c.mp4", "does not exist"), (source, "already exists")):
        with pytest.raises(ImageError, match=reason):
            recover_clip(target, output, RecoverOptions.of(ANN))


def test_a_sidecar_that_cannot_be_read_does_not_matter_to_a_sound_clip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, target = protected(tmp_path)

    def unreadable(clip: Path) -> None:
        raise ImageError(f"{clip}.pfs cannot be read")

    monkeypatch.setattr(reading_module, "clip_sidecar", unreadable)
    assert read_sealed_track(target).problems == ()


def test_damage_in_the_middle_is_told_and_the_rest_is_protected(tmp_path: Path) -> None:
    data = bytearray(write_clip(tmp_path / "a.mkv", 60, gop=5).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 900] = np.random.default_rng(5).bytes(900)
    (tmp_path / "b.mkv").write_bytes(data)
    with open_clip(tmp_path / "b.mkv") as clip:
        times = np.array([frame.seconds for frame in clip.frames()])
        failures = clip.failures
    people = replace(two_people(len(times)), times=times)
    done = write_protected(tmp_path / "b.mkv", tmp_path / "c.mp4", people, options(), ClipOptions())
    assert bool(failures) == any("damaged" in warning for warning in done.warnings)
    with open_clip(tmp_path / "c.mp4") as clip:
        assert len(list(clip.frames())) == len(times)


def test_memory_does_not_grow_with_the_clip(tmp_path: Path) -> None:
    """What Python and NumPy hold at most; six times as many frames take hardly more."""
    peaks = []
    for frames in (100, 600):
        source = write_clip(tmp_path / f"{frames}.mp4", frames)
        people = two_people(frames)
        tracemalloc.start()
        write_protected(source, tmp_path / f"{frames}.protected.mp4", people, options(), ClipOptions())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]
