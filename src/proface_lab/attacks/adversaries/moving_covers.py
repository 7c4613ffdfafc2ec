"""12. Moving covers: what the covers of many frames show together, which needs no key.

A cover that is drawn anew in each frame samples a face each time in another place, because no tracker is exact.  The
attacker knows where the face is in each frame better than the tracker did (the worst case: exactly), lays the covers
over each other, and takes their mean; a network trained on such means of the attacker's own faces restores the rest.
Covers are drawn in two ways: each frame as a photo, and anchored to the track, as in protected clips.  The control is
one frame, and the same network trained on single frames.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import cv2
import numpy as np

from proface_s.covers import apply_style, parse_style
from proface_s.covers.moving.cover_store import CoveredFace, CoverStore
from proface_s.faces.boxes import HEAD_MARGIN
from proface_s.types import Box, Style, UInt8Image

from ...evaluation.method import Method
from ..base import AttackOutcome, Covered, Row, Scene, Table
from ..learning import apply_network
from ..measures import each_psnr
from .inversion import inverter

PLACE: Final = 0.02
"""Standard deviation of a tracked box about the face, of its sides; video_leaks.py measures a jitter of 0.06."""
SIZE: Final = 0.02
RATE: Final = 25.0  # frames a second
STYLES: Final = ("blur", "pixelate")
LEARNED: Final = "U-Net"

Way = Callable[[UInt8Image, Style, Sequence["Shift"]], list[UInt8Image]]


class Shift(NamedTuple):
    """Where a tracked box is, relative to where it should be, in shares of its sides; and its relative size."""

    x: float
    y: float
    size: float


class MovingCovers:
    """Average the covers of many frames, and restore the mean."""

    name, number, title, needs, of_method = "moving-covers", 12, "Moving covers", ("torch",), False

    def run(self, method: Method, scene: Scene) -> AttackOutcome:
        """See `Attack.run`."""
        side, frames = scene.budget.learning_side, scene.budget.frames
        own = scene.covered(side, own=True)
        victims = scene.covered(side)
        originals = [victim.original for victim in victims]
        shown: dict[str, list[UInt8Image]] = {}
        for text in STYLES:
            style = parse_style(text)
            for name, way, count in (("one frame", as_photos, 1), ("as photos", as_photos, frames),
                                     ("anchored", anchored, frames)):  # fmt: skip
                label = f"{text}, {name}"
                means = [_seen(face, way, style, count, [scene.seed, 1, k]) for k, face in enumerate(victims)]
                learning = [
                    Covered(face.name, face.original, _seen(face, way, style, count, [scene.seed, 2, k]))
                    for k, face in enumerate(own)
                ]
                network, _ = inverter(LEARNED, None, learning, scene, f"{text}-{name}", scene.budget.restoring)
                shown[label] = means
                shown[f"{label}, learned"] = apply_network(network, means, scene.device)
        figures = {label: float(each_psnr(pictures, originals).mean()) for label, pictures in shown.items()}
        return _outcome(figures, shown, victims, frames, scene)


def draw_shifts(count: int, seed: Sequence[int]) -> list[Shift]:
    """Draw where the box of a tracker is in each of some frames; the first one is exact."""
    rng = np.random.default_rng(list(seed))
    drawn = rng.normal(0, (PLACE, PLACE, SIZE), (count, 3))
    drawn[0] = 0
    return [Shift(x, y, float(np.exp(size))) for x, y, size in drawn]


def as_photos(original: UInt8Image, style: Style, shifts: Sequence[Shift]) -> list[UInt8Image]:
    """Cover a face in each frame as if it were a photo; return the covers as the attacker lays them over each other."""
    return [_back(apply_style(_cut(original, each), style), each) for each in shifts]


def anchored(original: UInt8Image, style: Style, shifts: Sequence[Shift]) -> list[UInt8Image]:
    """Cover a face in each frame as protected clips do; see `as_photos`."""
    store, covers = CoverStore(), []
    height, width = original.shape[:2]
    inner = 1 / (1 + 2 * HEAD_MARGIN)
    w, h = round(width * inner), round(height * inner)
    box = Box((width - w) // 2, (height - h) // 2, w, h)
    for number, each in enumerate(shifts):
        face = CoveredFace(1, 1, box, Box(0, 0, width, height))
        covers.append(_back(store.draw(_cut(original, each), face, style, number / RATE), each))
    return covers


def _seen(face: Covered, way: Way, style: Style, frames: int, seed: Sequence[int]) -> UInt8Image:
    """Return the mean of the covers of some frames, (H, W, 3) uint8."""
    covers = way(face.original, style, draw_shifts(frames, seed))
    return np.asarray(np.rint(np.mean(covers, axis=0)), np.uint8)


def _matrix(shift: Shift, width: int, height: int) -> Any:
    """Return the 2x3 matrix from points of a shifted region to points of the face."""
    x, y = width / 2 * (1 - shift.size) + shift.x * width, height / 2 * (1 - shift.size) + shift.y * height
    return np.array([[shift.size, 0, x], [0, shift.size, y]])


def _cut(original: UInt8Image, shift: Shift) -> UInt8Image:
    """Return what is in a shifted region."""
    height, width = original.shape[:2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    matrix = _matrix(shift, width, height)
    cut = cv2.warpAffine(original, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(cut, np.uint8)


def _back(cover: UInt8Image, shift: Shift) -> UInt8Image:
    """Return the cover of a shifted region over the face."""
    height, width = cover.shape[:2]
    moved = cv2.warpAffine(cover, _matrix(shift, width, height), (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def _outcome(
    figures: Mapping[str, float],
    shown: Mapping[str, list[UInt8Image]],
    victims: Sequence[Covered],
    frames: int,
    scene: Scene,
) -> AttackOutcome:
    rates: dict[str, Mapping[str, Mapping[str, float]]] = {}
    if scene.matcher is not None:
        names = [victim.name for victim in victims]
        rates = {label: scene.matcher.rates(names, pictures) for label, pictures in shown.items()}
    rows = [
        (
            label,
            f"{value:.2f}",
            f"{value - figures[_control(label)]:+.2f}",
            *(f"{each['tar']:.1%} / {each['rank1']:.1%}" for each in rates.get(label, {}).values()),
        )
        for label, value in figures.items()
    ]
    who = list(next(iter(rates.values()))) if rates else []
    columns = ("cover", "PSNR, dB", "beyond one frame, dB", *(f"{each}: TAR at 1e-2 / rank 1" for each in who))
    used = {label: value - figures[_control(label)] for label, value in figures.items() if "anchored" in label}
    worst = max(used, key=lambda label: used[label])
    alone = {label: value - figures[_control(label)] for label, value in figures.items() if "as photos" in label}
    most = max(alone, key=lambda label: alone[label])
    finding = (
        f"The mean of {frames} frames shows most beyond one frame for {worst}: {used[worst]:+.2f} dB; if each frame is "
        f"covered as a photo, for {most}: {alone[most]:+.2f} dB. What a moving cover shows depends on the style; "
        "`solid` shows nothing."
    )
    sheet: list[Row] = [
        [("original", victim.original), *((label, pictures[k]) for label, pictures in shown.items())]
        for k, victim in enumerate(victims[:4])
    ]
    return AttackOutcome(
        "PSNR in dB, anchored covers, the style that shows most",
        figures[worst],
        figures[_control(worst)],
        None,
        finding,
        (Table(f"Covers of {frames} frames, laid over each other", columns, rows),),
        {},
        {"": sheet},
        {"figures": dict(figures), "rates": rates},
    )


def _control(label: str) -> str:
    """Return the label of the same restoration of one frame."""
    style, _, *learned = label.split(", ")
    return ", ".join([style, "one frame", *learned])


ATTACK = MovingCovers()
