"""The linear analogue limit of several transforms: the gain from compacting the energy of a face.

    python bench/quality/transform_limits.py FACES_DIR

Every band of the residual (original - cover, decorrelated colour) is sent with the best constant gain through rounding
noise of variance 1/12; the receiver knows the cover: MSE_protected x MSE_recovered = (mean deviation)^2 / 12.
Prints the sum of both PSNRs in dB, means over 24 faces.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from scipy import fft

Plane = np.ndarray
OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]], float)
OPPONENT /= np.linalg.norm(OPPONENT, axis=1, keepdims=True)


def haar_bands(plane: Plane, levels: int = 5) -> list[Plane]:
    """Return the orthonormal Haar bands of a plane."""
    bands = []
    for _ in range(levels):
        a, b, c, d = plane[0::2, 0::2], plane[0::2, 1::2], plane[1::2, 0::2], plane[1::2, 1::2]
        bands += [(a - b + c - d) / 2, (a + b - c - d) / 2, (a - b - c + d) / 2]
        plane = (a + b + c + d) / 2
    return [*bands, plane]


def dct_bands(plane: Plane, block: int, digits_below: int = 0) -> list[Plane]:
    """Return the bands of a blockwise DCT; those with index sum below ``digits_below`` are zero: sent as digits."""
    n = plane.shape[0] // block
    c = fft.dctn(plane.reshape(n, block, n, block).transpose(0, 2, 1, 3), axes=(2, 3), norm="ortho")
    pairs = [(i, j) for i in range(block) for j in range(block)]
    return [c[:, :, i, j] * (i + j >= digits_below) for i, j in pairs]


TRANSFORMS: dict[str, Callable[[Plane], list[Plane]]] = {
    "Haar 5": haar_bands,
    "DCT 8": lambda plane: dct_bands(plane, 8),
    "DCT 16": lambda plane: dct_bands(plane, 16),
    "DCT 16, 6 as digits": lambda plane: dct_bands(plane, 16, 3),
}


def make_cover(face: Plane, kind: str) -> Plane:
    """Blur with sigma 6/128 of the face, or make an 8 x 8 mosaic."""
    side = face.shape[0]
    if kind == "blur":
        return cv2.GaussianBlur(face, (0, 0), 6 / 128 * side)
    small = cv2.resize(face, (8, 8), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (side, side), interpolation=cv2.INTER_NEAREST)


def limit(residual: Plane, transform: Callable[[Plane], list[Plane]]) -> float:
    """Return the sum of protected and recovered PSNR in dB for an (S, S, 3) residual."""
    bands = [band for c in range(3) for band in transform((residual @ OPPONENT.T)[:, :, c])]
    mean = sum(np.sqrt((band**2).mean()) * band.size for band in bands) / residual.size
    return float(40 * np.log10(255) + 10 * np.log10(12) - 20 * np.log10(mean))


def main(argv: list[str] | None = None) -> int:
    """Print one line per size and cover."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faces", type=Path)
    args = parser.parse_args(argv)
    faces = [cv2.imread(str(p)) for p in sorted(args.faces.glob("*.jpg"))[:24]]
    print(f"{'':14s}" + "".join(f"{name:>22s}" for name in TRANSFORMS))
    for side in (64, 128, 256, 512):
        for kind in ("blur", "mosaic"):
            scaled = [cv2.resize(f, (side, side), interpolation=cv2.INTER_AREA)[:, :, ::-1] for f in faces]
            residuals = [f.astype(float) - make_cover(f, kind) for f in scaled]
            means = [np.mean([limit(r, t) for r in residuals]) for t in TRANSFORMS.values()]
            print(f"{side:4d} {kind:9s}" + "".join(f"{m:22.1f}" for m in means))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
