"""Draw what comes back through channels: a party of faces that may be published, sent, received and recovered.

    python bench/share/channel_sheet.py FACES --sheet docs/evidence/figures/channels.jpg --party docs/start/party.jpg

FACES holds square crops of faces that may be published, such as drawn or CC0 ones; six of them make the party.  Each
row of the sheet is a face: as it was, as it was sent, then as it came back through each channel.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from proface_lab.channels import CHANNELS
from proface_lab.evaluation.report.sheets import contact_sheet
from proface_lab.pictures import list_pictures
from proface_s import Session, ShareOptions
from proface_s.image.read import read_picture
from proface_s.types import UInt8Image

PASSPHRASE = "a party of faces for everybody"
ACROSS, DOWN, SIDE = 3, 2, 533  # six faces make a photo of 1600 pixels
SHOWN = 3
ON_SHEET = (
    "JPEG 75",
    "JPEG 80, then 75",
    "1280, JPEG 87",
    "JPEG 75, screenshot, JPEG 80",
    "half size, JPEG 75",
    "JPEG 50",
    "WebP 80",
    "0.4 times, JPEG 85",
)
WIDEST = 1500  # pixels of both pictures


def party(folder: Path) -> UInt8Image:
    """Return six faces side by side, (1066, 1599, 3)."""
    pictures = [read_picture(path).rgb for path in list_pictures(folder)[: ACROSS * DOWN]]
    cells = [cv2.resize(each, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) for each in pictures]
    rows = [np.hstack(cells[row * ACROSS : (row + 1) * ACROSS]) for row in range(DOWN)]
    return np.asarray(np.pad(np.vstack(rows), ((0, 0), (0, 1), (0, 0)), "edge"), np.uint8)


def cells(picture: UInt8Image) -> list[UInt8Image]:
    """Return the first faces of a picture of the party, of any size; of a screenshot, without its borders."""
    height, width = picture.shape[:2]
    if height > width:  # a screen held upright
        high = round(width * DOWN / ACROSS)
        picture = picture[(height - high) // 2 :][:high]
        height = high
    side = width / ACROSS
    return [picture[: round(side), round(n * side) : round((n + 1) * side)] for n in range(SHOWN)]


def main(argv: Sequence[str] | None = None) -> int:
    """Draw both pictures; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path)
    parser.add_argument("--sheet", type=Path, required=True)
    parser.add_argument("--party", type=Path, required=True)
    options = parser.parse_args(argv)
    photo, session = party(options.faces), Session()
    shared = session.protect(photo, PASSPHRASE, share=ShareOptions()).share
    assert shared is not None
    print(f"{len(shared.face_bytes)} faces, {shared.face_bytes} and {shared.robust_face_bytes} bytes")
    sent = np.asarray(Image.open(io.BytesIO(shared.data)).convert("RGB"), np.uint8)
    rows = [[("original", cell)] for cell in cells(photo)]
    for row, cell in zip(rows, cells(sent), strict=True):
        row.append(("sent", cell))
    strip = [photo]
    for name in ON_SHEET:
        received = CHANNELS[name](sent)
        try:
            recovered = session.recover(received, PASSPHRASE).image
        except Exception as error:  # too little is left: the sheet shows the cover
            print(f"{name}: {error}")
            recovered = received
        if name == "JPEG 75":
            strip += [received, recovered]
        for row, cell in zip(rows, cells(np.asarray(recovered)), strict=True):
            row.append((name, cell))
        print(name, flush=True)
    save_small(Image.open(contact_sheet(options.sheet.with_suffix(".png"), rows, 144)), options.sheet)
    options.sheet.with_suffix(".png").unlink()
    joined = np.hstack([cv2.resize(each, (strip[0].shape[1], strip[0].shape[0])) for each in strip])
    save_small(Image.fromarray(joined), options.party)
    return 0


def save_small(image: Image.Image, path: Path) -> None:
    """Save as JPEG of moderate size."""
    image = image.convert("RGB")
    image.thumbnail((WIDEST, WIDEST))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, quality=86, optimize=True)


if __name__ == "__main__":
    sys.exit(main())
