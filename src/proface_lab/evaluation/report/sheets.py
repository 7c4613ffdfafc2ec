"""Contact sheets: labelled rows of pictures in one PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from proface_s.types import UInt8Image

GAP, BAND = 6, 15  # pixels between pictures, and height of the label above each


def contact_sheet(path: Path, rows: Sequence[Sequence[tuple[str, UInt8Image | None]]], side: int = 160) -> Path:
    """Write a sheet.

    Args:
        path: the PNG to write; its folder is created.
        rows: each a sequence of (label, (H, W, 3) uint8 RGB picture); None leaves the place empty.
        side: side in pixels of the square that every picture is fitted into.

    Returns:
        The path.

    Raises:
        ValueError: if there are no pictures.
    """
    columns = max((len(row) for row in rows), default=0)
    if not columns:
        raise ValueError("a sheet needs at least one picture")
    size = GAP + columns * (side + GAP), GAP + len(rows) * (side + BAND + GAP)
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(10)
    for i, row in enumerate(rows):
        for j, (label, picture) in enumerate(row):
            x, y = GAP + j * (side + GAP), GAP + i * (side + BAND + GAP)
            draw.text((x, y), _fitted(label, side, font), fill="black", font=font)
            if picture is not None:
                sheet.paste(fit_picture(picture, side), (x, y + BAND))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, "PNG", optimize=True)
    return path


def fit_picture(picture: UInt8Image, side: int) -> Image.Image:
    """Fit a picture into a square; a much smaller picture is enlarged without interpolation."""
    image = Image.fromarray(picture)
    scale = side / max(image.size)
    way = Image.Resampling.NEAREST if scale >= 2 else Image.Resampling.LANCZOS
    return image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))), way)


def _fitted(label: str, side: int, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> str:
    while label and font.getlength(label) > side:
        label = label[:-1]
    return label
