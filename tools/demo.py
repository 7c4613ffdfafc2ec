"""Demonstration on a real portrait: protect, recover, measure, and draw a contact sheet.

    python tools/demo.py OUT_DIR

Uses the public-domain NASA portrait that scikit-image ships, and the real command line.  Writes
OUT_DIR/demo.png: original, cover, protected, recovered (seal), recovered (flow alone), wrong key, the copy to send,
that copy after JPEG compression, recovered from it; and OUT_DIR/demo.jpg, the picture of the README
(docs/start/demo.jpg): original, protected, recovered, and recovered from the copy that was sent.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from skimage import data
from skimage.metrics import structural_similarity

from proface_s.api import Session
from proface_s.flow.secure.model import SecureFlow
from proface_s.image.measures import psnr
from proface_s.image.regions import cut, paste
from proface_s.keys.secrets import FaceKey
from proface_s.types import Box, UInt8Image

PASSPHRASE = "a demonstration is no secret"
SENT_AT = 75  # JPEG quality of what arrives at the other end of a chat


def proface(*arguments: str, passphrase: str = PASSPHRASE) -> int:
    """Show and run a command; the passphrase is passed in the environment."""
    print("$ proface", *arguments, flush=True)
    command = [sys.executable, "-m", "proface_s", *arguments]
    return subprocess.run(command, env={**os.environ, "PROFACE_PASSPHRASE": passphrase}, check=False).returncode


def read(path: Path) -> UInt8Image:
    """Read a picture file as (H, W, 3) uint8 RGB."""
    return np.asarray(Image.open(path).convert("RGB"))


def sheet(panels: list[tuple[str, UInt8Image]], columns: int = 3) -> Image.Image:
    """Draw captioned panels in rows."""
    height, width = panels[0][1].shape[:2]
    caption = 28
    rows = -(-len(panels) // columns)
    out = Image.new("RGB", (columns * width, rows * (height + caption)), "white")
    for i, (text, picture) in enumerate(panels):
        x, y = i % columns * width, i // columns * (height + caption)
        ImageDraw.Draw(out).text((x + 8, y + 6), text, fill="black", font_size=16)
        out.paste(Image.fromarray(picture), (x, y + caption))
    return out


def main(argv: list[str] | None = None) -> int:
    """Run the demonstration; return exit status 0 if every check passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?", default=Path("demo-out"), metavar="OUT_DIR")
    out = parser.parse_args(argv).out
    out.mkdir(parents=True, exist_ok=True)
    photo, sealed, plain = out / "portrait.png", out / "portrait.protected.png", out / "portrait.noseal.png"
    original = data.astronaut()
    Image.fromarray(original).save(photo)
    started = time.perf_counter()
    ok = proface("protect", str(photo), "--robust", "--overwrite") == 0
    protecting = time.perf_counter() - started
    ok &= proface("protect", str(photo), "--no-seal", "-o", str(plain), "--overwrite") == 0
    started = time.perf_counter()
    ok &= proface("recover", str(sealed), "-o", str(out / "portrait.recovered.png"), "--overwrite") == 0
    recovering = time.perf_counter() - started
    ok &= proface("recover", str(plain), "-o", str(out / "portrait.estimate.png"), "--overwrite") == 0
    sent, received = out / "portrait.share.jpg", out / "received.jpg"
    Image.open(sent).save(received, quality=SENT_AT)
    ok &= proface("recover", str(received), "-o", str(out / "received.recovered.jpg"), "--overwrite") == 0
    wrong = proface("recover", str(sealed), "-o", str(out / "wrong.png"), passphrase="a demonstration is no secreT")
    print(f"(exit status {wrong}: wrong key refused)")
    ok &= wrong == 3 and not (out / "wrong.png").exists()

    model, session = SecureFlow(), Session()
    box: Box = session.detect(original).regions[0]
    cover = session.protect(original, PASSPHRASE).cover
    protected, recovered = read(plain), read(out / "portrait.recovered.png")
    estimate, likeness = read(out / "portrait.estimate.png"), read(out / "received.recovered.jpg")
    noise = paste(protected, box, model.recover(cut(protected, box), FaceKey.generate()).image)
    exact = np.array_equal(recovered, original)
    pairs = {
        "protected against cover": (cut(protected, box), cut(cover, box)),
        "recovered by the flow alone": (cut(estimate, box), cut(original, box)),
        "wrong key against original": (cut(noise, box), cut(original, box)),
        "cover against original": (cut(cover, box), cut(original, box)),
    }
    print(f"\nface region {box.w}x{box.h}, measured on the stored 8-bit files:")
    for name, (a, b) in pairs.items():
        print(f"  {name:28s} {psnr(a, b):6.2f} dB   SSIM {structural_similarity(a, b, channel_axis=2):.3f}")
    print(f"  recovered after JPEG {SENT_AT}      a likeness; the copy to send has {sent.stat().st_size / 1000:.0f} kB")
    print(f"  recovered with the seal      {'bit-exact' if exact else 'NOT EXACT'}")
    print(f"  whole commands: protect {protecting:.1f} s, recover {recovering:.1f} s")
    sheet(
        [
            ("original", original),
            ("cover", cover),
            ("protected", protected),
            ("recovered, sealed: bit-exact", recovered),
            ("recovered from the pixels alone", estimate),
            ("wrong key", noise),
            ("the copy to send", read(sent)),
            (f"the same, after JPEG {SENT_AT}", read(received)),
            ("recovered from it: a likeness", likeness),
        ]
    ).save(out / "demo.png")
    shown = [
        ("original", original),
        ("protected", protected),
        ("recovered", recovered),
        ("recovered after a chat", likeness),
    ]
    small = sheet(shown, 4)
    small.thumbnail((1200, 1200))
    small.save(out / "demo.jpg", quality=88, optimize=True)
    print(f"  picture: {out / 'demo.png'}")
    return 0 if ok and exact else 1


if __name__ == "__main__":
    raise SystemExit(main())
