"""Clips that are broken, odd or large, and machines that fail: what can be done is done, and the rest is told."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from cast_kit import ANN, options, planes_of, psnr
from clip_kit import av, picture, write_clip
from PIL import Image

import proface_s
from proface_s.api.options import RecoverOptions
from proface_s.errors import DiskFullError
from proface_s.types import Box
from proface_s.video.clip.manage import verify_clip
from proface_s.video.clip.options import ClipOptions
from proface_s.video.clip.protect import protect_clip
from proface_s.video.clip.read import open_clip
from proface_s.video.clip.recover import recover_clip
from proface_s.video.clip.results import ProtectedClip
from proface_s.video.people.corrections import Corrections, TimedBox

PLACE = Box(20, 20, 48, 48)


def protect(source: Path, box: Box = PLACE) -> ProtectedClip:
    """Protect a place of a clip that is marked by hand, and check the copy."""
    target = source.with_name(f"{source.stem}.protected.mp4")
    places = Corrections(faces=(), boxes=(TimedBox(0, float("inf"), box),))
    done = protect_clip(source, target, options(), corrections=places, threads=1)
    assert verify_clip(target).problems == ()
    with open_clip(source) as before, open_clip(target) as after:
        times = [[frame.seconds for frame in clip.frames()] for clip in (before, after)]
    assert np.allclose(*(np.array(each) - each[0] for each in times))
    return done


def spoilt(path: Path, how: str) -> Path:
    """Damage a file in its middle."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    if how == "noise":
        data[middle : middle + 600] = np.random.default_rng(5).bytes(600)
    elif how == "hole":
        del data[middle : middle + 2000]
    else:
        del data[middle:]
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("suffix", "how", "least"),
    [
        ("mp4", "noise", 80), ("mov", "noise", 80), ("mkv", "noise", 70), ("ts", "noise", 60), ("avi", "noise", 80),
        ("mkv", "hole", 60), ("ts", "hole", 60), ("avi", "hole", 60), ("mkv", "end", 30), ("avi", "end", 30),
    ],
)  # fmt: skip
def test_damage_in_the_middle_is_named_and_the_rest_is_protected(
    tmp_path: Path, suffix: str, how: str, least: int
) -> None:
    source = spoilt(write_clip(tmp_path / f"a.{suffix}", 80, gop=10, options={"qp": "10"}), how)
    done = protect(source)
    (warning,) = done.warnings
    assert warning.startswith("the clip is damaged; pictures are missing or spoilt at ")
    named = [float(text) for text in warning.removesuffix(" seconds").rsplit(" at ", 1)[1].split(", ") if text != "..."]
    assert 0.8 < min(named) < 2.6  # about the middle of 3.2 seconds
    with open_clip(done.path) as clip:
        assert least <= len(list(clip.frames())) <= 80


@pytest.mark.parametrize(("codec", "suffix"), [("mjpeg", "avi"), ("mjpeg", "mov")])
def test_errors_of_the_decoder_are_named_and_the_rest_is_protected(tmp_path: Path, codec: str, suffix: str) -> None:
    source = write_clip(tmp_path / f"a.{suffix}", 30, codec=codec, pix_fmt="yuvj420p", gop=1)
    with av.open(str(source)) as container:
        packets = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    data = source.read_bytes()
    for packet in packets[10:13]:
        data = data.replace(packet, bytes(len(packet)))
    source.write_bytes(data)
    done = protect(source)
    (warning,) = done.warnings
    assert "at 0.4, 0.5 seconds" in warning
    with open_clip(done.path) as clip:
        assert 27 <= len(list(clip.frames())) <= 30


def test_clips_without_damage_have_no_warning(tmp_path: Path) -> None:
    for suffix in ("mp4", "mkv", "ts", "avi", "mov"):
        sounds = 0 if suffix == "avi" else 1
        assert protect(write_clip(tmp_path / f"{suffix}.{suffix}", 30, sounds=sounds)).warnings == ()


