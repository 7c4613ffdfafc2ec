"""The coder against classical codecs, at the capacity of a protected face.

    python bench/quality/codecs.py FACES_DIR [--sizes 64 256 512] [--limit 16]

Each face is compressed into the bits that its region carries (a base-3 digit per sample, base 5 below 96 pixels): by
the shipped couplings, by JPEG 2000 and by AVIF (4:4:4), each at the best quality that fits.  PSNR in dB, mean over the
faces.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from faces import read_faces
from proface_s.flow.secure.lattice import capacity_words
from proface_s.flow.secure.model import SecureFlow, modulus_for
from proface_s.image.measures import psnr
from proface_s.types import UInt8Image


def room(face: UInt8Image) -> int:
    """Return the number of bytes that the face's region carries."""
    return 4 * capacity_words(face.size, modulus_for(*face.shape[:2]))


def decoded(data: bytes) -> UInt8Image:
    """Decode a compressed file to RGB."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def finest(encode: Callable[[int], bytes], limit: int, settings: range) -> UInt8Image:
    """Return the decoded file of the largest setting that fits; file size grows with the setting."""
    low, high, best = settings.start, settings.stop - 1, encode(settings.start)
    while low <= high:
        middle = (low + high) // 2
        data = encode(middle)
        if len(data) <= limit:
            low, best = middle + 1, data
        else:
            high = middle - 1
    return decoded(best)


def jpeg2000(face: UInt8Image) -> UInt8Image:
    """Code and decode with irreversible JPEG 2000, at the best quality that fits."""

    def encode(rate: int) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(face).save(
            buffer, "JPEG2000", quality_mode="rates", quality_layers=[2400 / rate], irreversible=True, mct=1
        )
        return buffer.getvalue()

    return finest(encode, room(face), range(20, 1400))


def avif(face: UInt8Image) -> UInt8Image:
    """Code and decode with AVIF, 4:4:4, at the best quality that fits."""

    def encode(quality: int) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(face).save(buffer, "AVIF", quality=quality, subsampling="4:4:4", speed=4)
        return buffer.getvalue()

    return finest(encode, room(face), range(1, 101))


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 256, 512])
    parser.add_argument("--limit", type=int, default=16)
    args = parser.parse_args(argv)
    coder = SecureFlow().coder

    def ours(face: UInt8Image) -> UInt8Image:
        words = coder.compress(face, room(face) // 4)
        return np.clip(np.rint(coder.expand(words, *face.shape[:2])), 0, 255).astype(np.uint8)

    print("| size | room, bits per sample | couplings | JPEG 2000 | AVIF |\n|---|---|---|---|---|")
    for size in args.sizes:
        faces = read_faces(args.folder, size, args.limit)
        figures = [float(np.mean([psnr(coder(face), face) for face in faces])) for coder in (ours, jpeg2000, avif)]
        bits = 8 * room(faces[0]) / faces[0].size
        print(f"| {size} | {bits:.2f} | " + " | ".join(f"{figure:.2f} dB" for figure in figures) + " |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
