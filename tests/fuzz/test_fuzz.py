"""A short run of the fuzzer; the long one is ``python tests/fuzz/fuzz.py``."""

from __future__ import annotations

import pytest

from fuzz import Target, fuzz, targets


@pytest.mark.parametrize("target", targets(), ids=lambda target: target.name)
def test_nothing_but_our_errors(target: Target) -> None:
    figures = fuzz(target, int(400 * target.share), seed=1)
    if target.name != "pixels":  # what no record is found in is not refused
        assert figures["refused"] > 0, "mutations reach the parser"
    fuzz(target, int(40 * target.share), seed=2, memory=True)
