"""Frames per second of clips, from file to file: find the people, hide them, and bring them back.

    python bench/speed/clip_rate.py [--frames 150] [--sizes 1280x720 1920x1080] [--threads 2]

The clip is that of video_rate.py: two portraits that move and grow before a still background with noise, forth and
back, encoded as H.264 with a constant rate factor of 20, 25 frames a second.  Each step is a process of its own, with a
public key.  Beside the time, which other processes on the machine lengthen, there is the processor time of a frame: of
two idle cores, ``2 / processor time`` is the most that can be reached.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import av
import cv2

import bench_kit
from video_rate import draw_frames

RATE = 25
CRF = 20


def write_clip(path: Path, size: tuple[int, int], count: int) -> None:
    """Write a clip of (width, height) pixels."""
    forth = draw_frames((count + 1) // 2)
    frames = [*forth, *forth[::-1]][:count]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "crf": str(CRF)})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for frame in frames:
            scaled = frame if frame.shape[1::-1] == size else cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(scaled, format="rgb24")))
        out.mux(stream.encode(None))


def measure(size: tuple[int, int], count: int, threads: int) -> list[list[object]]:
    """Return a row for each step."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip, people, hidden, key = (folder / each for each in ("a.mp4", "people.json", "hidden.mp4", "key"))
        write_clip(clip, size, count)
        bench_kit.run_measured(bench_kit.program("keygen", "-o", str(key)))
        recipient = bench_kit.run_measured(bench_kit.program("keygen", "--public", str(key))).out.strip()
        steps = {
            "find": ["detect", str(clip), "-o", str(people)],
            "hide": ["protect", str(clip), "--people", str(people), "-r", recipient, "-o", str(hidden)],
            "both": ["protect", str(clip), "-r", recipient, "-o", str(hidden), "--overwrite"],
            "recover": ["recover", str(hidden), "-i", str(key), "-o", str(folder / "back.mp4")],
        }
        for step, arguments in steps.items():
            done = bench_kit.run_measured(bench_kit.program(*arguments), PROFACE_THREADS=str(threads))
            share = hidden.stat().st_size / clip.stat().st_size if step == "both" else None
            rows.append([
                f"{size[0]}x{size[1]}", step, f"{count / done.seconds:.1f}",
                f"{1e3 * done.processor_seconds / count:.0f} ms", f"{done.peak_mib:.0f} MiB",
                "" if share is None else f"{share:.2f}",
            ])  # fmt: skip
    return rows


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown section."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--sizes", nargs="+", default=["1280x720", "1920x1080"])
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args(argv)
    rows = []
    for text in args.sizes:
        width, height = map(int, text.split("x"))
        rows += measure((width, height), args.frames, args.threads)
    print(bench_kit.heading(
        "Clips: two faces", f"python bench/speed/clip_rate.py --frames {args.frames} --threads {args.threads}",
        f"{args.frames} frames, each step a process of its own, start-up included.",
    ))  # fmt: skip
    columns = ["size", "step", "frames per second", "processor time of a frame", "peak memory", "bytes out over in"]
    print(bench_kit.table(columns, rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
