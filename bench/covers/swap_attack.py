"""What a network that is trained on swapped faces finds of the people behind them.

    python bench/covers/swap_attack.py OWN --victims VICTIMS [--steps 240]

The attacker covers faces of their own (``OWN``, folders of crops) by ``swap``, trains the U-Net of the learned
inversion from cover to face, and restores the faces of other people (``VICTIMS``).  The control is the same network,
trained in the same way on a grey oval, which leaves hair, ears and surroundings: what it finds, they give away.  Prints
the PSNR of what is restored, and how often a recogniser puts the right one of the originals first; the comparison is
with the very photo, which is easier than with another one.  Needs the train and eval extras.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from proface_lab.attacks.adversaries.inversion import inverter
from proface_lab.attacks.base import BUDGETS, Scene
from proface_lab.attacks.learning import apply_network
from proface_lab.attacks.matching import Matcher
from proface_lab.attacks.measures import each_psnr
from proface_lab.evaluation.faces import FaceSample
from proface_lab.evaluation.measures.metrics import bootstrap_interval
from proface_lab.evaluation.measures.recognisers import DlibRecogniser
from proface_s.image.read import read_picture

STYLES = ("swap", "solid@oval")


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("own", type=Path, nargs="+")
    parser.add_argument("--victims", type=Path, required=True)
    parser.add_argument("--faces", type=int, default=600, help="of the attacker's own, at most")
    parser.add_argument("--steps", type=int, default=240, help="of the training")
    parser.add_argument("--side", type=int, default=96, help="pixels of the faces, a multiple of four")
    options = parser.parse_args(argv)
    own = [sample for folder in options.own for sample in samples(folder)][: options.faces]
    victims = samples(options.victims)
    budget = replace(BUDGETS["quick"], learning_side=options.side, own=len(own), judged=len(victims))
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(victims, own, budget, STYLES[0], 0, Path(folder))
        matcher = Matcher([DlibRecogniser()], victims)
        print(f"{len(own)} own faces, {len(victims)} victims, {options.steps} steps, {options.side} pixels\n")
        print("| cover | picture | PSNR, dB | rank 1 |\n|---|---|---|---|", flush=True)
        learned = {}
        for style in STYLES:
            covered, faces = scene.covered(options.side, style), scene.covered(options.side, style, own=True)
            network, _ = inverter("U-Net", None, faces, scene, style, options.steps)
            shown = {"cover": [each.cover for each in covered]}
            shown["restored"] = apply_network(network, shown["cover"], "cpu")
            for name, pictures in shown.items():
                values = each_psnr(pictures, [each.original for each in covered])
                rates = matcher.rates([each.name for each in covered], pictures)
                first = max(each["rank1"] for each in rates.values())
                print(f"| {style} | {name} | {values.mean():.2f} | {first:.1%} |", flush=True)
                learned[style] = values
        gain = learned[STYLES[0]] - learned[STYLES[1]]
        low, high = bootstrap_interval(gain, seed=0)
        print(f"\nswap gives {np.mean(gain):+.2f} dB more than the control (95 % interval {low:+.2f} to {high:+.2f})")
    return 0


def samples(folder: Path) -> list[FaceSample]:
    """Return the pictures of a folder, each of another person."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".png"))
    return [FaceSample(path, path.name, path.name, read_picture(path).rgb) for path in paths]


if __name__ == "__main__":
    sys.exit(main())
