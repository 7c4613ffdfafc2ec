"""10. The cover itself: blind restoration of blur and mosaic, which needs no protected picture at all.

Wiener filtering and Richardson-Lucy with the blur that the style names, and the networks of the learned inversion,
trained on covers.  The control is the cover as it is.  What comes back here depends on the user's choice of style and
is no leak of the method; weak styles carry a warning, which rests on these figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Final

import cv2
import numpy as np

from proface_s.covers import get_style, is_weak, parse_style
from proface_s.types import UInt8Image

from ...evaluation.method import Method
from ..base import AttackOutcome, Covered, Row, Scene, Table
from ..measures import each_psnr

ITERATIONS: Final = 30
NOISE: Final = 1e-3  # of the Wiener filter: rounding to 8 bits, and errors of the blur model
LEARNED: Final = "U-Net"

Pictures = list[UInt8Image]


class Covers:
    """Restore covers, style by style."""

    name, number, title, needs, of_method = "covers", 10, "The cover itself", (), False

    def run(self, method: Method, scene: Scene) -> AttackOutcome:
        """See `Attack.run`."""
        side = scene.budget.learning_side
        figures: dict[str, dict[str, float]] = {}
        rates: dict[str, dict[str, Any]] = {}
        sheets: dict[str, list[Row]] = {}
        for style in scene.budget.styles:
            victims = scene.covered(side, style)
            shown = {"cover": [v.cover for v in victims], **_restored(victims, style, scene)}
            originals = [v.original for v in victims]
            figures[style] = {name: float(each_psnr(pictures, originals).mean()) for name, pictures in shown.items()}
            if scene.matcher is not None:
                names = [v.name for v in victims]
                rates[style] = {name: scene.matcher.rates(names, pictures) for name, pictures in shown.items()}
            sheets[style.replace(":", "-")] = [
                [("original", v.original), *((name, pictures[i]) for name, pictures in shown.items())]
                for i, v in enumerate(victims[:4])
            ]
        return _outcome(figures, rates, sheets)


def wiener(cover: UInt8Image, sigma: float) -> UInt8Image:
    """Deconvolve a Gaussian blur in the frequency domain; the border is mirrored."""
    padded = np.pad(cover.astype(np.float64) / 255, ((0, cover.shape[0]), (0, cover.shape[1]), (0, 0)), "symmetric")
    rows, columns = (np.fft.fftfreq(n) for n in padded.shape[:2])
    transfer = np.exp(-2 * (np.pi * sigma) ** 2 * (rows[:, None] ** 2 + columns[None] ** 2))[:, :, None]
    found = np.fft.ifft2(np.fft.fft2(padded, axes=(0, 1)) * transfer / (transfer**2 + NOISE), axes=(0, 1)).real
    return _to_bytes(found[: cover.shape[0], : cover.shape[1]])


def richardson_lucy(cover: UInt8Image, sigma: float, iterations: int = ITERATIONS) -> UInt8Image:
    """Deconvolve a Gaussian blur by expectation maximisation (Richardson 1972, Lucy 1974)."""
    seen = np.maximum(cover.astype(np.float64) / 255, 1 / 510)
    found = seen.copy()

    def blurred(image: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)

    for _ in range(iterations):
        found *= blurred(seen / np.maximum(blurred(found), 1e-6))
    return _to_bytes(found)


def blur_of(style: str, side: int) -> float:
    """Return the standard deviation in pixels of the Gaussian blur nearest to a style, or 0 if there is none."""
    parsed = parse_style(style)
    strength = get_style(parsed.name).default_strength if parsed.strength is None else parsed.strength
    if parsed.name == "blur":
        return max(strength / 100 * side, 1.0)
    if parsed.name == "median":
        return strength / 100 * side / 4
    return side / strength / 12**0.5 if parsed.name == "pixelate" else 0.0  # of a box as wide as a cell


def _restored(victims: Sequence[Covered], style: str, scene: Scene) -> dict[str, Pictures]:
    """Return restored pictures by name of the restoration."""
    found: dict[str, Pictures] = {}
    covers, sigma = [v.cover for v in victims], blur_of(style, victims[0].cover.shape[0])
    if sigma:
        smooth = covers
        if parse_style(style).name == "pixelate":  # the edges of the cells hide nothing and mislead
            smooth = [np.asarray(cv2.GaussianBlur(cover, (0, 0), 1.5 * sigma), np.uint8) for cover in covers]
            found["smoothed"] = smooth
            sigma *= 1.8
        found["Wiener"] = [wiener(cover, sigma) for cover in smooth]
        found["Richardson-Lucy"] = [richardson_lucy(cover, sigma) for cover in smooth]
    if find_spec("torch") is not None:
        from ..learning import apply_network
        from .inversion import inverter

        own = scene.covered(scene.budget.learning_side, style, own=True)
        steps = None if style == scene.style else scene.budget.restoring  # the victims' style has been learned already
        network, _ = inverter(LEARNED, None, own, scene, style, steps)
        found["learned"] = apply_network(network, covers, scene.device)
    return found


def _to_bytes(image: np.ndarray) -> UInt8Image:
    return np.asarray(np.clip(np.rint(image * 255), 0, 255), np.uint8)


def _outcome(
    figures: Mapping[str, Mapping[str, float]],
    rates: Mapping[str, Mapping[str, Mapping[str, Mapping[str, float]]]],
    sheets: Mapping[str, list[Row]],
) -> AttackOutcome:
    gains = {style: max(row.values()) - row["cover"] for style, row in figures.items()}
    worst = max(gains, key=lambda style: gains[style])
    rows = [
        (
            style + (" (weak)" if is_weak(parse_style(style)) else ""),
            name,
            f"{value:.2f}",
            f"{value - row['cover']:+.2f}",
            *(f"{each['tar']:.1%} / {each['rank1']:.1%}" for each in rates.get(style, {}).get(name, {}).values()),
        )
        for style, row in figures.items()
        for name, value in row.items()
    ]
    names = list(next(iter(next(iter(rates.values())).values()))) if rates else []
    columns = ("style", "restoration", "PSNR, dB", "gain, dB", *(f"{n}: TAR at 1e-2 / rank 1" for n in names))
    finding = f"Restoration gains most on {worst}: {gains[worst]:+.2f} dB over the cover. "
    matched = {
        (style, name, who): each["rank1"]
        for style, by in rates.items()
        for name, named in by.items()
        for who, each in named.items()
    }
    if matched:
        (style, name, who), best = max(matched.items(), key=lambda item: item[1])
        finding += f"Most faces are found first among all by {who} on {style}, {name}: {best:.1%}. "
    finding += "This is what a style shows, with any method; docs/how-to/styles.md lists the strengths with a warning."
    control, attack = figures[worst]["cover"], max(figures[worst].values())
    return AttackOutcome(
        "PSNR in dB, the style that loses most",
        attack,
        control,
        None,
        finding,
        (Table("Covers restored without any protected picture", columns, rows),),
        {},
        dict(sheets),
        {"figures": {s: dict(r) for s, r in figures.items()}, "rates": dict(rates)},
    )


ATTACK = Covers()
