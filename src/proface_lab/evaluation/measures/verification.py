"""Verification on pairs and rank-1 identification: can a recogniser still match the face?

In every pair (a, b), a is an original in the adversary's album, and b is the probe: in turn the original, its cover,
its protected version, the face recovered with the right key, and the result of a wrong key.  Thresholds are fixed on
originals alone.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from proface_s.errors import UsageError
from proface_s.types import FloatArray

from ...pictures import identity_of
from ..faces import Omission
from .metrics import Floats, auc, best_threshold, bootstrap_interval, roc, threshold_at_far
from .recognisers import Recogniser

FARS: Final = (1e-3, 1e-2)
COLUMNS: Final = ("a", "b", "same")
_YES, _NO = {"1", "true", "same", "yes"}, {"0", "false", "different", "no"}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures, given by their paths below the set's folder, and whether they show the same person."""

    a: str
    b: str
    same: bool


def read_pairs(
    file: Path,
    root: Path | None = None,
    limit: int | None = None,
    *,
    seed: int = 0,
    omitted: list[Omission] | None = None,
) -> list[Pair]:
    """Read a verification set.

    Args:
        file: CSV with a header that names the columns ``a``, ``b`` (paths) and ``same`` (1 or 0).
        root: folder of the paths; the file's folder if None.
        limit: maximum number of pairs, drawn at random, half of them same-person pairs if there are enough.
        seed: for that draw.
        omitted: list to which pairs with missing files, which are left out, are appended.

    Raises:
        UsageError: if the file or a column is missing, or no same-person or no different-person pairs are left.
    """
    root, omitted = root or file.parent, [] if omitted is None else omitted
    try:
        with file.open(newline="", encoding="utf-8") as text:
            reader = csv.DictReader(text)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise UsageError(f"{file} has no column {missing[0]!r}", code="pair-columns")
            pairs = [_pair(row, file, number) for number, row in enumerate(reader, start=2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{file} cannot be read as pairs: {error}") from None
    kept = []
    for pair in pairs:
        lost = next((name for name in (pair.a, pair.b) if not (root / name).is_file()), None)
        if lost is None:
            kept.append(pair)
        else:
            omitted.append(Omission(f"{pair.a} - {pair.b}", f"there is no file {lost}"))
    _check(kept, file, omitted)
    return kept if limit is None or limit >= len(kept) else _chosen(kept, limit, seed)


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """Embeddings of originals by one recogniser.

    Attributes:
        recogniser: the recogniser that made them.
        embeddings: path below the set's folder -> (D,) float32.
    """

    recogniser: Recogniser
    embeddings: Mapping[str, FloatArray]

    def usable(self, pairs: Sequence[Pair]) -> list[Pair]:
        """Return the pairs of which both pictures were embedded."""
        return [pair for pair in pairs if pair.a in self.embeddings and pair.b in self.embeddings]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Thresholds of one recogniser, fixed on originals.

    Attributes:
        at_far: false accept rate -> lowest accepted similarity, over all pairs of different people.
        best: the similarity that best separates the listed pairs.
        impostors: number of different-person pairs behind the rates.
    """

    at_far: dict[float, float]
    best: float
    impostors: int


def fix_thresholds(gallery: Gallery, pairs: Sequence[Pair]) -> Thresholds:
    """Fix thresholds on originals: every a against every b of another person, far more pairs than are listed.

    Raises:
        UsageError: if there are too few people for the smallest rate.
    """
    chosen = gallery.usable(pairs)
    impostors = _impostors(gallery, chosen, gallery.embeddings)
    listed = probe_scores(gallery, pairs, gallery.embeddings)
    try:
        at_far = {far: threshold_at_far(impostors, far) for far in FARS}
        best = best_threshold(listed.same, listed.different)
    except ValueError as error:
        raise UsageError(f"the verification set is too small: {error}", code="few-pairs") from None
    return Thresholds(at_far, best, len(impostors))


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Similarities of probes to the album, for same-person and for different-person pairs."""

    same: Floats
    different: Floats


def probe_scores(gallery: Gallery, pairs: Sequence[Pair], probes: Mapping[str, FloatArray]) -> Scores:
    """Score a (original) against b (probe) for every pair whose b has a probe.

    Args:
        gallery: embeddings of the originals.
        pairs: the verification set.
        probes: path of b -> embedding of its probe.
    """
    found: dict[bool, list[float]] = {True: [], False: []}
    for pair in gallery.usable(pairs):
        if pair.b in probes:
            found[pair.same].append(gallery.recogniser.similarity(gallery.embeddings[pair.a], probes[pair.b]))
    return Scores(np.array(found[True]), np.array(found[False]))


def verification_row(
    gallery: Gallery, pairs: Sequence[Pair], probes: Mapping[str, FloatArray], thresholds: Thresholds, seed: int = 0
) -> dict[str, Any]:
    """Measure how well the recogniser matches one kind of probe.

    Returns:
        Accuracy on the listed pairs, TAR at every rate of `FARS` with 95 % bootstrap intervals, rank-1, area under the
        curve, and for plots a curve (at most 60 points) whose false accepts come from every a against every b.
    """
    scores = probe_scores(gallery, pairs, probes)
    right = np.concatenate([scores.same >= thresholds.best, scores.different < thresholds.best])
    row: dict[str, Any] = {
        "pairs": len(right),
        "accuracy": round(float(right.mean()), 4),
        "accuracy_interval": _rounded(bootstrap_interval(right.astype(np.float64), seed=seed)),
        "auc": round(auc(scores.same, scores.different), 4),
    }
    for far, threshold in thresholds.at_far.items():
        accepted = (scores.same >= threshold).astype(np.float64)
        row[f"tar@{far:g}"] = round(float(accepted.mean()), 4)
        row[f"tar@{far:g}_interval"] = _rounded(bootstrap_interval(accepted, seed=seed))
    row |= rank_one(gallery, pairs, probes, seed)
    row["curve"] = _thinned(scores.same, _impostors(gallery, gallery.usable(pairs), probes))
    return row


def rank_one(
    gallery: Gallery, pairs: Sequence[Pair], probes: Mapping[str, FloatArray], seed: int = 0
) -> dict[str, Any]:
    """Return the share of probes whose most similar picture in the album, one per person, shows the same person.

    Raises:
        UsageError: if there is only one person.
    """
    album, wanted = dict[str, str](), dict[str, str]()
    for pair in gallery.usable(pairs):
        if pair.same and pair.b in probes and _who(pair.a) not in album:
            album[_who(pair.a)], wanted[_who(pair.a)] = pair.a, pair.b
    people = sorted(album)
    if len(people) < 2:
        raise UsageError("identification needs pictures of at least two people", code="few-people")
    against = _stack(gallery, [album[who] for who in people])
    scores = gallery.recogniser.similarities(np.stack([probes[wanted[who]] for who in people]), against)
    hits = (scores.argmax(axis=1) == np.arange(len(people))).astype(np.float64)
    return {
        "people": len(people),
        "rank1": round(float(hits.mean()), 4),
        "rank1_interval": _rounded(bootstrap_interval(hits, seed=seed)),
    }


def _pair(row: Mapping[str, str | None], file: Path, number: int) -> Pair:
    same = (row["same"] or "").strip().lower()
    if same not in _YES | _NO or not row["a"] or not row["b"]:
        raise UsageError(f"{file}, line {number}: a pair is two paths and 1 or 0")
    return Pair(row["a"], row["b"], same in _YES)


def _check(pairs: Sequence[Pair], file: Path, omitted: Sequence[Omission]) -> None:
    left_out = f"; {len(omitted)} pairs left out, such as {omitted[0].reason}" if omitted else ""
    if not any(pair.same for pair in pairs):
        raise UsageError(f"{file} has no pair of one person{left_out}, and a rate of matches needs some")
    if not any(not pair.same for pair in pairs):
        raise UsageError(f"{file} has no pair of two people{left_out}, and a false accept rate needs some")


def _chosen(pairs: Sequence[Pair], limit: int, seed: int) -> list[Pair]:
    rng = np.random.default_rng(seed)
    shuffled = [pairs[i] for i in rng.permutation(len(pairs))]
    half = [pair for pair in shuffled if pair.same][: -(-limit // 2)]
    rest = [pair for pair in shuffled if not pair.same][: limit - len(half)]
    kept = {id(pair) for pair in half + rest}
    return [pair for pair in pairs if id(pair) in kept]


def _who(name: str) -> str:
    return identity_of(Path(name), Path())


def _stack(gallery: Gallery, names: Sequence[str]) -> FloatArray:
    return np.stack([gallery.embeddings[name] for name in names])


def _impostors(gallery: Gallery, pairs: Sequence[Pair], probes: Mapping[str, FloatArray]) -> Floats:
    """Return the similarities of every a to the probe of every b of another person."""
    left, right = sorted({pair.a for pair in pairs}), sorted({pair.b for pair in pairs if pair.b in probes})
    names = [np.array([_who(name) for name in side]) for side in (left, right)]
    scores = gallery.recogniser.similarities(_stack(gallery, left), np.stack([probes[name] for name in right]))
    return np.asarray(scores[names[0][:, None] != names[1][None]], np.float64)


def _thinned(same: Floats, different: Floats, most: int = 60) -> list[list[float]]:
    """Return (false, true) accept rates at false accept rates spaced evenly on a logarithmic scale."""
    _, false, true = roc(same, different)
    wanted = np.concatenate([[0.0], np.geomspace(1 / max(2, len(different)), 1, most - 1)])
    at = np.searchsorted(false, wanted, side="right") - 1
    return [[float(f"{false[i]:.3g}"), round(float(true[i]), 5)] for i in dict.fromkeys(at)]


def _rounded(interval: tuple[float, float]) -> list[float]:
    return [round(value, 4) for value in interval]
