"""The commands on a clip with a real face, from the command line."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from cast_kit import planes_of, psnr
from clip_kit import RATE, av

import proface_s
from proface_s.cli.main import main
from proface_s.keys.recipients import Identity
from proface_s.video.clip.read import open_clip
from proface_s.video.people.file import encode_people
from proface_s.video.people.people import People, PersonTrack

data = pytest.importorskip("skimage.data")
FRAMES = 56


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a clip of an astronaut, two files with passphrases, and the protected clip."""
    folder = tmp_path_factory.mktemp("command")
    photo = data.astronaut()
    with av.open(str(folder / "clip.mp4"), "w") as out:
        video = out.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "crf": "16"})
        video.width, video.height, video.pix_fmt = 256, 240, "yuv420p"
        for number in range(FRAMES):
            part = np.ascontiguousarray(photo[number // 2 :, 90 + number :][:240, :256])
            out.mux(video.encode(av.VideoFrame.from_ndarray(part, format="rgb24")))
        out.mux(video.encode(None))
    (folder / "mine").write_text("my very long passphrase\n")
    (folder / "other").write_text("another long passphrase\n")
    os.chmod(folder / "mine", 0o600)
    os.chmod(folder / "other", 0o600)
    done = run(folder, "detect", "clip.mp4", "--every", "50", "-o", "people.json")
    assert done.exit_code == 0, done.output
    done = run(folder, "protect", "clip.mp4", "--people", "people.json", "--passphrase-file", "mine", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["status"] == "protected"
    assert [face["number"] for face in told["faces"]] == [1]
    assert told["faces"][0]["style"] == "pixelate"
    return folder


@dataclass(frozen=True)
class Ended:
    """Exit code and output of a command."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return self.stdout + self.stderr


def run(folder: Path, *words: str) -> Ended:
    """Run a command in a folder."""
    here, out, err = Path.cwd(), io.StringIO(), io.StringIO()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(list(words))
    finally:
        os.chdir(here)
    return Ended(code, out.getvalue(), err.getvalue())


def test_round_trip(folder: Path, tmp_path: Path) -> None:
    back = tmp_path / "back.mp4"
    done = run(folder, "recover", "clip.protected.mp4", "--passphrase-file", "mine", "-o", str(back))
    assert done.exit_code == 0, done.output
    assert "1 person recovered" in done.stderr
    before, hidden, after = planes_of(folder / "clip.mp4"), planes_of(folder / "clip.protected.mp4"), planes_of(back)
    assert min(psnr(a.y, b.y) for a, b in zip(before, after, strict=True)) > 36
    assert max(psnr(a.y, b.y) for a, b in zip(before, hidden, strict=True)) < 32


def test_a_protected_clip_is_refused_before_people_are_looked_for(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proface_s.cli.runner.clips.protect.people_of", None)
    done = run(folder, "protect", "clip.protected.mp4", "--passphrase-file", "mine", "-o", str(tmp_path / "twice.mp4"))
    assert done.exit_code == 2
    assert "is protected already" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_wrong_key_is_code_3_and_nothing_is_written(folder: Path, tmp_path: Path) -> None:
    done = run(folder, "recover", "clip.protected.mp4", "--passphrase-file", "other", "-o", str(tmp_path / "b.mp4"))
    assert done.exit_code == 3
    assert not list(tmp_path.iterdir())


def test_inspect_and_verify(folder: Path) -> None:
    shown = run(folder, "inspect", "clip.protected.mp4")
    assert shown.exit_code == 0, shown.output
    assert "protected clip" in shown.stdout
    assert f"{FRAMES} frames, 2.24 s" in shown.stdout
    told = json.loads(run(folder, "inspect", "clip.protected.mp4", "--json").stdout)
    assert told["faces"][0]["spans"] == [[0.0, 2.24]]
    checked = run(folder, "verify", "clip.protected.mp4", "--passphrase-file", "mine")
    assert checked.exit_code == 0, checked.output
    assert "sound, sealed track authentic" in checked.stdout
    assert run(folder, "verify", "clip.protected.mp4", "--passphrase-file", "other").exit_code == 3
    never = run(folder, "inspect", "clip.mp4")
    assert never.exit_code == 5


def test_key_forget_and_rewrap(folder: Path, tmp_path: Path) -> None:
    key = run(folder, "key", "clip.protected.mp4", "--face", "1", "--passphrase-file", "mine")
    assert key.exit_code == 0, key.output
    (tmp_path / "key").write_text(key.stdout)
    os.chmod(tmp_path / "key", 0o600)
    words = ("recover", "clip.protected.mp4", "--face-key-file", str(tmp_path / "key"), "-o", str(tmp_path / "a.mp4"))
    assert run(folder, *words).exit_code == 0
    who = Identity.generate()
    words = ("--passphrase-file", "mine", "-r", str(who.recipient), "-o", str(tmp_path / "new.mp4"))
    done = run(folder, "rewrap", "clip.protected.mp4", *words)
    assert done.exit_code == 0, done.output
    assert run(folder, "verify", str(tmp_path / "new.mp4"), "--passphrase-file", "mine").exit_code == 3
    done = run(folder, "forget", "clip.protected.mp4", "--face", "1", "--yes", "-o", str(tmp_path / "less.mp4"))
    assert done.exit_code == 0, done.output
    assert run(folder, "verify", str(tmp_path / "less.mp4"), "--passphrase-file", "mine").exit_code in (0, 3)


def test_a_removed_track_is_told(folder: Path, tmp_path: Path) -> None:
    with av.open(str(folder / "clip.protected.mp4")) as before, av.open(str(tmp_path / "cut.mp4"), "w") as after:
        after.metadata["comment"] = before.metadata["comment"]
        stream = after.add_stream_from_template(before.streams.video[0])
        for packet in before.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                after.mux(packet)
    done = run(tmp_path, "inspect", "cut.mp4")
    assert done.exit_code == 5
    assert "a program has removed the track" in done.stderr


def test_a_sidecar_brings_people_back_when_the_track_is_removed(folder: Path, tmp_path: Path) -> None:
    words = ("protect", "clip.mp4", "--people", "people.json", "--passphrase-file", "mine")
    done = run(folder, *words, "-o", str(tmp_path / "b.mp4"), "--sidecar")
    assert done.exit_code == 0, done.output
    key = ("--passphrase-file", str(folder / "mine"))
    again = run(folder, *words, "-o", str(tmp_path / "b.mp4"), "--sidecar", "--resume")
    assert "is done already" in again.stderr
    other = run(folder, *words, "-o", str(tmp_path / "b.mp4"), "--sidecar-only", "--resume")
    assert (other.exit_code, "not such a protected copy" in other.stderr) == (1, True)
    done = run(folder, *words, "-o", str(tmp_path / "a.mp4"), "--sidecar-only")
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "a.mp4.pfs", "b.mp4", "b.mp4.pfs"]
    shown = run(tmp_path, "inspect", "a.mp4")
    assert "a track for each person, in a.mp4.pfs" in shown.stdout
    assert json.loads(run(tmp_path, "inspect", "a.mp4", "--json").stdout)["sidecar"] == "a.mp4.pfs"
    assert json.loads(run(tmp_path, "inspect", "b.mp4", "--json").stdout)["sidecar"] is None
    assert "sound, sealed track authentic" in run(tmp_path, "verify", "a.mp4", *key).stdout
    less = run(tmp_path, "forget", "b.mp4", "--face", "1", "--in-place", "--yes")
    assert "1 person forgotten, also in b.mp4.pfs" in less.stderr
    assert run(tmp_path, "recover", "b.mp4", *key, "-o", "back.mp4").exit_code == 3
    (tmp_path / "a.mp4.pfs").rename(tmp_path / "elsewhere")
    lost = run(tmp_path, "recover", "a.mp4", *key, "-o", "back.mp4")
    assert lost.exit_code == 5
    assert "sealed in a sidecar, which is not there" in lost.stderr
    done = run(tmp_path, "recover", "a.mp4", *key, "--sidecar", "elsewhere", "-o", "back.mp4")
    assert done.exit_code == 0, done.output
    assert len(planes_of(tmp_path / "back.mp4")) == FRAMES


def test_existing_outputs_stay_and_resume_knows_finished_ones(folder: Path) -> None:
    words = ("protect", "clip.mp4", "--passphrase-file", "mine")
    before = (folder / "clip.protected.mp4").read_bytes()
    assert "already exists" in run(folder, *words).stderr
    resumed = run(folder, *words, "--resume")
    assert resumed.exit_code == 0
    assert "is done already" in resumed.stderr
    assert (folder / "clip.protected.mp4").read_bytes() == before


def test_options_that_do_not_fit_are_refused_before_any_work(folder: Path, tmp_path: Path) -> None:
    for words in (
        ("--wrong-key", "cover"), ("--no-seal",), ("--publish", "x.mp4"), ("--robust", "photo"),
        ("--keep-metadata",), ("-o", "x.mkv"), ("--from", "0:02", "--to", "1"),
    ):  # fmt: skip
        shutil.copy(folder / "clip.mp4", tmp_path / "clip.mp4")
        done = run(tmp_path, "protect", "clip.mp4", "--people", str(folder / "people.json"), "--passphrase-file",
                   str(folder / "mine"), *words)  # fmt: skip
        assert done.exit_code == 2, (words, done.output)
        assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]
    assert run(folder, "protect", "clip.mp4", "clip.mp4", "--passphrase-file", "mine").exit_code == 2
    assert run(folder, "protect", "missing.mp4", "--passphrase-file", "mine").exit_code == 1
    photo = run(folder, "protect", "photo.jpg", "--exact", "--passphrase-file", "mine")
    assert photo.exit_code == 2
    assert "--exact is for clips" in photo.stderr


def test_an_exact_muted_part_of_a_clip(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "exact.mp4"
    words = ("protect", "clip.mp4", "--people", "people.json", "--passphrase-file", "mine", "-o", str(target))
    assert run(folder, *words, "--exact").exit_code == 0
    back = run(folder, "recover", str(target), "--passphrase-file", "mine", "-o", str(tmp_path / "b.mp4"))
    assert "the original, bit for bit" in back.stderr
    assert (tmp_path / "b.mp4").read_bytes() == (folder / "clip.mp4").read_bytes()
    target.unlink()
    done = run(folder, *words, "--from", "0.4", "--to", "0:01.2", "--mute", "--quality", "70", "--codec", "hevc")
    assert done.exit_code == 0, done.output
    with open_clip(target) as clip:
        assert clip.info.codec == "hevc"
        assert len(list(clip.frames())) == 20


def _started(folder: Path, *words: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(proface_s.__file__).parents[1])}
    command = [sys.executable, "-m", "proface_s", *words]
    return subprocess.Popen(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_ended_half_way_leaves_no_output_and_is_resumed(folder: Path, tmp_path: Path, how: int) -> None:
    """The clip is long enough that the second pass has begun when the program is ended."""
    with open_clip(folder / "clip.mp4") as clip:
        frames = [frame.rgb() for frame in clip.frames()]
    with av.open(str(tmp_path / "long.mp4"), "w") as out:
        video = out.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "crf": "16"})
        video.width, video.height, video.pix_fmt = 256, 240, "yuv420p"
        for _ in range(4):
            for rgb in (*frames, *frames[::-1]):
                out.mux(video.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        out.mux(video.encode(None))
    count = 8 * FRAMES
    track = PersonTrack(1, 1, 0, np.tile(np.array([100, 40, 60, 80], np.int32), (count, 1)), 0)
    people = People((256, 240), np.arange(count) / RATE, (track,))
    (tmp_path / "people.json").write_bytes(encode_people(people))
    words = ("protect", "long.mp4", "--people", "people.json", "--passphrase-file", str(folder / "mine"))
    running = _started(tmp_path, *words)
    kept = tmp_path / ".long.protected.mp4.people"
    while running.poll() is None and not (kept.exists() and list(tmp_path.glob(".long.protected.mp4.*.tmp"))):
        time.sleep(0.01)
    running.send_signal(how)
    _, said = running.communicate(timeout=300)
    assert running.returncode != 0, said
    assert not (tmp_path / "long.protected.mp4").exists()
    left = {path.name for path in tmp_path.iterdir()} - {"long.mp4", "people.json", kept.name}
    assert not left or how == signal.SIGKILL
    resumed = _started(tmp_path, *words, "--resume")
    _, said = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, said
    with open_clip(tmp_path / "long.mp4") as a, open_clip(tmp_path / "long.protected.mp4") as b:
        assert [frame.seconds for frame in a.frames()] == [frame.seconds for frame in b.frames()]
    assert not kept.exists()
