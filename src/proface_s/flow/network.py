"""Networks on the CPU: an ONNX graph as a function that several threads may call at once.

OpenCV's dnn module runs them: it is a dependency anyway, and neither writes nor sends anything.  The networks of the
secure flow compute on whole numbers below 2^24, so float32 is exact in any order of addition, with any number of
threads and any OpenCV.  Winograd convolutions are off, because they multiply by fractions.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from ..errors import ModelError
from ..threads import opencv_threads, threads_to_use
from ..types import FloatArray

Graph = Callable[[FloatArray], FloatArray]
"""A network: (1, planes, H, W) float32 -> (1, answers, H, W) float32."""

PROBE_SIZE: Final = (24, 32)  # height and width of the planes that a shipped graph is tried with; Winograd fails there
KNOWN_ANSWERS: Final = {  # SHA-256 of a shipped graph: its planes, and the SHA-256 of its answer to `probe_planes`
    "66605a4770c4fe0088a888872214228c662a86c1f241ae8d4501907fb1e2c22e": (
        17,
        "6f6ccac2cd0420c2cb2a8d5ad109cf9efafb351ceb01b307e6be20d9241a5748",
    ),
    "32f5d4966297831db53aa54ece04a18dc44c12edb64f1775e797c95caad289ff": (
        23,
        "3f245d78dcdf5abfb36c2c568ad87e96867383e2cfea89e75c223ffb84ec5ae7",
    ),
    "8656b327de459d2f470eacd2a19a4c50e733d78d2a35ebdb7365784835733ad3": (
        23,
        "71a0978ed1599c16f3fd4b291ee6191926f9e8bb4402566af7247e477ce8ec43",
    ),
    "5779594405ee6bea7be965cfbbd9d24bad928f500f2530c74e6db0172e2658dc": (
        35,
        "08eb9c34bb733dc8bbb8cd240421fa657f4905283151f9cb653432db9dd1159d",
    ),
}


def open_graph(data: bytes, threads: int) -> Graph:
    """Return an ONNX graph as a function.

    A network of OpenCV's belongs to one thread at a time, so each call takes an idle one, or reads the graph again,
    which takes a millisecond.

    Args:
        data: the ONNX file.  A shipped one must give its known answer to `probe_planes`.
        threads: threads of OpenCV, see `opencv_threads`; 0 for all cores.

    Raises:
        ModelError: if OpenCV cannot read the graph, or computes other numbers than existing files were written with.
    """
    idle, threads = deque([_read(data)]), threads_to_use(threads)

    def answer(values: FloatArray) -> FloatArray:
        try:
            network = idle.pop()
        except IndexError:
            network = _read(data)
        with opencv_threads(threads):
            found = _forward(network, values)
        idle.append(network)
        return found

    planes, known = KNOWN_ANSWERS.get(hashlib.sha256(data).hexdigest(), (0, ""))
    if planes and answer_digest(answer(probe_planes(planes))) != known:
        raise ModelError("this build of OpenCV does not compute the model's networks exactly", code="unsuitable-opencv")
    return answer


def probe_planes(planes: int) -> FloatArray:
    """Return planes to try a graph with, (1, planes, *PROBE_SIZE): all values of a plane, in an irregular order."""
    numbers = np.arange(planes * PROBE_SIZE[0] * PROBE_SIZE[1], dtype=np.uint32) * np.uint32(2654435761) >> np.uint32(8)
    values = (numbers % np.uint32(1017)).astype(np.float32) - np.float32(508)
    return values.reshape(1, planes, *PROBE_SIZE)


def answer_digest(answer: FloatArray) -> str:
    """Return the SHA-256 of an answer as little-endian float32, in hexadecimal; zeros count without their sign."""
    return hashlib.sha256((answer + np.float32(0)).astype("<f4").tobytes()).hexdigest()


def _read(data: bytes) -> Any:
    import cv2

    try:
        network = cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))
        network.enableWinograd(False)
    except (cv2.error, AttributeError) as error:
        raise ModelError(
            f"OpenCV {cv2.__version__} cannot read the model's networks", code="unsuitable-opencv"
        ) from error
    return network


def _forward(network: Any, values: FloatArray) -> FloatArray:
    import cv2

    try:
        network.setInput(values)
        return network.forward()  # type: ignore[no-any-return]
    except cv2.error as error:
        raise ModelError(
            f"OpenCV {cv2.__version__} cannot run the model's networks", code="unsuitable-opencv"
        ) from error
