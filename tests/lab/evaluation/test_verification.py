"""Verification against values known by construction, and unusable sets."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from proface_lab.evaluation.faces import Omission
from proface_lab.evaluation.measures import metrics, verification_set
from proface_lab.evaluation.measures.diversity import measure_diversity
from proface_lab.evaluation.measures.verification import (
    Gallery,
    Pair,
    fix_thresholds,
    probe_scores,
    rank_one,
    read_pairs,
    verification_row,
)
from proface_lab.evaluation.method import load_method
from proface_s.errors import NoFaceError, UsageError

from ..kit import ColourJudge, MiddleDetector, MiddleLocator, XorMethod, picture, samples

PEOPLE = 40


def write_pairs(folder: Path, rows: list[tuple[str, str, object]], header: str = "a,b,same") -> Path:
    file = folder / "pairs.csv"
    with file.open("w", newline="") as text:
        text.write(header + "\n")
        csv.writer(text).writerows(rows)
    return file


def write_set(folder: Path, people: int = PEOPLE) -> Path:
    """Write two pictures of each person, the second with noise, and same-person and different-person pairs."""
    rng = np.random.default_rng(0)
    for who in range(people):
        (folder / f"p{who:02d}").mkdir(parents=True)
        base = picture(who)
        for number, noise in ((1, 0), (2, 12)):
            noisy = np.clip(base + rng.normal(0, noise, base.shape), 0, 254).astype(np.uint8)
            Image.fromarray(noisy).save(folder / f"p{who:02d}" / f"p{who:02d}_{number:04d}.png")
    name = "p{0:02d}/p{0:02d}_000{1}.png".format
    same = [(name(i, 1), name(i, 2), 1) for i in range(people)]
    return write_pairs(folder, same + [(name(i, 1), name((i + 1) % people, 2), 0) for i in range(people)])


def test_pairs_are_read_and_drawn_by_the_seed(tmp_path: Path) -> None:
    file = write_set(tmp_path)
    everything = read_pairs(file)
    assert len(everything) == 2 * PEOPLE
    assert everything[0] == Pair("p00/p00_0001.png", "p00/p00_0002.png", True)
    few = read_pairs(file, limit=10, seed=1)
    assert sum(pair.same for pair in few) == 5
    assert few == read_pairs(file, limit=10, seed=1) != read_pairs(file, limit=10, seed=2)


def test_pairs_that_name_missing_files_are_left_out_by_name(tmp_path: Path) -> None:
    file = write_set(tmp_path)
    (tmp_path / "p03/p03_0002.png").unlink()
    omitted: list[Omission] = []
    assert len(read_pairs(file, omitted=omitted)) == 2 * PEOPLE - 2
    assert len(omitted) == 2
    assert all("p03/p03_0002.png" in each.reason for each in omitted)


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        ([("a.png", "a.png", 1)], "a,b", "no column 'same'"),
        ([("a.png", "a.png", 1)], "a,b,same", "no pair of two people"),
        ([("a.png", "a.png", 0)], "a,b,same", "no pair of one person"),
        ([("gone.png", "a.png", 1), ("a.png", "a.png", 0)], "a,b,same", "gone.png"),
        ([("a.png", "a.png", "maybe")], "a,b,same", "line 2"),
        ([], "a,b,same", "no pair"),
    ],
)
def test_sets_that_cannot_be_used_are_refused(tmp_path: Path, rows: list, header: str, message: str) -> None:
    Image.fromarray(picture(0)).save(tmp_path / "a.png")
    with pytest.raises(UsageError, match=message):
        read_pairs(write_pairs(tmp_path, rows, header))


def test_a_missing_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.csv"):
        read_pairs(tmp_path / "gone.csv")
    (tmp_path / "binary.csv").write_bytes(b"a,b,same\n\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"binary\.csv"):
        read_pairs(tmp_path / "binary.csv")


class Numbers:
    """A recogniser with given embeddings; similarity is the negative distance."""

    name = "numbers"

    def embed(self, image, place=None):
        raise NotImplementedError

    def similarity(self, a, b) -> float:
        return float(-np.linalg.norm(a - b))

    def similarities(self, a, b):
        return -np.linalg.norm(a[:, None] - b[None], axis=2)


def numbered(count: int, spread: float) -> tuple[Gallery, list[Pair]]:
    rng = np.random.default_rng(5)
    embeddings = {}
    for who in range(count):
        centre = rng.normal(0, 1, 8)
        for number in (1, 2):
            embeddings[f"w{who}/{number}.png"] = (centre + rng.normal(0, spread, 8)).astype(np.float32)
    same = [Pair(f"w{i}/1.png", f"w{i}/2.png", True) for i in range(count)]
    different = [Pair(f"w{i}/1.png", f"w{(i + 3) % count}/2.png", False) for i in range(count)]
    return Gallery(Numbers(), embeddings), same + different


@pytest.mark.parametrize("spread", [0.2, 0.6, 2.0])
def test_rates_and_rank_one_are_scikit_learns(spread: float) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    gallery, pairs = numbered(60, spread)
    thresholds = fix_thresholds(gallery, pairs)
    row = verification_row(gallery, pairs, gallery.embeddings, thresholds)
    first, second = (np.stack([gallery.embeddings[f"w{i}/{n}.png"] for i in range(60)]) for n in (1, 2))
    nearest = sklearn.pairwise_distances_argmin(second, first)
    assert row["rank1"] == pytest.approx((nearest == np.arange(60)).mean(), abs=1e-4)
    scores = probe_scores(gallery, pairs, gallery.embeddings)
    labels = np.r_[np.ones(60), np.zeros(60)]
    both = np.r_[scores.same, scores.different]
    assert row["auc"] == pytest.approx(sklearn.roc_auc_score(labels, both), abs=1e-4)
    assert row["accuracy"] == pytest.approx(sklearn.accuracy_score(labels, both >= thresholds.best), abs=1e-4)
    distances = -np.linalg.norm(first[:, None] - second[None], axis=2)
    off = distances[~np.eye(60, dtype=bool)]
    assert thresholds.impostors == len(off)
    false, true, _ = sklearn.roc_curve(
        np.r_[np.ones(60), np.zeros(len(off))], np.r_[scores.same, off], drop_intermediate=False
    )
    for far in (1e-3, 1e-2):
        assert row[f"tar@{far:g}"] == pytest.approx(true[false <= far].max(), abs=1e-4)
        low, high = row[f"tar@{far:g}_interval"]
        assert low <= row[f"tar@{far:g}"] <= high


def test_thresholds_come_from_originals_alone() -> None:
    gallery, pairs = numbered(40, 0.3)
    thresholds = fix_thresholds(gallery, pairs)
    blind = {pair.b: np.zeros(8, np.float32) for pair in pairs}
    row = verification_row(gallery, pairs, blind, thresholds)
    assert row["rank1"] <= 0.1
    assert row["tar@0.01"] < verification_row(gallery, pairs, gallery.embeddings, thresholds)["tar@0.01"]


def test_one_person_is_not_enough() -> None:
    gallery, pairs = numbered(2, 0.1)
    with pytest.raises(UsageError, match="two people"):
        rank_one(gallery, [pairs[0]], gallery.embeddings)
    with pytest.raises(UsageError, match="too small"):
        fix_thresholds(gallery, pairs)


def test_a_set_behind_a_method(tmp_path: Path) -> None:
    file = write_set(tmp_path)
    Image.new("RGB", (96, 96), "white").save(tmp_path / "p05/p05_0002.png")
    (tmp_path / "p06/p06_0001.png").write_bytes(b"broken")
    omitted: list[Omission] = []
    chosen = verification_set.load_verification_set(
        read_pairs(file),
        tmp_path,
        [ColourJudge()],
        1,
        omitted=omitted,
        locator=MiddleLocator(),
        detector=MiddleDetector(),
    )
    assert sorted(each.name for each in omitted) == ["p05/p05_0002.png", "p06/p06_0001.png"]
    assert len(chosen.pairs) == 2 * PEOPLE - 4
    original = verification_set.measure_originals(chosen)["original"]["colours"]
    assert original["tar@0.001"] == 1
    assert original["rank1"] == 1
    cover = verification_set.measure_covers(chosen, "solid")["cover"]["colours"]
    assert cover["tar@0.01"] < 0.5
    measured = verification_set.measure_method(chosen, load_method("secure-3"), "solid")
    found = {kind: rows["colours"] for kind, rows in measured.items()}
    assert found["recovered"]["tar@0.001"] == 1
    assert found["protected"]["tar@0.01"] < 0.5
    assert found["wrong"]["tar@0.01"] < 0.5
    leaking = verification_set.measure_method(chosen, Open(), "solid")
    assert leaking["protected"]["colours"]["tar@0.001"] == 1


class Open(XorMethod):
    """A method that hides nothing: the protected picture is the original."""

    name = "open"

    def protect(self, original: np.ndarray, cover: np.ndarray, key: bytes) -> np.ndarray:
        return original


def test_a_set_without_a_usable_face_is_refused(tmp_path: Path) -> None:
    file = write_set(tmp_path, 2)
    for path in tmp_path.rglob("*.png"):
        Image.new("RGB", (96, 96), "white").save(path)
    with pytest.raises(NoFaceError, match="no face found"):
        verification_set.load_verification_set(
            read_pairs(file), tmp_path, [ColourJudge()], 1, locator=MiddleLocator(), detector=MiddleDetector()
        )


def test_diversity_tells_keys_from_styles() -> None:
    found = measure_diversity(
        XorMethod(),
        samples(4),
        ["blur:20", "pixelate:6", "other-face"],
        [ColourJudge()],
        {"colours": 0.9},
        1,
        locator=MiddleLocator(),
    )
    assert found["keys"]["pairs"] == found["styles"]["pairs"] == 12
    assert found["keys"]["psnr"] > 40 > found["styles"]["psnr"]
    keys, styles = (found[kind]["recognisers"]["colours"] for kind in ("keys", "styles"))
    assert keys["linked"] == 1
    assert styles["linked"] < 0.7
    assert metrics.bootstrap_interval(np.ones(5)) == (1, 1)
