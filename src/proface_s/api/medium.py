"""What holds the faces of a protected file: its pixels, or the quantised coefficients of a JPEG.

Whatever differs between the two once a file is protected, and needs no model, is here: code that inspects, verifies,
changes or opens a file asks `medium_of`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Protocol

from ..container.carriers.sidecar import picture_digest
from ..container.header.header import Header, region_digest
from ..container.seal import header_seal_context, open_seal
from ..image.regions import cut
from ..keys.secrets import FaceKey
from ..types import Picture
from .changes.erase import blurred_copy
from .footprints import is_altered, restored
from .jpeg.changing import with_erased_areas
from .jpeg.protected import changed_areas, coefficient_digest, open_face, open_protected_jpeg


class Medium(Protocol):
    """Pixels or coefficients.  All methods take a protected picture and its header.

    Raises:
        DamagedFileError: if the header is that of a JPEG, and the picture is not that JPEG.
    """

    @property
    def in_pixels(self) -> bool:
        """Whether faces are hidden in pixels, so that something can be read without a seal."""

    def digest(self, picture: Picture, header: Header) -> bytes:
        """Return the digest (32 bytes) by which a sidecar finds its picture."""

    def changed_faces(self, picture: Picture, header: Header) -> list[int]:
        """Return the positions of faces that are not as they were published, but for those erased on purpose."""

    def check_seal(self, picture: Picture, header: Header, index: int, key: FaceKey, seal: bytes) -> None:
        """Open the seal of a face.

        Raises:
            DamagedFileError: if it does not belong to this face and picture, or is damaged.
        """

    def with_erased(self, picture: Picture, header: Header, faces: Collection[int]) -> Picture:
        """Return a picture in which the protected regions of some faces are overwritten."""


class PixelMedium:
    """The pixels of a PNG, WebP or TIFF file, from which a model reads estimates."""

    in_pixels: Final = True

    def digest(self, picture: Picture, header: Header) -> bytes:
        """Return the digest of all pixels."""
        return picture_digest(picture.rgb)

    def changed_faces(self, picture: Picture, header: Header) -> list[int]:
        """Return the faces whose protected pixels or alpha differ from the published ones."""
        return [
            index
            for index, face in enumerate(header.faces)
            if not face.erased
            and (
                region_digest(cut(picture.rgb, face.box), header.reserved(index)) != face.digest
                or is_altered(picture, header, index)
            )
        ]

    def check_seal(self, picture: Picture, header: Header, index: int, key: FaceKey, seal: bytes) -> None:
        """Open a seal that holds pixels."""
        shape = header.footprint(index).sealed_shape(header.faces[index].box)
        open_seal(key, seal, shape, header_seal_context(header, index))

    def with_erased(self, picture: Picture, header: Header, faces: Collection[int]) -> Picture:
        """Replace regions by blurred copies of themselves."""
        blurred = {index: blurred_copy(cut(picture.rgb, header.faces[index].box)) for index in faces}
        return restored(picture, blurred, header)


class CoefficientMedium:
    """The coefficients of a JPEG file: faces come back by their seals, or not at all."""

    in_pixels: Final = False

    def digest(self, picture: Picture, header: Header) -> bytes:
        """Return the digest of all coefficients."""
        return coefficient_digest(open_protected_jpeg(picture, header))

    def changed_faces(self, picture: Picture, header: Header) -> list[int]:
        """Return the faces whose coefficients differ from the published ones."""
        return changed_areas(open_protected_jpeg(picture, header), header)

    def check_seal(self, picture: Picture, header: Header, index: int, key: FaceKey, seal: bytes) -> None:
        """Open a seal that holds coefficients."""
        open_face(open_protected_jpeg(picture, header), header, index, key, seal)

    def with_erased(self, picture: Picture, header: Header, faces: Collection[int]) -> Picture:
        """Encode blurred copies of the covers in their place."""
        return with_erased_areas(picture, header, faces)


_PIXELS: Final = PixelMedium()
_COEFFICIENTS: Final = CoefficientMedium()


def medium_of(header: Header) -> Medium:
    """Return what holds the faces of a file with this header."""
    return _PIXELS if header.coefficients is None else _COEFFICIENTS
