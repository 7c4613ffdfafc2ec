"""The bases and tables of the face codec, checked against their card.

Data, licence, command and measures are on the card; ``proface_lab.training.face_codec`` makes the files.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ...errors import ModelError
from ...types import FloatArray
from .coefficients import CoefficientCode, Values
from .raster import CHROMA, LUMA, Planes

FOLDER: Final = Path(__file__).parent
CARD: Final = "card.json"
BASES: Final = "bases.npz"
RESTORER: Final = "restorer.onnx"


def codec_file(name: str) -> bytes:
    """Return the bytes of a file of the codec, after comparing their SHA-256 with the card's.

    Raises:
        ModelError: if the file is missing or altered.
    """
    try:
        card = json.loads((FOLDER / CARD).read_bytes())
        data = (FOLDER / name).read_bytes()
    except (OSError, ValueError) as error:
        raise ModelError(f"a file of the face codec is missing: {name}", code="damaged-model") from error
    if hashlib.sha256(data).hexdigest() != card["files"].get(name):
        raise ModelError(f"{name} is not the file that belongs to this version", code="damaged-model")
    return data


@dataclass(frozen=True, eq=False)
class PlaneBasis:
    """Components of one plane, symmetric ones first: a mirrored face has the same numbers but for signs.

    Attributes:
        mean: (s, s).
        analysis: (k, s * s / 2), the left halves of the pictures that are multiplied with the plane; int8.
        synthesis: likewise, of those that are added up.
        scales: (2, k) of the rows of both.
        even: how many components are symmetric.
    """

    mean: FloatArray
    analysis: npt.NDArray[np.int8]
    synthesis: npt.NDArray[np.int8]
    scales: FloatArray
    even: int

    def analyse(self, plane: FloatArray) -> Values:
        """Return the components (k,) of a plane (s, s)."""
        centred = plane - self.mean
        left, right = centred[:, : self._half], centred[:, : self._half - 1 : -1]
        symmetric = self.analysis[: self.even].astype(np.float32) @ (left + right).ravel()
        other = self.analysis[self.even :].astype(np.float32) @ (left - right).ravel()
        return np.asarray(np.concatenate([symmetric, other]) * self.scales[0], np.float32)

    def synthesise(self, values: Values) -> FloatArray:
        """Return the plane (s, s) with these components (k,)."""
        scaled = values * self.scales[1]
        shape = len(self.mean), self._half
        even = (scaled[: self.even] @ self.synthesis[: self.even].astype(np.float32)).reshape(shape)
        odd = (scaled[self.even :] @ self.synthesis[self.even :].astype(np.float32)).reshape(shape)
        return np.asarray(self.mean + np.concatenate([even + odd, (even - odd)[:, ::-1]], axis=1), np.float32)

    @property
    def _half(self) -> int:
        return len(self.mean) // 2


@dataclass(frozen=True, eq=False)
class FaceBasis:
    """Components of a face: those of luma and of both chroma planes, in one order.

    Attributes:
        planes: luma, blue difference, red difference.
        order: (n,) position of each coded component among those of the three planes in a row.
        units: (n,) what its values are divided by, so that one step fits all.
        code: of the values.
    """

    planes: tuple[PlaneBasis, PlaneBasis, PlaneBasis]
    order: npt.NDArray[np.intp]
    units: FloatArray
    code: CoefficientCode

    def analyse(self, planes: Planes) -> Values:
        """Return the values (n,) of a face, luma 64x64 and chroma (2, 16, 16)."""
        luma, chroma = planes
        found = [basis.analyse(plane) for basis, plane in zip(self.planes, (luma, *chroma), strict=True)]
        return np.concatenate(found)[self.order] / self.units

    def synthesise(self, values: Values) -> Planes:
        """Return the planes of a face with these values."""
        components = np.empty(len(values), np.float32)
        components[self.order] = values * self.units
        ends = np.cumsum([len(basis.analysis) for basis in self.planes])[:-1]
        parts = np.split(components, ends)
        luma, blue, red = (basis.synthesise(part) for basis, part in zip(self.planes, parts, strict=True))
        return luma, np.stack([blue, red])


@cache
def face_basis() -> FaceBasis:
    """Return the bases that belong to this version.

    Raises:
        ModelError: if the file is missing or altered.
    """
    with np.load(io.BytesIO(codec_file(BASES)), allow_pickle=False) as stored:
        data: dict[str, Any] = {name: stored[name] for name in stored.files}
    return basis_from(data)


def basis_from(data: dict[str, Any]) -> FaceBasis:
    """Return bases from the arrays of their file."""
    planes = [
        PlaneBasis(
            np.asarray(data[f"{name}_mean"], np.float32),
            data[f"{name}_analysis"],
            data[f"{name}_synthesis"],
            np.asarray(data[f"{name}_scales"], np.float32),
            int(data[f"{name}_even"]),
        )
        for name in ("luma", "blue", "red")
    ]
    assert [len(plane.mean) for plane in planes] == [LUMA, CHROMA, CHROMA]
    code = CoefficientCode(data["levels"].astype(np.int32), data["frequencies"].astype(np.int64))
    units = np.asarray(data["units"], np.float32)
    return FaceBasis((planes[0], planes[1], planes[2]), data["order"].astype(np.intp), units, code)
