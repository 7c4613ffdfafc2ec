"""Run a user's own face swapper as its card says: the photo's face and a donor's identity in, a new face out."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from ...errors import UsageError
from ...types import FloatArray, UInt8Image
from ..heads.landmarks import Mesh
from ..heads.outline import feathered
from .card import Port, SwapperCard, Template, read_swapper_card
from .donors import Donors, load_donors
from .paint import draw_texture
from .surface import Points, silhouette

_PORTRAIT: Final = 256  # side in pixels of the pictures of donors
_PORTRAIT_FACE: Final = 0.62  # height of the face in it
_FEATHER: Final = 0.07  # of the face's size
_LEAST_CHANGE: Final = 2.0  # grey levels; less is the face that went in
_GREY: Final = 127


class Network:
    """An ONNX network in OpenCV; one call at a time, since OpenCV's networks keep their values in themselves.

    Args:
        path: the ONNX file.

    Raises:
        UsageError: if OpenCV cannot read it.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._lock = path, threading.Lock()
        try:
            self._network = cv2.dnn.readNetFromONNX(np.frombuffer(path.read_bytes(), np.uint8))
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}", code="unusable-swapper") from None
        except cv2.error:
            raise UsageError(
                f"{path} is no network that OpenCV {cv2.__version__} can read", code="unusable-swapper"
            ) from None

    def __call__(self, inputs: dict[str, FloatArray], output: str | None = None) -> FloatArray:
        """Return an output of the network, float32; the first one if ``output`` is None.

        Raises:
            UsageError: if there are no inputs of these names and shapes, or no such output.
        """
        with self._lock:
            try:
                for name, values in inputs.items():
                    self._network.setInput(values, name)
                answer: Any = self._network.forward() if output is None else self._network.forward(output)
            except cv2.error:
                shapes = ", ".join(f"{name or 'the input'} {values.shape}" for name, values in inputs.items())
                raise UsageError(
                    f"{self.path} does not take what its card says: {shapes}", code="unusable-swapper"
                ) from None
            return np.array(answer, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Swapper:
    """A face swapper, ready to run.

    Attributes:
        card: what it takes and gives.
        photo: makes the new face.
        identity: makes the vector of a donor.
    """

    card: SwapperCard
    photo: Network
    identity: Network

    def new_face(self, pixels: UInt8Image, mesh: Mesh, donor: int) -> tuple[UInt8Image, FloatArray]:
        """Return a region with the new face in it, (h, w, 3) uint8 RGB, and its opacity, (h, w) float32 in 0..1.

        Args:
            pixels: (h, w, 3) uint8 RGB.
            mesh: landmarks of the face, in its pixels.
            donor: number of the donor whose identity is shown.

        Raises:
            UsageError: if a network does not fit the card.
        """
        height, width = pixels.shape[:2]
        port, points = self.card.photo, mesh.five_points
        face = self._run(_aligned(pixels, points, port), self._vector(donor))
        back = cv2.invertAffineTransform(alignment(points, port.template, port.size))
        drawn = cv2.warpAffine(face, back, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        area = silhouette(mesh.points, load_donors().triangles, (height, width))
        return np.asarray(drawn, np.uint8), feathered(area, _FEATHER * mesh.size)

    def _vector(self, donor: int) -> FloatArray:
        picture, points = portrait(load_donors(), donor)
        port = self.card.identity
        vector = self.identity({"": _values(_aligned(picture, points, port), port)}).reshape(1, -1)
        if not np.isfinite(vector).all():
            raise UsageError(f"{port.network} gives no numbers for a face", code="unusable-swapper")
        length = float(np.linalg.norm(vector))
        return vector / np.float32(max(length, 1e-6)) if self.card.unit_length else vector

    def _run(self, square: UInt8Image, vector: FloatArray) -> UInt8Image:
        card, port = self.card, self.card.photo
        inputs = {card.photo_input: _values(square, port), card.identity_input: vector}
        answer = self.photo(inputs, card.output)
        if answer.shape != (1, 3, port.size, port.size):
            raise UsageError(
                f"{port.network} gives {answer.shape}, not (1, 3, {port.size}, {port.size})", code="unusable-swapper"
            )
        colours = answer[0].transpose(1, 2, 0) * np.array(card.std, np.float32) + np.array(card.mean, np.float32)
        if not np.isfinite(colours).all():
            raise UsageError(f"{port.network} gives no numbers for a face", code="unusable-swapper")
        made = np.rint(colours * 255).clip(0, 255).astype(np.uint8)
        return np.ascontiguousarray(made[:, :, ::-1] if port.bgr else made)


def open_swapper(path: Path) -> Swapper:
    """Return the swapper that a card describes, tried on a donor; kept until its files change.

    Raises:
        UsageError: if card or networks cannot be read, do not fit each other, or leave the face as it is.
    """
    card = read_swapper_card(path)
    files = (path, card.photo.network, card.identity.network)
    try:
        marks = tuple((file.stat().st_mtime_ns, file.stat().st_size) for file in files)
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be read: {error.strerror}", code="unusable-swapper") from None
    return _opened(card, marks)


@lru_cache(4)
def _opened(card: SwapperCard, _marks: tuple[tuple[int, int], ...]) -> Swapper:
    made = Swapper(card, Network(card.photo.network), Network(card.identity.network))
    picture, points = portrait(load_donors(), 0)
    square = _aligned(picture, points, card.photo)
    change = np.abs(made._run(square, made._vector(1)).astype(int) - square).mean()
    if change < _LEAST_CHANGE:
        raise UsageError(f"{card.photo.network} returns the face that it is given", code="unusable-swapper")
    return made


@lru_cache(64)
def _portrait(number: int) -> tuple[UInt8Image, Points]:
    donors = load_donors()
    shape = donors.shapes[number]
    scale = _PORTRAIT_FACE * _PORTRAIT / float(np.ptp(shape[:, 1]))
    middle = (shape.min(axis=0) + shape.max(axis=0)) / 2
    posed = (shape - middle) * scale + [_PORTRAIT / 2, _PORTRAIT / 2, 0.0]
    size = (_PORTRAIT, _PORTRAIT)
    drawn = draw_texture(donors.textures[number], posed, donors, size)
    seen = silhouette(posed, donors.triangles, size) > 0
    pixels = np.where(seen[:, :, None], np.rint(drawn).clip(0, 255), _GREY).astype(np.uint8)
    return pixels, Mesh(posed, 0.0).five_points


def portrait(donors: Donors, number: int) -> tuple[UInt8Image, Points]:
    """Return a frontal picture of a donor, (h, w, 3) uint8 RGB, and its five landmarks, (5, 2) in pixels of it.

    Args:
        donors: the bank.
        number: of the donor; refused if there is none.
    """
    return _portrait(range(len(donors.women))[number])


def alignment(points: Points, template: Template, size: int) -> Points:
    """Return the similarity, (2, 3) as OpenCV takes it, that best moves five landmarks to the places of a template.

    Args:
        points: (5, 2), in pixels from the corner of a picture.
        template: their places, as shares of the side of a square.
        size: side of the square, in pixels.
    """
    here = points[:, 0] + 1j * points[:, 1] - (0.5 + 0.5j)
    there = np.array([complex(x, y) for x, y in template]) * size - (0.5 + 0.5j)
    middle, wanted = here.mean(), there.mean()
    turn = np.vdot(here - middle, there - wanted) / max(np.vdot(here - middle, here - middle).real, 1e-9)
    shift = wanted - turn * middle
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def _aligned(pixels: UInt8Image, points: Points, port: Port) -> UInt8Image:
    """Return the square of a face, (size, size, 3) uint8 RGB."""
    matrix = alignment(points, port.template, port.size)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 0.5:  # warpAffine does not average
        share = 2 * scale
        pixels = np.asarray(cv2.resize(pixels, None, fx=share, fy=share, interpolation=cv2.INTER_AREA), np.uint8)
        matrix = np.hstack([matrix[:, :2] / share, matrix[:, 2:]])
    size = (port.size, port.size)
    square = cv2.warpAffine(pixels, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(square, np.uint8)


def _values(square: UInt8Image, port: Port) -> npt.NDArray[np.float32]:
    """Return a square as a network takes it, (1, 3, size, size) float32."""
    ordered = square[:, :, ::-1] if port.bgr else square
    values = (ordered.astype(np.float32) / 255 - np.array(port.mean, np.float32)) / np.array(port.std, np.float32)
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None], np.float32)
