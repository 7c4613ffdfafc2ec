"""Export of trained couplings to a model folder: ONNX graphs, symbol tables fitted to real faces, and the card."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from proface_s.flow.cards import CARD_NAME, canonical_card
from proface_s.flow.network import open_graph
from proface_s.flow.secure import rate_forecast
from proface_s.flow.secure.couplings import PLANES, SCALE_STEPS, SHIFT_STEPS, STAGES, Couplings
from proface_s.flow.secure.entropy import BINS, BINS_PER_OCTAVE, ESCAPE, REACH, SMALLEST, Tables, bins_and_shifts
from proface_s.flow.secure.face_code import FaceCoder
from proface_s.flow.secure.frequencies import BIAS_STEPS, decode_frequencies, encode_frequencies
from proface_s.flow.secure.lattice import capacity_words
from proface_s.flow.secure.model import FREQUENCIES_NAME, GRAPH_NAMES, modulus_for
from proface_s.types import UInt8Image

from ..watching import Watch, unwatched
from .couplings import (
    ACTIVATION_LIMIT,
    ACTIVATION_STEPS,
    WEIGHT_STEPS,
    Coupling,
    CouplingNetwork,
    ExactConv,
)

EXACT = 2.0**24  # float32 represents every integer up to here
LARGEST_PLANE = 512 / 16  # largest input of a network, see `planes`
COUNTS = 1 << 16  # about the sum of a table's counts
GROUP = 16  # channels that the runtime's kernels process together
ROUNDER = 1.5 * 2.0**23  # plus this, a number below 2^22 has no fraction bits: IEEE 754 rounds to the nearest integer
TIE_BREAK = 0.5 / WEIGHT_STEPS  # added to multiples of 1 / WEIGHT_STEPS, it leaves no ties and rounds halves up


class IntegerCoupling(nn.Module):
    """A `Coupling` in integers: the same results, with every rounding folded into the next layer.

    Planes and activations are integers (sixteenths), so that a layer consists of convolutions and clips only.  The
    planes are in the order of `proface_s.flow.secure.couplings`; the outputs are shifts in 64ths and scales in eighths,
    with half a step added and not yet rounded down.

    The first convolution is a sum over groups of `GROUP` planes, and rounding is done by convolutions too: the runtime
    keeps such a chain in the memory layout of its fastest kernels, whereas a rounding operator, or planes that do not
    come in groups, would be reordered before and after.
    """

    def __init__(self, coupling: Coupling) -> None:
        super().__init__()
        weight, bias = coupling.enter.rounded()
        weight = weight[:, _runtime_order(weight.shape[1])]
        self.groups = [slice(start, start + GROUP) for start in range(0, weight.shape[1], GROUP)]
        self.enter = nn.ModuleList(_fixed(weight[:, group], None) for group in self.groups[:-1])
        self.enter.append(_fixed(weight[:, self.groups[-1]], bias * ACTIVATION_STEPS + TIE_BREAK))
        self.body = nn.ModuleList()
        for layer in coupling.body:
            assert isinstance(layer, ExactConv)
            weight, bias = layer.rounded()
            self.body.append(_fixed(weight, bias * ACTIVATION_STEPS + TIE_BREAK))
        width = weight.shape[0]
        ones = torch.ones(width, 1, 1, 1)
        self.up, self.down = (_fixed(ones, torch.full((width,), by), width) for by in (ROUNDER, -ROUNDER))
        weight, bias = coupling.leave.rounded()
        bands = weight.shape[0] // 2
        steps = torch.tensor([SHIFT_STEPS] * bands + [SCALE_STEPS] * bands)
        self.leave = _fixed(weight * (steps / ACTIVATION_STEPS)[:, None, None, None], bias * steps + 0.5)

    def forward(self, planes: Tensor) -> Tensor:
        total = self.enter[-1](planes[:, self.groups[-1]])
        for layer, group in zip(self.enter[:-1], self.groups[:-1], strict=True):
            total = layer(planes[:, group]) + total
        hidden = self._to_integers(total)
        for index, layer in enumerate(self.body):
            hidden = self._to_integers(layer(hidden) + hidden) if index else self._to_integers(layer(hidden))
        return self.leave(hidden)  # type: ignore[no-any-return]

    def _to_integers(self, x: Tensor) -> Tensor:
        """Apply `activate` in sixteenths: round to the nearest integer, which `TIE_BREAK` has made unique."""
        return self.down(self.up(x)).clamp(0.0, 255.0)  # type: ignore[no-any-return]


def _fixed(weight: Tensor, bias: Tensor | None, groups: int = 1) -> nn.Conv2d:
    outputs, inputs, kernel, _ = weight.shape
    layer = nn.Conv2d(inputs * groups, outputs, kernel, padding=kernel // 2, groups=groups, bias=bias is not None)
    layer.load_state_dict({"weight": weight.detach()} | ({} if bias is None else {"bias": bias.detach()}))
    return layer


def _runtime_order(planes: int) -> list[int]:
    """Return the index of each runtime plane among those of `proface_lab.training.secure.couplings.planes`."""
    d = (planes - 5) // 2  # differences; companded ones follow, then levels, parity and step
    low = [*range(6), *range(d, d + 6), *range(2 * d, 2 * d + 5)]
    luma = [*range(6, 9), *range(d + 6, d + 9)] if d > 6 else []
    chroma = [*range(9, 15), *range(d + 9, d + 15)] if d > 9 else []
    return low + luma + chroma


def check_exactness(coupling: Coupling) -> float:
    """Return the largest sum that any layer can reach, in steps of its grid.

    Raises:
        ValueError: if it is not below 2^24, so that float32 might round it.
    """
    worst = 0.0
    layers = [m for m in coupling.modules() if isinstance(m, ExactConv)]
    for index, layer in enumerate(layers):
        weight, bias = layer.rounded()
        limit = LARGEST_PLANE if index == 0 else ACTIVATION_LIMIT
        skip = ACTIVATION_LIMIT if 1 < index < len(layers) - 1 else 0.0
        reach = weight.abs().flatten(1).sum(1) * limit + bias.abs() + skip
        worst = max(worst, float(reach.detach().max()) * WEIGHT_STEPS * ACTIVATION_STEPS)
    if worst >= EXACT:
        raise ValueError(f"a layer can reach {worst:.3g} steps; float32 is exact only below 2^24")
    return worst


def write_graphs(network: CouplingNetwork, folder: Path) -> None:
    """Write one ONNX graph per stage, with the rounded weights in it."""
    folder.mkdir(parents=True, exist_ok=True)
    network = network.eval().cpu().float()
    spatial = {2: "height", 3: "width"}
    for stage, name in enumerate(GRAPH_NAMES):
        coupling = network.couplings[stage]
        assert isinstance(coupling, Coupling)
        check_exactness(coupling)
        inputs = torch.zeros(1, PLANES[stage], 12, 16)
        with warnings.catch_warnings():
            # The newer exporter needs another package and writes the same for graphs as simple as these.
            warnings.simplefilter("ignore")
            torch.onnx.export(
                IntegerCoupling(coupling),
                (inputs,),
                str(folder / name),
                input_names=["planes"],
                output_names=["answer"],
                opset_version=18,
                dynamo=False,
                dynamic_axes={"planes": spatial, "answer": spatial},
            )


def logistic_counts() -> npt.NDArray[np.uint32]:
    """Return symbol counts of logistic residuals, the start of the fit: (BINS, ESCAPE + 1)."""
    values = np.arange(-REACH, REACH + 1)
    counts = np.ones((BINS, ESCAPE + 1))
    for b in range(BINS):
        scale = 2.0 ** (SMALLEST + b / BINS_PER_OCTAVE)
        upper, lower = (np.abs(values) + 0.5) / scale, (np.abs(values) - 0.5) / scale
        counts[b, :-1] = np.exp(-np.logaddexp(0, lower) - np.logaddexp(0, -upper) + np.log(-np.expm1(-1 / scale)))
        counts[b, -1] = max(1e-6, 1 - counts[b, :-1].sum())
    return _weights(counts)


def logistic_tables() -> Tables:
    """Return the tables of `logistic_counts`."""
    return Tables.of_counts(logistic_counts(), np.zeros(BINS))


def fit_tables(
    couplings: Couplings, cases: Sequence[tuple[UInt8Image, int]], watch: Watch = unwatched
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.float64]]:
    """Fit symbol tables to the residuals of real faces, each coded into as many words as it can carry.

    Args:
        couplings: as exported.
        cases: (original, words) pairs.
        watch: see `Watch`.

    Returns:
        Counts and biases, as `encode_frequencies` takes them.
    """
    start = logistic_counts()
    counts = np.zeros((BINS, ESCAPE + 1))
    sums, hits = np.zeros(BINS), np.zeros(BINS)
    coder = FaceCoder(couplings, Tables.of_counts(start, np.zeros(BINS)))
    for original, words in watch("fit the symbol tables", cases):
        for residual, ratio in coder.residuals(original, words):
            bins, shifts = bins_and_shifts(ratio)
            plain = shifts == 0
            values = np.sign(residual) * np.floor(np.abs(residual) + 0.5 - coder.rounding_bias)
            high = values.astype(np.int64) >> shifts
            symbols = np.where(np.abs(high) > REACH, ESCAPE, high + REACH)
            np.add.at(counts, (bins, symbols), 1)
            away = plain & (values != 0)
            np.add.at(sums, bins[away], (np.abs(values) - np.abs(residual))[away])
            np.add.at(hits, bins[away], 1)
    counts[:, :-1] = (counts[:, :-1] + counts[:, -2::-1]) / 2  # a face and its negative are equally likely
    logistic_weight = 400.0  # weight of the logistic shape, in observations
    share = start / start.sum(1, keepdims=True)
    biases = np.clip(sums / (hits + 50), 0, 0.3)
    return _weights(counts + logistic_weight * share), np.rint(biases * BIAS_STEPS) / BIAS_STEPS


def fit_rate_forecast(
    couplings: Couplings, tables: Tables, cases: Sequence[tuple[UInt8Image, int]], watch: Watch = unwatched
) -> rate_forecast.ForecastWeights:
    """Fit the prediction of the quantiser step to the best steps of faces, some also made grey, noisy or soft.

    Args:
        couplings, tables: as exported.
        cases: (original, words) pairs.
        watch: see `Watch`.
    """
    coder, rng, rows, steps = FaceCoder(couplings, tables, slack=0.0), np.random.default_rng(0), [], []
    for number, (original, words) in enumerate(watch("fit the first quantiser step", cases)):
        kinds = [(original, words)]
        if number % 8 == 1:
            kinds.append((np.repeat(original[:, :, 1:2], 3, axis=2), words))
        if number % 4 == 3:
            noise = rng.normal(0, 2.0 ** rng.uniform(0, 3), original.shape)
            kinds.append((np.clip(np.rint(original + noise), 0, 255).astype(np.uint8), words))
        if number % 4 == 2:  # large photos of people are often this soft
            sides = [round(side * rng.uniform(0.6, 1.1)) * 2 for side in original.shape[1::-1]]
            soft = np.asarray(cv2.resize(original, sides, interpolation=cv2.INTER_CUBIC), np.uint8)
            kinds.append((soft, capacity_of(soft)))
        for kind, room in kinds:
            row, step = coder.forecast_case(kind, room)
            rows.append(row)
            steps.append(step)
    return rate_forecast.solve_rate_forecast(rows, steps)


def capacity_of(region: UInt8Image) -> int:
    """Return the number of 32-bit words that a region's samples carry, as in `SecureFlow.protect`."""
    return capacity_words(region.size, modulus_for(*region.shape[:2]))


