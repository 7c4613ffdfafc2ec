"""Quality on whole face pictures: every style, stored as 8-bit PNG, seal removed.

    python bench/quality/faces.py FACES_DIR [--sizes 256 512] [--limit 40] [--json OUT.json]

Each picture is reduced to the size, covered completely, protected with a fresh key, written as PNG, read and recovered.
`other-face` covers each face with another one of the set.  Figures are means over the faces; PSNR in dB, data range
255; SSIM by scikit-image on RGB.  `wrong key` is recovery with another key: in noise mode against the original
(RandWR), in cover mode against the cover (ObfsWR).
"""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from skimage.metrics import structural_similarity

from proface_s.covers import apply_style
from proface_s.flow.cards import DEFAULT_MODEL
from proface_s.flow.model import Model
from proface_s.flow.registry import open_folder, open_model
from proface_s.image.measures import psnr
from proface_s.keys.secrets import FaceKey
from proface_s.types import Style, UInt8Image

STYLES = ("blur", "median", "pixelate", "mask", "solid", "other-face")


def read_faces(folder: Path, size: int, limit: int) -> list[UInt8Image]:
    """Read up to ``limit`` pictures of at least ``size`` pixels a side, resized to squares of that side, RGB."""
    faces = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in {".jpg", ".jpeg", ".png"}):
        picture = np.asarray(Image.open(path).convert("RGB"))
        if min(picture.shape[:2]) >= size and len(faces) < limit:
            faces.append(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA))
    return faces


def stored(region: UInt8Image) -> UInt8Image:
    """Write a region as PNG and read it back."""
    buffer = io.BytesIO()
    Image.fromarray(region).save(buffer, "PNG")
    return np.asarray(Image.open(buffer))


def ssim(a: UInt8Image, b: UInt8Image) -> float:
    """Return the structural similarity of two RGB pictures."""
    return float(structural_similarity(a, b, channel_axis=2))


def measure(model: Model, faces: list[UInt8Image], style: str) -> dict[str, float]:
    """Return means over the faces for one style."""
    rows = []
    for i, original in enumerate(faces):
        cover = faces[(i + 1) % len(faces)] if style == "other-face" else apply_style(original, Style(style))
        key = FaceKey.generate()
        protected = stored(model.protect(original, cover, key))
        noise, kept = model.wrong_key_modes[0], model.wrong_key_modes[-1]  # the same where the model has one mode only
        recovered = stored(model.recover(protected, key, wrong_key=noise).image)
        other = FaceKey.generate()
        wrong = {mode: model.recover(protected, other, wrong_key=mode).image for mode in (noise, kept)}
        rows.append(
            (
                psnr(protected, cover),
                ssim(protected, cover),
                psnr(recovered, original),
                ssim(recovered, original),
                psnr(wrong[noise], original),
                psnr(cover, original),
                ssim(wrong[kept], cover),
            )
        )
    names = ("protected", "protected_ssim", "recovered", "recovered_ssim", "wrong", "cover", "wrong_cover_ssim")
    return {name: round(float(value), 3) for name, value in zip(names, np.mean(rows, axis=0), strict=True)}


def main(argv: list[str] | None = None) -> int:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--styles", nargs="+", default=list(STYLES))
    parser.add_argument("--limit", type=int, default=40)
    parser.add_argument("--model", default=DEFAULT_MODEL, help="name or folder; default: %(default)s")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(argv)
    folder = Path(args.model)
    model = open_folder(folder) if folder.is_dir() else open_model(args.model)
    results: dict[str, dict[str, float]] = {}
    print(
        "| size | cover | protected vs cover | SSIM | recovered vs original | SSIM | cover vs original "
        "| wrong key, noise, vs original | wrong key, cover, vs cover: SSIM |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for size in args.sizes:
        faces = read_faces(args.folder, size, args.limit)
        for style in args.styles:
            m = results[f"{style}@{size}"] = measure(model, faces, style)
            print(
                f"| {size} | {style} | {m['protected']:.2f} dB | {m['protected_ssim']:.3f} | {m['recovered']:.2f} dB "
                f"| {m['recovered_ssim']:.3f} | {m['cover']:.1f} dB | {m['wrong']:.1f} dB "
                f"| {m['wrong_cover_ssim']:.3f} |",
                flush=True,
            )
    if args.json:
        args.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
