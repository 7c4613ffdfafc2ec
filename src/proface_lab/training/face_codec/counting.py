"""How often each number of steps occurs in faces that a basis has not seen: what the tables are made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from proface_s.robust.face_codec.coefficients import LARGEST, OCTAVE
from proface_s.robust.face_codec.raster import SQUARE, look_at
from proface_s.robust.face_codec.weights import basis_from
from proface_s.types import UInt8Image

from .bases import WORTH
from .export import Arrays, quantised_bases
from .tables import TABLES, Floats
from .views import MARGIN

_DRAWS: Final = 4  # steps with which each face is quantised
_STEP_LEVELS: Final = (1 * OCTAVE, 4 * OCTAVE)  # steps of 16 to 128
_NEAR: Final = 3.0  # pixels: how far off a pose may be


def count_numbers(parts: Iterable[tuple[Arrays, UInt8Image]], seed: int = 0) -> Floats:
    """Return how often each magnitude is met in each table, (TABLES, LARGEST + 1).

    Args:
        parts: arrays of a basis, and stored faces (M, 3, STORED, STORED) that it has not seen.
        seed: for poses and steps.
    """
    rng, counts = np.random.default_rng(seed), np.zeros((TABLES, LARGEST + 1))
    for arrays, faces in parts:
        basis = basis_from(quantised_bases(arrays))
        for face in faces:
            x, y = MARGIN + rng.uniform(-_NEAR, _NEAR, 2)
            square = np.array([[SQUARE, 0, x], [0, SQUARE, y]], np.float64)
            values = basis.analyse(look_at(np.ascontiguousarray(face.transpose(1, 2, 0)), square))
            for step in rng.integers(*_STEP_LEVELS, _DRAWS).tolist():
                numbers, _, _ = basis.code.quantise(values, step, WORTH)
                table, shift = basis.code.tables_of(step)
                np.add.at(counts, (table, np.abs(numbers >> shift)), 1)
    return counts
