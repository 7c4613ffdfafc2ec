"""Learned inversion: does a network without the key restore faces from protected images?

    python bench/inversion.py TRAIN_FACES_DIR [DIR ...] --test TEST_FACES_DIR [--style blur] [--steps 600]

The attacker protects faces of his own under random keys with the shipped model, trains a three-level U-Net of width 32
from protected image to original, and is measured on faces and keys he has not seen.  The control is the same network
trained on the plain covers: what it reaches, the cover gives away.  The difference is the leak of the scheme.
Faces of 64 pixels, PSNR in dB of clamped, rounded estimates, mean over the test faces.  Needs the train extra.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from faces import read_faces
from proface_s import obfuscate
from proface_s.flow.model import FlowModel
from proface_s.keys.secret import FaceKey
from proface_s.types import Style, UInt8Image

SIDE, WIDTH, BATCH = 64, 32, 16


class UNet(nn.Module):
    """Three levels; predicts a correction of its input, (B, 3, H, W) in [0, 1]."""

    def __init__(self) -> None:
        super().__init__()
        widths = (WIDTH, 2 * WIDTH, 4 * WIDTH)
        self.down = nn.ModuleList(self._pair(a, b) for a, b in zip((3, *widths[:-1]), widths, strict=True))
        self.up = nn.ModuleList(self._pair(a + b, a) for a, b in itertools.pairwise(widths))
        self.last = nn.Conv2d(WIDTH, 3, 1)
        nn.init.zeros_(self.last.weight)

    @staticmethod
    def _pair(inputs: int, outputs: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1), nn.GroupNorm(8, outputs), nn.SiLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1), nn.GroupNorm(8, outputs), nn.SiLU(),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Estimate of the original."""
        kept, x = [], image
        for level, block in enumerate(self.down):
            x = block(fn.avg_pool2d(x, 2) if level else x)
            kept.append(x)
        for level in (1, 0):
            x = fn.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = self.up[level](torch.cat([kept[level], x], dim=1))
        return image + self.last(x)


def protect_all(model: FlowModel, faces: list[UInt8Image], style: Style) -> tuple[list[UInt8Image], list[UInt8Image]]:
    """(covers, protected images), every face under a fresh key."""
    covers = [obfuscate.cover(face, style) for face in faces]
    protected: list[UInt8Image] = []
    for start in range(0, len(faces), 64):
        part = slice(start, start + 64)
        protected += model.protect(faces[part], covers[part], [FaceKey.generate() for _ in faces[part]])
    return covers, protected


def tensor(images: list[UInt8Image]) -> Tensor:
    """(N, 3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255


def mean_psnr(estimate: Tensor, original: Tensor) -> float:
    """Mean over the images, in dB."""
    rounded = torch.round(estimate.clamp(0, 1) * 255) / 255
    return float((-10 * torch.log10((rounded - original).square().mean(dim=(1, 2, 3)))).mean())


def attack(seen: Tensor, originals: Tensor, test: tuple[Tensor, Tensor], steps: int, name: str) -> float:
    """Train one inverter; prints its progress on unseen faces and returns the last figure."""
    torch.manual_seed(7)
    net, rng, started = UNet(), torch.Generator().manual_seed(8), time.perf_counter()
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)
    result = mean_psnr(*test)
    print(f"{name:10s} step    0  {result:6.2f} dB")
    for step in range(1, steps + 1):
        chosen = torch.randint(len(seen), (BATCH,), generator=rng)
        flip = bool(torch.randint(2, (1,), generator=rng))
        x, y = (t[chosen].flip(-1) if flip else t[chosen] for t in (seen, originals))
        loss = (net(x) - y).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % max(1, steps // 4) == 0:
            with torch.no_grad():
                result = mean_psnr(net(test[0]), test[1])
            print(f"{name:10s} step {step:4d}  {result:6.2f} dB   {time.perf_counter() - started:5.0f} s", flush=True)
    return result


def main(argv: list[str] | None = None) -> int:
    """Print both attackers' progress and the difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path, nargs="+")
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--style", default="blur")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    model, style = FlowModel(threads=args.threads), obfuscate.parse_style(args.style)
    own = [face for folder in args.train for face in read_faces(folder, SIDE, 10**6)]
    unseen = read_faces(args.test, SIDE, 10**6)
    covers, protected = protect_all(model, own, style)
    test_covers, test_protected = protect_all(model, unseen, style)
    print(f"model {model.card.model_id.hex()}, {args.style}, {SIDE} px, {len(own)} own faces, {len(unseen)} unseen")
    target, truth = tensor(own), tensor(unseen)
    leak = attack(tensor(protected), target, (tensor(test_protected), truth), args.steps, "protected")
    leak -= attack(tensor(covers), target, (tensor(test_covers), truth), args.steps, "cover")
    print(f"leak of the scheme: {leak:+.2f} dB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
