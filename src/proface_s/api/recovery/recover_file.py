"""A protected file of any kind in, the photo out: read, recover, write.

The inverse of `proface_s.api.protection.protect_file`.
"""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np

from ...container.carriers.carrier import from_chunks
from ...errors import UsageError
from ...image.metadata import reading_warnings
from ...image.write import is_jpeg_name
from ...progress import Progress, silent
from ...types import Picture
from ..files.io import PictureInput, load_protected, output_for, same_kind
from ..files.kinds import RECOVERED_SUFFIX, kind_of, with_format
from ..files.saving import encode_recovered, lossy_warning, write_files
from ..jpeg.turning import turned_back
from ..medium import medium_of
from ..options import RecoverOptions
from ..resources import Resources
from ..results.recovered import RecoverResult, nothing_came_back
from ..share.recover_share import recover_without_header
from .attempt import RecoveryAttempt
from .recover_picture import recover_picture


def recover_file(
    image: PictureInput,
    options: RecoverOptions,
    resources: Resources,
    *,
    sidecar: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
) -> RecoverResult:
    """Bring the faces of a protected file back; see `Session.recover`.  If none comes back, nothing is written.

    Args:
        image: as for `Session.recover`.
        options: how.
        resources: models and limits to do it with.
        sidecar: as for `Session.recover`.
        output: as for `Session.recover`.
        overwrite: as for `Session.recover`.
        progress: is told about the stages ``read``, ``open``, ``restore`` and ``write``.

    Raises:
        WrongKeyError, NotProtectedError, DamagedFileError, UnexpectedModeError: as `Session.recover`.
        UsageError: if a sidecar is given that the options say to ignore.
    """
    if sidecar is not None and options.from_pixels:
        raise UsageError("a sidecar was given, and also that it should be ignored")
    file_format = options.file_format or (kind_of(image) if output is None else None)
    target = output_for(image, output, RECOVERED_SUFFIX, overwrite, file_format)
    name = target or with_format("recovered.png", file_format)
    progress("read", 0, 1)
    ahead = 0 if options.from_pixels else resources.threads
    read = load_protected(image, sidecar, max_pixels=resources.max_pixels, coefficient_threads=ahead)
    picture, remarks = turned_back(read)
    _check_pixels_wanted(picture, options)
    recover = recover_picture if any(picture.chunks.values()) and not options.from_pixels else recover_without_header
    done = recover(picture, RecoveryAttempt.of(options, resources, progress))
    progress("write", 0, 1)
    recovered = replace(done.picture, chunks={})
    kept = recovered.jpeg.data if recovered.jpeg and is_jpeg_name(name) else None
    wanted = target or not isinstance(image, np.ndarray)
    outcomes = [face.outcome for face in done.faces]
    data = kept or (encode_recovered(recovered, outcomes, name) if wanted else b"")
    nothing = nothing_came_back(done.faces)
    path = None if nothing or target is None else write_files(target, data, overwrite=overwrite, like=image)
    warnings = [*remarks, *reading_warnings(picture), *done.warnings, *(() if kept else lossy_warning(path, outcomes))]
    if nothing:
        warnings.append(f"{nothing}; nothing was written" if target else nothing)
    shown, told = same_kind(image, recovered, data, path), tuple(warnings)
    return RecoverResult(shown, recovered.rgb, done.faces, path, told, data, done.wrong_key, done.authentic)


def _check_pixels_wanted(picture: Picture, options: RecoverOptions) -> None:
    """Refuse to look for faces in the pixels of a protected JPEG.

    Raises:
        UsageError: names the picture.
    """
    if options.from_pixels and any(picture.chunks.values()) and not medium_of(from_chunks(picture.chunks)[0]).in_pixels:
        raise UsageError(
            f"{picture.source} is a protected JPEG: its seals bring the faces back, and its pixels hide nothing",
            code="jpeg-from-pixels",
        )
