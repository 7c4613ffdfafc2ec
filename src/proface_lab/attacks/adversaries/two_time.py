"""6. Two-time pad: several protections of one photo, bursts, difference images.

Keys are those that the method's own software uses for pictures of one passphrase. On the attacker's own faces, a
linear model is fitted from local statistics of covers, protected pictures and all their differences to the local
amount of detail (the magnitude of original minus cover). The variance that it explains on unseen faces, beyond what
the covers alone explain, is the leak.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np

from proface_s.types import UInt8Image

from ...evaluation.method import Method
from ..base import AttackOutcome, Covered, Scene, Table
from .access import passphrase_keys

MARGIN: Final = 0.02  # share of the variance explained beyond the control
PASSPHRASE: Final = "correct horse battery staple"
RIDGE: Final = 1e-3
FITTED: Final = 60  # the attacker's own faces
NOISE: Final = 2.0  # noise between two pictures of a burst, in grey levels
Floats = np.ndarray


class TwoTime:
    """Compare two protections of one photo, and two pictures of a burst."""

    name, number, title, needs, of_method = "two-time", 6, "Two-time pad", (), True

    def run(self, method: Method, scene: Scene) -> AttackOutcome:
        """See `Attack.run`."""
        side = scene.budget.learning_side
        own = scene.covered(side, own=True)[:FITTED]
        victims = scene.covered(side)
        rng = np.random.default_rng([scene.seed, 6])
        found: dict[str, dict[str, float]] = {}
        how = ""
        for case in ("one photo twice", "burst"):
            data = []
            for faces in (own, victims):
                rows, how = zip(*(_observe(method, face, case == "burst", rng) for face in faces), strict=True)
                data.append(rows)
            found[case] = _explained(data[0], data[1])
            found[case]["equal"] = float(np.mean([row["equal"] for row in data[1]]))
        return _outcome(found, how[0])


def burst(face: Covered, rng: np.random.Generator) -> UInt8Image:
    """Return the same face an instant later: moved by a pixel, with other noise."""
    moved = np.roll(face.original, tuple(rng.integers(-1, 2, 2)), axis=(0, 1)).astype(np.float64)
    return np.asarray(np.clip(np.rint(moved + rng.normal(0, NOISE, moved.shape)), 0, 255), np.uint8)


def _observe(method: Method, face: Covered, moved: bool, rng: np.random.Generator) -> tuple[dict[str, Any], str]:
    """Return the target, the features of the covers, and those of covers and protected pictures together."""
    keys, how = passphrase_keys(method, PASSPHRASE, 2)
    second = burst(face, rng) if moved else face.original
    # both pictures share the first one's cover: otherwise they would differ by their covers as well
    protected = [method.protect(x, face.cover, key) for x, key in zip((face.original, second), keys, strict=True)]
    cover = face.cover.astype(np.float32)
    first, other = (p.astype(np.float32) - cover for p in protected)
    target = _local(np.abs(face.original.astype(np.float32) - cover))
    plain = _statistics([cover])
    beside = _statistics([first, other, first - other, first * other, np.abs(first - other)])
    equal = float((protected[0] == protected[1]).all())
    return {"target": target.ravel(), "plain": plain, "beside": beside, "equal": equal}, how


def _statistics(images: Sequence[Floats]) -> Floats:
    """Return (pixels, features): local means and magnitudes of every channel sum, at two scales."""
    columns = []
    for image in images:
        grey = image.mean(axis=2)
        slope = np.abs(cv2.Laplacian(grey, cv2.CV_32F))
        for part in (grey, np.abs(image).mean(axis=2), slope):
            columns += [cv2.GaussianBlur(part, (0, 0), sigma) for sigma in (1.5, 4.0)]
    return np.stack([column.ravel() for column in columns], 1).astype(np.float64)


def _local(image: Floats) -> Floats:
    return np.asarray(cv2.GaussianBlur(image.mean(axis=2), (0, 0), 2.0), np.float64)


def _explained(fitted: Sequence[dict[str, Any]], judged: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return the share of variance explained on unseen faces: by the covers alone, and with the protected pictures."""
    wanted, truth = (np.concatenate([row["target"] for row in rows]) for rows in (fitted, judged))
    found = {}
    for name, parts in (("control", ("plain",)), ("attack", ("plain", "beside"))):
        x, z = (
            np.concatenate([np.concatenate([row[p] for p in parts], 1) for row in rows]) for rows in (fitted, judged)
        )
        mean, spread = x.mean(axis=0), x.std(axis=0)
        spread[spread < 1e-6] = np.inf  # constant features carry no information
        x, z = (np.concatenate([(m - mean) / spread, np.ones((len(m), 1))], 1) for m in (x, z))
        weights = np.linalg.solve(x.T @ x + RIDGE * len(x) * np.eye(x.shape[1]), x.T @ wanted)
        found[name] = float(1 - np.square(truth - z @ weights).mean() / truth.var())
    return found


def _outcome(found: dict[str, dict[str, float]], how: str) -> AttackOutcome:
    worst = max(found, key=lambda case: found[case]["attack"] - found[case]["control"])
    attack, control = found[worst]["attack"], found[worst]["control"]
    equal = found["one photo twice"]["equal"]
    broken = attack - control > MARGIN or equal > 0
    finding = (
        f"Keys: {how}. Where the face has detail is explained to {max(attack, 0):.1%} by two protections and "
        f"their difference, to {max(control, 0):.1%} by the cover ({worst}). "
    )
    if equal > 0:
        finding += (
            f"Two protections of one photo are identical in {equal:.0%} of the cases: anybody sees that the "
            "same photo was protected twice, with the same passphrase. "
        )
    if attack - control > MARGIN:
        finding += "What is hidden moves what is published in its own place: the key has to move it elsewhere."
    elif not equal:
        finding += "Two protections have nothing in common but the cover."
    rows = [
        (case, f"{v['attack']:.3f}", f"{v['control']:.3f}", f"{v['attack'] - v['control']:+.3f}", f"{v['equal']:.0%}")
        for case, v in found.items()
    ]
    table = Table(
        "Explained share of the variance of local detail, unseen faces",
        ("case", "with the protected pictures", "covers alone", "leak", "identical"),
        rows,
    )
    return AttackOutcome(
        "explained share of the variance of local detail",
        attack,
        control,
        broken,
        finding,
        (table,),
        details={"cases": found, "keys": how},
    )


ATTACK = TwoTime()
