"""Export of a trained face codec: bases in 8 bits, the network in half precision, tables, and the card."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper

from proface_s.robust.face_codec.coefficients import LEAST_STEP, OCTAVE
from proface_s.robust.face_codec.weights import BASES, CARD, RESTORER

from .bases import CHROMA_STEP
from .network import ANSWERS, INNER, PLANES
from .tables import make_frequencies

Arrays = Mapping[str, npt.NDArray[Any]]

_NAMES: Final = {"y": "luma", "cb": "blue", "cr": "red"}
_FINEST: Final = 127  # largest number of a row
_DETAIL: Final = (
    24.0,
    2.0,
)  # of analysis and synthesis: how far below the largest deviation rows still have all levels


def export_codec(weights: Arrays, folder: Path, card: Mapping[str, Any], counts: Any = None) -> dict[str, Any]:
    """Write the files of a codec, and the card with their hashes.

    Args:
        weights: of a training run, see `training`.
        folder: where they go.
        card: what the card says besides.
        counts: of numbers, see `make_frequencies`.

    Returns:
        The card as written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **quantised_bases(weights, counts))  # type: ignore[arg-type]
    (folder / BASES).write_bytes(buffer.getvalue())
    (folder / RESTORER).write_bytes(restorer(weights))
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (BASES, RESTORER)}
    written = {**card, "files": files}
    text = json.dumps(written, indent=2, sort_keys=True, ensure_ascii=True) + "\n"
    (folder / CARD).write_bytes(text.encode("ascii"))
    return written


def quantised_bases(weights: Arrays, counts: Any = None) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of the file of bases; `proface_s.robust.face_codec.weights.basis_from` reads them."""
    found: dict[str, npt.NDArray[Any]] = {}
    units, deviations = [], []
    for key, name in _NAMES.items():
        deviation = np.exp(weights[f"{key}.ls"].astype(np.float64))
        analysis, synthesis = (weights[f"{key}.{which}"].astype(np.float64) / np.sqrt(2) for which in ("a", "s"))
        rows = [_narrowed(analysis, deviation, _DETAIL[0]), _narrowed(synthesis, deviation, _DETAIL[1])]
        found[f"{name}_mean"] = weights[f"{key}.mean"].astype(np.float16)
        found[f"{name}_analysis"], found[f"{name}_synthesis"] = rows[0][0], rows[1][0]
        found[f"{name}_scales"] = np.stack([rows[0][1], rows[1][1]]).astype(np.float32)
        found[f"{name}_even"] = np.array(int(weights[f"{key}.even"]))
        unit = 1.0 if key == "y" else CHROMA_STEP
        units.append(np.full(len(deviation), unit))
        deviations.append(deviation / unit)
    levels = np.round(OCTAVE * np.log2(np.concatenate(deviations) / LEAST_STEP)).astype(np.int16)
    order = np.argsort(-levels, kind="stable")
    found |= {"order": order.astype(np.uint16), "levels": levels[order]}
    found |= {"units": np.concatenate(units)[order].astype(np.float32), "frequencies": make_frequencies(counts)}
    return found


def _narrowed(
    rows: npt.NDArray[np.float64], deviation: npt.NDArray[np.float64], detail: float
) -> tuple[npt.NDArray[np.int8], Any]:
    """Return rows as 8-bit numbers and the scale of each; rows of small deviations need fewer levels."""
    largest = np.abs(rows).max(axis=1)
    levels = np.clip(np.sqrt(deviation / deviation.max()) * _FINEST * np.sqrt(detail), 15, _FINEST)
    scale = largest / np.round(levels)
    return np.rint(rows / scale[:, None]).astype(np.int8), scale


def restorer(weights: Arrays) -> bytes:
    """Return the network as an ONNX file with weights in half precision, which OpenCV widens when it reads them."""
    nodes, constants = [], []

    def constant(name: str) -> str:
        constants.append(numpy_helper.from_array(weights[f"net.{name}"].astype(np.float16), name))
        return name

    def node(kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def convolution(name: str, planes: str, side: int = 3, kind: str = "Conv") -> str:
        pads = [side // 2] * 4 if side == 3 else [0] * 4
        strides = [1, 1] if side == 3 else [2, 2]
        inputs = [planes, constant(f"{name}.weight"), constant(f"{name}.bias")]
        return node(kind, inputs, f"{name}_out", kernel_shape=[side, side], strides=strides, pads=pads)

    def active(planes: str) -> str:
        return node("LeakyRelu", [planes], f"{planes}_active", alpha=0.1)

    def placed(planes: str, name: str) -> str:
        return active(node("Add", [planes, constant(name)], f"{planes}_placed"))

    def block(name: str, planes: str) -> str:
        inner = convolution(f"{name}.b", active(convolution(f"{name}.a", planes)))
        return node("Add", [planes, inner], f"{name}_sum")

    x = block("ra", placed(convolution("i", "planes"), "pa"))
    m = block("rb", placed(convolution("d1", x, 2), "pb"))
    n = block("rc.1", block("rc.0", placed(convolution("d2", m, 2), "pc")))
    m = node("Add", [m, convolution("u2", n, 2, "ConvTranspose")], "m_sum")
    m = block("qb.1", block("qb.0", m))
    x = node("Add", [x, convolution("u1", m, 2, "ConvTranspose")], "x_sum")
    answer = convolution("o", block("qa.1", block("qa.0", x)))
    graph = helper.make_graph(
        nodes,
        "restorer",
        [helper.make_tensor_value_info("planes", TensorProto.FLOAT, [1, PLANES, INNER, INNER])],
        [helper.make_tensor_value_info(answer, TensorProto.FLOAT, [1, ANSWERS, INNER, INNER])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())