def _weights(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.uint32]:
    share = counts / counts.sum(1, keepdims=True)
    return np.asarray(np.maximum(1, np.rint(share * COUNTS)), np.uint32)


def export_model(
    network: CouplingNetwork,
    faces: Iterable[tuple[UInt8Image, int]],
    folder: Path,
    card: dict[str, Any],
    watch: Watch = unwatched,
) -> dict[str, Any]:
    """Write graphs, tables and card of a model that `proface_s.flow.secure.model.SecureFlow` can load.

    Args:
        network: trained couplings.
        faces: (original, words) pairs for the tables.
        folder: created if missing.
        card: name, data, licence, command and measures; hashes and sizes are added.
        watch: see `Watch`.

    Returns:
        The card as written.
    """
    write_graphs(network, folder)
    runtime = Couplings([open_graph((folder / GRAPH_NAMES[stage]).read_bytes(), 0) for stage in range(STAGES)])
    cases = list(faces)
    frequencies = encode_frequencies(*fit_tables(runtime, cases, watch))
    forecast = fit_rate_forecast(runtime, decode_frequencies(frequencies), cases, watch)
    (folder / FREQUENCIES_NAME).write_bytes(frequencies)
    names = (*GRAPH_NAMES, FREQUENCIES_NAME)
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    parameters = sum(p.numel() for p in network.parameters())
    card = {**card, "parameters": parameters, "rate_forecast": forecast.tolist(), "files": files}
    (folder / CARD_NAME).write_bytes(canonical_card(card))
    return card
