"""The JPEG that a photo is, or is made into."""

from __future__ import annotations

from dataclasses import replace

from ...image.colour.icc import clean_profile
from ...image.jpeg.file import JpegFile
from ...image.jpeg.picture import JpegPicture
from ...image.jpeg.read_coefficients import UneditableJpegError
from ...image.metadata import NOTE_FIELD
from ...image.read import read_picture
from ...image.write import encode_jpeg
from ...types import Picture


def jpeg_source(picture: Picture, quality: int) -> tuple[Picture, JpegPicture, tuple[str, ...]]:
    """Return a photo as a JPEG: its own coefficients if it is one, and otherwise a new one.

    Args:
        picture: the photo.
        quality: of a new JPEG, 1 to 100.

    Returns:
        The photo as the JPEG shows it, the JPEG, and what the user should know.

    Raises:
        ImageError: if the file is damaged, or a new JPEG cannot hold the photo.
    """
    reason = "the photo is no JPEG"
    if picture.jpeg is not None:
        try:
            jpeg: JpegPicture = picture.jpeg.coefficients
            return picture, replace(jpeg, icc_profile=kept_profile(picture, jpeg)), ()
        except UneditableJpegError as error:
            reason = error.reason
    data = encode_jpeg(replace(picture, metadata={}), quality)
    made = read_picture(data, name=picture.source)
    told = {**picture.metadata, **{key: text for key, text in made.metadata.items() if key == NOTE_FIELD}}
    warning = f"{reason}: a new JPEG of quality {quality} was made, and that is what comes back"
    file = JpegFile(data, picture.source)
    return replace(made, metadata=told, jpeg=file), file.coefficients, (warning,)


def kept_profile(picture: Picture, jpeg: JpegPicture) -> bytes | None:
    """Return the colour profile to keep: the cleaned one that reading gave, or that of a grey picture."""
    if len(jpeg.components) == 3:
        return picture.icc_profile
    grey = jpeg.icc_profile is not None and jpeg.icc_profile[16:20] == b"GRAY"
    return clean_profile(jpeg.icc_profile) if grey and jpeg.icc_profile else None
