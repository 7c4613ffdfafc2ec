"""11. Readout: what anybody reads from the pixels without a key, instead of the pixels themselves.

What is hidden reaches the picture only through the bits or digits that are written into it, and these anybody can read.
So an adversary of a method that reveals how they are read need not learn it.  Two faces are hidden in turn under one
plain cover, and a linear classifier, fitted to half of the copies, tells which it was in the other half.  Beside it, a
linear model restores coarse faces of other people from the readout and the cover; the control sees the cover alone.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from proface_s.types import UInt8Image

from ...evaluation.measures.metrics import auc, bootstrap_interval
from ...evaluation.method import KEY_BYTES, Method
from ..base import AttackOutcome, NotApplicable, Scene, Table
from .access import readout

PAIRS: Final = 4
GREY: Final = 128  # of the cover that both faces have
FITTED: Final = 150  # the attacker's own faces
COARSE: Final = 16  # pixels of a coarse face
RIDGE: Final = 1.0
LEVEL: Final = 0.99  # level of the interval that must exclude 0.5
LEAK: Final = 1.0  # dB beyond the control that count as a break

Features = npt.NDArray[np.float64]


class Readout:
    """Fit linear models to readouts."""

    name, number, title, needs, of_method = "readout", 11, "Public readout", (), True

    def run(self, method: Method, scene: Scene) -> AttackOutcome:
        """See `Attack.run`."""
        faces = scene.targets(2 * PAIRS)
        if len(faces) < 2:
            raise NotApplicable("two faces are needed")
        cover = np.full_like(faces[0], GREY)
        scores, truth = [], []
        for number in range(len(faces) // 2):
            scene.say(f"readout: pair {number + 1} of {len(faces) // 2}")
            pair = faces[2 * number : 2 * number + 2]
            which = np.arange(2 * scene.budget.copies) % 2
            seen = np.stack([_read(method, pair[each], cover) for each in which])
            half = len(which) // 2
            found = _fitted(seen[:half], which[:half, None].astype(np.float64), seen[half:])[:, 0]
            scores.append((found - found.mean()) / (found.std() or 1.0))
            truth.append(which[half:])
        return _outcome(np.concatenate(scores), np.concatenate(truth), _restored(method, scene), scene)


def _read(method: Method, original: UInt8Image, cover: UInt8Image) -> Features:
    """Hide a face under a fresh random key, and return what anybody reads.

    Raises:
        NotApplicable: if the method does not reveal how.
    """
    found = readout(method, method.protect(original, cover, secrets.token_bytes(KEY_BYTES)))
    if found is None:
        raise NotApplicable("it does not reveal what its pictures show without a key")
    return found


def _fitted(seen: Features, wanted: Features, judged: Features) -> Features:
    """Fit a linear model with a ridge, in its dual form, and return what it says of other samples, (N, outputs)."""
    mean, spread = seen.mean(axis=0), seen.std(axis=0)
    spread[spread < 1e-9] = np.inf  # constant features carry no information
    x, z = ((each - mean) / spread / np.sqrt(seen.shape[1]) for each in (seen, judged))
    middle = wanted.mean(axis=0)
    weights = np.linalg.solve(x @ x.T + RIDGE * np.eye(len(x)), wanted - middle)
    return np.asarray(z @ (x.T @ weights) + middle)


def _restored(method: Method, scene: Scene) -> tuple[float, float]:
    """Return the PSNR in dB of coarse faces restored from cover and readout, and from the cover alone."""
    side = scene.budget.side
    own, victims = scene.covered(side, own=True)[:FITTED], scene.covered(side)
    plain, read, coarse = [], [], []
    for faces in (own, victims):
        plain.append(_coarse([face.cover for face in faces]))
        coarse.append(_coarse([face.original for face in faces]))
        read.append(np.stack([_read(method, face.original, face.cover) for face in faces]))
    blind = _fitted(plain[0], coarse[0], plain[1])
    beyond = _fitted(read[0], coarse[0] - _fitted(plain[0], coarse[0], plain[0]), read[1])
    with_readout, without = (-10 * float(np.log10(np.square(x - coarse[1]).mean())) for x in (blind + beyond, blind))
    return with_readout, without


def _coarse(images: Sequence[UInt8Image]) -> Features:
    """Return grey pictures of `COARSE` pixels a side, (N, pixels), 1.0 is white."""
    small = [cv2.resize(each, (COARSE, COARSE), interpolation=cv2.INTER_AREA) for each in images]
    return np.stack([each.mean(axis=2).ravel() / 255 for each in small])


def _outcome(
    scores: Features, truth: npt.NDArray[np.intp], restored: tuple[float, float], scene: Scene
) -> AttackOutcome:
    attack = auc(scores[truth == 1], scores[truth == 0])
    labelled = np.stack([scores, truth], 1)
    low, high = bootstrap_interval(labelled, _auc_of, seed=scene.seed, level=LEVEL)
    gain = restored[0] - restored[1]
    broken = low > 0.5 or gain > LEAK
    finding = (
        f"Area under the curve {attack:.3f} ({LEVEL:.0%} interval {low:.3f} to {high:.3f}) over {len(scores)} copies "
        f"of two faces under one cover; guessing is 0.5. Coarse faces of other people: {gain:+.2f} dB over what the "
        "cover gives. "
    )
    finding += (
        "What anybody reads depends on the face: it has to be encrypted before it is written."
        if broken
        else "What anybody reads says nothing of the face."
    )
    rows = [
        ("which of two faces, AUC", f"{attack:.3f}", "0.500"),
        (f"faces of {COARSE} pixels, PSNR in dB", f"{restored[0]:.2f}", f"{restored[1]:.2f}"),
    ]
    table = Table("Linear models", ("what", "from the readout", "without it"), rows)
    details = {"interval": [low, high], "copies": len(scores), "restored": restored}
    return AttackOutcome("area under the ROC curve", attack, 0.5, broken, finding, (table,), details=details)


def _auc_of(labelled: npt.NDArray[np.float64]) -> float:
    one, other = (labelled[labelled[:, 1] == which, 0] for which in (1, 0))
    return auc(one, other) if len(one) and len(other) else 0.5


ATTACK = Readout()
