"""A session: models loaded once, pictures of any kind in and of the same kind out."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial, wraps
from inspect import signature
from typing import Any, Concatenate, ParamSpec, TypeVar

from ..covers import parse_style
from ..faces import BoxLike, draw_regions, parse_boxes
from ..faces.boxes import HEAD_MARGIN
from ..faces.numbering import parse_selection
from ..image.transparency import BACKGROUNDS, composite
from ..image.write import JPEG_QUALITY, OutputFormat
from ..keys.access import Credentials, Lock
from ..keys.face_key_text import PortableFaceKey
from ..keys.recipients import Identity, Recipient
from ..progress import Progress, silent
from ..types import Style, WrongKey
from .face_search import FaceSearch
from .files.io import PictureInput, load
from .files.kinds import output_kind
from .jpeg.regions import McuGrid
from .jpeg.sources import jpeg_source
from .options import ProtectOptions, RecoverOptions, Sidecar
from .protection.protect_file import protect_file
from .protection.selection import choose_regions
from .recovery.recover_file import recover_file
from .resources import Resources
from .results.detected import Detection, unsure_regions
from .results.protected import ProtectResult
from .results.recovered import RecoverResult
from .share.options import ShareOptions

Given = ParamSpec("Given")
Result = TypeVar("Result")


class Session(Resources):
    """Loads the models on first use and keeps them.

    May be used by several threads at once.

    Args:
        detector: finds the faces; a `Detector` or the name of one (`proface_s.faces.detector_names`).
        model: what hides faces in new files: the name of a model or the model itself.  Files are read
            with the model that they name.
        threads: to work with; 0 for all cores.
        max_pixels: larger files are refused before they are decoded.
        limits: what deriving the keys of a file may cost; those of the file format if None.
    """

    def detect(
        self,
        image: PictureInput,
        *,
        boxes: BoxLike | Sequence[BoxLike] = (),
        faces: str | int | Sequence[int] = "all",
        detector: str | None = None,
        threshold: float | None = None,
        margin: float = HEAD_MARGIN,
        thorough: bool = False,
        file_format: OutputFormat | None = None,
        style: str | Style | None = None,
        progress: Progress = silent,
    ) -> Detection:
        """Find what `protect` would protect, and how it would be numbered, without protecting it.

        Args:
            image: as for `protect`.
            boxes: as for `protect`.
            faces: as for `protect`.
            detector: as for `protect`.
            threshold: as for `protect`.
            margin: as for `protect`.
            thorough: as for `protect`.
            file_format: as for `protect`: the regions of a JPEG grow to whole MCUs.
            style: also tell which faces a style such as ``swap`` would cover by a blurred oval instead.
            progress: as for `protect`.

        Raises:
            UsageError, ImageError: as `protect`.
        """
        search = FaceSearch(detector=detector, threshold=threshold, margin=margin, thorough=thorough)
        progress("read", 0, 1)
        picture = load(image, max_pixels=self.max_pixels)
        progress("find", 0, 1)
        place = None
        if output_kind(image, None, file_format, lambda: None)[0] == "jpeg":
            picture, jpeg, _ = jpeg_source(picture, JPEG_QUALITY)
            place = McuGrid.of(jpeg).place
        find = partial(self.find, search=search)
        choice = choose_regions(picture, find, parse_selection(faces), parse_boxes(boxes), margin, place)
        shown = picture.rgb if picture.alpha is None else composite(picture.rgb, picture.alpha, BACKGROUNDS[0])
        drawn = draw_regions(shown, choice.regions, unsure_regions(choice.faces))
        found = (choice.faces, choice.regions, drawn, picture.size, shown, choice.warnings, choice.smallest)
        wanted = parse_style(style) if isinstance(style, str) else style
        return Detection(*found, {} if wanted is None else choice.fallbacks(picture, wanted))

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
        wrong_key: WrongKey | None = None,
        allow_no_face: bool = False,
        keep_metadata: bool = False,
        file_format: OutputFormat | None = None,
        quality: int = JPEG_QUALITY,
        sidecar: Sidecar = "none",
        record: bool = True,
        model: str | None = None,
        detector: str | None = None,
        threshold: float | None = None,
        margin: float = HEAD_MARGIN,
        thorough: bool = False,
        share: ShareOptions | None = None,
        output: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        progress: Progress = silent,
    ) -> ProtectResult:
        """Hide the faces of a picture.

        Args:
            image: path, bytes of a file, PIL image, or (H, W, 3) uint8 RGB array.
            passphrase: at least 8 characters; several: each opens the faces alone; None if recipients do.
            style: ``name[:strength][@shape]``, see `proface_s.covers`.
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
                covered face, and nothing in the file tells which key is right.  None: the first mode that the model
                has, ``"noise"`` for the model that is used by default.
            allow_no_face: return an unprotected copy if no face was found, instead of an error.
            keep_metadata: keep author, copyright and date.
            file_format: ``"png"``, ``"webp"``, ``"tiff"`` or ``"jpeg"``; if None, what the output's name says, or the
                kind of the file that was given.  HEIC, BMP, PIL images and arrays give a PNG, and so does a JPEG whose
                coefficients cannot be edited, or if faces have to be hidden in pixels (no seals, ``"cover"``, another
                model than the default); a warning says which.
            quality: of a JPEG that has to be made because the photo is none, 1 to 100.
            sidecar: whether header and seals go into ``NAME.pfs``, ``"also"`` or ``"instead"`` of into the picture.
            record: write what recovery needs into the faces' pixels too, so that it survives programs that drop
                metadata.
            model: name of the model that hides the faces, see `proface_s.flow.registry`; the session's if None.
            detector: name of what finds the faces, see `proface_s.faces.open_detector`; the session's if None.
            threshold: least confidence of a face, 0..1; each engine's own if None.
            margin: growth of a detected face to the region that is hidden, per side, as a share of its width and
                height, 0..2.
            thorough: look closer for faces, whatever time it takes.
            share: also make a share copy, ``NAME.share.jpg`` beside the output: reduced copies of the faces survive in
                its pixels when it is recompressed or resized.
            output: where to write; for a path given, ``NAME.protected`` with the suffix of the format beside it if
                None.
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
            quality=quality,
            sidecar=sidecar,
            record=record,
            model=model,
            detector=detector,
            threshold=threshold,
            margin=margin,
            thorough=thorough,
            share=share,
        )
        return protect_file(image, options, self, output=output, overwrite=overwrite, progress=progress)

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
        return protect_file(image, options, self, output=output, overwrite=overwrite, progress=progress)

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
        file_format: OutputFormat | None = None,
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
            file_format: ``"png"``, ``"webp"``, ``"tiff"`` or ``"jpeg"``; if None, what the output's name says, or the
                kind of the protected file.
            sidecar: where header and seals are; ``NAME.pfs`` beside a file without metadata is found by itself.
            from_pixels: ignore metadata and sidecar, and read the records in the pixels, as is done where there are
                neither: what comes back is an estimate that nothing vouches for.
            output: where to write; for a path given, ``NAME.recovered`` with the suffix of the format beside it if
                None.  A JPEG is made of another kind of file only if every face comes back.
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
        return recover_file(
            image, options, self, sidecar=sidecar, output=output, overwrite=overwrite, progress=progress
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
