"""Recall of the default detector on a folder of photos.

    python bench/quality/detection_recall.py PHOTOS --reference yunet_n_dynamic.onnx [--draw OUT]
    python bench/quality/detection_recall.py PHOTOS --labels

``PHOTOS`` holds the pictures and a ``photos.csv`` whose columns ``file`` and ``mtcnn_faces_ge24px`` give their
names and another detector's counts (a lower bound in crowds, not the truth).  With ``--reference``, each face of
at least 20 pixels that YuNet finds (at long sides 480, 1280 and up to 4096) is looked up, and extra boxes are
counted.  With ``--labels``, the faces of 14 pixels and more that ``faces.csv`` labels (photo, x, y, w, h, label)
are looked up instead: in the photos as they are, at long sides of 800 to 1600, and stacked at 1080 pixels' width.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from proface_s.faces import SlimefaceDetector, draw_boxes, iou
from proface_s.types import Box, Face, UInt8Image

FACES = {"face", "face-profile", "face-occluded"}
SMALLEST = 14  # pixels
STACK = (1080, 20_000)  # width, and height at most
COUNT_COLUMN = "mtcnn_faces_ge24px"
BUCKETS = (20, 30, 45, 80, 160, 320)


def read_upright(path: Path) -> UInt8Image:
    """Read a photo as (H, W, 3) uint8 RGB with its EXIF orientation applied."""
    with Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def reference_faces(model: object, rgb: UInt8Image) -> list[Box]:
    """Return YuNet's faces (score above 0.75) of at least 20 pixels, detected at three scales."""
    boxes: list[Box] = []
    long_side = max(rgb.shape[:2])
    for size in (480, min(1280, long_side), min(4096, long_side)):
        scale = size / long_side
        patch = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        found, scores, _ = model(patch, threshold=0.75)  # type: ignore[operator]
        for index in np.argsort(-scores):
            box = Box(*(round(float(value) / scale) for value in found[index]))
            side = max(box.w, box.h)
            known = any(same_face(box, other) for other in boxes)
            if side >= BUCKETS[0] and side * scale <= 400 and not known:
                boxes.append(box)
    return boxes


def same_face(a: Box, b: Box) -> bool:
    """Return whether two boxes show the same face: IoU of at least 0.35, or similar sizes and close centres."""
    if iou(a, b) >= 0.35:
        return True
    dx = abs(a.x + a.w / 2 - b.x - b.w / 2)
    dy = abs(a.y + a.h / 2 - b.y - b.h / 2)
    return dx < min(a.w, b.w) / 4 and dy < min(a.h, b.h) / 4 and max(a.area, b.area) < 4 * min(a.area, b.area)


