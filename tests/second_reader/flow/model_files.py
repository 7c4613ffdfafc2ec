"""The networks and tables of the models ``secure-2`` and ``secure-3`` (docs/reference/flow.md, sections 2 and 6).

The graphs' tensors are taken out of the ONNX files by name; what is computed with them is in the documents, so the
nodes are not looked at.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .coder import TOTAL

WEIGHTS = Path(__file__).parents[3] / "src/proface_s/flow/weights"
STAGES = ("luma-even", "luma-odd", "chroma-first", "chroma-second")
GRIDS = {"secure-2": 16, "secure-3": 256}
NAMES = {
    bytes.fromhex("a10540b772742971f1db67cc295287f6"): "secure-2",
    bytes.fromhex("8e00832aa86dd8814dc935e564b2f86f"): "secure-3",
}
TABLES, SYMBOLS = 57, 130

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Network:
    """One graph in whole numbers: kernels (out, in, 3, 3), the last one (out, in), and biases (out, 1, 1)."""

    enter: Integers
    enter_bias: Integers
    body: Integers
    body_bias: Integers
    leave: Integers
    leave_bias: Integers

    def answer(self, planes: Integers) -> Integers:
        """Output planes (6 or 12, h, w) of input planes (17, 23 or 35, h, w)."""
        hidden = np.clip((2 * _convolve(planes, self.enter) + self.enter_bias + 64) >> 7, 0, 255)
        hidden = np.clip((2 * _convolve(hidden, self.body) + self.body_bias + 64) >> 7, 0, 255)
        return (np.tensordot(self.leave, hidden, 1) + self.leave_bias) >> 7


def _convolve(planes: Integers, kernels: Integers) -> Integers:
    height, width = planes.shape[1:]
    padded = np.pad(planes, ((0, 0), (1, 1), (1, 1))).astype(float)
    total = np.zeros((len(kernels), height, width))
    for dy in range(3):
        for dx in range(3):  # doubles are exact here, and faster than integers
            total += np.tensordot(kernels[:, :, dy, dx].astype(float), padded[:, dy : dy + height, dx : dx + width], 1)
    return total.astype(np.int64)


@dataclass(frozen=True)
class Model:
    """What a reader needs of a model."""

    grid: int
    networks: tuple[Network, ...]
    tables: tuple[tuple[int, ...], ...]
    pulls: tuple[int, ...]

    def scale(self, step: int) -> int:
        """S of a step: the integer nearest to ``2^(15 + step / grid)``."""
        return int(np.rint(2.0 ** (15 + step / self.grid)))


@cache
def load(name: str) -> Model:
    """The model of this name, its files checked against its card."""
    folder = WEIGHTS / name
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    data = {}
    for file, digest in card["files"].items():
        path = folder / file if (folder / file).exists() else WEIGHTS / card["shares"] / file
        data[file] = path.read_bytes()
        if hashlib.sha256(data[file]).hexdigest() != digest:
            raise ValueError(f"{path} is not the file of the card")
    networks = tuple(_network(data[f"{stage}.onnx"]) for stage in STAGES)
    if name == "secure-2":
        tables, pulls = _counted(folder / "tables.npz")
    else:
        tables, pulls = _frequencies(data["frequencies.bin"])
    return Model(GRIDS[name], networks, tables, pulls)


def _counted(path: Path) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
    tables = []
    with np.load(path) as arrays:
        for counts in arrays["counts"].astype(np.int64):
            sums = [0, *(int(s) for s in np.cumsum(counts))]
            starts = [c * (TOTAL - SYMBOLS) // sums[-1] + s for s, c in enumerate(sums[:-1])]
            tables.append((*starts, TOTAL))
        pulls = tuple(round(64 * float(pull)) for pull in arrays["pulls"])
    return tuple(tables), pulls


def _frequencies(data: bytes) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
    if data[:8] != b"PFSFREQ1" or len(data) != 8 + TABLES * 133:
        raise ValueError("not a file of frequencies")
    tables, pulls = [], []
    for row in range(TABLES):
        entry = data[8 + 133 * row :][:133]
        half = [int(g) for g in np.frombuffer(entry[1:], "<u2")]
        symbols = [256 * half[abs(s - 64)] for s in range(129)] + [256 * half[65]]
        tables.append((0, *(int(c) for c in np.cumsum(symbols))))
        pulls.append(entry[0])
    return tuple(tables), tuple(pulls)


def _network(onnx: bytes) -> Network:
    tensors = dict(_tensors(onnx))
    groups = sorted(name for name in tensors if name.startswith("enter.") and name.endswith(".weight"))
    bias = groups[-1].replace("weight", "bias")
    return Network(
        _whole(np.concatenate([tensors[name] for name in groups], axis=1), 64),
        _whole(tensors[bias], 128)[:, None, None],
        _whole(tensors["body.0.weight"], 64),
        _whole(tensors["body.0.bias"], 128)[:, None, None],
        _whole(tensors["leave.weight"][:, :, 0, 0], 128),
        _whole(tensors["leave.bias"], 128)[:, None, None],
    )


def _whole(values: NDArray[np.float64], factor: int) -> Integers:
    product = values * factor
    if not np.array_equal(product, np.rint(product)):
        raise ValueError("a weight is no multiple of its unit")
    return product.astype(np.int64)


def _tensors(onnx: bytes) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Name and values of each initializer: field 5 of the graph, which is field 7 of the file (onnx.proto)."""
    for number, graph in _messages(onnx):
        for inner, tensor in _messages(graph) if number == 7 and isinstance(graph, bytes) else ():
            if inner == 5 and isinstance(tensor, bytes):
                fields = list(_messages(tensor))
                shape = [value for field, value in fields if field == 1 and isinstance(value, int)]
                named = {field: value for field, value in fields if isinstance(value, bytes)}
                yield named[8].decode(), np.frombuffer(named[9], "<f4").reshape(shape).astype(float)


def _messages(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of a protobuf message: integers, or bytes."""
    at = 0

    def integer() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = integer()
        if key & 7 == 0:
            yield key >> 3, integer()
        else:
            size = {1: 8, 5: 4}.get(key & 7) or integer()
            yield key >> 3, data[at : at + size]
            at += size
