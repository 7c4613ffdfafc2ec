"""Models that benchmarks load by path and compare against: a reference detector and two recognisers.

They are not part of the package, and users do not need them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from proface_s.silence import load_onnxruntime

Array = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]

ALIGNED_POINTS = np.array([(38.3, 51.7), (73.5, 51.5), (56.0, 71.7), (41.5, 92.4), (70.7, 92.2)], dtype=np.float32)


def open_session(path: Path) -> Any:
    """Open an ONNX model on one CPU thread."""
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class YuNet:
    """YuNet with dynamic input size (BGR 0..255, sides are multiples of 32)."""

    def __init__(self, path: Path) -> None:
        self.session = open_session(path)
        self.names = [output.name for output in self.session.get_outputs()]

    def __call__(self, rgb: UInt8, threshold: float = 0.7, overlap: float = 0.4) -> tuple[Array, Array, Array]:
        """Find faces.

        Returns:
            boxes (N, 4) as x, y, w, h; scores (N,); landmarks (N, 5, 2): eyes, nose, mouth corners.
        """
        height, width = rgb.shape[:2]
        padded = np.zeros((-(-height // 32) * 32, -(-width // 32) * 32, 3), np.float32)
        padded[:height, :width] = rgb[:, :, ::-1]
        values = self.session.run(None, {"input": padded.transpose(2, 0, 1)[None]})
        heads = dict(zip(self.names, values, strict=True))
        found = [self._decode(heads, stride, padded.shape, threshold) for stride in (8, 16, 32)]
        boxes, scores, points = (np.concatenate(parts) for parts in zip(*found, strict=True))
        kept = np.array(cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), threshold, overlap), int).ravel()
        return boxes[kept], scores[kept], points[kept]

    @staticmethod
    def _decode(
        heads: dict[str, Array], stride: int, shape: tuple[int, ...], threshold: float
    ) -> tuple[Array, Array, Array]:
        score = np.sqrt(np.clip(heads[f"cls_{stride}"][0, :, 0], 0, 1) * np.clip(heads[f"obj_{stride}"][0, :, 0], 0, 1))
        rows, columns = np.mgrid[: shape[0] // stride, : shape[1] // stride]
        cells = np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float32)
        raw = heads[f"bbox_{stride}"][0]
        sizes = np.exp(raw[:, 2:]) * stride
        boxes = np.concatenate([(cells + raw[:, :2]) * stride - sizes / 2, sizes], axis=1)
        points = (heads[f"kps_{stride}"][0].reshape(-1, 5, 2) + cells[:, None]) * stride
        good = score > threshold
        return boxes[good], score[good], points[good]


class AlignedRecogniser:
    """Recogniser of 112x112 faces aligned by five points (RGB 0..255)."""

    def __init__(self, path: Path) -> None:
        self.session = open_session(path)
        self.input = self.session.get_inputs()[0].name

    def __call__(self, rgb: UInt8, box: Array, points: Array) -> Array:
        """Return the unit-length embedding of the face with these landmarks (5, 2)."""
        matrix = similarity(points, ALIGNED_POINTS)
        crop = cv2.warpAffine(rgb, matrix, (112, 112), flags=cv2.INTER_LINEAR)
        return _embed(self.session, self.input, crop)


class CropRecogniser:
    """Recogniser of tight 224x224 crops (RGB 0..255)."""

    def __init__(self, path: Path) -> None:
        self.session = open_session(path)
        self.input = self.session.get_inputs()[0].name

    def __call__(self, rgb: UInt8, box: Array, points: Array) -> Array:
        """Return the unit-length embedding of the face in ``box`` (x, y, w, h)."""
        x, y, w, h = box
        scale = np.array([[112 / w, 0, -x * 112 / w], [0, 112 / h, -y * 112 / h]], np.float64)
        crop = cv2.warpAffine(rgb, scale, (112, 112), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return _embed(self.session, self.input, cv2.resize(crop, (224, 224)))


def similarity(source: Array, target: Array) -> npt.NDArray[np.float64]:
    """Return the least-squares similarity transform (2, 3) between two point sets (N, 2) (Umeyama, 1991)."""
    mean_source, mean_target = source.mean(0), target.mean(0)
    a, b = source - mean_source, target - mean_target
    u, d, vt = np.linalg.svd(b.T @ a / len(a))
    sign = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ np.diag(sign) @ vt
    scale = (d * sign).sum() / a.var(0).sum()
    return np.hstack([scale * rotation, (mean_target - scale * rotation @ mean_source)[:, None]])


def _embed(session: Any, name: str, crop: UInt8) -> Array:
    values = session.run(None, {name: crop.astype(np.float32).transpose(2, 0, 1)[None]})[0][0]
    return np.asarray(values / max(float(np.linalg.norm(values)), 1e-9), np.float32)
