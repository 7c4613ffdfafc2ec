"""A protected JPEG that another program has turned without loss, turned back."""

from __future__ import annotations

from dataclasses import replace

from ...container.carriers.carrier import from_chunks
from ...container.header.header import Header
from ...errors import ProFaceError
from ...image.jpeg.file import JpegFile
from ...image.jpeg.picture import JpegPicture
from ...image.jpeg.turns import TURNS
from ...image.jpeg.write_coefficients import write_jpeg
from ...image.metadata import kept_exif
from ...image.read import read_picture
from ...types import Picture
from .protected import changed_areas


def turned_back(picture: Picture) -> tuple[Picture, tuple[str, ...]]:
    """Return a protected JPEG as it was before it was turned, and what to tell the user.

    A picture that was not turned, or was changed in another way, is returned as it is.

    Args:
        picture: as it was read, with header and seals.
    """
    if picture.jpeg is None or not any(picture.chunks.values()):
        return picture, ()
    try:
        header, _ = from_chunks(picture.chunks, picture.source)
        before = None if header.coefficients is None else _before(picture.jpeg.coefficients, header)
    except ProFaceError:  # reading it says what is wrong
        return picture, ()
    if before is None:
        return picture, ()
    data = write_jpeg(before, kept_exif(picture, before.orientation))
    shown = read_picture(data, name=picture.source)
    found = replace(shown, metadata=picture.metadata, chunks=picture.chunks, jpeg=JpegFile(data, picture.source))
    return found, ("another program has turned this picture; it comes back as it was before",)


def _before(jpeg: JpegPicture, header: Header) -> JpegPicture | None:
    """Return the picture that a header was made for, if turning this one gives it; None if it need not be turned."""
    assert header.coefficients is not None
    stored = replace(jpeg, orientation=header.coefficients.orientation)
    if _fits(stored, header):
        return None
    return next((found for turn in TURNS[1:] if _fits(found := turn.of(stored), header)), None)


def _fits(jpeg: JpegPicture, header: Header) -> bool:
    """Return whether a picture is the one that a header was made for: its frame, and a face that is left."""
    described = header.coefficients
    return (
        described is not None
        and jpeg.frame_digest == described.frame_digest
        and jpeg.sampling == described.sampling
        and (header.width, header.height) == jpeg.upright_size
        and any(not face.erased for face in header.faces)
        and not changed_areas(jpeg, header)
    )
