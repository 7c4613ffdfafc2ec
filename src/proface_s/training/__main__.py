"""Train the flow: ``python -m proface_s.training --data DIR [--data DIR ...] --out RUN``; killed runs resume."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch: two spinning threads can stall each other

import cv2
import torch

from .config import TrainConfig
from .covers import CoverSource, load_faces, load_stickers
from .loop import Trainer


def main(argv: list[str] | None = None) -> int:
    """Run until the last step; log.csv and checkpoint.pt are kept in the run's folder."""
    parser = argparse.ArgumentParser(prog="python -m proface_s.training", description=__doc__)
    parser.add_argument("--config", type=Path, help="JSON as TrainConfig.to_json writes it; the defaults without")
    parser.add_argument("--data", type=Path, action="append", required=True, help="folder of faces; repeatable")
    parser.add_argument("--stickers", type=Path, help="folder of RGBA stickers for mask covers")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    args = parser.parse_args(argv)
    config = TrainConfig.load(args.config) if args.config else TrainConfig()
    device = args.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(config.threads)
    cv2.setNumThreads(1)
    covers = CoverSource(load_faces(*args.data), load_stickers(args.stickers))
    trainer = Trainer(config, covers, args.out, device)
    print(f"{len(covers.faces)} faces, {len(covers.stickers)} stickers, step {trainer.step} of {config.steps}")
    trainer.run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
