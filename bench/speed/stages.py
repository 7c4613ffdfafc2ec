"""Whole photos: seconds by stage, compared with the detection and blur of an irreversible anonymiser.

    python bench/speed/stages.py [--points 1x1 4x2 12x5 16x25 16x125] [--threads 2]

A point is MEGAPIXELSxFACES.  Stages are timed inside the program, with one thread so that they do not overlap; ``all``
is their sum.  ``protect`` and ``recover`` are timed with the given threads, from file to file, verification included.
The peer is deface: CenterFace and its blur on the decoded photo, without decoding or encoding; both by default, at full
size, and with the photo scaled to 1280 pixels for detection.  It is not a dependency, because it requires another build
of OpenCV:

    pip install --no-deps deface imageio imageio-ffmpeg tqdm
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from PIL import Image

import bench_kit
from proface_s.api import Session
from proface_s.api.protection import protect_file, protect_picture
from proface_s.container.header import lock

STAGES = ("decode", "detect", "keys", "cover", "flow", "seal", "encode", "verify", "write", "other")
PASSPHRASE = "measured on stored files"


class Deface:
    """CenterFace and deface's blur, with the defaults of its command line."""

    def __init__(self, long_side: int | None = None) -> None:
        import deface.deface as module
        from deface.centerface import CenterFace

        with contextlib.redirect_stdout(io.StringIO()):
            self._net, self._module = CenterFace(backend="auto"), module
        self._long_side = long_side

    def blur(self, rgb: np.ndarray) -> np.ndarray:
        """Return a copy in which the faces that it finds are blurred."""
        height, width = rgb.shape[:2]
        scale = min(1.0, (self._long_side or max(width, height)) / max(width, height))
        self._net.in_shape = (round(width * scale), round(height * scale))
        frame = rgb.copy()
        found, _ = self._net(frame, threshold=0.2)
        self._module.anonymize_frame(
            found,
            frame,
            mask_scale=1.3,
            replacewith="blur",
            ellipse=True,
            draw_scores=False,
            replaceimg=None,
            mosaicsize=20,
        )
        return frame


def deface(long_side: int | None = None) -> Deface | None:
    """Return the peer, or None if it is not installed."""
    try:
        return Deface(long_side)
    except ImportError as missing:
        print(f"deface is skipped: {missing}", file=sys.stderr)
        return None


@contextlib.contextmanager
def clocked(worker: Session) -> Iterator[dict[str, float]]:
    """Collect the seconds that the body spends in each stage; a nested stage counts towards the outer one."""
    spent: dict[str, float] = defaultdict(float)
    inside: list[str] = []

    def timed(stage: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if inside:
                return call(*args, **kwargs)
            inside.append(stage)
            started = time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                spent[stage] += time.perf_counter() - started
                inside.pop()

        return wrapped

    places: list[tuple[str, Any, tuple[str, ...]]] = [
        ("decode", protect_file, ("load", "find_records")),
        ("keys", protect_picture, ("lock_header", "planned_reserves")),
        ("keys", lock.KeyRing, ("face_key",)),
        ("cover", protect_picture, ("apply_style",)),
        ("flow", worker.model, ("protect",)),
        ("seal", protect_picture, ("seal_region", "seal_at_full_length", "encode_sidecar", "to_chunks")),
        ("encode", protect_picture, ("encode_picture", "write_chunks")),
        ("verify", protect_picture, ("check_protected",)),
        ("write", protect_file, ("write_files",)),
    ]
    before: list[tuple[Any, str, Any]] = []
    detect = worker.detector.detect
    find = worker.find
    worker.find = timed("detect", find)  # type: ignore[method-assign]
    for stage, owner, names in places:
        for name in names:
            before.append((owner, name, getattr(owner, name)))
            setattr(owner, name, timed(stage, getattr(owner, name)))
    try:
        yield spent
    finally:
        for owner, name, call in before:
            setattr(owner, name, call)
        worker.find = find  # type: ignore[method-assign]
        assert worker.detector.detect == detect


def by_stage(photo: Path, out: Path, repeats: int, threads: int) -> tuple[dict[str, float], int]:
    """Return median seconds of every stage, which may overlap with several threads, and the number of regions."""
    worker, rounds, faces = Session(threads=threads), [], 0
    for _ in range(repeats + 1):
        with clocked(worker) as spent:
            started = time.perf_counter()
            result = worker.protect(photo, PASSPHRASE, output=out, overwrite=True)
            spent["other"] = time.perf_counter() - started - sum(spent.values())
        rounds.append(dict(spent))
        faces = len(result.faces)
    return {stage: statistics.median(each.get(stage, 0.0) for each in rounds[1:]) for stage in STAGES}, faces


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", nargs="+", default=["1x1", "4x2", "12x5", "16x25", "16x125"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args(argv)
    full, reduced = deface(), deface(1280)
    seconds, against, ratios = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        photo, out, back = (Path(folder) / name for name in ("photo.jpg", "out.png", "back.png"))
        for point in args.points:
            megapixels, drawn = map(float, point.split("x"))
            pixels = bench_kit.draw_photo(megapixels, int(drawn))
            Image.fromarray(pixels).save(photo, quality=92)
            stages, faces = by_stage(photo, out, args.repeats, 1)
            side_by_side, _ = by_stage(photo, out, args.repeats, args.threads)
            worker = Session(threads=args.threads)
            actions: dict[str, bench_kit.Action] = {
                "protect": lambda w=worker: w.protect(photo, PASSPHRASE, output=out, overwrite=True),
                "recover": lambda w=worker: w.recover(out, PASSPHRASE, output=back, overwrite=True),
            }
            peers = {"full": full, "1280": reduced}
            actions |= {name: lambda p=p, a=pixels: p.blur(a) for name, p in peers.items() if p is not None}
            times = bench_kit.time_in_turn(actions, args.repeats)
            median = bench_kit.medians(times)
            seconds.append([f"{megapixels:g} MP, {faces} faces", *(f"{stages[name]:.2f}" for name in STAGES),
                            f"{sum(stages.values()):.2f}"])  # fmt: skip
            looks = side_by_side["detect"] + side_by_side["cover"]
            if "full" in median:
                ratios.append(f"<!-- ratio looks-{point} {median['full'] / looks:.2f} -->")
            against.append([
                f"{megapixels:g} MP, {faces} faces", f"{median['protect']:.2f} s", f"{median['recover']:.2f} s",
                *(f"{median[name]:.2f} s" if name in median else "not installed" for name in peers),
                *(f"{bench_kit.median_ratio(times['protect'], times[name]):.1f}" if name in median else ""
                  for name in peers),
                f"{looks / median['full']:.1f}" if "full" in median else "",
            ])  # fmt: skip
    print(bench_kit.heading(
        "Whole photos by stage", f"python bench/speed/stages.py --threads {args.threads} --repeats {args.repeats}",
        f"Seconds, one thread, passphrase and seal, median of {args.repeats}.  `keys` is one run of Argon2id; `verify` "
        "includes another, and decodes the finished file and opens every seal.",
    ))  # fmt: skip
    print(bench_kit.table(["photo", *STAGES, "all"], seconds))
    print(f"With {args.threads} threads, and deface, which only detects and blurs (no files, nothing to recover):\n")
    columns = ["photo", "protect", "recover", "deface, full size", "deface at 1280", "protect / deface, full",
               "protect / deface, 1280", "our detection and cover / deface, full"]  # fmt: skip
    print(bench_kit.table(columns, against))
    print("\n".join(ratios))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
