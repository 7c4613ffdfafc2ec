"""Helpers of the tests of keys: a group photo of three faces, and the keys of each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from cli_kit import CommandResult, drawn
from PIL import Image

BOXES = ((10, 20, 48, 48), (80, 20, 48, 48), (140, 40, 48, 48))
BY_HAND = ("--faces", "none", *(part for box in BOXES for part in ("--box", ",".join(map(str, box)))))
BOBS_PASSPHRASE = "bobs own passphrase"
NEW_PASSPHRASE = "an entirely new passphrase"


def pixels(name: str | Path) -> np.ndarray:
    with Image.open(name) as image:
        return np.array(image.convert("RGB"))


def original() -> np.ndarray:
    return drawn(200, 120)


def opened(name: str | Path) -> list[int]:
    """Return the indices of the faces that show the original pixels."""
    shown = pixels(name)
    return [
        index
        for index, (x, y, w, h) in enumerate(BOXES)
        if np.array_equal(shown[y : y + h, x : x + w], original()[y : y + h, x : x + w])
    ]


def secret(name: str, text: str) -> str:
    path = Path(name)
    path.write_text(text + "\n")
    path.chmod(0o600)
    return name


def outcomes(result: CommandResult) -> list[str]:
    return [face["outcome"] for face in result.records[0]["faces"]]
