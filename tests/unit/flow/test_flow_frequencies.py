"""The frequency file and the grid of steps: `secure-3` is made from `secure-2`, the same on any machine."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proface_s.ans import TOTAL
from proface_s.errors import ModelError
from proface_s.flow.cards import read_card, shipped_models
from proface_s.flow.registry import open_model
from proface_s.flow.secure import frequencies
from proface_s.flow.secure.entropy import BINS, ESCAPE, Tables
from proface_s.flow.secure.face_code import SPARE_BITS
from proface_s.flow.secure.model import FREQUENCIES_NAME, SecureFlow
from proface_s.flow.secure.steps import StepGrid
from proface_s.image.measures import psnr
from proface_s.keys.secrets import FaceKey
from proface_s.types import UInt8Image

WEIGHTS = shipped_models() / "secure-3"
FILE = (WEIGHTS / FREQUENCIES_NAME).read_bytes()


def tool() -> ModuleType:
    path = Path(__file__).parents[3] / "tools" / "integer_model.py"
    spec = importlib.util.spec_from_file_location("integer_model", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_shipped_model_is_what_the_tool_makes(tmp_path: Path) -> None:
    tool().make_model(shipped_models() / "secure-2", tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in WEIGHTS.iterdir()
    }


def test_it_shares_the_networks_of_the_older_model() -> None:
    card, older = read_card(WEIGHTS), read_card(shipped_models() / "secure-2")
    assert card.model_id != older.model_id
    assert {name: each for name, each in card.files.items() if name.endswith(".onnx")} == {
        name: each for name, each in older.files.items() if name.endswith(".onnx")
    }
    assert sorted(path.name for path in WEIGHTS.iterdir()) == ["card.json", FREQUENCIES_NAME]


def test_files_of_another_model_are_verified(tmp_path: Path) -> None:
    for name in ("secure-2", "secure-3"):
        (tmp_path / name).mkdir()
        for path in (shipped_models() / name).iterdir():
            (tmp_path / name / path.name).write_bytes(path.read_bytes())
    SecureFlow(tmp_path / "secure-3", 1)
    graph = tmp_path / "secure-2" / "luma-odd.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"\0")
    with pytest.raises(ModelError, match=r"altered: .*luma-odd"):
        SecureFlow(tmp_path / "secure-3", 1)
    graph.unlink()
    with pytest.raises(ModelError, match=r"missing: .*luma-odd"):
        SecureFlow(tmp_path / "secure-3", 1)


@given(st.integers(0, 2**32 - 1), st.integers(0, 16))
def test_counts_are_stored_within_one_unit(seed: int, spread: int) -> None:
    rng = np.random.default_rng(seed)
    half = rng.integers(1, 2 + (1 << spread), (BINS, ESCAPE - 63))
    half[:, 0] = half.max()
    counts = np.concatenate([half[:, 64:0:-1], half], axis=1)
    biases = rng.integers(0, 20, BINS) / 64
    data = frequencies.encode_frequencies(counts, biases)
    tables = frequencies.decode_frequencies(data)
    np.testing.assert_array_equal(tables.biases, biases)
    stored = np.frombuffer(data[8:], frequencies._ROW)["frequencies"].astype(np.int64)
    whole = np.concatenate([stored[:, 64:0:-1], stored], axis=1)
    assert (whole.sum(axis=1) * frequencies.UNIT == TOTAL).all()
    assert whole.min() >= 1
    ideal = counts * (TOTAL // frequencies.UNIT) / counts.sum(axis=1, keepdims=True)
    small = np.maximum(ideal, 1) - ideal  # what a floor of 1 takes from the commonest symbol
    assert (np.abs(whole - ideal)[:, np.arange(ESCAPE + 1) != 64] <= 1).all()
    assert (np.abs(whole - ideal)[:, 64] <= 2 + small.sum(axis=1)).all()


@pytest.mark.parametrize("data", [b"", FILE[:-1], FILE + b"\0", b"PFSFREQ2" + FILE[8:], FILE[:9] + b"\1\1" + FILE[11:]])
def test_what_is_no_frequency_file_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError):
        frequencies.decode_frequencies(data)


def test_counts_that_cannot_be_stored_are_refused() -> None:
    counts, biases = np.ones((BINS, ESCAPE + 1), np.int64), np.zeros(BINS)
    for bad in (counts[:, :-1], counts * 0, counts + np.arange(ESCAPE + 1)):
        with pytest.raises(ValueError, match="counts"):
            frequencies.encode_frequencies(bad, biases)
    with pytest.raises(ValueError, match="biases"):
        frequencies.encode_frequencies(counts, biases + 1 / 100)
    with pytest.raises(ModelError, match="another sum"):
        Tables.of_frequencies(counts, biases)


@pytest.mark.parametrize("grid", [StepGrid(), StepGrid(256)], ids=lambda grid: str(grid.per_octave))
def test_steps_are_numbered_from_the_finest(grid: StepGrid) -> None:
    assert (grid.log2(0), grid.log2(grid.count)) == (-1, 9)
    assert [grid.nearest(grid.sixteenths(index)) for index in range(grid.count)] == list(range(grid.count))
    assert (grid.nearest(-5), grid.nearest(1000)) == (0, grid.count - 1)
    for index in range(0, grid.count, 37):
        assert grid.size(index, 2) == pytest.approx(2.0 ** (grid.log2(index) - 2), abs=2.0**-18)
        assert 0 <= 16 * (grid.log2(index) - 2) - grid.log_step(index, 2) < 1


def test_finer_steps_leave_less_unused(portrait: UInt8Image) -> None:
    """More decibels for the same words, here and in docs/explain/model.md, and less than half of the filler."""
    cover, key, gains = np.full_like(portrait, 120), FaceKey(bytes(range(32))), []
    for name in ("secure-2", "secure-3"):
        model = open_model(name, 1)
        reading = model.recover(model.protect(portrait, cover, key), key)
        assert reading.intact
        gains.append(psnr(reading.image, portrait))
    assert gains[1] > gains[0]
    filler = {name: filler_of(name, portrait) for name in ("secure-2", "secure-3")}
    assert sum(filler["secure-3"]) < sum(filler["secure-2"]) / 2
    samples = portrait.size
    accepted = 0.05 * samples + 3 * samples**0.5 + SPARE_BITS  # docs/reference/flow.md, section 10
    assert max(filler["secure-3"]) <= accepted / 32


def filler_of(model: str, face: UInt8Image) -> list[int]:
    """Return how many words are filler in codes of a face of several lengths."""
    coder = open_model(model, 1).coder  # type: ignore[attr-defined]
    return [int(np.argmax(coder.compress(face, words) != 1)) for words in (1500, 2000, 2437, 3000)]


@pytest.fixture(scope="module")
def portrait() -> UInt8Image:
    data = pytest.importorskip("skimage.data")
    return np.ascontiguousarray(data.astronaut()[40:168, 160:288])
