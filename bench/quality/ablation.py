"""Sizes of the couplings on equal budget: bits, error and cost.

    python bench/quality/ablation.py FACES_DIR [DIR ...] --out RUNS_DIR [--steps 600]

Trains every size with the same data, batches, steps and seed through the real training loop.  Prints, for held-out
identities, bits per sample and PSNR at a quantiser step of 4 grey levels (96-pixel crops), and the multiply-adds of
one pass over a 256-pixel face.  Finished runs are not repeated.
"""

from __future__ import annotations

import argparse
import csv
import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch
from torch import nn

from proface_lab.training.config import RunConfig
from proface_lab.training.run import train
from proface_lab.training.secure.code_images import code_images
from proface_lab.training.secure.couplings import CouplingNetwork

SIZES = ((8, 2), (16, 1), (16, 2), (24, 2), (32, 3))
PAPER_GMAC = 17.55


def multiply_adds(network: CouplingNetwork, side: int) -> float:
    """Return the multiply-adds of one pass over a square face, in 10^9, counted by hooks on the convolutions."""
    total = 0

    def count(layer: nn.Module, _: object, out: torch.Tensor) -> None:
        nonlocal total
        assert isinstance(layer, nn.Conv2d)
        total += out.numel() * layer.in_channels * layer.kernel_size[0] * layer.kernel_size[1]

    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, nn.Conv2d)]
    with torch.no_grad():
        code_images(network.eval(), torch.rand(1, 3, side, side) * 255, torch.full((1, 1, 1, 1), 2.0))
    for hook in hooks:
        hook.remove()
    return total / 1e9


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args(argv)
    print(f"| width | 3x3 layers | parameters | GMAC at 256 (paper: {PAPER_GMAC}) | bits per sample | PSNR |")
    print("|---|---|---|---|---|---|")
    for width, layers in SIZES:
        config = RunConfig(
            model={"width": width, "layers": layers},
            steps=args.steps,
            check_every=args.steps,
            validation=0.06,
            validation_in="synth_",
            threads=args.threads,
        )
        out = args.out / f"width{width}-layers{layers}-{args.steps}"
        train(config, args.folders, out, quiet=True)
        with (out / "validation.csv").open(encoding="utf-8") as file:
            last = list(csv.DictReader(file))[-1]
        network = CouplingNetwork(width, layers)
        parameters, cost = sum(p.numel() for p in network.parameters()), multiply_adds(network, 256)
        bits, quality = float(last["bits_2_at_96px"]), float(last["psnr_2_at_96px"])
        print(f"| {width} | {layers} | {parameters:,} | {cost:.2f} | {bits:.3f} | {quality:.2f} dB |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
