"""Training choices of the published network: variants of one small run, on equal budget.

    python bench/quality/paper_ablation.py EVAL_FACES --data FACES [--data MORE] [--stickers DIR] [--only NAME ...]

Prints one line per variant: PSNR on unseen faces, stored as 8-bit pictures: protected / recovered, and with a wrong
key.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from faces import read_faces
from paper_peer import measure
from proface_lab.training.config import RunConfig
from proface_lab.training.paper.network import PaperFlow, PaperMethod
from proface_lab.training.run import train

STYLES = ("blur", "pixelate", "mask")
BASE = RunConfig(
    task="paper",
    batch=4,
    crop=48,
    small_share=0.0,
    faces=(96, 320),
    peak_lr=2e-3,
    warm_up=0.05,
    grad_clip=0.3,
    ema=0.98,
    validation=0.0,
    check_every=10**6,
    threads=1,
    seed=1,
)
OLD: dict[str, Any] = {"blocks": 3, "growth": 16}
SIGNED = {**OLD, "loss": "rmse", "signed": True}
RECIPE = {**SIGNED, "slope": 0.01, "initialisation": "kaiming"}
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {  # name: model, other settings
    "before: torch, [0, 1], 0.2, the paper's losses": (OLD, {}),
    "torch, [0, 1], 0.2, RMSE": ({**OLD, "loss": "rmse"}, {}),
    "torch, [-1, 1], 0.2, RMSE": (SIGNED, {}),
    "torch, [-1, 1], 0.01, RMSE": ({**SIGNED, "slope": 0.01}, {}),
    "published (0.01 N), [-1, 1], 0.01, RMSE": ({**SIGNED, "slope": 0.01, "initialisation": "published"}, {}),
    "kaiming, [0, 1], 0.01, RMSE": ({**RECIPE, "signed": False}, {}),
    "kaiming, [-1, 1], 0.2, RMSE": ({**RECIPE, "slope": 0.2}, {}),
    "kaiming, [-1, 1], 0.01, RMSE": (RECIPE, {}),
    "the same, Adam with eps 1e-6 and decay 1e-5": (RECIPE, {"adam_eps": 1e-6, "weight_decay": 1e-5}),
    "kaiming, [-1, 1], 0.01, the paper's losses": ({**RECIPE, "loss": "paper"}, {}),
    "the same, triplets annealed from 0 to 1": ({**RECIPE, "loss": "paper", "triplets": [0.0, 1.0]}, {}),
}


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown table, line by line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--stickers", type=Path)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--limit", type=int, default=6)
    parser.add_argument("--only", nargs="+", default=list(VARIANTS), metavar="NAME")
    args = parser.parse_args(argv)
    faces = read_faces(args.folder, args.size, args.limit)
    print(f"{args.steps} steps of {BASE.batch} crops of {BASE.crop} px, {len(faces)} faces of {args.size} px\n")
    print(f"| variant | {' | '.join(f'{style}, protected / recovered' for style in STYLES)} | wrong key | minutes |")
    print(f"|---|{'---|' * (len(STYLES) + 2)}", flush=True)
    for name in args.only:
        model, settings = VARIANTS[name]
        start, config = time.monotonic(), replace(BASE, model=model, steps=args.steps, **settings)
        with TemporaryDirectory() as folder:
            run = train(config, args.data, Path(folder), device="cpu", stickers=args.stickers, quiet=True)
        assert isinstance(run.average, PaperFlow)
        method = PaperMethod(run.average)
        found = [measure(method, faces, style) for style in STYLES]
        cells = " | ".join(f"{row[0]:.1f} / {row[2]:.1f}" for row in found)
        wrong = sum(row[5] for row in found) / len(found)
        print(f"| {name} | {cells} | {wrong:.1f} | {(time.monotonic() - start) / 60:.1f} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
