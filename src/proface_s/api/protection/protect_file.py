"""A photo of any kind in, its protected file out: read, choose faces, protect, write.

`proface_s.api.recovery.recover_file` is the way back.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, cast

from ...container.records.pixel_records import find_records
from ...covers import weak_style_warnings
from ...errors import NoFaceError, UsageError
from ...image.jpeg.picture import JpegPicture
from ...image.metadata import reading_warnings
from ...image.write import Format, OutputFormat
from ...keys.derive import KdfLimits
from ...progress import Progress, silent
from ...types import Picture
from ..files.io import PictureInput, load, output_for, same_kind
from ..files.kinds import PROTECTED_SUFFIX, output_kind
from ..files.saving import encode_copy, sidecar_target, write_files
from ..files.sidecars import found_sidecar
from ..footprints import plain_covers
from ..jpeg.protecting import protect_jpeg
from ..jpeg.regions import McuGrid
from ..jpeg.sources import jpeg_source
from ..options import ProtectOptions
from ..resources import Resources
from ..results.protected import ProtectedFace, ProtectResult
from ..results.shared import ShareCopy
from ..share.options import ShareOptions
from ..share.protect_share import make_share_copy, require_room, share_target
from ..share.share_inside import LayeredPhoto, inside_copy, layered_photo
from .protect_picture import ProtectedPicture, protect_picture
from .selection import Choice, FacePlan, choose_regions, largest_head, plan_faces

_UNPROTECTED: Final = "no face found: this is an unprotected copy"


def protect_file(
    image: PictureInput,
    options: ProtectOptions,
    resources: Resources,
    *,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
) -> ProtectResult:
    """Hide the faces of a photo; see `Session.protect`.

    Args:
        image: as for `Session.protect`, and so are ``output`` and ``overwrite``.
        options: how.
        resources: detector, models and limits to do it with.
        progress: is told about the stages ``read``, ``find``, ``hide``, ``check`` and, of a share copy, ``share``.

    Raises:
        NoFaceError, UsageError, ImageError, ModelError: as `Session.protect`.
    """
    kind, remarks = output_kind(image, output, options.file_format, lambda: options.pixels_reason(resources.model_name))
    target = output_for(image, output, PROTECTED_SUFFIX, overwrite, kind)
    beside = sidecar_target(target, overwrite) if options.sidecar != "none" else None
    share, shared = options.share, share_target(target, options.share, overwrite) if options.share else None
    progress("read", 0, 1)
    picture = load(image, max_pixels=resources.max_pixels, coefficient_threads=kind == "jpeg" and resources.threads)
    if any(picture.chunks.values()) or find_records(picture.rgb):
        raise UsageError(f"{picture.source} is protected already", code="protected-already")
    warnings = [*options.passphrase_warnings, *remarks, *reading_warnings(picture)]
    picture, jpeg, notes = jpeg_source(picture, options.quality) if kind == "jpeg" else (picture, None, ())
    progress("find", 0, 1)
    find, place = partial(resources.find, search=options.search), None if jpeg is None else McuGrid.of(jpeg).place
    choice = choose_regions(picture, find, options.faces, options.boxes, options.search.margin, place)
    warnings += [*notes, *choice.warnings]
    if not choice.regions:
        return _unprotected_result(image, picture, jpeg, kind, options, choice, target, overwrite, warnings)
    limits, faces = resources.limits, plan_faces(picture, choice, options)
    layered = _with_share_copy_inside(picture, faces, share, limits) if share else None
    carrying, covers = (layered.picture, layered.covers) if layered else (picture, ())
    if jpeg is not None:
        done = protect_jpeg(picture, jpeg, faces, options, limits=limits, threads=resources.threads, progress=progress)
    else:
        model, lossless = resources.models.named(options.model), cast(Format, kind)
        options, hide = options.for_model(model), partial(protect_picture, limits=limits, progress=progress)
        done = hide(carrying, faces, model, options, covers=covers, file_format=lossless)
    sent = _share_copy(picture, done, faces, share, layered, limits, progress) if share else None
    path = target and write_files(target, done.data, beside, done.sidecar, overwrite=overwrite, like=image)
    sent = sent and _written(sent, shared, overwrite, image, [each for each in (path, beside) if each])
    warnings += weak_style_warnings(face.style for face in faces)
    if path is not None and beside is None and (earlier := found_sidecar(path)) is not None:
        warnings.append(f"{earlier} belongs to an earlier file of this name: delete it")
    hidden = tuple(
        ProtectedFace(number, face.box, made.text, options.sealed, face.found, made.fallback, made.synthetic)
        for number, (face, made) in enumerate(zip(faces, done.covers, strict=True), 1)
    )
    shown, noted = same_kind(image, done.picture, done.data, path), sent.warnings if sent else ()
    told, plain = (*warnings, *done.warnings, *noted), layered.plain if layered else None
    outcome = (done.picture.rgb, hidden, done.data, path, told, done.sidecar, options.wrong_key or "noise")
    return ProtectResult(shown, tuple(each.pixels for each in done.covers), *outcome, choice.smallest, sent, plain)


def _with_share_copy_inside(
    picture: Picture, faces: Sequence[FacePlan], options: ShareOptions, limits: KdfLimits | None
) -> LayeredPhoto | None:
    """Write the share copy into the photo if that was asked for; in any case refuse faces that do not fit, at once."""
    require_room(picture.size, [face.box for face in faces], [face.lock for face in faces], options)
    return layered_photo(picture, faces, options, limits) if options.inside else None


def _share_copy(
    picture: Picture,
    done: ProtectedPicture,
    faces: Sequence[FacePlan],
    options: ShareOptions,
    layered: LayeredPhoto | None,
    limits: KdfLimits | None,
    progress: Progress,
) -> ShareCopy:
    """Make the share copy of a photo, with faces, covers and locks of the protected picture; or check the one in it."""
    progress("share", 0, 1)
    if layered is not None:
        return inside_copy(done.data, layered, picture)
    boxes, locks = [face.box for face in faces], [face.lock for face in faces]
    heads = [largest_head(face) for face in faces]
    shown = plain_covers(done.picture, done.header, [each.pixels for each in done.covers])
    return make_share_copy(picture, shown, boxes, locks, options, heads=heads, limits=limits)


def _written(
    copy: ShareCopy, target: Path | None, overwrite: bool, image: PictureInput, others: Sequence[Path]
) -> ShareCopy:
    """Write a share copy, unless there is no name for it; return it with its path.

    A copy inside the protected file, the first of the others, is written already.  If one cannot be written, the files
    that were written just before it go too, unless they replaced others.
    """
    if copy.inside:
        return replace(copy, path=next(iter(others), None))
    if target is None:
        return copy
    try:
        return replace(copy, path=write_files(target, copy.data, overwrite=overwrite, like=image))
    except BaseException:
        for path in () if overwrite else others:
            path.unlink(missing_ok=True)
        raise


def _unprotected_result(
    image: PictureInput,
    picture: Picture,
    jpeg: JpegPicture | None,
    kind: OutputFormat,
    options: ProtectOptions,
    choice: Choice,
    target: Path | None,
    overwrite: bool,
    warnings: Sequence[str],
) -> ProtectResult:
    """Write a picture without a face as it is, if that was asked for.

    Raises:
        NoFaceError: if it was not; names the picture.
    """
    if not options.allow_no_face:
        raise NoFaceError(
            "; ".join((f"no face found in {picture.source}", *choice.warnings, "nothing was written")), code="no-face"
        )
    data = encode_copy(picture, jpeg, kind, options)
    path = target and write_files(target, data, overwrite=overwrite, like=image)
    shown = same_kind(image, picture, data, path)
    return ProtectResult(shown, (), picture.rgb, (), data, path, (*warnings, _UNPROTECTED), smallest=choice.smallest)
