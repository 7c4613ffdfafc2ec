"""Clips whose people a test knows, and their planes for comparison."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from clip_kit import RATE, SIZE, write_clip

from proface_s.api.options import ProtectOptions, RecoverOptions
from proface_s.types import Box
from proface_s.video.clip.options import COVER_STYLE, ClipOptions
from proface_s.video.clip.planes import FramePlanes
from proface_s.video.clip.protect import write_protected
from proface_s.video.clip.read import open_clip
from proface_s.video.clip.recover import recover_clip
from proface_s.video.people.people import People, PersonTrack

ANN, BOB = "ann's long passphrase", "bob's long passphrase"


def two_people(frames: int, rate: float = RATE, size: tuple[int, int] = SIZE) -> People:
    """Return Ann, who moves with the bright square, and Bob beside her, whose box overlaps hers in part of the time."""
    later = frames // 4
    ann = np.array([(14 + 2 * n % 104, 26, 28, 28) for n in range(frames)], np.int32)
    bob = np.array([(70, 40, 28, 30)] * (frames - later), np.int32)
    tracks = PersonTrack(1, 1, 0, ann, 0), PersonTrack(2, 2, later, bob, later)
    return People(size, np.arange(frames) / rate, tracks)


def appearing(people: People) -> list[list[tuple[int, Box]]]:
    """Return number and box of everybody in each frame."""
    return [[(each.person, each.box) for each in people.in_frame(n)] for n in range(len(people.times))]


def options(**more: Any) -> ProtectOptions:
    """Return options with Ann's passphrase for all."""
    return ProtectOptions.of(**{"passphrase": ANN, "style": COVER_STYLE, **more})


def protected(folder: Path, frames: int = 60, clip: dict[str, Any] | None = None, **more: Any) -> tuple[Path, Path]:
    """Write a clip with Ann and Bob and its protected copy; return both."""
    made = clip or {}
    source = write_clip(folder / made.pop("name", "a.mp4"), frames, **made)
    target = folder / "a.protected.mp4"
    with open_clip(source) as opened:
        times = [frame.seconds for frame in opened.frames()]
        people = replace(two_people(len(times)), size=opened.info.upright_size, times=np.array(times))
    chosen = {name: more.pop(name) for name in tuple(more) if name in ClipOptions.__dataclass_fields__}
    write_protected(source, target, people, options(**more), ClipOptions(**chosen))
    return source, target


def recovered(target: Path, passphrase: str | None = ANN, **more: Any) -> Path:
    """Recover a clip; return the file."""
    path = target.with_name("back.mp4")
    recover_clip(target, path, RecoverOptions.of(passphrase, **more), overwrite=True)
    return path


def planes_of(path: Path) -> list[FramePlanes]:
    """Return the planes of all frames."""
    with open_clip(path) as clip:
        return [frame.planes() for frame in clip.frames()]


def psnr(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    """Return the peak signal-to-noise ratio of 8-bit samples in decibels."""
    error = np.mean((a.astype(float) - b.astype(float)) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))
