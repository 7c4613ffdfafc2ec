"""Protected and recovered clips play in FFmpeg's programs and in mpv, without a warning."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cast_kit import planes_of, protected, recovered

FFPROBE, FFMPEG, MPV = map(shutil.which, ("ffprobe", "ffmpeg", "mpv"))
FRAMES = 30
CLIPS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "usual": ({"sounds": 2, "subtitles": True}, {}),
    "original sealed": ({"sounds": 1}, {"exact": True}),
    "turned": ({"rotation": 90}, {}),
    "ten bits": (
        {"codec": "libx265", "pix_fmt": "yuv420p10le", "options": {"x265-params": "log-level=none"}},
        {"codec": "hevc"},
    ),
    "uneven": ({"times": [24 * number + 7 * (number % 3) for number in range(FRAMES)]}, {}),
    "of a transport stream": ({"name": "a.ts", "sounds": 1}, {}),
}


@pytest.fixture(scope="module", params=list(CLIPS))
def clips(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return a protected clip and the recovered one."""
    made, more = CLIPS[request.param]
    _, target = protected(tmp_path_factory.mktemp("players"), FRAMES, dict(made), **more)
    return [target, recovered(target)]


def said(*words: str) -> str:
    """Return everything that a program prints on stderr; it must succeed."""
    environment = {**os.environ, "LC_ALL": "C", "HOME": "/nonexistent"}
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.skipif(FFPROBE is None, reason="there is no ffprobe")
def test_ffprobe_reads_all_of_them(clips: list[Path]) -> None:
    """It says of every data track, whosever it is, that it cannot decode it; nothing else."""
    asked = ("-v", "warning", "-count_packets", "-show_streams", "-show_format", "-of", "json")
    for path in clips:
        done = subprocess.run([str(FFPROBE), *asked, str(path)], capture_output=True, text=True, timeout=120)
        told = json.loads(done.stdout)
        sealed = [each["index"] for each in told["streams"] if each["codec_type"] == "data"]
        assert len(sealed) == (path == clips[0])
        lines = [re.sub(r"with id \d+ ", "", line) for line in done.stderr.splitlines()]
        assert (done.returncode, lines) == (0, [f"Unsupported codec for input stream {index}" for index in sealed])
        (video,) = (each for each in told["streams"] if each["codec_type"] == "video")
        assert int(video["nb_read_packets"]) == FRAMES
        assert float(told["format"]["duration"]) == pytest.approx(FRAMES / 25, abs=0.12)


@pytest.mark.skipif(FFMPEG is None, reason="there is no ffmpeg")
def test_ffmpeg_decodes_all_of_them(clips: list[Path]) -> None:
    kept = ("-map", "0:v", "-map", "0:a?", "-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "null", "-")
    for path in clips:
        assert said(str(FFMPEG), "-v", "warning", "-i", str(path), *kept) == ""


@pytest.mark.skipif(FFMPEG is None, reason="there is no ffmpeg")
def test_ffmpeg_copies_the_sealed_track(clips: list[Path], tmp_path: Path) -> None:
    from proface_s.video.clip.manage import verify_clip

    copy = tmp_path / "copy.mp4"
    said(str(FFMPEG), "-v", "warning", "-i", str(clips[0]), "-map", "0", "-c", "copy", "-copy_unknown", str(copy))
    assert verify_clip(copy).problems == ()


@pytest.mark.skipif(FFMPEG is None, reason="there is no ffmpeg")
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_sidecar_replaces_the_sealed_track_that_ffmpeg_drops(clips: list[Path], tmp_path: Path, suffix: str) -> None:
    from proface_s.video.clip.manage import inspect_clip, verify_clip
    from proface_s.video.clip.track.reading import read_sealed_track
    from proface_s.video.clip.track.sidecar import SidecarWriter

    copy = tmp_path / f"copy{suffix}"
    said(str(FFMPEG), "-v", "error", "-i", str(clips[0]), "-map", "0:v", "-map", "0:a?", "-c", "copy", str(copy))
    writer = SidecarWriter(tmp_path / f"copy{suffix}.pfs")
    for packet in read_sealed_track(clips[0]).packets():
        writer.write(packet)
    writer.finish()
    assert inspect_clip(copy).sidecar == writer.path
    assert verify_clip(copy).problems == ()
    assert len(planes_of(recovered(copy))) == FRAMES


@pytest.mark.skipif(MPV is None, reason="there is no mpv")
@pytest.mark.parametrize("start", ["0%", "60%"])
def test_mpv_plays_and_seeks(clips: list[Path], start: str) -> None:
    for path in clips:
        words = (
            "--no-config",
            "--vo=null",
            "--ao=null",
            "--untimed",
            "--hwdec=no",
            "--msg-level=all=warn",
            f"--start={start}",
        )
        assert said(str(MPV), *words, str(path)) == ""
