"""Flicker: how much covers change from one frame to the next, besides moving with the face.

    python bench/video/cover_flicker.py [PICTURE...] [--faces FACES.csv] [--frames 25] [--size 640 360]

The clip of video_leaks.py is drawn and its people are found; each face is then covered in two ways: every frame as if
it were a photo, and anchored to its track (`CoverStore`).  As it is known where each face is in each frame, it is cut
out of the covered frames along its movement, at 48x48 pixels.  Flicker is the mean absolute difference of two cuts in
a row, in grey values (0..255), over all faces of at least 24 pixels; beside it that of the original, with its noise.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import cv2
import numpy as np

from drawn_clip import MOVEMENTS, DrawnFace, draw_clip, portrait, read_stills
from proface_s.covers import FaceRegion, apply_style, parse_style
from proface_s.covers.moving.cover_store import CoveredFace, CoverStore
from proface_s.faces import DEFAULT_DETECTOR, open_detector
from proface_s.faces.boxes import reversible_box
from proface_s.types import Box, Face, Style, UInt8Image
from proface_s.video.people.finding import find_people
from proface_s.video.people.people import People
from video_leaks import RATE, Drawn

SIDE: Final = 48
SMALLEST: Final = 24.0
STYLES: Final = ("blur", "pixelate", "mask@oval", "swap")

Cover = Callable[[UInt8Image, CoveredFace, float], UInt8Image]


class DrawnFrame:
    """A frame of a drawn clip as `find_people` takes it."""

    def __init__(self, number: int, picture: UInt8Image) -> None:
        self.seconds, self._picture = number / RATE, picture

    @property
    def grey(self) -> UInt8Image:
        """(H, W) uint8."""
        return np.asarray(cv2.cvtColor(self._picture, cv2.COLOR_RGB2GRAY), np.uint8)

    def rgb(self) -> UInt8Image:
        """(H, W, 3) uint8."""
        return self._picture


def people_of_clip(clip: Drawn, detector: str, threads: int) -> People:
    """Return the people that are found in a drawn clip."""
    frames = (DrawnFrame(number, frame) for number, (frame, _) in enumerate(clip))
    return find_people(frames, open_detector(detector, threads))


def covered_frames(clip: Drawn, people: People, cover: Cover) -> Iterator[UInt8Image]:
    """Yield the frames with their people covered."""
    for number, (frame, _) in enumerate(clip):
        drawn = frame.copy()
        for person, box, track in people.in_frame(number):
            region = reversible_box(box, people.size)
            part = drawn[region.y : region.bottom, region.x : region.right]
            part[:] = cover(part.copy(), CoveredFace(person, track, box, region), number / RATE)
        yield drawn


def as_photo(style: Style) -> Cover:
    """Return what covers each frame without regard to the others."""

    def cover(pixels: UInt8Image, face: CoveredFace, seconds: float) -> UInt8Image:
        place = Box(face.box.x - face.region.x, face.box.y - face.region.y, face.box.w, face.box.h)
        return apply_style(FaceRegion(pixels, (Face(place),)), style)

    return cover


def anchored(style: Style) -> Cover:
    """Return what covers the frames of a clip in order."""
    store = CoverStore()
    return lambda pixels, face, seconds: store.draw(pixels, face, style, seconds)


def flicker(frames: Iterator[UInt8Image] | Sequence[UInt8Image], clip: Drawn) -> float:
    """Return the mean change of the faces of a clip, see above."""
    changes, before = [], dict[tuple[int, int], UInt8Image]()
    for frame, (_, faces) in zip(frames, clip, strict=True):
        here = {face.person: cut_face(frame, face) for face in faces if min(face.w, face.h) >= SMALLEST}
        for person in here.keys() & before.keys():
            changes.append(np.abs(here[person].astype(int) - before[person]).mean())
        before = here
    return float(np.mean(changes))


def cut_face(frame: UInt8Image, face: DrawnFace) -> UInt8Image:
    """Return a face at a fixed size, cut out with fractions of pixels."""
    scale = SIDE / face.w, SIDE / face.h
    matrix = np.array([[scale[0], 0, -scale[0] * face.x], [0, scale[1], -scale[1] * face.y]])
    return np.asarray(cv2.warpAffine(frame, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR), np.uint8)


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path, nargs="*")
    parser.add_argument("--faces", type=Path)
    parser.add_argument("--frames", type=int, default=25, help="of each shot")
    parser.add_argument("--size", type=int, nargs=2, default=[640, 360])
    parser.add_argument("--styles", nargs="+", default=STYLES)
    parser.add_argument("--detector", default=DEFAULT_DETECTOR)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args(argv)
    stills = read_stills(args.pictures, args.faces) if args.pictures else [portrait()] * len(MOVEMENTS)
    clip = list(draw_clip(stills, args.frames, tuple(args.size)))
    people = people_of_clip(clip, args.detector, args.threads)
    table = defaultdict[str, list[str]](list)
    table["original"] = [f"{flicker([frame for frame, _ in clip], clip):.2f}", ""]
    for text in args.styles:
        style = parse_style(text)
        for way in (as_photo, anchored):
            table[text].append(f"{flicker(covered_frames(clip, people, way(style)), clip):.2f}")
    print("| cover | each frame by itself | anchored to the track |")
    print("|---|---|---|")
    for text, (alone, with_track) in table.items():
        print(f"| {text} | {alone} | {with_track} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
