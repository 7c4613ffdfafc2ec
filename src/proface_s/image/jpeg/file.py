"""A JPEG file whose coefficients are decoded when they are first needed, and once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from .picture import JpegPicture
from .read_coefficients import read_jpeg


@dataclass(frozen=True, eq=False)
class JpegFile:
    """A JPEG file.

    Attributes:
        data: the whole file.
        label: its name in messages.
    """

    data: bytes = field(repr=False)
    label: str = "the picture"

    @cached_property
    def coefficients(self) -> JpegPicture:
        """What the file holds.

        Raises:
            UneditableJpegError, ImageError: as `read_jpeg`.
        """
        return read_jpeg(self.data, self.label)
