"""Export a training checkpoint as the shipped model; see docs/model.md for the whole recipe."""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import numpy as np
import torch

from proface_s.training.config import TrainConfig
from proface_s.training.export import export
from proface_s.training.model import SecureFlow


def main(argv: list[str] | None = None) -> int:
    """Read CHECKPOINT, write the ONNX pair, the profiles and the card into OUT."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("profiles", type=Path, help="(32, 768) float32 .npy, see tools/make_profiles.py")
    parser.add_argument("out", type=Path)
    parser.add_argument("--name", default="secure-1")
    parser.add_argument("--card", type=Path, help="JSON with data, licence, command and measures to record")
    args = parser.parse_args(argv)
    state = torch.load(args.checkpoint, map_location="cpu", weights_only=False)
    config = TrainConfig.from_dict(json.loads(state["config"]))
    flow = SecureFlow(config.model)
    flow.load_state_dict(state["ema"])
    record = json.loads(args.card.read_text(encoding="utf-8")) if args.card else {}
    record |= {
        "name": args.name, "config": json.loads(state["config"]), "steps": state["step"],
        "skipped_steps": state["skipped"], "training_seconds": round(state["seconds"]),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        card = export(flow, np.load(args.profiles), args.out, record)
    print(json.dumps(card["files"], indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