def bucket(box: Box) -> int:
    """Return the lower end of a face's size bucket."""
    return max(start for start in BUCKETS if start <= max(box.w, box.h))


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--reference", type=Path, help="YuNet ONNX file with dynamic size")
    parser.add_argument("--draw", type=Path, help="folder for photos with the boxes drawn in")
    parser.add_argument("--threshold", type=float, default=SlimefaceDetector().threshold)
    parser.add_argument("--turned-threshold", type=float, default=SlimefaceDetector().turned_threshold)
    parser.add_argument("--no-tiles", action="store_true")
    parser.add_argument("--no-turned", action="store_true")
    parser.add_argument("--labels", action="store_true", help="against faces.csv, at several sizes")
    options = parser.parse_args(argv)
    scopes = (not options.no_tiles, not options.no_turned)
    detector = SlimefaceDetector(options.threshold, options.turned_threshold, *scopes)
    if options.labels:
        return print_labelled(options.photos, detector)
    reference = None
    if options.reference:
        from reference_models import YuNet

        reference = YuNet(options.reference)
    with (options.photos / "photos.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    tally = Tally()
    print("| photo | size | counted by MTCNN | found | s | YuNet | of these found | found, not in YuNet |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        rgb = read_upright(options.photos / row["file"])
        start = time.perf_counter()
        faces = detector.detect(rgb)
        seconds = time.perf_counter() - start
        wanted = reference_faces(reference, rgb) if reference else []
        missed = [box for box in wanted if not any(same_face(box, face.box) for face in faces)]
        extra = sum(not any(same_face(box, face.box) for box in wanted) for face in faces)
        count = int(row[COUNT_COLUMN])
        tally.add(count, len(faces), wanted, missed, extra)
        compared = f"{len(wanted)} | {len(wanted) - len(missed)} | {extra}" if reference else "- | - | -"
        size = f"{rgb.shape[1]}x{rgb.shape[0]}"
        print(f"| {row['file']} | {size} | {count} | {len(faces)} | {seconds:.2f} | {compared} |", flush=True)
        if options.draw:
            save_drawing(options.draw / row["file"], rgb, faces, missed)
    tally.print(with_reference=reference is not None)
    return 0


def print_labelled(photos: Path, detector: SlimefaceDetector) -> int:
    """Print how many labelled faces are found at several sizes, and how many boxes are none of them."""
    labels: dict[str, list[tuple[Box, str]]] = defaultdict(list)
    with (photos / "faces.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            labels[row["photo"]].append((Box(*(int(row[key]) for key in "xywh")), row["label"]))
    whole = {name: read_upright(photos / name) for name in sorted(labels) if not name.startswith("derived")}
    print("| photos | labelled faces | found | other boxes | s |\n|---|---|---|---|---|")
    for side in (0, 800, 1024, 1279, 1280, 1600):
        cases = []
        for name, rgb in whole.items():
            scale = side / max(rgb.shape[:2]) if side else 1.0
            if scale <= 1:
                cases.append(scaled(rgb, labels[name], scale))
        print_line(f"long side {side}" if side else "as they are", detector, cases)
    strips = [scaled(rgb, labels[name], STACK[0] / rgb.shape[1]) for name, rgb in whole.items()]
    print_line(f"{STACK[0]} wide, one by one", detector, strips)
    print_line(f"{STACK[0]} wide, stacked", detector, [stacked(strips)])
    return 0


Case = tuple[UInt8Image, list[tuple[Box, str]]]


def scaled(rgb: UInt8Image, labels: list[tuple[Box, str]], scale: float) -> Case:
    """Return a photo and its labels at another size."""
    size = (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
    patch = rgb if scale == 1 else cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return np.asarray(patch, np.uint8), [
        (Box(*(round(value * scale) for value in (box.x, box.y, box.w, box.h))), label) for box, label in labels
    ]


def stacked(cases: list[Case]) -> Case:
    """Return photos of one width on top of each other, as many as fit."""
    parts, labels, top = [], [], 0
    for rgb, own in cases:
        if top + rgb.shape[0] <= STACK[1]:
            parts.append(rgb)
            labels += [(Box(box.x, box.y + top, box.w, box.h), label) for box, label in own]
            top += rgb.shape[0]
    return np.concatenate(parts), labels


def print_line(name: str, detector: SlimefaceDetector, cases: list[Case]) -> None:
    """Print one line: found and missed in all pictures together."""
    wanted = found = other = 0
    start = time.process_time()
    seen = [[face.box for face in detector.detect(rgb)] for rgb, _ in cases]
    seconds = time.process_time() - start
    for boxes, (_, labels) in zip(seen, cases, strict=True):
        faces = [box for box, label in labels if label in FACES and max(box.w, box.h) >= SMALLEST]
        wanted += len(faces)
        found += sum(any(same_face(box, each) for each in boxes) for box in faces)
        other += sum(not any(same_face(box, each) for box, _ in labels) for each in boxes)
    print(f"| {name} ({len(cases)}) | {wanted} | {found} | {other} | {seconds:.1f} |", flush=True)


class Tally:
    """Counts over the photos."""

    def __init__(self) -> None:
        self.found: Counter[int] = Counter()
        self.wanted: Counter[int] = Counter()
        self.sums: Counter[str] = Counter()

    def add(self, count: int, faces: int, wanted: list[Box], missed: list[Box], extra: int) -> None:
        """Add the counts of one photo."""
        self.wanted.update(map(bucket, wanted))
        self.found.update(bucket(box) for box in wanted if box not in missed)
        self.sums.update(count=count, short=max(0, count - faces), faces=faces, extra=extra)

    def print(self, with_reference: bool) -> None:
        """Print the totals, and recall by face size."""
        sums = self.sums
        short = f"short of MTCNN's count by {sums['short']}"
        print(f"\nMTCNN {sums['count']}, found {sums['faces']}, {short}")
        if not with_reference:
            return
        print("\n| longer side of the face, px | YuNet's faces | found | recall |\n|---|---|---|---|")
        lines = [(f"from {first}", self.wanted[first], self.found[first]) for first in BUCKETS]
        for name, every, found in [*lines, ("all", self.wanted.total(), self.found.total())]:
            print(f"| {name} | {every} | {found} | {100 * found / max(every, 1):.1f} % |")
        print(f"\nboxes that are not YuNet's: {sums['extra']} of {sums['faces']}")


def save_drawing(path: Path, rgb: UInt8Image, faces: list[Face], missed: list[Box]) -> None:
    """Write the photo with the detected faces drawn in, and the missed ones in red."""
    canvas = draw_boxes(rgb, faces)
    for box in missed:
        cv2.rectangle(canvas, (box.x, box.y), (box.right, box.bottom), (255, 0, 0), 3)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(canvas).save(path)


if __name__ == "__main__":
    sys.exit(main())
