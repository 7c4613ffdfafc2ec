"""How the attacker trains: on self-made pairs, protected under keys that are drawn again all the time."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from proface_s.types import UInt8Image

from ..evaluation.method import KEY_BYTES, Method, NeedsRoom
from ..evaluation.report.report import write_json
from .base import Covered
from .networks import count_parameters

PEAK_LR = 2e-3


@dataclass(slots=True, eq=False)
class CoveredPairs:
    """Training pairs of the attacker: what is seen of each face, and the original.

    Attributes:
        faces: the attacker's faces with their covers, all of one size.
        method: protects them; None for the control, which sees only the covers.
        made: number of protections so far.
    """

    faces: Sequence[Covered]
    method: Method | None
    made: int = 0
    _seen: list[UInt8Image] = field(default_factory=list)
    _next: int = 0

    def __post_init__(self) -> None:
        self._seen = [face.cover if self.method is None else self._protect(face) for face in self.faces]

    def renew(self, count: int) -> None:
        """Protect ``count`` faces again, each under a fresh random key."""
        if self.method is None:
            return
        for _ in range(count):
            self._seen[self._next] = self._protect(self.faces[self._next])
            self._next = (self._next + 1) % len(self.faces)

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Draw (seen, originals), each (count, 3, H, W) float32 in [0, 1], mirrored at random."""
        chosen = rng.integers(len(self.faces), size=count)
        mirrored = rng.random(count) < 0.5
        pairs = [(self._seen[i], self.faces[i].original) for i in chosen]
        pairs = [(a[:, ::-1], b[:, ::-1]) if m else (a, b) for (a, b), m in zip(pairs, mirrored, strict=True)]
        return to_tensor([a for a, _ in pairs]), to_tensor([b for _, b in pairs])

    def _protect(self, face: Covered) -> UInt8Image:
        assert self.method is not None
        self.made += 1
        return self.method.protect(face.original, face.cover, secrets.token_bytes(KEY_BYTES))


def fingerprint(method: Method) -> str:
    """Return a digest of the protected version of a fixed picture, which differs between weights of one method.

    For methods that draw random numbers of their own, it is just their name.
    """
    rng = np.random.default_rng(7)
    side = method.least_side if isinstance(method, NeedsRoom) else 96
    original, cover = (rng.integers(0, 256, (side, side, 3), np.uint8) for _ in range(2))
    made = [hashlib.sha256(method.protect(original, cover, bytes(KEY_BYTES)).tobytes()).hexdigest() for _ in range(2)]
    return made[0][:16] if made[0] == made[1] else method.name


def to_tensor(images: Sequence[UInt8Image]) -> Tensor:
    """Convert (H, W, 3) uint8 images to (N, 3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255


def to_images(batch: Tensor) -> list[UInt8Image]:
    """Inverse of `to_tensor`, clamped and rounded."""
    levels = torch.round(batch.detach().clamp(0, 1) * 255).to(torch.uint8).permute(0, 2, 3, 1)
    return [np.ascontiguousarray(image) for image in levels.cpu().numpy()]


def train_network(
    network: nn.Module,
    pairs: CoveredPairs,
    steps: int,
    batch: int,
    fresh: int,
    seed: int,
    device: str,
    say: Callable[[str], None],
    label: str,
) -> dict[str, Any]:
    """Train from fresh weights; return the training entry of the card."""
    network.to(device).train()
    rng, started = np.random.default_rng([seed, 2]), time.perf_counter()
    optimiser = torch.optim.Adam(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, PEAK_LR, total_steps=steps)
    recent: list[float] = []
    for step in range(1, steps + 1):
        pairs.renew(fresh)
        seen, wanted = (part.to(device) for part in pairs.draw(batch, rng))
        loss = (network(seen) - wanted).square().mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        recent = [*recent[-19:], float(loss.detach())]
        if step % max(1, steps // 5) == 0:
            say(f"{label}: step {step} of {steps}, {-10 * np.log10(np.mean(recent)):.1f} dB on own faces")
    return {
        "steps": steps,
        "batch": batch,
        "protections": pairs.made,
        "faces": len(pairs.faces),
        "seed": seed,
        "peak_lr": PEAK_LR,
        "seconds": round(time.perf_counter() - started, 1),
        "device": device,
        "final_loss_db": round(float(-10 * np.log10(np.mean(recent))), 3),
    }


@torch.no_grad()
def apply_network(network: nn.Module, images: Sequence[UInt8Image], device: str, batch: int = 32) -> list[UInt8Image]:
    """Return estimates of the originals."""
    network.to(device).eval()
    found: list[UInt8Image] = []
    for start in range(0, len(images), batch):
        found += to_images(network(to_tensor(images[start : start + batch]).to(device)))
    return found


def trained_network(
    path: Path,
    make: Callable[[], nn.Module],
    settings: dict[str, Any],
    work: Callable[[nn.Module], dict[str, Any]],
    seed: int,
) -> tuple[nn.Module, dict[str, Any]]:
    """Return a network and its card: from the folder if it was trained with these settings before, else trained now.

    Args:
        path: of the weights; the card lies beside it, with the suffix .json.
        make: builds the network.
        settings: everything that determines the weights, JSON types.
        work: trains it and returns what the card contains beside the settings.
        seed: of the initial weights.
    """
    card_path = path.with_suffix(".json")
    torch.manual_seed(seed)
    network = make()
    if path.is_file() and card_path.is_file():
        card = json.loads(card_path.read_text(encoding="utf-8"))
        own = json.loads(json.dumps(settings)), count_parameters(network)
        if (card.get("settings"), card.get("parameters")) == own:
            network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
            return network, card
    training = work(network)
    card = {
        "purpose": "an adversary's network, trained to undo the method named below; a measuring instrument",
        "network": type(network).__name__,
        "parameters": count_parameters(network),
        "settings": settings,
        "training": training,
        "torch": torch.__version__,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    torch.save(network.to("cpu").state_dict(), temporary)
    os.replace(temporary, path)
    write_json(card_path, card)
    return network, card
