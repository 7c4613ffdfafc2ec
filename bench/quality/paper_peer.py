"""The published system, trained here, on the same faces and covers as `bench/quality/faces.py`.

    python bench/quality/paper_peer.py CHECKPOINT FACES_DIR [--sizes 256] [--limit 16]

`stored` means rounded to 8 bits; `float` is the paper's protocol, never rounded; `wrong key` is the key map of another
password.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from faces import STYLES, read_faces, ssim
from proface_lab.training.config import RunConfig
from proface_lab.training.loop import read_weights
from proface_lab.training.paper.network import PaperFlow, PaperMethod, derive_paper_key_map
from proface_lab.training.task import make_task
from proface_s.covers import apply_style
from proface_s.image.measures import psnr
from proface_s.types import Style, UInt8Image


def load(checkpoint: Path) -> tuple[PaperMethod, RunConfig, int]:
    """Load the averaged weights of a run; return the method, its configuration and its step."""
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    config = RunConfig.from_dict(saved["config"])
    network = make_task(config.task, config.model).build()
    assert isinstance(network, PaperFlow)
    network.load_state_dict(read_weights(checkpoint))
    return PaperMethod(network), config, int(saved["step"])


def measure(method: PaperMethod, faces: list[UInt8Image], style: str) -> list[float]:
    """Return means over the faces, in the order of the table's columns."""
    rows = []
    for i, original in enumerate(faces):
        cover = faces[(i + 1) % len(faces)] if style == "other-face" else apply_style(original, Style(style))
        right, other = (derive_paper_key_map(f"{word} {i}", *original.shape[:2]) for word in ("right", "other"))
        floats = method.protect_float(original, cover, right)
        stored = method.protect(original, cover, right)
        recovered, wrong = (method.recover(stored, key_map) for key_map in (right, other))
        rows.append(
            (
                psnr(stored, cover),
                ssim(stored, cover),
                psnr(recovered, original),
                ssim(recovered, original),
                psnr(method.recover(floats, right), original),
                psnr(wrong, original),
                ssim(wrong, cover),
            )
        )
    return [float(value) for value in np.mean(rows, axis=0)]


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256])
    parser.add_argument("--styles", nargs="+", default=list(STYLES))
    parser.add_argument("--limit", type=int, default=16)
    args = parser.parse_args(argv)
    method, config, steps = load(args.checkpoint)
    print(f"{config.model}, {steps} steps of {config.batch} crops of {config.crop} px\n")
    print(
        "| size | cover | protected, stored | SSIM | recovered, stored | SSIM | recovered, float | wrong key | "
        "wrong key vs cover: SSIM |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for size in args.sizes:
        faces = read_faces(args.folder, size, args.limit)
        for style in args.styles:
            p, p_ssim, r, r_ssim, f, w, w_ssim = measure(method, faces, style)
            stored = f"{p:.2f} dB | {p_ssim:.3f} | {r:.2f} dB | {r_ssim:.3f}"
            print(f"| {size} | {style} | {stored} | {f:.2f} dB | {w:.1f} dB | {w_ssim:.3f} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
