"""Sizes and times of photos protected as JPEG files, beside PNG files.

    python bench/speed/jpeg_files.py PHOTOS_DIR [--limit N] [--style blur]

Every photo is protected and recovered through files, in both formats.  The JPEG has to bring back every quantised
coefficient.  Times are seconds of processor time, of all threads, detection included; the file opens with an identity,
so that no passphrase has to be derived.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from proface_s.api import Session
from proface_s.errors import NoFaceError
from proface_s.image.jpeg.read_coefficients import UneditableJpegError, read_jpeg
from proface_s.keys.recipients import Identity


@dataclass(frozen=True)
class Figures:
    """One photo in one format: bytes out over bytes in, and seconds to protect and to recover it."""

    ratio: float
    protecting: float
    recovering: float


def measure(session: Session, identity: Identity, photo: Path, out: Path, style: str) -> Figures:
    """Protect a photo as the kind of file that ``out`` names, and recover it."""
    started = time.process_time()
    kind: Literal["jpeg", "png"] = "jpeg" if out.suffix == ".jpg" else "png"
    locked = [identity.recipient]
    session.protect(photo, recipients=locked, style=style, file_format=kind, output=out, overwrite=True)
    protected = time.process_time()
    back = out.with_name(f"recovered{out.suffix}")
    session.recover(out, identities=[identity], output=back, overwrite=True)
    recovered = time.process_time()
    if kind == "jpeg":
        one, other = read_jpeg(photo.read_bytes()), read_jpeg(back.read_bytes())
        same = [
            np.array_equal(mine.coefficients, theirs.coefficients) and np.array_equal(mine.table, theirs.table)
            for mine, theirs in zip(one.components, other.components, strict=True)
        ]
        if not all(same):
            raise AssertionError(f"{photo.name}: other coefficients came back")
    return Figures(out.stat().st_size / photo.stat().st_size, protected - started, recovered - protected)


def main() -> int:
    """Measure a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--style", default="blur")
    given = parser.parse_args()
    session = Session()
    identity = Identity.generate()
    found: dict[str, list[Figures]] = {".jpg": [], ".png": []}
    print("| photo | bytes | JPEG / input | PNG / input | JPEG: protect, recover (s) | PNG: protect, recover (s) |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for photo in sorted(given.photos.glob("*.jpg"))[: given.limit]:
            try:
                read_jpeg(photo.read_bytes())
                row = {
                    kind: measure(session, identity, photo, Path(folder) / f"out{kind}", given.style) for kind in found
                }
            except (NoFaceError, UneditableJpegError) as error:
                print(f"| {photo.name} | {photo.stat().st_size:,} | {error} | | | |")
                continue
            for kind, figures in row.items():
                found[kind].append(figures)
            sizes = " | ".join(f"{each.ratio:.2f}" for each in row.values())
            times = " | ".join(f"{each.protecting:.2f}, {each.recovering:.2f}" for each in row.values())
            print(f"| {photo.name} | {photo.stat().st_size:,} | {sizes} | {times} |", flush=True)
    for kind, rows in found.items():
        ratios = [each.ratio for each in rows]
        if ratios:
            print(f"\n{kind}: {len(ratios)} photos, mean {np.mean(ratios):.3f} times the input, most {max(ratios):.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
