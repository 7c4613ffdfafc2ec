"""Contact sheet of covers: photos of faces below each other, covers side by side.

    python bench/covers/cover_sheet.py SHEET.jpg FACES/*.jpg --styles "swap blur:12@oval mask:panda@oval"

The first column shows the photos; the others show the default detector's largest face covered in each style.  Times
are the median of the CPU time that one cover took.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from proface_s.covers import FaceRegion, apply_style, parse_style
from proface_s.faces import EngineDetector, reversible_box
from proface_s.image.read import read_picture
from proface_s.types import UInt8Image

STYLES = "swap swap:woman swap:man blur@oval pixelate@oval lowpoly@oval mask:panda@oval"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the sheet, and print the times; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--styles", default=STYLES, help="separated by spaces")
    parser.add_argument("--across", type=int, default=1, help="photos in a row")
    parser.add_argument("--side", type=int, default=160, help="of each picture in the sheet, pixels")
    options = parser.parse_args(argv)
    styles, detector = options.styles.split(), EngineDetector(tiles=False, turned=False)
    times: dict[str, list[float]] = {style: [] for style in styles}
    rows = []
    for path in options.photos:
        photo = read_picture(path).rgb
        faces = detector.detect(photo)
        if not faces:
            print(f"{path.name}: no face found", file=sys.stderr)
            continue
        face = max(faces, key=lambda each: each.box.area)
        box = reversible_box(face.box, (photo.shape[1], photo.shape[0]))
        region, shown = FaceRegion.of(photo, box, [face]), [photo]
        for style in styles:
            start = time.process_time()
            cover = apply_style(region, parse_style(style))
            times[style].append(time.process_time() - start)
            shown.append(photo.copy())
            shown[-1][box.y : box.bottom, box.x : box.right] = cover
        rows.append(np.hstack([squared(each, options.side) for each in shown]))
    rows += [np.full_like(rows[0], 255)] * (-len(rows) % options.across)
    lines = [np.hstack(rows[start : start + options.across]) for start in range(0, len(rows), options.across)]
    Image.fromarray(np.vstack(lines)).save(options.sheet, quality=85)
    for style in styles:
        print(f"{style}: {1000 * np.median(times[style]):.0f} ms")
    return 0


def squared(picture: UInt8Image, side: int) -> UInt8Image:
    """Return the middle square of a picture at a size."""
    height, width = picture.shape[:2]
    least = min(height, width)
    top, left = (height - least) // 2, (width - least) // 2
    square = picture[top : top + least, left : left + least]
    return np.asarray(cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    sys.exit(main())
