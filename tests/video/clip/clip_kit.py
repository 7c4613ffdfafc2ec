"""Small clips that tests draw: a textured square that moves over waves, with sound and all that goes with it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

av = pytest.importorskip("av")

SIZE = (160, 112)
RATE = 25


def picture(number: int, size: tuple[int, int] = SIZE) -> np.ndarray[Any, Any]:
    """Return a frame, (H, W, 3) uint8 RGB: soft waves, and a bright square that moves by two pixels a frame."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    rgb = np.stack([90 + 60 * np.sin(x / 9), 110 + 60 * np.cos(y / 7), 100 + 40 * np.sin((x + y) / 11)], axis=2)
    if width < 64 or height < 64:
        return rgb.astype(np.uint8)
    left = 8 + 2 * number % (width - 56)
    spots = 128 + 90 * np.sin(np.mgrid[:40, :40][0] / 2.5) * np.cos(np.mgrid[:40, :40][1] / 3.5)
    rgb[20:60, left : left + 40] = spots[..., None]
    return rgb.clip(0, 255).astype(np.uint8)


def write_clip(
    path: Path,
    frames: int = 30,
    *,
    size: tuple[int, int] = SIZE,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    times: Sequence[int] | None = None,
    rotation: int = 0,
    sounds: int = 0,
    subtitles: bool = False,
    spoken: tuple[int, int] = (200, 500),
    metadata: dict[str, str] | None = None,
    gop: int = 12,
) -> Path:
    """Write a clip.

    Args:
        path: its ending chooses the container.
        frames: how many.
        size: (width, height).
        codec: of the pictures.
        pix_fmt: of the planes.
        options: of the encoder.
        times: of the frames, in 1/600 seconds; 25 a second if None.
        rotation: degrees counterclockwise to turn it upright.
        sounds: number of tracks of sound.
        subtitles: whether there is a subtitle.
        spoken: its time and duration in milliseconds.
        metadata: of the file.
        gop: frames from one key frame to the next at most.
    """
    times = [24 * number for number in range(frames)] if times is None else times
    with av.open(
        str(path), "w", options={"movflags": "use_metadata_tags"} if path.suffix in (".mp4", ".mov") else {}
    ) as out:
        out.metadata.update(metadata or {})
        video = out.add_stream(codec, rate=RATE)
        video.width, video.height, video.pix_fmt = *size, pix_fmt
        video.codec_context.time_base, video.time_base = Fraction(1, 600), Fraction(1, 600)
        video.codec_context.gop_size = gop
        video.codec_context.options = (
            {"preset": "ultrafast", **(options or {})} if codec.startswith("libx26") else options or {}
        )
        if rotation:
            video.set_display_rotation(rotation)
        voices = [_voice(out, 44100 if path.suffix == ".webm" else 32000, path.suffix) for _ in range(sounds)]
        words = out.add_stream("mov_text" if path.suffix in (".mp4", ".mov") else "subrip") if subtitles else None
        if words is not None:
            words.codec_context.subtitle_header = b"[Script Info]\n[V4+ Styles]\n[Events]\n"
        out.start_encoding()
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(picture(number, size), format="rgb24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = time, Fraction(1, 600)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        for index, voice in enumerate(voices):
            _speak(out, voice, times[-1] / 600, 220 * (index + 1))
        if words is not None:
            _subtitle(out, words, *spoken)
    return path


def _voice(out: Any, rate: int, suffix: str) -> Any:
    return out.add_stream("libopus", rate=48000) if suffix == ".webm" else out.add_stream("aac", rate=rate)


def _speak(out: Any, voice: Any, seconds: float, pitch: int) -> None:
    rate = voice.codec_context.sample_rate
    wave = np.sin(2 * np.pi * pitch * np.arange(int(seconds * rate)) / rate).astype(np.float32)
    for start in range(0, len(wave), 1024):
        frame = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        out.mux(voice.encode(frame))
    out.mux(voice.encode(None))


def _subtitle(out: Any, words: Any, start: int, duration: int) -> None:
    text = b"hello"
    packet = av.Packet(len(text).to_bytes(2, "big") + text if words.codec_context.name == "mov_text" else text)
    packet.stream, packet.time_base = words, Fraction(1, 1000)
    packet.pts = packet.dts = start
    packet.duration = duration
    out.mux(packet)
