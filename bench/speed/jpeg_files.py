"""Sizes, times and memory of photos protected as JPEG files, beside PNG files and deface.

    python bench/speed/jpeg_files.py [PHOTOS_DIR] [--limit N] [--style blur]

Without a folder, photos are drawn: copies of scikit-image's public-domain portrait, saved at quality 92 with 4:2:0.
Every photo is protected and recovered through files in both formats, in a new process each; the JPEG has to bring back
every quantised coefficient.  Detection is included; the file opens with an identity, so that no key has to be derived
from a passphrase.  The peer is deface, which cannot recover anything: it decodes, detects, blurs and encodes at quality
92.  If it is not installed (see stages.py), the columns say so.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from PIL import Image

import bench_kit

DRAWN = {"1 MP, 1 face": (1, 1, 800), "12 MP, 5 faces": (12, 5, 270), "12 MP, 5 large faces": (12, 5, 1150),
         "12 MP, 25 faces": (12, 25, 270)}  # fmt: skip
"""Megapixels, faces, and height of the largest portrait."""
KINDS = ("jpeg", "png", "deface")
QUALITY = 92


def measure(photo: Path, kind: str, style: str, threads: int, repeats: int) -> dict[str, Any] | None:
    """Measure one photo in one format in this process; None if the peer is not installed."""
    return measure_peer(photo, repeats) if kind == "deface" else measure_ours(photo, kind, style, threads, repeats)


def measure_ours(photo: Path, kind: str, style: str, threads: int, repeats: int) -> dict[str, Any]:
    """Protect and recover through files.

    Raises:
        SystemExit: if a JPEG does not come back coefficient for coefficient.
    """
    from proface_s.api import Session
    from proface_s.keys.recipients import Identity

    session, identity = Session(threads=threads), Identity.generate()
    times: dict[str, list[float]] = {"protect": [], "recover": [], "processor": []}
    with tempfile.TemporaryDirectory() as folder:
        out, back = (Path(folder) / f"{name}{'.jpg' if kind == 'jpeg' else '.png'}" for name in ("out", "back"))
        for _ in range(1 + repeats):
            cpu, started = time.process_time(), time.perf_counter()
            done = session.protect(
                photo, recipients=[identity.recipient], style=style, file_format=kind, output=out, overwrite=True
            )
            between = time.perf_counter()
            session.recover(out, identities=[identity], output=back, overwrite=True)
            times["recover"].append(time.perf_counter() - between)
            times["protect"].append(between - started)
            times["processor"].append(time.process_time() - cpu)
        if kind == "jpeg" and not same_coefficients(photo.read_bytes(), back.read_bytes()):
            raise SystemExit(f"{photo.name}: other coefficients came back")
        size = out.stat().st_size
    medians = bench_kit.medians({name: each[1:] for name, each in times.items()})
    return {"faces": len(done.faces), "size": size, "peak": bench_kit.own_peak_mib(), **medians}


def same_coefficients(one: bytes, other: bytes) -> bool:
    """Return whether two JPEG files have the same quantised coefficients and tables."""
    from proface_s.image.jpeg.read_coefficients import read_jpeg

    return all(
        np.array_equal(mine.coefficients, theirs.coefficients) and np.array_equal(mine.table, theirs.table)
        for mine, theirs in zip(read_jpeg(one).components, read_jpeg(other).components, strict=True)
    )


def measure_peer(photo: Path, repeats: int) -> dict[str, Any] | None:
    """Decode, detect, blur and encode with deface; None if it is not installed."""
    from stages import deface

    if (peer := deface()) is None:
        return None
    data, times = photo.read_bytes(), []
    for _ in range(1 + repeats):
        started = time.perf_counter()
        blurred, buffer = peer.blur(np.array(Image.open(io.BytesIO(data)).convert("RGB"))), io.BytesIO()
        Image.fromarray(blurred).save(buffer, "JPEG", quality=QUALITY)
        times.append(time.perf_counter() - started)
    return {"size": buffer.tell(), "peak": bench_kit.own_peak_mib(), **bench_kit.medians({"protect": times[1:]})}


def photos_of(folder: Path | None, drawn: Path, limit: int | None) -> Iterator[tuple[str, Path]]:
    """Yield titles and paths of the photos: those of a folder, or drawn ones."""
    if folder is not None:
        yield from ((path.stem, path) for path in sorted(folder.glob("*.jpg"))[:limit])
        return
    for title, (megapixels, faces, height) in list(DRAWN.items())[:limit]:
        path = drawn / f"{title}.jpg"
        Image.fromarray(bench_kit.draw_photo(megapixels, faces, height)).save(path, quality=QUALITY)
        yield title, path


def cells(found: dict[str, dict[str, Any] | None], size: int) -> list[str]:
    """Return the cells of a row of the table."""
    jpeg, png, peer = (found[kind] for kind in KINDS)
    assert jpeg is not None
    assert png is not None
    none = "not installed"
    return [
        str(jpeg["faces"]), f"{size:,}", f"{jpeg['size'] / size:.3f}", f"{png['size'] / size:.2f}",
        f"{peer['size'] / size:.2f}" if peer else none,
        *(f"{each['protect']:.2f}, {each['recover']:.2f} s" for each in (jpeg, png)),
        f"{peer['protect']:.2f} s" if peer else none,
        *(f"{each['processor']:.2f} s" for each in (jpeg, png)),
        *(f"{each['peak']:.0f} MiB" if each else none for each in (jpeg, png, peer)),
    ]  # fmt: skip


COLUMNS = ("photo", "faces", "bytes", "JPEG / input", "PNG / input", "deface / input", "JPEG: protect, recover",
           "PNG: protect, recover", "deface", "JPEG: processor", "PNG: processor", "JPEG: peak memory",
           "PNG: peak memory", "deface: peak memory")  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Print a Markdown section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="?", help="a folder with JPEG files; photos are drawn if left out")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--style", default="blur")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--kind", choices=KINDS, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.kind:
        print(json.dumps(measure(args.photos, args.kind, args.style, args.threads, args.repeats)))
        return 0
    options = ["--style", args.style, "--threads", str(args.threads), "--repeats", str(args.repeats)]
    shown = [f"python bench/speed/jpeg_files.py {'' if args.photos is None else 'PHOTOS_DIR '}", *options]
    print(bench_kit.heading(
        "JPEG files", shown[0] + " ".join(shown[1:]),
        f"Bytes out over bytes in, median seconds of {args.repeats} rounds after a first one, {args.threads} threads, "
        "public key; processor time is that of protecting and recovering together.  Every JPEG came back coefficient "
        "for coefficient.",
    ))  # fmt: skip
    rows, marks, ratios = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for title, path in photos_of(args.photos, Path(folder), args.limit):
            found: dict[str, dict[str, Any] | None] = {}
            for kind in KINDS:
                command = [sys.executable, __file__, str(path), "--kind", kind, *options]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    break
                found[kind] = json.loads(done.stdout)
            else:
                size = path.stat().st_size
                rows.append([title, *cells(found, size)])
                ratios.append(found["jpeg"]["size"] / size)  # type: ignore[index]
                name = title.lower().replace(",", "").replace(" ", "-")
                smaller = found["png"]["size"] / found["jpeg"]["size"]  # type: ignore[index]
                marks.append(f"<!-- ratio jpeg-smaller-than-png-{name} {smaller:.2f} -->")
                continue
            print(f"{title} is left out: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
    print(bench_kit.table(COLUMNS, rows))
    if ratios:
        print(f"{len(ratios)} photos: mean {np.mean(ratios):.3f} times the input as a JPEG, most {max(ratios):.3f}\n")
    print("\n".join(marks if args.photos is None else ()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
