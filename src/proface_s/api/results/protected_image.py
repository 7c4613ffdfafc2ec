"""PIL images that carry a protected photo's header and seals, and keep them when they are saved."""

from __future__ import annotations

import io
import os
import warnings
from typing import Any, Final

import numpy as np
from PIL import Image

from ...container.carriers.carrier import write_chunks
from ...errors import ProFaceError
from ...image.read import read_picture

CHUNKS: Final = "proface_chunks"
"""Where PIL images of ours carry header and seals, in ``Image.info``: name -> payloads."""

_CARRIERS: Final = ("PNG", "WEBP", "TIFF")


class ProtectedImage(Image.Image):
    """A protected photo as a PIL image: `save` writes header and seals into PNG, lossless WebP and TIFF files.

    Other formats, and images made from this one (`convert`, `crop`, `resize`), have no room for them; formats that are
    not lossless destroy the hidden faces altogether.  `save` warns then.
    """

    def copy(self) -> Image.Image:
        """Return a copy that keeps header and seals, too."""
        copied = super().copy()
        copied.__class__ = type(self)
        return copied

    def save(self, fp: Any, format: str | None = None, **params: Any) -> None:
        """Save as `PIL.Image.Image.save` does, with header and seals where the format can carry them.

        WebP is written without loss unless ``params`` say otherwise.

        Args:
            fp: a path or a binary file.
            format: as PIL names it; if None, what the path's suffix says.
            params: of PIL's writer.

        Raises:
            ValueError, OSError: as PIL.
        """
        kind = (format or _by_suffix(fp)).upper()
        if kind == "WEBP" and not params.keys() & {"lossless", "quality"}:
            params |= {"lossless": True, "exact": True}
        if kind not in _CARRIERS or CHUNKS not in self.info:
            _warn(f"{kind or 'this format'} has no room for header and seals, and most formats destroy what is hidden")
            super().save(fp, format, **params)
            return
        buffer = io.BytesIO()
        super().save(buffer, kind, **params)
        data = buffer.getvalue()
        if self._kept(data):
            data = write_chunks(data, self.info[CHUNKS])
        else:
            _warn(f"saving as {kind} with these options changes the pixels and destroys the hidden faces")
        if isinstance(fp, (str, bytes, os.PathLike)):
            with open(fp, "wb") as file:
                file.write(data)
        else:
            fp.write(data)

    def _kept(self, data: bytes) -> bool:
        """Return whether a file has exactly these pixels."""
        try:
            return np.array_equal(read_picture(data).rgb, np.asarray(self.convert("RGB")))
        except ProFaceError:
            return False


def _by_suffix(fp: Any) -> str:
    name = getattr(fp, "name", fp)
    if not isinstance(name, (str, bytes, os.PathLike)):
        raise ValueError("a format is needed to save into this")
    suffix = os.path.splitext(os.fsdecode(name))[1].lower()
    return Image.registered_extensions().get(suffix, "")


def _warn(what: str) -> None:
    warnings.warn(f"{what}; use the save method of the result of protect instead", UserWarning, stacklevel=3)
