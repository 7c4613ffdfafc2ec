"""Fit the 32 band profiles of the code to a folder of faces.

    python tools/make_profiles.py OUT.npy FACES_DIR [FACES_DIR ...]

Draws 1,400 regions of 24 to 1,100 pixels from the faces (reduced, enlarged, tiled), measures the energy of every band
of `proface_s.flow.spectrum`, and fits 32 profiles by maximum likelihood: k-means with Gaussian likelihoods, whose
centres are pooled variances, so that regions too small to have every band do no harm.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from proface_s.flow.spectrum import analyse, band_map
from proface_s.training.covers import load_faces
from proface_s.types import UInt8Image

PROFILES, REGIONS, ROUNDS, FLOOR = 32, 1400, 60, 0.02
Array = npt.NDArray[np.float64]


def draw_region(faces: UInt8Image, rng: np.random.Generator) -> UInt8Image:
    """One region: a face at a random size, or, for many large ones, four faces at about their native detail."""
    face = faces[rng.integers(len(faces))]
    height = int(np.exp(rng.uniform(np.log(24), np.log(1100)))) // 2 * 2
    width = max(16, int(height * rng.uniform(0.75, 1.1)) // 2 * 2)
    if height > 256 and rng.random() < 0.6:
        four = faces[rng.integers(0, len(faces), 4)]
        tiled = np.concatenate([np.concatenate(four[:2], axis=1), np.concatenate(four[2:], axis=1)], axis=0)
        scale = rng.uniform(0.6, 1.2)
        tiled = cv2.resize(tiled, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return tiled[: tiled.shape[0] // 2 * 2, : tiled.shape[1] // 2 * 2]
    interpolation = cv2.INTER_AREA if height < 256 else cv2.INTER_CUBIC
    return cv2.resize(face, (width, height), interpolation=interpolation)


def measure(region: UInt8Image) -> tuple[Array, Array]:
    """Share of coefficients and of energy in each of the 768 bands, per coefficient of the region."""
    coefficients = analyse(region)
    bands = band_map(*region.shape[:2]).ravel()
    count = np.bincount(bands, minlength=768).astype(np.float64)
    energy = np.bincount(bands, weights=np.square(coefficients, dtype=np.float64).ravel(), minlength=768)
    return count / count.sum(), energy / count.sum()


def fit(count: Array, energy: Array, rng: np.random.Generator) -> Array:
    """(32, 768) variances."""
    usual, mean = count.mean(axis=0), energy.sum(axis=0) / count.sum(axis=0)
    start = rng.choice(len(energy), PROFILES, replace=False)
    variance = (energy[start] + 0.02 * mean * usual) / (count[start] + 0.02 * usual)
    for _ in range(ROUNDS):
        variance = np.maximum(variance, FLOOR)
        cost = count @ np.log(variance).T + energy @ (1 / variance).T
        owner = cost.argmin(axis=1)
        worst = np.argsort(cost.min(axis=1))[::-1]
        for k in range(PROFILES):
            mine = owner == k
            if mine.sum() < 4:  # a profile nobody needs starts again where the fit is worst
                mine = worst[k : k + 1]
            variance[k] = (energy[mine].sum(0) + 1e-3 * mean * usual) / (count[mine].sum(0) + 1e-3 * usual)
    return np.maximum(variance, FLOOR)


def main(argv: list[str] | None = None) -> int:
    """Write OUT: (32, 768) float32 standard deviations in grey levels, smoothest first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("faces", type=Path, nargs="+")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(argv)
    rng = np.random.default_rng(args.seed)
    faces = load_faces(*args.faces)
    measured = [measure(draw_region(faces, rng)) for _ in range(REGIONS)]
    deviation = np.sqrt(fit(np.stack([m[0] for m in measured]), np.stack([m[1] for m in measured]), rng))
    np.save(args.out, deviation[np.argsort(deviation.mean(axis=1))].astype(np.float32))
    print(f"{len(faces)} faces, {REGIONS} regions, mean deviation per profile:", deviation.mean(axis=1).round(1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
