"""Protect and recover whole photos through files, and measure the recovered faces.

    python bench/quality/photos.py PHOTOS_DIR [--style blur] [--limit N]

For every picture of the folder: protect with the seal, recover, compare all pixels; protect again without the seal,
recover, and measure every face on the stored 8-bit files: protected against cover, recovered against original.
A wrong passphrase must be refused.  Prints the means over all faces at the end.  PSNR in dB, data range 255.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from proface_s.api import Session
from proface_s.errors import NoFaceError, WrongKeyError
from proface_s.image.measures import psnr
from proface_s.image.names import PICTURES, suffix_of
from proface_s.image.read import read_picture
from proface_s.image.regions import cut
from proface_s.types import Box

PASSPHRASE, WRONG = "measured on stored files", "measured on stored filet"


@dataclass
class Sums:
    """Measures of all faces so far: side in pixels, PSNR of the protected and of the recovered face."""

    sides: list[float] = field(default_factory=list)
    protected: list[float] = field(default_factory=list)
    recovered: list[float] = field(default_factory=list)

    def show(self, name: str, chosen: np.ndarray) -> None:
        """Print mean and 5th percentile over the chosen faces."""
        if not chosen.any():
            return
        p, r = np.array(self.protected)[chosen], np.array(self.recovered)[chosen]
        print(
            f"{name:24s} {chosen.sum():5d} faces   protected {p.mean():6.2f} (5 %: {np.percentile(p, 5):6.2f})   "
            f"recovered {r.mean():6.2f} (5 %: {np.percentile(r, 5):6.2f})"
        )


def measure(session: Session, path: Path, style: str, folder: Path, sums: Sums) -> str:
    """Measure one photo; return the line to print."""
    original = read_picture(path).rgb
    started = time.perf_counter()
    session.protect(path, PASSPHRASE, style=style, output=folder / "sealed.png", overwrite=True)
    protecting = time.perf_counter() - started
    started = time.perf_counter()
    exact = session.recover(folder / "sealed.png", PASSPHRASE, output=folder / "exact.png", overwrite=True)
    recovering = time.perf_counter() - started
    same = np.array_equal(read_picture(folder / "exact.png").rgb, original)
    plain = session.protect(path, PASSPHRASE, style=style, seal=False, output=folder / "plain.png", overwrite=True)
    session.recover(folder / "plain.png", PASSPHRASE, output=folder / "estimate.png", overwrite=True)
    protected, estimate = read_picture(folder / "plain.png").rgb, read_picture(folder / "estimate.png").rgb
    outside = np.ones(original.shape[:2], bool)
    for face in plain.faces:
        box: Box = face.box
        outside[box.y : box.bottom, box.x : box.right] = False
        sums.sides.append(float(np.sqrt(box.area)))
        sums.protected.append(psnr(cut(protected, box), cut(plain.cover, box)))
        sums.recovered.append(psnr(cut(estimate, box), cut(original, box)))
    try:
        session.recover(folder / "sealed.png", WRONG, output=folder / "wrong.png", overwrite=True)
        refused = False
    except WrongKeyError:
        refused = not (folder / "wrong.png").exists()
    untouched = all(np.array_equal(image[outside], original[outside]) for image in (protected, estimate))
    ok = same and refused and untouched and all(face.outcome == "exact" for face in exact.faces)
    n = len(plain.faces)
    return (
        f"{path.name:34s} {original.shape[1]}x{original.shape[0]} {n:4d} faces  "
        f"protect {protecting:5.2f} s  recover {recovering:5.2f} s  "
        f"protected {np.mean(sums.protected[-n:]):6.2f}  recovered {np.mean(sums.recovered[-n:]):6.2f} dB  "
        f"{'ok' if ok else f'FAILED exact={same} wrong refused={refused} outside={untouched}'}"
    )


def main(argv: list[str] | None = None) -> int:
    """Print one line per photo and the means; exit status 1 if any photo failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--style", default="blur")
    parser.add_argument("--limit", type=int, default=None)
    args = parser.parse_args(argv)
    paths = sorted(p for p in args.folder.rglob("*") if suffix_of(p.name) in PICTURES)[: args.limit]
    if not paths:
        print(f"error: no pictures in {args.folder}", file=sys.stderr)
        return 2
    session, sums, failed = Session(), Sums(), 0
    print(f"model {session.model.card.name} {session.model.card.model_id.hex()}  style {args.style}")
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            try:
                line = measure(session, path, args.style, Path(folder), sums)
            except NoFaceError:
                line = f"{path.name:34s} no face found"
            failed += "FAILED" in line
            print(line, flush=True)
    sides = np.array(sums.sides)
    for low, high in ((0, 48), (48, 96), (96, 192), (192, 1e9)):
        sums.show(f"regions of {low:.0f}..{high:.0f} px", (sides >= low) & (sides < high))
    sums.show("all", np.ones(len(sides), bool))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
