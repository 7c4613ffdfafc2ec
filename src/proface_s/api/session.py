"""A session: models loaded once, pictures of any kind in and of the same kind out."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from .. import obfuscate
from ..container.header import FORMAT_VERSION, PassphraseStanza
from ..container.png import HEADER_CHUNK, SEAL_CHUNK, read_png_chunks
from ..detect import Detector, choose, draw, parse_box, resolve_overlaps, reversible_box
from ..errors import DamagedFileError, ImageError, NoFaceError, UsageError
from ..flow.model import Card, FlowModel, read_card, shipped_models
from ..imaging.reading import read_file, read_picture
from ..imaging.writing import check_output_path, encode_png, write_atomic
from ..keys.passphrase import check_passphrase
from ..types import Box, Face, Picture, Style
from .protecting import protect_picture
from .recovering import read_header, recover_picture
from .results import Detection, Inspection, ProtectedFace, ProtectResult, RecoverResult

if TYPE_CHECKING:
    from PIL import Image

Pictured = Union[str, "os.PathLike[str]", bytes, np.ndarray, "Image.Image", ProtectResult]
CHUNKS = "proface_chunks"  # where PIL images of ours carry header and seals, in `Image.info`
SMALLEST_REGION = 8  # side in pixels below which the flow cannot hide a region; only tiny pictures have such
PROTECTED_SUFFIX, RECOVERED_SUFFIX = ".protected.png", ".recovered.png"


class Session:
    """Loads the models on first use and keeps them.

    Args:
        detector: where faces are; the default detector where None.
        model: the flow; the shipped one where None.
        threads: of the inference engine; 0 for all cores.
    """

    def __init__(
        self, *, detector: Detector | None = None, model: FlowModel | None = None, threads: int = 0
    ) -> None:
        self._detector, self._model, self._threads = detector, model, threads

    @cached_property
    def detector(self) -> Detector:
        """The face detector in use."""
        from ..detect import SlimefaceDetector

        return self._detector or SlimefaceDetector()

    @cached_property
    def model(self) -> FlowModel:
        """The flow in use."""
        return self._model or FlowModel(threads=self._threads)

    def detect(self, image: Pictured) -> Detection:
        """Find what `protect` would protect, without protecting it."""
        picture = load(image)
        faces = self.detector.detect(picture.rgb)
        regions = disjoint_regions([face.box for face in faces], [], picture.size)
        drawn = draw(picture.rgb, faces)
        return Detection(tuple(faces), tuple(regions), drawn, picture.size)

    def protect(
        self, image: Pictured, passphrase: str, *, style: str | Style = "blur",
        boxes: Sequence[Box | str] = (), faces: str | Sequence[int] = "all", seal: bool = True,
        allow_no_face: bool = False, keep_metadata: bool = False,
        output: str | os.PathLike[str] | None = None, overwrite: bool = False,
    ) -> ProtectResult:
        """Hide the faces of a picture.

        Args:
            image: path, bytes of a file, PIL image, or (H, W, 3) uint8 RGB array.
            passphrase: at least 8 characters.
            style: ``name[:strength]``, see `proface_s.obfuscate`.
            boxes: further faces given by hand, ``x,y,w,h``; hidden exactly as given, but for even sides.
            faces: which of the detected faces: ``"all"``, ``"none"``, or numbers such as ``"0,2"``.
            seal: also store an exact, encrypted copy; without it recovery is the flow's estimate.
            allow_no_face: return an unprotected copy where no face was found, instead of an error.
            keep_metadata: keep author, copyright and date.
            output: where to write; for a path given, ``NAME.protected.png`` beside it where None.
            overwrite: replace an existing output.

        Raises:
            NoFaceError: no face found and none given.
            UsageError, ImageError, ModelError: see their docstrings.
        """
        notes = check_passphrase(passphrase)
        chosen = obfuscate.parse_style(style) if isinstance(style, str) else style
        target = _target(image, output, PROTECTED_SUFFIX, overwrite)
        picture = load(image)
        if any(picture.chunks.values()):
            raise UsageError(f"{picture.source} is protected already", "recover it first, or use the original photo")
        regions = self._regions(picture, boxes, faces)
        if not regions:
            if not allow_no_face:
                raise NoFaceError(
                    f"no face found in {picture.source}; nothing was written",
                    "give the face by hand with --box X,Y,W,H, or pass --allow-no-face to copy the photo as it is",
                )
            png = encode_png(picture, keep_metadata=keep_metadata)
            path = _write(target, png, overwrite)
            notes = [*notes, "no face found: this is an unprotected copy"]
            return ProtectResult(
                _same_kind(image, picture, png, path), picture.rgb, picture.rgb, (), png, path, tuple(notes)
            )
        if obfuscate.is_weak(chosen):
            notes = [*notes, f"style {obfuscate.format_style(chosen)} is weak: recognisers may see through it"]
        done = protect_picture(
            picture, regions, [chosen] * len(regions), passphrase, self.model, seal=seal, keep_metadata=keep_metadata
        )
        path = _write(target, done.png, overwrite)
        text = obfuscate.format_style(chosen)
        found = tuple(ProtectedFace(box, text, seal) for box in regions)
        protected = replace(picture, rgb=done.rgb)
        return ProtectResult(
            _same_kind(image, protected, done.png, path), done.cover, done.rgb, found, done.png, path,
            (*notes, *done.warnings),
        )

    def recover(
        self, image: Pictured, passphrase: str, *, output: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
    ) -> RecoverResult:
        """Bring the faces back.

        Args:
            image: what `protect` wrote or returned: path, bytes, PIL image or the `ProtectResult` itself.
            passphrase: the one it was protected with.
            output: where to write; for a path given, ``NAME.recovered.png`` beside it where None.
            overwrite: replace an existing output.

        Raises:
            WrongKeyError: the passphrase does not open the file.
            NotProtectedError, DamagedFileError: no header, or not this picture's.
        """
        target = _target(image, output, RECOVERED_SUFFIX, overwrite)
        picture = load(image)
        done = recover_picture(picture, passphrase, self.model)
        recovered = replace(picture, rgb=done.rgb, chunks={})
        png = encode_png(recovered, keep_metadata=True) if target or not isinstance(image, np.ndarray) else b""
        path = _write(target, png, overwrite)
        return RecoverResult(_same_kind(image, recovered, png, path), done.rgb, done.faces, path, done.warnings)

    def _regions(
        self, picture: Picture, boxes: Sequence[Box | str], faces: str | Sequence[int]
    ) -> list[Box]:
        """Disjoint boxes to protect: the chosen detected faces with a margin, and the ones given by hand."""
        by_hand = [parse_box(str(box), picture.size) for box in boxes]
        wanted = faces if isinstance(faces, str) else ",".join(map(str, faces))
        found: list[Face] = []
        if wanted.strip().lower() != "none":
            found = choose(self.detector.detect(picture.rgb), wanted)
        regions = disjoint_regions([face.box for face in found], by_hand, picture.size)
        for region in regions:
            if min(region.w, region.h) < SMALLEST_REGION:
                raise UsageError(
                    f"{picture.source} has {picture.size[0]}x{picture.size[1]} pixels; "
                    f"a face needs at least {SMALLEST_REGION}x{SMALLEST_REGION}", "use a larger picture",
                )
        return regions


def disjoint_regions(found: Sequence[Box], by_hand: Sequence[Box], size: tuple[int, int]) -> list[Box]:
    """Reversible regions of detected faces (grown by the margin) and of boxes given by hand (not grown)."""
    if not found and not by_hand:
        return []
    grown = [reversible_box(box, size) for box in found] + [reversible_box(box, size, 0.0) for box in by_hand]
    return resolve_overlaps(grown, size, [*found, *by_hand])


def load(image: Pictured) -> Picture:
    """Any kind of picture as a `Picture`, with the private chunks where its kind can carry them."""
    if isinstance(image, ProtectResult):
        image = image.png
    if isinstance(image, np.ndarray):
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
            raise ImageError(f"an array must be (H, W, 3) uint8 RGB, got {image.dtype} {image.shape}")
        return Picture(rgb=np.ascontiguousarray(image), source="the array")
    if isinstance(image, (str, os.PathLike)):
        data, name = read_file(image), str(image)
    elif isinstance(image, bytes):
        data, name = image, "the file"
    else:
        return _from_pil(image)
    chunks = read_png_chunks(io.BytesIO(data), name)
    try:
        picture = read_picture(data, name=name)
    except ImageError as error:
        if chunks:  # it was ours once: what is wrong with it is damage
            raise DamagedFileError(error.message, error.hint) from None
        raise
    return replace(picture, chunks=chunks, source=name)


def _from_pil(image: Any) -> Picture:
    """PIL image -> `Picture`, through a PNG so that every mode is read by the same rules as a file."""
    from PIL import Image

    if not isinstance(image, Image.Image):
        raise ImageError(f"cannot read a picture from {type(image).__name__}", "give a path, PIL image or array")
    try:
        image.load()  # chunks behind the pixels are known only after this
    except Exception as error:
        raise ImageError(f"the image cannot be decoded: {error}") from None
    chunks: dict[str, list[bytes]] = dict(image.info.get(CHUNKS, {}))
    if not chunks:
        for kind, data, *_ in getattr(image, "private_chunks", []):
            if kind in (HEADER_CHUNK.encode(), SEAL_CHUNK.encode()):
                chunks.setdefault(kind.decode(), []).append(data)
    buffer = io.BytesIO()
    try:
        image.save(buffer, "TIFF" if image.mode == "CMYK" else "PNG", exif=image.getexif())
    except (OSError, ValueError):
        raise ImageError(f"PIL mode {image.mode} is not supported", "convert the image to RGB first") from None
    return replace(read_picture(buffer.getvalue(), name="the image"), chunks=chunks, source="the image")


def _target(image: Pictured, output: Any, suffix: str, overwrite: bool) -> Path | None:
    """Where to write, checked before any work; None where nothing is to be written."""
    source = image if isinstance(image, (str, os.PathLike)) else None
    if output is None and source is None:
        return None
    target = Path(output) if output is not None else default_output(Path(source), suffix)  # type: ignore[arg-type]
    check_output_path(source, target, overwrite=overwrite)
    return target


def default_output(source: Path, suffix: str) -> Path:
    """``party.jpg`` -> ``party.protected.png``; ``party.protected.png`` -> ``party.recovered.png``."""
    stem = source.stem.removesuffix(".protected") if suffix == RECOVERED_SUFFIX else source.stem
    return source.with_name(stem + suffix)


def _write(target: Path | None, png: bytes, overwrite: bool) -> Path | None:
    if target is not None:
        write_atomic(target, png, overwrite=overwrite)
    return target


def _same_kind(image: Pictured, picture: Picture, png: bytes, path: Path | None) -> Any:
    """The picture as the kind that came in."""
    if isinstance(image, np.ndarray):
        return picture.rgb
    if isinstance(image, (str, os.PathLike)):
        return path
    if isinstance(image, (bytes, ProtectResult)):
        return png
    from PIL import Image

    out = Image.open(io.BytesIO(png))
    out.load()
    chunks = read_png_chunks(io.BytesIO(png))
    plain = out.copy()
    if chunks:
        plain.info[CHUNKS] = chunks
    return plain


def inspect(image: Pictured) -> Inspection:
    """What a protected file shows without a key; loads no model.

    Raises:
        NotProtectedError, DamagedFileError: no header, or not this picture's.
    """
    picture = load(image)
    header, seals = read_header(picture)
    faces = tuple(
        ProtectedFace(
            face.box, obfuscate.format_style(Style(face.style, face.strength)), index in seals
        )
        for index, face in enumerate(header.faces)
    )
    kdf = tuple(
        f"argon2id m={s.params.memory_kib // 1024} MiB t={s.params.time_cost} p={s.params.lanes}"
        for group in header.groups for s in group.stanzas if isinstance(s, PassphraseStanza)
    )
    stripped = tuple(i for i, face in enumerate(header.faces) if face.sealed and i not in seals)
    return Inspection(
        FORMAT_VERSION, (header.width, header.height), header.model_id.hex(), _model_name(header.model_id), faces,
        stripped, kdf, len(header.groups),
    )


def _model_name(model_id: bytes) -> str | None:
    for folder in sorted(shipped_models().glob("*/")):
        card: Card = read_card(folder)
        if card.model_id == model_id:
            return card.name
    return None


def detect(image: Pictured) -> Detection:
    """`Session.detect` on a fresh session."""
    return Session().detect(image)


def protect(image: Pictured, passphrase: str, **options: Any) -> ProtectResult:
    """`Session.protect` on a fresh session."""
    return Session().protect(image, passphrase, **options)


def recover(image: Pictured, passphrase: str, **options: Any) -> RecoverResult:
    """`Session.recover` on a fresh session."""
    return Session().recover(image, passphrase, **options)
