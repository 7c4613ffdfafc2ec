"""Frames per second: 720p, two moving faces, one session.

    python bench/speed/video_rate.py [--frames 60] [--every 1 3 10] [--threads 2]

Frames are drawn: two copies of scikit-image's public-domain portrait, with faces of about 130 and 180 pixels, that move
and grow.  The peer is irreversible: the same detector, tracking and cover, with nothing hidden.  If the package deface
is installed (see stages.py), its detection and blur of every frame is another.  Frames are arrays: decoding and
encoding a video take additional time.  All take turns; figures are medians.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Iterator

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import cv2
import numpy as np

import bench_kit
from proface_s.api.protection.selection import disjoint_regions
from proface_s.covers import apply_style
from proface_s.faces import EngineDetector
from proface_s.flow.secure.model import SecureFlow
from proface_s.image.regions import cut, paste_all
from proface_s.types import Style, UInt8Image
from proface_s.video.clock import DEFAULT_RATE
from proface_s.video.keys import VideoKey
from proface_s.video.session import VideoSession
from proface_s.video.tracked_arrays import tracked
from stages import deface

WIDTH, HEIGHT = 1280, 720


def draw_frames(count: int) -> list[UInt8Image]:
    """Draw ``count`` frames, each (720, 1280, 3) uint8 RGB."""
    from skimage import data

    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    noise = np.random.default_rng(1).normal(0, 4, (HEIGHT, WIDTH, 1))
    empty = np.clip(np.stack([90 + x / 16, 120 + y / 16, 160 - x / 32], axis=2) + noise, 0, 255).astype(np.uint8)
    portrait = data.astronaut()[:300, 90:360]
    frames = []
    for number in range(count):
        frame = empty.copy()
        for left, top, height in ((60 + 4 * number, 120, 330 + number), (760 - 3 * number, 60 + number, 450)):
            scaled = cv2.resize(portrait, (height * 9 // 10, height), interpolation=cv2.INTER_CUBIC)
            part = scaled[: HEIGHT - top, : WIDTH - left]
            frame[top : top + part.shape[0], left : left + part.shape[1]] = part
        frames.append(frame)
    return frames


def only_covered(frames: list[UInt8Image], every: int, threads: int) -> Iterator[UInt8Image]:
    """Cover faces as an irreversible anonymiser would, with the same detector, tracking and cover."""
    for frame, faces in tracked(frames, EngineDetector(threads=threads), every / DEFAULT_RATE):
        boxes = disjoint_regions(faces, [], (WIDTH, HEIGHT))
        yield paste_all(frame, [(box, apply_style(cut(frame, box), Style("blur"))) for box in boxes])


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--every", type=int, nargs="+", default=[1, 3, 10])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args(argv)
    frames, model, key = draw_frames(args.frames), SecureFlow(threads=args.threads), VideoKey.generate()
    peer = deface()
    rows = []
    for every in args.every:
        session = VideoSession(model=model, every=every, threads=args.threads)
        protected = list(session.protect(frames, key))
        sizes = [box.w * box.h for frame in protected for box in frame.record.boxes]
        stamps = [time.perf_counter()]
        for _ in session.protect(frames, key):
            stamps.append(time.perf_counter())
        gaps = np.diff(stamps)
        actions: dict[str, bench_kit.Action] = {
            "protect": lambda session=session: sum(1 for _ in session.protect(frames, key)),
            "recover": lambda session=session, out=protected: sum(
                1 for _ in session.recover(((f.rgb, f.record) for f in out), key)
            ),
            "cover": lambda every=every: sum(1 for _ in only_covered(frames, every, args.threads)),
        }
        if peer is not None:
            actions["deface"] = lambda: [peer.blur(frame) for frame in frames]
        times = bench_kit.time_in_turn(actions, args.repeats, warm=0)
        rate = {name: args.frames / statistics.median(each) for name, each in times.items()}
        rows.append([
            every, f"{len(sizes) / args.frames:.1f}", f"{np.sqrt(np.mean(sizes)):.0f} px", f"{rate['protect']:.1f}",
            f"{1e3 * np.percentile(gaps, 95):.0f} ms", f"{rate['recover']:.1f}", f"{rate['cover']:.1f}",
            f"{bench_kit.median_ratio(times['protect'], times['cover']):.1f}",
            f"{rate['deface']:.1f}" if "deface" in rate else "not installed",
        ])  # fmt: skip
    print(bench_kit.heading(
        "Video: 720p, two faces", f"python bench/speed/video_rate.py --frames {args.frames} --threads {args.threads}",
        f"Frames per second over {args.frames} frames, median of {args.repeats} rounds; lossless frames as arrays, "
        "without a codec.",
    ))  # fmt: skip
    columns = ["detect every", "faces", "mean side of a region", "protect, fps", "95 % of frames within",
               "recover, fps", "same detection and cover only, fps", "time: protect / cover only",
               "deface, fps"]  # fmt: skip
    print(bench_kit.table(columns, rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
