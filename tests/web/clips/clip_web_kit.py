"""Clips for the service: two people side by side, drawn from a portrait in the public domain."""

from __future__ import annotations

import io
import json
import os
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from web_kit import STREAM, Service

from proface_s.types import Box, Face

av = pytest.importorskip("av")
data = pytest.importorskip("skimage.data")

RATE = 10
SIZE = (576, 240)


class KnownFaces:
    """Finds the two faces of `frames_of_two` at once; one test lets the package's own detector look."""

    def detect(self, rgb: np.ndarray[Any, Any]) -> list[Face]:
        """Return two faces, or none in a picture of another size."""
        if rgb.shape[1::-1] != SIZE:
            return []
        return [Face(Box(102, 54, 84, 112), 0.9), Face(Box(SIZE[0] - 102 - 84, 54, 84, 112), 0.9)]


class StuckDetector:
    """Never ends."""

    def detect(self, rgb: np.ndarray[Any, Any]) -> list[Face]:
        """Look for ever."""
        while True:
            time.sleep(60)


def frames_of_two(count: int) -> list[np.ndarray[Any, Any]]:
    """A woman and her mirror image, who both sway: (H, W, 3) uint8."""
    portrait = data.astronaut()[:240, 80:368]
    both = np.concatenate([portrait, portrait[:, ::-1]], axis=1)
    return [np.ascontiguousarray(np.roll(both, 2 * (number % 4), axis=0)) for number in range(count)]


def clip_of(frames: list[np.ndarray[Any, Any]], *, sound: bool = True, suffix: str = "mp4") -> bytes:
    """The bytes of a clip, H.264 with a tone."""
    file = io.BytesIO()
    height, width = frames[0].shape[:2] if frames else (0, 0)
    with av.open(file, "w", format={"mp4": "mp4", "mkv": "matroska", "m4a": "ipod"}[suffix]) as out:
        if frames:
            video = out.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": "18"})
            video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        voice = out.add_stream("aac", rate=32000) if sound else None
        for frame in frames:
            out.mux(video.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        if frames:
            out.mux(video.encode(None))
        if voice is not None:
            for start in range(0, 32000, 1024):
                wave = np.sin(np.arange(start, start + 1024) / 20).astype(np.float32)[None]
                tone = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
                tone.sample_rate, tone.pts, tone.time_base = 32000, start, Fraction(1, 32000)
                out.mux(voice.encode(tone))
            out.mux(voice.encode(None))
    return file.getvalue()


def lumas(clip: bytes) -> list[np.ndarray[Any, Any]]:
    """The brightness of all frames of a clip."""
    with av.open(io.BytesIO(clip)) as container:
        return [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]


def post_clip(
    service: Service, path: str, clip: bytes | str, options: dict[str, Any] | None = None, **headers: str
) -> httpx.Response:
    """Send a clip, or the name of one that is held."""
    sent = {} if options is None else {"options": json.dumps(options)}
    if isinstance(clip, str):
        form = {"clip": (None, clip), **{name: (None, text) for name, text in sent.items()}}
        return service.client.post(path, files=form, headers=headers)
    return service.client.post(path, files={"clip": ("secret-name.mp4", clip)}, data=sent, headers=headers)


def left_behind(folder: Path) -> list[str]:
    """Names of the files of clips that a service keeps in a folder, while it may be removing some."""
    return [name for _, _, names in os.walk(folder) for name in names if name != "lock"]


class Stream:
    """A stream of a service, read line by line and kept open."""

    def __init__(self, service: Service, path: str, clip: bytes | str, options: dict[str, Any] | None = None) -> None:
        sent = {} if options is None else {"options": (None, json.dumps(options))}
        form = {"clip": (None, clip) if isinstance(clip, str) else ("secret-name.mp4", clip), **sent}
        self._context = service.client.stream("POST", path, files=form, headers={"accept": STREAM})
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Stream:
        answer = self._context.__enter__()
        assert answer.status_code == 200, answer.read()
        self._lines = answer.iter_lines()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._context.__exit__(*raised)

    def until(self, *names: str) -> dict[str, Any]:
        """Read until an event of one of these names, and return it."""
        for line in self._lines:
            self.events.append(json.loads(line))
            if self.events[-1]["event"] in names:
                return self.events[-1]
        raise AssertionError(f"the stream ended: {self.events}")
