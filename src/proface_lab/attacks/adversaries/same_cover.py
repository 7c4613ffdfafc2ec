"""3. Same-cover distinguisher: of two originals with the identical cover, which one was hidden?

The pixels of each cell of a mosaic are shuffled: the cover stays the same, sample for sample.  A network sees the
protected picture and both candidates, and is trained on the attacker's own pairs to tell which was hidden.  The cover
alone does not tell (an area of 0.5 under the curve), and a perfect method leaves it at 0.5.
"""

from __future__ import annotations

import itertools
import secrets
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from proface_s.errors import UsageError
from proface_s.types import UInt8Image

from ...evaluation.measures.metrics import auc, bootstrap_interval
from ...evaluation.method import KEY_BYTES, Method
from ..base import AttackOutcome, Covered, Scene, Table
from ..learning import to_tensor
from ..networks import Residual, detail, low_order

CELLS: Final = 8
STYLE: Final = f"pixelate:{CELLS}"
LEVEL: Final = 0.99  # level of the interval that must exclude 0.5


class SameCover:
    """Train a network to choose between two candidates."""

    name, number, title, needs, of_method = "same-cover", 3, "Same-cover distinguisher", ("torch",), True

    def run(self, method: Method, scene: Scene) -> AttackOutcome:
        """See `Attack.run`."""
        side = scene.budget.learning_side
        own, victims = scene.covered(side, STYLE, own=True), scene.covered(side, STYLE)
        torch.manual_seed(scene.seed)
        network = Chooser().to(scene.device)
        trials = _train(network, method, own, scene)
        rng = np.random.default_rng([scene.seed, 3])
        hidden: list[float] = []
        others: list[float] = []
        blind = []
        for _ in range(max(1, 2 * scene.budget.judged // len(victims))):
            for victim in victims:
                pair = (victim.original, shuffled(victim.original, victim.cover, rng))
                which = int(rng.integers(2))
                protected = method.protect(pair[which], victim.cover, secrets.token_bytes(KEY_BYTES))
                scores = _scores(network, [protected] * 2, [victim.cover] * 2, list(pair), scene.device)
                plain = _scores(network, [victim.cover] * 2, [victim.cover] * 2, list(pair), scene.device)
                (hidden if which else others).append(float(scores[1] - scores[0]))
                blind.append((which, float(plain[1] - plain[0])))
        return _outcome(np.array(hidden), np.array(others), blind, trials, scene)


class Chooser(nn.Module):
    """How well a candidate fits a protected picture and its cover: convolutions over all three and their products."""

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.first = nn.Conv2d(3 * 6 + 12, width, 3, padding=1)
        self.body = nn.Sequential(Residual(width), nn.AvgPool2d(2), Residual(width), nn.AvgPool2d(2), Residual(width))
        self.last = nn.Linear(2 * width, 1)

    def forward(self, protected: Tensor, cover: Tensor, candidate: Tensor) -> Tensor:
        """(N, 3, H, W) each -> (N,) logits."""
        change, wanted = (protected - cover) * 64, (candidate - cover) * 4
        fine = detail(candidate) / 4
        parts = [change, wanted, change * wanted, change.abs(), change.abs() * fine.abs(), fine, low_order(protected)]
        x = self.body(self.first(torch.cat(parts, 1)))
        pooled = torch.cat([x.mean(dim=(2, 3)), fn.adaptive_max_pool2d(x, 1)[:, :, 0, 0]], 1)
        return self.last(pooled)[:, 0]  # type: ignore[no-any-return]


def shuffled(original: UInt8Image, cover: UInt8Image, rng: np.random.Generator) -> UInt8Image:
    """Return another original with the same cover: whole pixels change places within their cell of a mosaic.

    Raises:
        UsageError: if the cover is no mosaic of `CELLS` cells a side.
    """
    height, width = original.shape[:2]
    found = original.copy()
    rows, columns = (np.rint(np.linspace(0, side, CELLS + 1)).astype(int) for side in (height, width))
    for top, bottom in itertools.pairwise(rows):
        for left, right in itertools.pairwise(columns):
            cell = found[top:bottom, left:right]
            if (cover[top:bottom, left:right] != cover[top, left]).any():
                raise UsageError("the cover is not the mosaic that was asked for")
            flat = cell.reshape(-1, 3)
            cell[:] = flat[rng.permutation(len(flat))].reshape(cell.shape)
    return found


def _train(network: nn.Module, method: Method, own: list[Covered], scene: Scene) -> int:
    rng = np.random.default_rng([scene.seed, 4])
    steps, half = scene.budget.distinguisher, max(1, scene.budget.batch // 2)
    optimiser = torch.optim.Adam(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    recent: list[float] = []
    for step in range(1, steps + 1):
        faces = [own[i] for i in rng.integers(len(own), size=half)]
        pairs = [(f.original, shuffled(f.original, f.cover, rng)) for f in faces]
        which = rng.integers(2, size=half)
        protected = to_tensor(
            [
                method.protect(pair[w], face.cover, secrets.token_bytes(KEY_BYTES))
                for face, pair, w in zip(faces, pairs, which, strict=True)
            ]
        ).to(scene.device)
        cover = to_tensor([face.cover for face in faces]).to(scene.device)
        first, second = (network(protected, cover, to_tensor([p[i] for p in pairs]).to(scene.device)) for i in (0, 1))
        truth = torch.from_numpy(which.astype(np.float32)).to(scene.device)
        loss = fn.binary_cross_entropy_with_logits(second - first, truth)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        recent = [*recent[-19:], float(loss.detach())]
        if step % max(1, steps // 3) == 0:
            scene.say(f"distinguisher: step {step} of {steps}, loss {np.mean(recent):.3f} (guessing: 0.693)")
    return steps * half


@torch.no_grad()
def _scores(
    network: nn.Module,
    protected: list[UInt8Image],
    covers: list[UInt8Image],
    candidates: list[UInt8Image],
    device: str,
) -> np.ndarray:
    network.eval()
    found = network(*(to_tensor(images).to(device) for images in (protected, covers, candidates)))
    return np.asarray(found.cpu().numpy(), np.float64)


def _outcome(
    hidden: np.ndarray, others: np.ndarray, blind: list[tuple[int, float]], trials: int, scene: Scene
) -> AttackOutcome:
    attack = auc(hidden, others)
    plain = [np.array([score for which, score in blind if which == each]) for each in (1, 0)]
    control = auc(plain[0], plain[1])
    labelled = np.concatenate([np.stack([hidden, np.ones_like(hidden)], 1), np.stack([others, 0 * others], 1)])
    low, high = bootstrap_interval(labelled, _auc_of, seed=scene.seed, level=LEVEL)
    broken = low > 0.5
    count = len(hidden) + len(others)
    finding = (
        f"Area under the curve {attack:.3f} ({LEVEL:.0%} interval {low:.3f} to {high:.3f}) over {count} trials "
        f"with unseen faces; guessing is 0.5. "
    )
    finding += (
        (
            "What was hidden shows in the protected picture beyond its cover: two originals with one cover are "
            "told apart."
        )
        if broken
        else "Two originals with one cover cannot be told apart."
    )
    table = Table(
        "Which of two originals with the identical cover was hidden?",
        ("picture shown", "AUC"),
        [("protected", f"{attack:.3f}"), ("cover alone", f"{control:.3f}")],
    )
    details = {"interval": [low, high], "trials": count, "trained_on": trials}
    return AttackOutcome("area under the ROC curve", attack, control, broken, finding, (table,), details=details)


def _auc_of(labelled: np.ndarray) -> float:
    same, different = (labelled[labelled[:, 1] == which, 0] for which in (1, 0))
    return auc(same, different) if len(same) and len(different) else 0.5


ATTACK = SameCover()
