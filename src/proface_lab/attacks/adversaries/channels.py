"""9. Channels: what is left of a hidden face after common processing of pictures.

There is no attacker here.  A protected face is part of a larger picture, the picture goes through a channel, and the
right key recovers the face from its place.  The control is the cover, which remains in any case.  A fragile method
must say so.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from PIL import Image

from proface_s.image.measures import psnr
from proface_s.types import UInt8Image

from ...evaluation.measures.metrics import EQUAL_DB
from ...evaluation.measures.quality import evaluation_key
from ...evaluation.method import Method
from ..base import AttackOutcome, Covered, Plot, Scene, Table

QUALITIES: Final = (95, 90, 80, 70, 50)
MARGIN: Final = 20  # pixels of surroundings; not a multiple of eight: faces lie across the blocks of JPEG
BACK: Final = 30.0  # dB at which a face counts as recovered
ABOVE: Final = 1.0  # dB above the cover at which anything counts as recovered

Through = Callable[[UInt8Image], UInt8Image]


@dataclass(frozen=True, slots=True)
class Channel:
    """One kind of processing that a picture goes through.

    Attributes:
        name: in tables.
        through: maps a picture with surroundings to the received picture, of the same size.
        lossless: whether every sample of the face arrives.
        moved: (down, right) displacement of the face, in pixels.
        kept: share of the face's columns, from the left, that arrive; only these are judged.
    """

    name: str
    through: Through
    lossless: bool = False
    moved: tuple[int, int] = (0, 0)
    kept: float = 1.0

    def face(self, picture: UInt8Image) -> UInt8Image:
        """Return what arrives of a face (H, W, 3) in the middle of a picture; lost columns are grey."""
        height, width = picture.shape[:2]
        shown = self.through(np.pad(picture, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), "reflect"))
        top, left = MARGIN + self.moved[0], MARGIN + self.moved[1]
        found = np.full_like(picture, 128)
        part = shown[top : top + height, left : left + self.columns(width)]
        found[:, : part.shape[1]] = part
        return found

    def columns(self, width: int) -> int:
        """Return how many of a face's columns arrive."""
        return round(width * self.kept)


def saved(kind: str, **options: Any) -> Through:
    """Save with Pillow, without metadata, and read back."""

    def through(picture: UInt8Image) -> UInt8Image:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, kind, **options)
        return np.asarray(Image.open(buffer).convert("RGB"), np.uint8)

    return through


def rescaled(factor: float) -> Through:
    """Scale to another size and back."""

    def through(picture: UInt8Image) -> UInt8Image:
        height, width = picture.shape[:2]
        size = round(width * factor), round(height * factor)
        there = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
        way = cv2.INTER_CUBIC if factor < 1 else cv2.INTER_AREA
        return np.asarray(cv2.resize(there, (width, height), interpolation=way), np.uint8)

    return through


CHANNELS: Final = (
    Channel("PNG", saved("PNG"), True),
    Channel("WebP, lossless", saved("WEBP", lossless=True, exact=True), True),
    Channel("metadata stripped", lambda picture: picture.copy(), True),
    Channel("screenshot, same pixels", saved("PNG", optimize=True), True),
    Channel("surroundings cropped", lambda picture: picture[11:-8, 7:-5], True, (-11, -7)),
    *(Channel(f"JPEG {q}", saved("JPEG", quality=q)) for q in QUALITIES),
    *(Channel(f"WebP {q}", saved("WEBP", quality=q)) for q in QUALITIES),
    Channel("resized by 0.5 and back", rescaled(0.5)),
    Channel("screenshot, scaled by 1.25 and back", rescaled(1.25)),
    Channel("a quarter of the face cropped", lambda picture: picture, kept=0.75),
)
SHOWN: Final = (
    "PNG",
    "surroundings cropped",
    "JPEG 95",
    "JPEG 50",
    "WebP 95",
    "resized by 0.5 and back",
    "screenshot, scaled by 1.25 and back",
    "a quarter of the face cropped",
)


