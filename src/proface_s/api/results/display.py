"""How results are shown: in one line, and in notebooks as tables and small pictures with nothing hidden in them."""

from __future__ import annotations

import base64
import html
from collections import Counter
from collections.abc import Iterable, Sequence, Sized
from pathlib import Path
from typing import Final

import numpy as np

from ...types import UInt8Image
from ...wording import counted

_SIDE: Final = 800  # pixels of the longer side of a picture


def html_table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """An HTML table; every text in it is escaped."""
    lines = [f"<table><caption>{html.escape(caption)}</caption>", _row("th", head)]
    lines += [_row("td", row) for row in rows]
    return "".join([*lines, "</table>"])


def _row(cell: str, values: Iterable[object]) -> str:
    return "<tr>" + "".join(f"<{cell}>{html.escape(str(value))}</{cell}>" for value in values) + "</tr>"


def html_image(pixels: UInt8Image) -> str:
    """An ``img`` element that holds a small PNG of a picture, (H, W, 3) uint8 RGB."""
    return f'<img alt="" src="data:image/png;base64,{base64.b64encode(png_preview(pixels)).decode("ascii")}">'


def png_preview(pixels: UInt8Image) -> bytes:
    """A PNG file of a picture, scaled down to at most 800 pixels a side.

    Args:
        pixels: (H, W, 3) uint8 RGB.
    """
    import cv2

    factor = min(1.0, _SIDE / max(pixels.shape[:2]))
    if factor < 1:
        size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    done, data = cv2.imencode(".png", cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2BGR))
    if not done:
        raise ValueError("the picture cannot be encoded")
    return data.tobytes()


def count(items: Sized, noun: str) -> str:
    """``1 face``, ``2 faces``, ``2 people``."""
    return counted(len(items), noun)


def size(of: tuple[int, int]) -> str:
    """``640x480 pixels``, from (width, height)."""
    return f"{of[0]}x{of[1]} pixels"


def shape(pixels: UInt8Image) -> str:
    """``640x480 pixels``, from an (H, W, 3) picture."""
    return size((pixels.shape[1], pixels.shape[0]))


def target(path: Path | None) -> str:
    """Return the path that a file was written to, quoted, or nothing."""
    return f" -> {str(path)!r}" if path is not None else ""


def notes(warnings: Sized) -> str:
    """Return the number of warnings, or nothing."""
    return f", {count(warnings, 'warning')}" if len(warnings) else ""


def outcomes(of: Iterable[str]) -> str:
    """``2 exact, 1 locked``."""
    return ", ".join(f"{number} {outcome}" for outcome, number in Counter(of).items())
