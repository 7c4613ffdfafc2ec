"""What an adversary is given, and what it reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Protocol

from proface_s.types import UInt8Image

from ..evaluation.faces import FaceSample, make_cover, resized
from ..evaluation.method import Method
from .matching import Matcher

Row = Sequence[tuple[str, UInt8Image | None]]
Points = Sequence[tuple[float, float]]


FEWER_FACES: Final = 300  # of the attacker's own, at raised budgets


class NotApplicable(Exception):
    """The method has nothing that this adversary could attack; the message names what is missing."""


@dataclass(frozen=True, slots=True)
class AttackBudget:
    """How much an adversary may spend.

    Attributes:
        name: ``quick`` or ``full``.
        side: pixels of the faces; even, and a multiple of eight.
        victims: faces that are attacked one by one.
        learning_side: pixels of the faces that networks are trained and judged on.
        own: maximum number of faces that the attacker trains on.
        judged: maximum number of unseen faces that networks are judged on.
        batch: pairs per training step.
        fresh: pairs protected again, with fresh random keys, before each step.
        unet: steps of the U-Net.
        restorer: steps of the stronger network.
        restoring: steps of the U-Net on covers of other styles.
        distinguisher: steps of the same-cover distinguisher.
        known: steps on the relaxed key from a known picture.
        blind: steps on the relaxed key from a protected picture alone.
        guesses: keys tried if recovery is not differentiable.
        copies: protections of each of two faces that a readout is judged on.
        altered: altered files per random kind.
        frames: of a moving cover.
        styles: covers that are restored.
    """

    name: str
    side: int = 128
    victims: int = 8
    learning_side: int = 64
    own: int = 1500
    judged: int = 48
    batch: int = 16
    fresh: int = 4
    unet: int = 240
    restorer: int = 160
    restoring: int = 100
    distinguisher: int = 90
    known: int = 80
    blind: int = 60
    guesses: int = 150
    copies: int = 80
    altered: int = 12
    frames: int = 25
    styles: tuple[str, ...] = ("blur", "pixelate", "blur:5", "pixelate:16")

    def trained_for(self, steps: int) -> AttackBudget:
        """Return the budget with so many training steps for every network."""
        return replace(self, unet=steps, restorer=steps, restoring=steps, distinguisher=steps)

    def raised_to(self, side: int) -> AttackBudget:
        """Return the budget for a method whose faces need so many pixels a side.

        It has a sixth of the steps, of a quarter of the pairs: from 64 to 288 pixels, the work grows about that much.
        """
        if side <= min(self.side, self.learning_side):
            return self
        return replace(
            self,
            side=max(side, self.side),
            learning_side=max(side, self.learning_side),
            own=min(self.own, FEWER_FACES),
            batch=max(4, self.batch // 4),
            unet=max(1, self.unet // 6),
            restorer=max(1, self.restorer // 6),
        )


BUDGETS: Mapping[str, AttackBudget] = {
    "quick": AttackBudget("quick"),
    "full": AttackBudget(
        "full",
        victims=32,
        learning_side=128,
        own=20000,
        judged=400,
        batch=32,
        fresh=16,
        unet=6000,
        restorer=12000,
        restoring=3000,
        distinguisher=3000,
        known=200,
        blind=400,
        guesses=5000,
        copies=1000,
        altered=100,
        frames=100,
        styles=("blur", "median", "pixelate", "mask", "solid", "blur:5", "median:15", "pixelate:16"),
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Everything an adversary works with, except the method.

    Attributes:
        victims: faces under attack; the attacker has not seen them.
        own: the attacker's own faces, of other people.
        budget: limits of the attack.
        style: cover of the victims.
        seed: of all random draws.
        folder: of the report; networks are stored below it.
        device: torch device for training, ``cpu`` or ``cuda``.
        matcher: judges whether faces can be matched; None if no recogniser was given.
        say: receives one-line progress messages.
    """

    victims: Sequence[FaceSample]
    own: Sequence[FaceSample]
    budget: AttackBudget
    style: str
    seed: int
    folder: Path
    device: str = "cpu"
    matcher: Matcher | None = None
    say: Callable[[str], None] = field(default=lambda line: None)

    def targets(self, count: int | None = None, side: int | None = None) -> list[UInt8Image]:
        """Return the first victims' faces, (side, side, 3) uint8; number and side default to the budget's."""
        chosen = self.victims[: count or self.budget.victims]
        return [resized(face.image, side or self.budget.side) for face in chosen]

    def covered(self, side: int | None = None, style: str | None = None, own: bool = False) -> list[Covered]:
        """Return faces with covers: as many victims as networks are judged on, or all of the attacker's own faces."""
        faces = self.own[: self.budget.own] if own else self.victims[: self.budget.judged]
        side = side or self.budget.side
        samples = [FaceSample(f.path, f.name, f.identity, resized(f.image, side)) for f in faces]
        return [Covered(s.name, s.image, make_cover(s, style or self.style, samples)) for s in samples]


@dataclass(frozen=True, slots=True, eq=False)
class Covered:
    """A face and its cover, both (H, W, 3) uint8."""

    name: str
    original: UInt8Image
    cover: UInt8Image


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a report; cells are text or numbers."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Plot:
    """Curves of a report: label -> points."""

    title: str
    x: str
    y: str
    curves: Mapping[str, Points]
    log_x: bool = False
    dashed: Sequence[str] = ()


@dataclass(frozen=True, slots=True, eq=False)
class AttackOutcome:
    """Result of an attack.

    Attributes:
        measure: meaning and unit of the two figures.
        attack: result from the protected pictures.
        control: result of the same attack without them.
        succeeded: whether the difference breaks a promise of the method; None if nothing is promised.
        finding: conclusion, and the fix or warning that follows from it.
        tables: for the report.
        plots: name -> curves.
        sheets: name -> rows of labelled pictures.
        details: other results worth keeping, JSON types only.
    """

    measure: str
    attack: float
    control: float
    succeeded: bool | None
    finding: str
    tables: Sequence[Table] = ()
    plots: Mapping[str, Plot] = field(default_factory=dict)
    sheets: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def leak(self) -> float:
        """Attack minus control."""
        return self.attack - self.control


class Attack(Protocol):
    """An adversary.

    Attributes:
        name: on the command line.
        number: in docs/evidence/attacks.md.
        title: in reports.
        needs: packages beyond the ``eval`` extra, such as ``torch``.
        of_method: whether its result depends on the method; False if it attacks the cover.
    """

    name: str
    number: int
    title: str
    needs: tuple[str, ...]
    of_method: bool

    def run(self, method: Method, scene: Scene) -> AttackOutcome:
        """Attack a method.

        Raises:
            NotApplicable: if the method has nothing of the kind.
        """
        ...
