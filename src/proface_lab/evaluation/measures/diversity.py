"""Diversity: the similarity of two protections of one face, under two keys and under two styles.

Two protections of one face in one style look alike because their covers do.  The scores of recognisers on two styles
show whether an album of protected pictures can be linked.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from proface_s.image.measures import psnr
from proface_s.types import FloatArray

from ..faces import FaceSample, make_cover
from ..method import Method
from .metrics import bootstrap_interval
from .quality import evaluation_key
from .recognisers import Locator, Recogniser


def measure_diversity(
    method: Method,
    samples: Sequence[FaceSample],
    styles: Sequence[str],
    recognisers: Sequence[Recogniser],
    thresholds: dict[str, float],
    seed: int,
    advance: Callable[[], None] = lambda: None,
    locator: Locator | None = None,
) -> dict[str, Any]:
    """Measure how similar two protections of one face are.

    Args:
        method: the method that protects the faces.
        samples: at least one face that the locator finds.
        styles: at least two.
        recognisers: they score the similarity.
        thresholds: recogniser name -> similarity at or above which two faces count as linked.
        seed: for the keys.
        advance: called once per face.
        locator: dlib's if None.

    Returns:
        For each comparison (``keys``: same style, two keys; ``styles``: two styles, two keys) the mean PSNR between the
        two protections, and for each recogniser the mean similarity and the share linked.
    """
    locator = locator or Locator()
    distances: dict[str, list[float]] = {"keys": [], "styles": []}
    scores: dict[str, dict[str, list[float]]] = {kind: {r.name: [] for r in recognisers} for kind in distances}
    for sample in samples:
        place = locator.locate(sample.image)
        if place is not None:
            versions = {
                (style, number): method.protect(
                    sample.image,
                    make_cover(sample, style, samples),
                    evaluation_key(seed, method.name, style, sample.name, f"diversity {number}"),
                )
                for style in styles
                for number in (1, 2)
            }
            seen = {r.name: {at: r.embed(picture, place) for at, picture in versions.items()} for r in recognisers}
            for kind, pairs in _comparisons(styles).items():
                distances[kind] += [psnr(versions[a], versions[b]) for a, b in pairs]
                for recogniser in recognisers:
                    scores[kind][recogniser.name] += _similarities(recogniser, seen[recogniser.name], pairs)
        advance()
    return {
        kind: {
            "pairs": len(distances[kind]),
            "psnr": round(float(np.mean(distances[kind])), 3),
            "recognisers": {name: _linked(found, thresholds[name]) for name, found in scores[kind].items()},
        }
        for kind in distances
        if distances[kind]
    }


def _comparisons(styles: Sequence[str]) -> dict[str, list[tuple[tuple[str, int], tuple[str, int]]]]:
    return {
        "keys": [((style, 1), (style, 2)) for style in styles],
        "styles": [((first, 1), (second, 2)) for first, second in itertools.combinations(styles, 2)],
    }


def _similarities(
    recogniser: Recogniser,
    seen: dict[tuple[str, int], FloatArray | None],
    pairs: Sequence[tuple[tuple[str, int], tuple[str, int]]],
) -> list[float]:
    both = [(seen[a], seen[b]) for a, b in pairs]
    return [recogniser.similarity(x, y) for x, y in both if x is not None and y is not None]


def _linked(found: list[float], threshold: float) -> dict[str, Any]:
    if not found:
        return {"similarity": None, "linked": None}
    linked = (np.array(found) >= threshold).astype(np.float64)
    low, high = bootstrap_interval(linked)
    return {
        "similarity": round(float(np.mean(found)), 4),
        "linked": round(float(linked.mean()), 4),
        "linked_interval": [round(low, 4), round(high, 4)],
    }
