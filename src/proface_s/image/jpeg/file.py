"""A JPEG file whose coefficients are decoded when they are first needed, and once."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from functools import cached_property

from ...errors import ImageError
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

    def prepare(self) -> None:
        """Decode the coefficients, for later; what is wrong with them is told when they are needed."""
        with contextlib.suppress(ImageError):
            _ = self.coefficients
