"""A session: models loaded once, pictures of any kind in and of the same kind out."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cache, cached_property, wraps
from inspect import signature
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np

from ..container.header.header import WrongKey
from ..container.records.pixel_records import find_records
from ..covers import format_style, is_weak
from ..errors import NoFaceError, UsageError
from ..faces import DEFAULT_DETECTOR, BoxLike, Detector, draw_boxes, open_detector, parse_boxes
from ..faces.numbering import indices_of, parse_selection
from ..flow.cards import DEFAULT_MODEL
from ..flow.model import Model
from ..flow.registry import Models
from ..image.metadata import reading_warnings
from ..image.read import MAX_PIXELS
from ..image.transparency import BACKGROUNDS, composite
from ..image.write import FORMATS, Format, encode_picture, format_of
from ..keys.access import Credentials, Lock
from ..keys.derive import KdfLimits
from ..keys.face_key_text import PortableFaceKey
from ..keys.recipients import Identity, Recipient
from ..progress import Progress, silent
from ..types import Picture, Style
from .files.io import (
    PROTECTED_SUFFIX,
    RECOVERED_SUFFIX,
    PictureInput,
    default_output,
    load,
    output_for,
    same_kind,
)
from .files.saving import encode_recovered, lossy_warning, sidecar_target, write_files
from .files.sidecars import has_sidecar, sidecar_path
from .options import ProtectOptions, RecoverOptions, Sidecar
from .protect_picture import protect_picture
from .recover_from_pixels import recover_from_pixels
from .recover_picture import recover_picture
from .results.results import Detection, ProtectedFace, ProtectResult, RecoverResult
from .selection import Choice, FoundFaces, choose_regions, find_faces, plan_faces

__all__ = [
    "PROTECTED_SUFFIX",
    "RECOVERED_SUFFIX",
    "PictureInput",
    "Session",
    "default_output",
    "detect",
    "load",
    "protect",
    "recover",
]

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Session:
    """Loads the models on first use and keeps them.

    Args:
        detector: finds the faces; a `Detector` or the name of one (`proface_s.faces.detector_names`).
        model: what hides faces in new files: the name of a model or the model itself.  Files are read
            with the model that they name.
        threads: to work with; 0 for all cores.
        max_pixels: larger files are refused before they are decoded.
        limits: what deriving the keys of a file may cost; those of the file format if None.
    """

    def __init__(
        self,
        *,
        detector: Detector | str = DEFAULT_DETECTOR,
        model: Model | str = DEFAULT_MODEL,
        threads: int = 0,
        max_pixels: int = MAX_PIXELS,
        limits: KdfLimits | None = None,
    ) -> None:
        self._detector, self._model, self._threads, self._max_pixels = detector, model, threads, max_pixels
        self._limits = limits

    def __getstate__(self) -> dict[str, Any]:
        """Return the settings without the models: another process loads its own."""
        return {name: value for name, value in self.__dict__.items() if name not in ("detector", "models")}

    def limited(self, limits: KdfLimits) -> Session:
        """Return a session like this one that spends at most so much on the keys of a file."""
        other = copy(self)
        other._limits = limits
        return other

    @cached_property
    def detector(self) -> Detector:
        """The face detector in use, opened on first use.

        Raises:
            UsageError: if the session was given a name, and no detector of that name can be opened.
        """
        if isinstance(self._detector, str):
            return open_detector(self._detector, self._threads)
        return self._detector

    @cached_property
    def models(self) -> Models:
        """Models that were used so far, and the others by name or id."""
        return Models(self._model, self._threads)

    @property
    def model(self) -> Model:
        """The model for new files."""
        return self.models.named()

    def detect(
        self,
        image: PictureInput,
        *,
        boxes: BoxLike | Sequence[BoxLike] = (),
        faces: str | int | Sequence[int] = "all",
        progress: Progress = silent,
    ) -> Detection:
        """Find what `protect` would protect, and how it would be numbered, without protecting it.

        Args:
            image: as for `protect`.
            boxes: as for `protect`.
            faces: as for `protect`.
            progress: as for `protect`.

        Raises:
            UsageError, ImageError: as `protect`.
        """
        progress("read", 0, 1)
        picture = load(image, max_pixels=self._max_pixels)
        progress("find", 0, 1)
        choice = choose_regions(picture, self.find, parse_selection(faces), parse_boxes(boxes))
        shown = picture.rgb if picture.alpha is None else composite(picture.rgb, picture.alpha, BACKGROUNDS[0])
        drawn = draw_boxes(shown, choice.faces, [face.number for face in choice.faces])
        return Detection(choice.faces, choice.regions, drawn, picture.size, choice.warnings)

    def find(self, picture: Picture) -> FoundFaces:
        """Detect faces with the detector in use."""
        return find_faces(self.detector, picture)

    def protect(
        self,
        image: PictureInput,
        passphrase: str | Sequence[str] | None = None,
        *,
        style: str | Style = "blur",
        own_styles: Mapping[Any, str | Style] | None = None,
        boxes: BoxLike | Sequence[BoxLike] = (),
        faces: str | int | Sequence[int] = "all",
        seal: bool | None = None,
        recipients: Sequence[Recipient | str] = (),
        own: Mapping[Any, Lock] | None = None,
        wrong_key: WrongKey = "noise",
        allow_no_face: bool = False,
        keep_metadata: bool = False,
        file_format: Format | None = None,
        sidecar: Sidecar = "none",
        record: bool = True,
        model: str | None = None,
        output: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        progress: Progress = silent,
    ) -> ProtectResult:
        """Hide the faces of a picture.

        Args:
            image: path, bytes of a file, PIL image, or (H, W, 3) uint8 RGB array.
            passphrase: at least 8 characters; several: each opens the faces alone; None if recipients do.
            style: ``name[:strength]``, see `proface_s.covers`.
            own_styles: faces that are covered in another way: face, as for ``own``, -> its style.
            boxes: further faces given by hand: ``(x, y, w, h)``, ``"x,y,w,h"`` or `Box`; hidden exactly as given, but
                for even sides.
            faces: which of the detected faces: ``"all"``, ``"none"``, or numbers from 1, ``(1, 3)`` or ``"1,3"``, as
                `detect` gives them where nothing is chosen.
            seal: also store an exact, encrypted copy; without it recovery is the flow's estimate.  None: yes, but for
                ``wrong_key="cover"``, where there can be none.
            recipients: public keys, ``age1...``, whose owners can open the faces.
            own: faces that open with something else than the rest -> who can open them.  A face is named by its number
                in the file, from 1, as `detect` gives it for the same ``faces`` and ``boxes``; one given by hand
                also by its box.
            wrong_key: ``"noise"``: a wrong key is recognised and refused; ``"cover"``: it quietly gives the
                covered face, and nothing in the file tells which key is right.
            allow_no_face: return an unprotected copy if no face was found, instead of an error.
            keep_metadata: keep author, copyright and date.
            file_format: ``"png"``, ``"webp"`` or ``"tiff"``; if None, what the output's name says, or PNG.
            sidecar: whether header and seals go into ``NAME.pfs``, ``"also"`` or ``"instead"`` of into the picture.
            record: write what recovery needs into the faces' pixels too, so that it survives programs that drop
                metadata.
            model: name of the model that hides the faces, see `proface_s.flow.registry`; the session's if None.
            output: where to write; for a path given, ``NAME.protected.png`` beside it if None.
            overwrite: replace an existing output.
            progress: is told how far it is, see `proface_s.progress`.

        Raises:
            NoFaceError: if no face was found or given.
            UsageError, ImageError, ModelError: see their docstrings.
        """
        options = ProtectOptions.of(
            passphrase,
            recipients=recipients,
            own=own,
            style=style,
            own_styles=own_styles,
            boxes=boxes,
            faces=faces,
            seal=seal,
            wrong_key=wrong_key,
            allow_no_face=allow_no_face,
            keep_metadata=keep_metadata,
            file_format=file_format,
            sidecar=sidecar,
            record=record,
            model=model,
        )
        return self.protect_with(image, options, output=output, overwrite=overwrite, progress=progress)

    def protect_with(
        self,
        image: PictureInput,
        options: ProtectOptions,
        *,
        output: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        progress: Progress = silent,
    ) -> ProtectResult:
        """`protect` with options that were made and checked before, for many pictures, say.

        Args:
            image: as for `protect`.
            options: how.
            output: as for `protect`.
            overwrite: as for `protect`.
            progress: as for `protect`.

        Raises:
            NoFaceError, UsageError, ImageError, ModelError: as `protect`.
        """
        target = output_for(image, output, PROTECTED_SUFFIX, overwrite, options.file_format)
        file_format = format_of(target) if target else options.file_format or "png"
        beside = sidecar_target(target, overwrite) if options.sidecar != "none" else None
        progress("read", 0, 1)
        picture = load(image, max_pixels=self._max_pixels)
        if any(picture.chunks.values()) or find_records(picture.rgb):
            raise UsageError(f"{picture.source} is protected already", "recover it first, or use the original photo")
        progress("find", 0, 1)
        choice = choose_regions(picture, self.find, options.faces, options.boxes)
        warnings = [*options.passphrase_warnings, *reading_warnings(picture), *choice.warnings]
        if not choice.regions:
            _check_copy_allowed(picture, choice, options)
            data = encode_picture(picture, file_format, keep_metadata=options.keep_metadata)
            path = write_files(target, data, overwrite=overwrite, like=image)
            warnings.append("no face found: this is an unprotected copy")
            copied = same_kind(image, picture, data, path)
            return ProtectResult(copied, (), picture.rgb, (), data, path, tuple(warnings))
        faces = plan_faces(picture, choice, options)
        for style in dict.fromkeys(face.style for face in faces):
            if is_weak(style):
                warnings.append(f"style {format_style(style)} is weak: recognisers may see through it")
        done = protect_picture(
            picture,
            faces,
            self.models.named(options.model),
            options,
            file_format=file_format,
            limits=self._limits,
            progress=progress,
        )
        path = write_files(target, done.data, beside, done.sidecar, overwrite=overwrite, like=image)
        if path is not None and beside is None and has_sidecar(path):
            warnings.append(f"{sidecar_path(path)} belongs to an earlier file of this name: delete it")
        protected = tuple(
            ProtectedFace(number, face.box, format_style(face.style), options.sealed, face.found)
            for number, face in enumerate(faces, 1)
        )
        return ProtectResult(
            same_kind(image, done.picture, done.data, path),
            done.covers,
            done.picture.rgb,
            protected,
            done.data,
            path,
            (*warnings, *done.warnings),
            done.sidecar,
        )

    def recover(
        self,
        image: PictureInput,
        passphrase: str | None = None,
        *,
        identities: Sequence[Identity | str] = (),
        face_keys: Sequence[PortableFaceKey | str] = (),
        credentials: Credentials | None = None,
        faces: int | Collection[int] | None = None,
        force: bool = False,
        expect: WrongKey | None = None,
        file_format: Format | None = None,
        sidecar: str | os.PathLike[str] | None = None,
        from_pixels: bool = False,
        output: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        progress: Progress = silent,
    ) -> RecoverResult:
        """Bring the faces back.

        Args:
            image: what `protect` wrote or returned: path, bytes, PIL image or the `ProtectResult` itself.
            passphrase: one it was protected with, if there is one.
            identities: private keys, ``AGE-SECRET-KEY-1...``.
            face_keys: keys of single faces, ``pfk1...``; each opens its face, the rest stays covered.
            credentials: all of these in one, instead.
            faces: bring back only these, by their numbers in the file, from 1; they must open.
            force: if nothing opens the file, write what the wrong key reads (noise) instead of refusing.
            expect: refuse a file that is not in this mode, ``"noise"`` or ``"cover"``.  Anybody can turn a file in
                noise mode into one in cover mode, in which nothing can be checked and the right passphrase, too, gives
                the covered face; say here that the file was in noise mode if you know it.
            file_format: as for `protect`.
            sidecar: where header and seals are; ``NAME.pfs`` beside a file without metadata is found by itself.
            from_pixels: ignore metadata and sidecar, and read the records in the pixels, as is done where there are
                neither: what comes back is an estimate that nothing vouches for.
            output: where to write; for a path given, ``NAME.recovered.png`` beside it if None.  The name of a JPEG
                is allowed if every face comes back.
            overwrite: replace an existing output.
            progress: as for `protect`.

        Raises:
            WrongKeyError: if nothing given opens the file.
            NotProtectedError, DamagedFileError: if there is no header, or it is not this picture's.
            UnexpectedModeError: if the file is in the other mode.
        """
        options = RecoverOptions.of(
            passphrase,
            identities=identities,
            face_keys=face_keys,
            faces=faces,
            force=force,
            expect=expect,
            file_format=file_format,
            from_pixels=from_pixels,
        )
        if credentials is not None:
            options = replace(options, credentials=credentials)
        return self.recover_with(image, options, sidecar=sidecar, output=output, overwrite=overwrite, progress=progress)

    def recover_with(
        self,
        image: PictureInput,
        options: RecoverOptions,
        *,
        sidecar: str | os.PathLike[str] | None = None,
        output: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        progress: Progress = silent,
    ) -> RecoverResult:
        """`recover` with options that were made and checked before, for many pictures, say.

        Args:
            image: as for `recover`.
            options: how.
            sidecar: as for `recover`.
            output: as for `recover`.
            overwrite: as for `recover`.
            progress: as for `recover`.

        Raises:
            WrongKeyError, NotProtectedError, DamagedFileError, UnexpectedModeError: as `recover`.
        """
        if sidecar is not None and options.from_pixels:
            raise UsageError("a sidecar was given, and also that it should be ignored")
        only = None if options.faces is None else indices_of(options.faces)
        target = output_for(image, output, RECOVERED_SUFFIX, overwrite, options.file_format, jpeg=True)
        name = target or f"recovered{FORMATS[options.file_format or 'png'][0]}"
        progress("read", 0, 1)
        picture = load(image, sidecar, max_pixels=self._max_pixels)
        read = recover_picture if any(picture.chunks.values()) and not options.from_pixels else recover_from_pixels
        done = read(
            picture,
            options.credentials,
            self.models,
            only=only,
            force=options.force,
            expect=options.expect,
            limits=self._limits,
            progress=progress,
        )
        progress("write", 0, 1)
        recovered = replace(done.picture, chunks={})
        wanted = target or not isinstance(image, np.ndarray)
        data = encode_recovered(recovered, [face.outcome for face in done.faces], name) if wanted else b""
        path = write_files(target, data, overwrite=overwrite, like=image)
        return RecoverResult(
            same_kind(image, recovered, data, path),
            recovered.rgb,
            done.faces,
            path,
            (*reading_warnings(picture), *done.warnings, *lossy_warning(path)),
            data,
            done.wrong_key,
            done.authentic,
        )


def _check_copy_allowed(picture: Picture, choice: Choice, options: ProtectOptions) -> None:
    """Refuse a picture without a face unless an unprotected copy was asked for.

    Raises:
        NoFaceError: names the picture.
    """
    if not options.allow_no_face:
        raise NoFaceError(
            "; ".join((f"no face found in {picture.source}", *choice.warnings, "nothing was written")), code="no-face"
        )


def _on_a_fresh_session(method: Callable[Concatenate[Session, Given], Result]) -> Callable[Given, Result]:
    """Make a function of a method: the same parameters and documentation, on a session of its own."""

    @wraps(method)
    def function(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        return method(Session(), *args, **kwargs)

    described = signature(method)
    function.__signature__ = described.replace(  # type: ignore[attr-defined]
        parameters=[each for name, each in described.parameters.items() if name != "self"]
    )
    return function


detect = _on_a_fresh_session(Session.detect)
protect = _on_a_fresh_session(Session.protect)
recover = _on_a_fresh_session(Session.recover)


@cache
def process_session(threads: int) -> Session:
    """Return the session of this process that works with so many threads; its models are loaded once.

    Args:
        threads: 0 for all cores.
    """
    return Session(threads=threads)
