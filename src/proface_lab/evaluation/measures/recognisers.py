"""Face recognisers that judge whether a face can still be matched: dlib's, and any ONNX file with a small card.

All look at the same place: where dlib finds the face in the *original*.  Every protected file states the boxes of its
faces, so an adversary need not detect them, and a cover does not count as private because a detector missed the face.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import cv2
import numpy as np

from proface_s.errors import UsageError
from proface_s.silence import load_onnxruntime
from proface_s.types import Box, FloatArray, UInt8Image

FIVE_POINTS: Final = (slice(36, 42), slice(42, 48), slice(30, 31), slice(48, 49), slice(54, 55))  # of dlib's 68


@dataclass(frozen=True, slots=True, eq=False)
class FaceLocation:
    """Box and landmarks of a face.

    Attributes:
        box: dlib's box.
        points: (68, 2) float32 landmarks, x and y in pixels.
    """

    box: Box
    points: FloatArray

    @property
    def five_points(self) -> FloatArray:
        """Left eye, right eye, nose, left and right corner of the mouth, as seen in the picture, shape (5, 2)."""
        return np.stack([self.points[part].mean(axis=0) for part in FIVE_POINTS])


class Recogniser(Protocol):
    """Embeds faces and compares the embeddings.

    Attributes:
        name: shown in tables.
    """

    name: str

    def embed(self, image: UInt8Image, place: FaceLocation | None = None) -> FloatArray | None:
        """Return the embedding of a face.

        Args:
            image: (H, W, 3) uint8 RGB, a photo or a crop with some margin around the face.
            place: location of the face; located by the recogniser if None.

        Returns:
            (D,) float32, or None if no face is found.
        """
        ...

    def similarity(self, a: FloatArray, b: FloatArray) -> float:
        """Return the similarity of two embeddings: cosine, or the negative Euclidean distance."""
        ...

    def similarities(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """Return all pairwise similarities: (N, D) and (M, D) give (N, M)."""
        ...


class Locator:
    """Locates the face nearest to the centre of a picture with dlib's detector and shape predictor.

    Raises:
        UsageError: if the ``eval`` extra is not installed.
    """

    def __init__(self) -> None:
        dlib = _dlib()
        self._dlib, self._detect = dlib, dlib.get_frontal_face_detector()
        self._predict = dlib.shape_predictor(str(_dlib_file("shape_predictor_68_face_landmarks.dat")))

    def locate(self, image: UInt8Image) -> FaceLocation | None:
        """Return the place of the face nearest to the centre, or None; small pictures are enlarged for detection."""
        height, width = image.shape[:2]
        found = self._detect(image, 1 if max(height, width) < 640 else 0)
        if not found:
            return None
        middle = [abs(2 * r.center().x - width) + abs(2 * r.center().y - height) for r in found]
        box = found[int(np.argmin(middle))]
        points = np.array([(p.x, p.y) for p in self._predict(image, box).parts()], np.float32)
        return FaceLocation(Box(box.left(), box.top(), box.width(), box.height()), points)


class DlibRecogniser:
    """dlib's residual network: 128 dimensions, Euclidean distance; its usual threshold is 0.6.

    Args:
        locator: may be shared with other recognisers; a new one is made if None.

    Raises:
        UsageError: if the ``eval`` extra is not installed.
    """

    name = "dlib"

    def __init__(self, locator: Locator | None = None) -> None:
        self.locator = locator or Locator()
        self._dlib = _dlib()
        file = _dlib_file("dlib_face_recognition_resnet_model_v1.dat")
        self._network = self._dlib.face_recognition_model_v1(str(file))

    def embed(self, image: UInt8Image, place: FaceLocation | None = None) -> FloatArray | None:
        """See `Recogniser.embed`."""
        place = place or self.locator.locate(image)
        if place is None:
            return None
        box = self._dlib.rectangle(place.box.x, place.box.y, place.box.right, place.box.bottom)
        points = [self._dlib.point(int(x), int(y)) for x, y in place.points]
        shape = self._dlib.full_object_detection(box, points)
        return np.array(self._network.compute_face_descriptor(np.ascontiguousarray(image), shape), np.float32)

    def similarity(self, a: FloatArray, b: FloatArray) -> float:
        """See `Recogniser.similarity`."""
        return float(-np.linalg.norm(a - b))

    def similarities(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """See `Recogniser.similarities`."""
        return _minus_distances(a, b)


@dataclass(frozen=True, slots=True)
class RecogniserCard:
    """Input format and metric of an ONNX recogniser.

    Attributes:
        name: shown in tables.
        size: (width, height) of the input, pixels.
        points: target positions of eyes, nose and corners of the mouth in the input, in the order of
            `FaceLocation.five_points`; if None, the face is not aligned and its box is cut out.
        margin: share of the box added on every side if the face is not aligned.
        channels: order of the colour channels.
        layout: axis order of the tensor.
        mean: subtracted from the bytes.
        scale: factor applied after the subtraction.
        metric: comparison of embeddings.
        source: origin and licence of the file.
    """

    name: str
    size: tuple[int, int]
    points: tuple[tuple[float, float], ...] | None = None
    margin: float = 0.0
    channels: Literal["RGB", "BGR"] = "RGB"
    layout: Literal["NCHW", "NHWC"] = "NCHW"
    mean: float = 0.0
    scale: float = 1.0
    metric: Literal["cosine", "euclidean"] = "cosine"
    source: str = ""

    @classmethod
    def read(cls, path: Path) -> RecogniserCard:
        """Read a card.

        Raises:
            UsageError: if it is missing or invalid.
        """
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            width, height = (int(side) for side in found.pop("size"))
            points = found.pop("points", None)
            five = None if points is None else tuple((float(x), float(y)) for x, y in points)
            card = cls(size=(width, height), points=five, **found)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise UsageError(f"{path} is not a recogniser card: {error}", code="recogniser-card") from None
        known = card.channels in ("RGB", "BGR") and card.layout in ("NCHW", "NHWC")
        if not known or card.metric not in ("cosine", "euclidean") or (five is not None and len(five) != 5):
            raise UsageError(f"{path} is not a recogniser card", code="recogniser-card")
        return card


class OnnxRecogniser:
    """A recogniser in an ONNX file.

    Args:
        path: the model.
        card: its input format and metric.
        locator: may be shared with other recognisers; a new one is made if None.
        threads: threads of the inference engine; in these small networks, more threads cost more than they save.

    Raises:
        UsageError: if the file is missing or is not a model.
    """

    def __init__(self, path: Path, card: RecogniserCard, locator: Locator | None = None, threads: int = 1) -> None:
        if not path.is_file():
            raise UsageError(f"there is no recogniser {path}")
        try:
            ort = load_onnxruntime()
        except ModuleNotFoundError:
            raise UsageError(
                "an ONNX recogniser needs onnxruntime, which is not installed", code="missing-extra", extra="eval"
            ) from None
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the engine has no specific exception type for this
            raise UsageError(f"{path} cannot be used as a recogniser ({type(error).__name__})") from None
        self._input = self._session.get_inputs()[0].name
        self.card, self.name, self.locator = card, card.name, locator or Locator()

    def embed(self, image: UInt8Image, place: FaceLocation | None = None) -> FloatArray | None:
        """See `Recogniser.embed`."""
        place = place or self.locator.locate(image)
        if place is None:
            return None
        face = self.face(image, place)
        face = face[:, :, ::-1] if self.card.channels == "BGR" else face
        tensor = (face.astype(np.float32) - self.card.mean) * self.card.scale
        tensor = tensor.transpose(2, 0, 1) if self.card.layout == "NCHW" else tensor
        answer = self._session.run(None, {self._input: np.ascontiguousarray(tensor[None], np.float32)})[0]
        return np.asarray(answer, np.float32).ravel()

    def face(self, image: UInt8Image, place: FaceLocation) -> UInt8Image:
        """Return the network's input, uint8 RGB: aligned by five points, or cut out by the box."""
        if self.card.points is not None:
            wanted = np.array(self.card.points, np.float32)
            found, _ = cv2.estimateAffinePartial2D(place.five_points, wanted, method=cv2.LMEDS)
            if found is not None:
                return np.asarray(cv2.warpAffine(image, found, self.card.size, flags=cv2.INTER_LINEAR), np.uint8)
        dx, dy = (round(self.card.margin * side) for side in (place.box.w, place.box.h))
        rows = slice(max(0, place.box.y - dy), max(1, place.box.bottom + dy))
        columns = slice(max(0, place.box.x - dx), max(1, place.box.right + dx))
        return np.asarray(cv2.resize(image[rows, columns], self.card.size, interpolation=cv2.INTER_AREA), np.uint8)

    def similarity(self, a: FloatArray, b: FloatArray) -> float:
        """See `Recogniser.similarity`."""
        return float(self.similarities(a[None], b[None])[0, 0])

    def similarities(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """See `Recogniser.similarities`."""
        if self.card.metric == "euclidean":
            return _minus_distances(a, b)
        first, second = (v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-12) for v in (a, b))
        return np.asarray(first @ second.T, np.float32)