@pytest.mark.parametrize(("rate", "frames"), [(1, 5), (240, 90)])
def test_slow_and_fast_clips(tmp_path: Path, rate: int, frames: int) -> None:
    times = [round(600 * number / rate) for number in range(frames)]
    source = write_clip(tmp_path / "a.mp4", times=times)
    done = protect(source)
    with open_clip(done.path) as clip:
        assert [frame.pts * frame.time_base for frame in clip.frames()] == [Fraction(time, 600) for time in times]


@pytest.mark.parametrize(("codec", "pix_fmt"), [("libx264", "yuv444p"), ("ffv1", "yuv420p")])
def test_odd_sides(tmp_path: Path, codec: str, pix_fmt: str) -> None:
    done = protect(write_clip(tmp_path / "a.mkv", 4, codec=codec, pix_fmt=pix_fmt, size=(641, 359)))
    assert done.size == (640, 358)


def test_very_large_pictures(tmp_path: Path) -> None:
    size = (7680, 4320)
    rgb = np.tile(picture(0), (40, 49, 1))[: size[1], : size[0]]
    source = tmp_path / "a.mp4"
    with av.open(str(source), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24").reformat(format="yuv420p")
        out.mux(video.encode(frame))
        out.mux(video.encode(None))
    done = protect(source, Box(3000, 2000, 400, 500))
    assert done.size == size
    (before,), (after,) = planes_of(source), planes_of(done.path)
    assert psnr(after.y[:1900], before.y[:1900]) > 34
    assert psnr(after.y[2000:2500, 3000:3400], before.y[2000:2500, 3000:3400]) < 30


def test_a_cover_picture_beside_the_clip_is_dropped(tmp_path: Path) -> None:
    clip, source = write_clip(tmp_path / "clip.mp4", 10), tmp_path / "a.mp4"
    with av.open(str(clip)) as before, av.open(str(source), "w") as out:
        art = out.add_stream("mjpeg", rate=1)
        art.width, art.height, art.pix_fmt = 64, 64, "yuvj420p"
        art.disposition = av.stream.Disposition.attached_pic
        moving = out.add_stream_from_template(before.streams.video[0])
        out.start_encoding()
        image = av.VideoFrame.from_ndarray(picture(0, (64, 64)), format="rgb24").reformat(format="yuvj420p")
        image.pts = 0
        out.mux(art.encode(image))
        out.mux(art.encode(None))
        for packet in before.demux(video=0):
            if packet.dts is not None:
                packet.stream = moving
                out.mux(packet)
    with av.open(str(source)) as container:
        assert len(container.streams.video) == 2
    done = protect(source)
    assert done.size == (160, 112)
    with av.open(str(done.path)) as container:
        assert len(container.streams.video) == 1


def test_chapters_attached_files_and_titles_of_tracks_are_dropped(tmp_path: Path) -> None:
    clip, source = write_clip(tmp_path / "clip.mkv", 10, sounds=1, subtitles=True), tmp_path / "a.mkv"
    with av.open(str(clip)) as before, av.open(str(source), "w") as out:
        out.set_chapters(
            [{"id": 1, "start": 0, "end": 200, "time_base": Fraction(1, 1000), "metadata": {"title": "Annes Haus"}}]
        )
        out.add_attachment("wohnung.txt", "text/plain", b"Musterweg 7, Musterstadt")
        streams = {}
        for stream in before.streams:
            streams[stream.index] = made = out.add_stream_from_template(stream)
            made.metadata["title"] = "Bobs Kamera"
            made.metadata["language"] = "deu"
        out.start_encoding()
        for packet in before.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    secrets = (b"Annes Haus", b"Musterweg", b"wohnung", b"Bobs Kamera")
    assert all(secret in source.read_bytes() for secret in secrets)
    done = protect(source)
    back = recover_clip(done.path, tmp_path / "back.mp4", RecoverOptions.of(ANN))
    for path in (done.path, back.path):
        data = path.read_bytes()
        assert not any(secret in data for secret in secrets)
        with av.open(str(path)) as container:
            assert container.chapters() == []
            assert container.streams.audio[0].metadata["language"] == "deu"


def test_everything_that_is_no_clip_is_named_and_the_rest_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from proface_s.cli.main import main

    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    write_clip(Path("in/good.mp4"), 5)
    Path("in/empty.mp4").write_bytes(b"")
    Image.fromarray(picture(0)).save("in/still.png")
    Path("in/still.png").rename("in/still.mp4")
    parts = [write_clip(Path(f"{w}.ts"), 8, size=(w, 112), options={"tune": "zerolatency"}) for w in (160, 128)]
    Path("in/sizes.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    with av.open("in/sound.m4v", "w", format="mp4") as out:
        voice = out.add_stream("aac", rate=32000)
        for start in range(0, 4096, 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 32000, start
            out.mux(voice.encode(frame))
        out.mux(voice.encode(None))
    Path("key").write_text(f"{ANN}\n")
    os.chmod("key", 0o600)
    words = ["protect", "in", "-o", "out", "--faces", "none", "--box", "20,20,48,48", "--passphrase-file", "key"]
    assert main(words) == 1
    told = capfd.readouterr().err
    for name, reason, hint in (
        ("empty.mp4", "cannot be read as a clip", "give an MP4"),
        ("still.mp4", "cannot be read as a clip", "give an MP4"),
        ("sound.m4v", "no moving pictures, only sound", "sound alone has no faces"),
        ("sizes.ts", "changes from 160x112 to 128x112 pixels after", "convert it to one size first"),
    ):  # fmt: skip
        assert f"error: in/{name}: " in told
        lines = told.splitlines()
        line = next(n for n, text in enumerate(lines) if text.startswith(f"error: in/{name}: "))
        assert reason in lines[line]
        assert hint in lines[line + 1]
    assert "1 file done, 4 failed" in told
    assert [path.name for path in Path("out").rglob("*")] == ["good.protected.mp4"]


def _limited(size: int) -> None:
    """Let the system refuse files that are larger, as a full disk would."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_disk_without_space_leaves_nothing_and_the_run_is_resumed(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4", 50, options={"qp": "8"})
    (tmp_path / "key").write_text(f"{ANN}\n")
    os.chmod(tmp_path / "key", 0o600)
    words = [
        "protect",
        "a.mp4",
        "--faces",
        "none",
        "--box",
        "20,20,48,48",
        "--passphrase-file",
        "key",
        "--quality",
        "100",
    ]
    command = [sys.executable, "-m", "proface_s", *words]
    environment = {**os.environ, "PYTHONPATH": str(Path(proface_s.__file__).parents[1])}

    def run(*more: str, size: int | None = None) -> subprocess.CompletedProcess[str]:
        limit = None if size is None else lambda: _limited(size)
        return subprocess.run(
            [*command, *more],
            cwd=tmp_path,
            env=environment,
            text=True,
            capture_output=True,
            preexec_fn=limit,
            timeout=600,
        )

    failed = run(size=20_000)
    assert failed.returncode == 1
    assert "error: " in failed.stderr
    assert "a.protected.mp4" in failed.stderr or "a.mp4" in failed.stderr
    assert "internal" not in failed.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "key"]
    done = run("--resume")
    assert done.returncode == 0, done.stderr
    with open_clip(source) as a, open_clip(tmp_path / "a.protected.mp4") as b:
        assert len(list(a.frames())) == len(list(b.frames())) == 50


@pytest.mark.skipif(not Path("/dev/shm").is_dir() or os.geteuid() != 0, reason="needs to mount a small file system")
def test_a_full_file_system_is_told(tmp_path: Path) -> None:
    source, small = write_clip(tmp_path / "a.mp4", 60, options={"qp": "4"}), tmp_path / "small"
    small.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20k", "tmpfs", str(small)], check=False, timeout=300
    ).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        places = Corrections(faces=(), boxes=(TimedBox(0, float("inf"), PLACE),))
        with pytest.raises(DiskFullError, match=r"[Nn]o space"):
            protect_clip(source, small / "b.mp4", options(), ClipOptions(quality=100), corrections=places, threads=1)
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True, timeout=300)
