"""Spread the looks at a picture over several frames of a stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..faces.looks import Look

_COARSE: Final = 400  # patch pixels: long side up to which a look at the whole frame is cheap


class LookSchedule:
    """Decides which looks are due in which frame.

    Coarse upright looks are always due.  All others take turns, once in a round, evenly by what they cost; engines
    begin half a round apart, so that what one has just looked at is soon looked at by the next one.

    Args:
        plans: for each engine, all looks at a frame.
        length: number of frames in a round.
    """

    def __init__(self, plans: Sequence[Sequence[Look]], length: int) -> None:
        self._always = [[look for look in plan if is_coarse(look)] for plan in plans]
        self._turns: list[list[list[Look]]] = [[[] for _ in plans] for _ in range(length)]
        self._next = 0
        for engine, plan in enumerate(plans):
            others = [look for look in plan if not is_coarse(look)]
            whole, before = sum(map(cost, others)), 0.0
            for look in others:
                middle = (before + cost(look) / 2) / whole + engine / len(plans)
                self._turns[int(middle * length) % length][engine].append(look)
                before += cost(look)

    def next_looks(self) -> list[list[Look]]:
        """Return the looks of each engine at the next frame."""
        turn = self._turns[self._next]
        self._next = (self._next + 1) % len(self._turns)
        return [[*always, *looks] for always, looks in zip(self._always, turn, strict=True)]


def is_coarse(look: Look) -> bool:
    """Return whether a look is cheap enough for every frame."""
    return look.angle == 0 and max(look.scaled_size) <= _COARSE


def cost(look: Look) -> float:
    """Return what a look costs, in patch pixels."""
    return float(look.size[0] * look.size[1])
