"""The program's code of coefficients, read by the reader that was written from the document."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pytest
from coefficient_reader import CoefficientReader

import proface_s.image.jpeg
from proface_s.image.jpeg.coefficient_code import encode_coefficients

LINES = resources.files(proface_s.image.jpeg).joinpath("coefficient_tables.txt").read_text("ascii").splitlines()
TABLES = [[int(number) for number in line.split()] for line in LINES if not line.startswith("#")]


@pytest.mark.parametrize(
    "shapes",
    [[(1, 1)], [(1, 2)], [(2, 1)], [(3, 5)], [(9, 4)], [(4, 6), (2, 3), (2, 3)], [(3, 6), (3, 3), (3, 3)],
     [(5, 5), (5, 5), (5, 5)], [(4, 4), (2, 2), (1, 1)]],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("size", [0.0, 0.5, 6.0, 900.0, 60_000.0])
def test_the_document_is_enough_to_read_a_code(shapes: list[tuple[int, int]], size: float) -> None:
    rng = np.random.default_rng([len(shapes), int(size), *shapes[0]])
    steps = [rng.integers(1, 40, (8, 8)).astype(np.uint16) for _ in shapes]
    fall = 1 + np.add.outer(np.arange(8), np.arange(8)) * (size < 1000)
    blocks = [
        np.clip(rng.laplace(0, 1, (*shape, 8, 8)) * size / fall, -32768, 32767).astype(np.int16) for shape in shapes
    ]
    found = CoefficientReader(encode_coefficients(blocks, steps), TABLES).components(
        shapes, [each.tolist() for each in steps]
    )
    assert found == [each.tolist() for each in blocks]