class Channels:
    """Recovers with the right key after every channel."""

    name, number, title, needs, of_method = "channels", 9, "Channels", (), True

    def run(self, method: Method, scene: Scene) -> AttackOutcome:
        """See `Attack.run`."""
        faces = scene.covered()[: scene.budget.judged if scene.matcher else scene.budget.victims]
        names = [face.name for face in faces]
        keys = [evaluation_key(scene.seed, "channel", name) for name in names]
        protected = [method.protect(f.original, f.cover, key) for f, key in zip(faces, keys, strict=True)]
        sheet = [[("original", f.original), ("protected", p)] for f, p in zip(faces[:3], protected, strict=False)]
        figures: dict[str, dict[str, float]] = {}
        rates: dict[str, Mapping[str, Mapping[str, float]]] = {}
        if scene.matcher:
            rates["the cover (control)"] = scene.matcher.rates(names, [face.cover for face in faces])
        for channel in CHANNELS:
            scene.say(f"channels: {channel.name}")
            recovered = [method.recover(channel.face(p), key) for p, key in zip(protected, keys, strict=True)]
            figures[channel.name] = _figures(channel, recovered, faces)
            if scene.matcher:
                rates[channel.name] = scene.matcher.rates(names, recovered)
            if channel.name in SHOWN:
                for row, picture in zip(sheet, recovered, strict=False):
                    row.append((channel.name, picture))
        return _outcome(figures, rates, sheet, len(faces))


def _figures(channel: Channel, recovered: Sequence[UInt8Image], faces: Sequence[Covered]) -> dict[str, float]:
    """Return mean PSNR of recovered face and cover, over the columns that arrived, and the share recovered."""
    kept = slice(channel.columns(faces[0].original.shape[1]))
    found, cover = (
        np.array([min(psnr(a[:, kept], f.original[:, kept]), EQUAL_DB) for a, f in zip(pictures, faces, strict=True)])
        for pictures in (recovered, [face.cover for face in faces])
    )
    return {"recovered": float(found.mean()), "cover": float(cover.mean()), "back": float((found > BACK).mean())}


def _outcome(
    figures: Mapping[str, Mapping[str, float]],
    rates: Mapping[str, Mapping[str, Mapping[str, float]]],
    sheet: Sequence[Sequence[tuple[str, UInt8Image]]],
    count: int,
) -> AttackOutcome:
    lossy = [channel.name for channel in CHANNELS if not channel.lossless]
    attack, control = (float(np.mean([figures[name][what] for name in lossy])) for what in ("recovered", "cover"))
    rows = [
        (name, f"{row['recovered']:.2f}", f"{row['cover']:.2f}", f"{row['back']:.0%}") for name, row in figures.items()
    ]
    tables = [
        Table(
            f"Recovered with the right key, {count} faces",
            ("channel", "recovered, dB", "cover, dB", f"came back (> {BACK:g} dB)"),
            rows,
        )
    ]
    if any(rates.values()):
        names = list(next(each for each in rates.values() if each))
        tables.append(
            Table(
                "Matched after the channel (TAR at FAR 1e-2)",
                ("channel", *names),
                [
                    (name, *(f"{each[n]['tar']:.1%}" if n in each else None for n in names))
                    for name, each in rates.items()
                ],
            )
        )
    curves = {
        kind: [(float(q), figures[f"{kind} {q}"]["recovered"]) for q in sorted(QUALITIES)] for kind in ("JPEG", "WebP")
    }
    curves["the cover"] = [(float(q), figures["PNG"]["cover"]) for q in (min(QUALITIES), max(QUALITIES))]
    plot = Plot(
        "Recovered with the right key after lossy compression", "quality", "PSNR, dB", curves, dashed=("the cover",)
    )
    return AttackOutcome(
        "PSNR in dB that the right key recovers, mean over the lossy channels",
        attack,
        control,
        None,
        _finding(figures, lossy),
        tables,
        {"channels": plot},
        {"": sheet},
        {"channels": {name: dict(row) for name, row in figures.items()}, "rates": dict(rates)},
    )


def _finding(figures: Mapping[str, Mapping[str, float]], lossy: Sequence[str]) -> str:
    damaged = [name for name, row in figures.items() if name not in lossy and row["back"] < 1]
    alive = [name for name in lossy if figures[name]["back"] >= 0.5]
    partly = [n for n in lossy if n not in alive and figures[n]["recovered"] - figures[n]["cover"] > ABOVE]
    text = f"Where every sample of the face arrives, every face comes back (above {BACK:g} dB). "
    if damaged:
        text = f"Even where every sample arrives, not every face comes back above {BACK:g} dB: {'; '.join(damaged)}. "
    if alive:
        text += f"Most faces survive: {'; '.join(alive)}. "
    if partly:
        text += f"More than the cover shows, but no face, is left after: {'; '.join(partly)}. "
    lost = [name for name in lossy if name not in alive and name not in partly]
    if lost:
        text += f"Nothing is left of the hidden face after: {'; '.join(lost)}. "
    if len(alive) < len(lossy):
        text += (
            "Warning: keep the protected file as it was written; any program or service that compresses with loss "
            "or scales destroys the hidden face for good, right key or not."
        )
    return text


ATTACK = Channels()