def load_recognisers(specs: list[str], locator: Locator | None = None) -> list[Recogniser]:
    """Load recognisers by name or path; they share one locator.

    Args:
        specs: ``dlib``, ``MODEL.onnx`` (its card is MODEL.json beside it) or ``MODEL.onnx=CARD.json``.
        locator: made if None, unless ``specs`` is empty.

    Raises:
        UsageError: if a recogniser cannot be loaded, or two have the same name.
    """
    if not specs:
        return []
    locator, found = locator or Locator(), list[Recogniser]()
    for spec in specs:
        if spec == "dlib":
            found.append(DlibRecogniser(locator))
            continue
        model, _, card = spec.partition("=")
        card_file = Path(card) if card else Path(model).with_suffix(".json")
        found.append(OnnxRecogniser(Path(model), RecogniserCard.read(card_file), locator))
    if len({each.name for each in found}) < len(found):
        raise UsageError("two recognisers have the same name", code="recogniser-names")
    return found


def _minus_distances(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray(-np.linalg.norm(a[:, None] - b[None], axis=2), np.float32)


def _dlib() -> Any:
    try:
        import dlib
    except ModuleNotFoundError:
        raise UsageError(
            "face recognition needs dlib, which is not installed", code="missing-extra", extra="eval"
        ) from None
    return dlib


def _dlib_file(name: str) -> Path:
    """Find a weight file of the package ``face-recognition-models`` without importing it: it needs old setuptools."""
    found = find_spec("face_recognition_models")
    if found is None or not found.submodule_search_locations:
        raise UsageError(
            "face recognition needs face-recognition-models, which is not installed", code="missing-extra", extra="eval"
        )
    return Path(found.submodule_search_locations[0]) / "models" / name
