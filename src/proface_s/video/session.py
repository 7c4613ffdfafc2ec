"""Protect and recover streams of frames, and clips, with models that are loaded once."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..api.footprints import covered, repeated_edges, uncovered
from ..api.options import ProtectOptions, RecoverOptions
from ..api.protection.selection import disjoint_regions
from ..api.resources import DetectorAndModels
from ..api.results import display as show
from ..container.carriers.sidecar import picture_digest
from ..container.header.footprint import Footprint
from ..container.header.header import region_digest
from ..covers import FaceRegion, apply_style, get_style, parse_style
from ..errors import DamagedFileError, ImageError, ModelError, UsageError, WrongKeyError
from ..faces import DEFAULT_DETECTOR, Detector, open_edges
from ..faces.boxes import SMALLEST_SIDE
from ..flow.cards import DEFAULT_MODEL
from ..flow.model import Model, check_supported_mode
from ..image.regions import cut
from ..keys.secrets import FaceKey
from ..progress import Progress, silent
from ..types import Box, Face, Picture, Style, UInt8Image
from .clip.options import ClipOptions
from .clip.protect import protect_clip
from .clip.recover import recover_clip
from .clip.results import ProtectedClip, RecoveredClip
from .clock import DEFAULT_RATE
from .keys import VideoKey, new_stream
from .people.corrections import Corrections
from .people.people import People
from .records import FrameRecord
from .sequence import ClipCheck
from .tracked_arrays import tracked
from .tracking import LOOK_AHEAD

EVERY = 3


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ProtectedFrame:
    """A frame with its faces hidden, (H, W, 3) uint8 RGB, and the record that recovers them."""

    rgb: UInt8Image
    record: FrameRecord

    def __repr__(self) -> str:
        faces = show.count(self.record.boxes, "face")
        return f"<ProtectedFrame: frame {self.record.index}, {faces}, {show.shape(self.rgb)}>"

    def _repr_html_(self) -> str:
        return show.html_table(repr(self), ("face", "box"), enumerate(self.record.boxes, 1))


class VideoSession(DetectorAndModels):
    """Protects and recovers streams of frames, and clips; loads the models on first use and keeps them.

    `protect` and `recover` take frames, and hide faces in their pixels.  `protect_clip` and `recover_clip` take paths
    of video files, and need the extra ``video``:

    >>> import proface_s
    >>> session = proface_s.VideoSession()
    >>> options = proface_s.ProtectOptions.of("some random words", style="pixelate")
    >>> session.protect_clip("clip.mp4", "clip.hidden.mp4", options)             # doctest: +SKIP
    <ProtectedClip: 2 people, 1280x720 pixels -> 'clip.hidden.mp4'>
    >>> keys = proface_s.RecoverOptions.of("some random words")
    >>> session.recover_clip("clip.hidden.mp4", "clip.back.mp4", keys).recovered   # doctest: +SKIP
    (1, 2)

    Args:
        detector: the face detector, or the name of one (`proface_s.faces.detector_names`).
        model: the model for new frames, or its name.  Frames are recovered with the model that they name.
        every: N, to detect faces in every N-th frame, at cuts and in the last, and follow them in between.
        look_ahead: seconds of the stream that are seen before a frame is protected, at least ``every`` frames: faces
            are covered from before they are detected, and while the detector loses them for as long as this.
        rate: frames a second, by which times are converted to frames.
        threads: number of threads of the inference engine; 0 for all cores.

    Raises:
        UsageError: if ``every`` is less than 1, ``look_ahead`` less than 0, or ``rate`` not more than 0.
    """

    def __init__(
        self,
        *,
        detector: Detector | str = DEFAULT_DETECTOR,
        model: Model | str = DEFAULT_MODEL,
        every: int = EVERY,
        look_ahead: float = LOOK_AHEAD,
        rate: float = DEFAULT_RATE,
        threads: int = 0,
    ) -> None:
        if every < 1:
            raise UsageError(f"faces cannot be looked for in every {every} frames", code="detection-interval")
        if not look_ahead >= 0:
            raise UsageError(f"it is impossible to look {look_ahead} seconds ahead", code="detection-interval")
        if not 0 < rate < math.inf:
            raise UsageError(f"a stream cannot have {rate} frames a second", code="detection-interval")
        super().__init__(detector, model, threads)
        self._interval, self._look_ahead, self._rate = every / rate, look_ahead, rate

    def protect(
        self, frames: Iterable[UInt8Image], key: VideoKey, *, style: str | Style = "blur"
    ) -> Iterator[ProtectedFrame]:
        """Hide the faces of a stream, each under its own key; `recover` is the inverse.

        Args:
            frames: (H, W, 3) uint8 RGB, all of one shape, each side at least 16 pixels; read as needed.  Those of
                ``look_ahead`` and two more are held, so the source must not reuse their memory.
            key: the key that will recover the stream.
            style: ``name[:strength][@shape]``, see `proface_s.covers`.

        Yields:
            One protected frame for each frame, in order; pixels of frames without a face are unchanged.  If the source
            fails, those that it gave before come first.

        Raises:
            UsageError: if the style is unknown or not for videos, or the model has no noise mode.
            ImageError: if a frame is not an image, or its shape differs from the first one's.
        """
        chosen = parse_style(style) if isinstance(style, str) else style
        if not get_style(chosen.name).steady:
            raise UsageError(f"style {chosen.name!r} would change from frame to frame")
        check_supported_mode(self.model, "noise")
        stream, source = new_stream(), _CountedFrames(_checked(frames))
        followed = tracked(source, self.detector, self._interval, self._look_ahead, self._rate)
        for index, (frame, boxes) in enumerate(followed):
            record = FrameRecord(stream, index, self.model.card.model_id, last=source.ends_with(index))
            yield self._protected(frame, boxes, chosen, key, record)

    def recover(
        self, frames: Iterable[tuple[UInt8Image, FrameRecord]], key: VideoKey, *, whole: bool = True
    ) -> Iterator[UInt8Image]:
        """Recover the faces of a stream; inverse of `protect`, exact outside the faces and an estimate inside.

        Args:
            frames: protected frames, bit for bit as `protect` yielded them, with their records.
            key: the key they were protected with.
            whole: whether to require one complete clip: all of its frames, in order, also unchanged outside the faces.
                If False, any frames of any clips of this key are accepted in any order, for example excerpts.

        Yields:
            (H, W, 3) uint8 RGB.

        Raises:
            WrongKeyError: if the key is another one, or a record was altered.
            DamagedFileError: if the pixels of a face were changed, by a lossy codec for example; or, if ``whole``, a
                frame is missing, misplaced, from another clip, or changed outside its faces.
            ModelError: if the frames were protected with another model.

        Warns:
            UserWarning: once, if the clip was protected by an early version, whose records cannot show that a frame
                without faces was exchanged, or that the end of the clip is missing.
        """
        sequence = ClipCheck()
        for rgb, record in frames:
            recovered = self._recovered(rgb, record, key)
            if whole:
                sequence.check(rgb, record)
            yield recovered
        if whole:
            sequence.finish()

    def protect_clip(
        self,
        source: str | os.PathLike[str],
        target: str | os.PathLike[str],
        options: ProtectOptions,
        clip_options: ClipOptions | None = None,
        *,
        people: People | None = None,
        corrections: Corrections | None = None,
        overwrite: bool = False,
        progress: Progress = silent,
    ) -> ProtectedClip:
        """Find the people of a video file, and write its protected copy; `recover_clip` is the inverse.

        Args:
            source: the clip.
            target: where to write an MP4 file.
            options: locks, styles, people to protect, and how faces are looked for; by default, with the session's
                detector.
            clip_options: everything that only clips have; the defaults if None.
            people: who is where, if that is known; nobody is looked for then.
            corrections: of who was found or is known; none if None.
            overwrite: replace an existing file.
            progress: is told about the stages ``find`` and ``hide``, with numbers of frames.

        Raises:
            UsageError: if the extra ``video`` is missing, the clip is protected already, the options are not for clips,
                or a person is not there.
            NoFaceError: if there is nobody to protect.
            ImageError: if the source cannot be read or the target not be written.
        """
        found = people is not None or (corrections is not None and corrections.faces == ())
        return protect_clip(
            source, target, options, clip_options, people=people, corrections=corrections,
            detector=None if found else self.detector_for(options.search), overwrite=overwrite, threads=self.threads,
            progress=progress,
        )  # fmt: skip

    def recover_clip(
        self,
        source: str | os.PathLike[str],
        target: str | os.PathLike[str],
        options: RecoverOptions,
        *,
        sidecar: str | os.PathLike[str] | None = None,
        overwrite: bool = False,
        progress: Progress = silent,
    ) -> RecoveredClip:
        """Bring the people of a protected video file back; inverse of `protect_clip`.

        Args:
            source: the protected clip.
            target: where to write.
            options: keys, and the only people to bring back.
            sidecar: holds what is sealed; if None, the clip does, or else ``NAME.mp4.pfs`` beside it.
            overwrite: replace an existing file.
            progress: is told about the stage ``restore``, with numbers of frames.

        Raises:
            UsageError: if the extra ``video`` is missing, or there is no person of a number.
            NotProtectedError: if there is no sealed track.
            WrongKeyError: if nothing opens.
            DamagedFileError: if the sealed track was altered, is incomplete or out of order, or frames are missing.
            ImageError: if the target cannot be written.
        """
        return recover_clip(source, target, options, sidecar=sidecar, overwrite=overwrite, progress=progress)

    def _protected(
        self, frame: UInt8Image, faces: list[Box], style: Style, key: VideoKey, record: FrameRecord
    ) -> ProtectedFrame:
        size = frame.shape[1], frame.shape[0]
        visible = [part for box in faces if (part := _inside(box, *size))]
        boxes = disjoint_regions(visible, [], size)
        originals = [cut(frame, box) for box in boxes]
        heads = [Face(box) for box in visible]
        covers = [apply_style(FaceRegion.of(frame, box, heads), style) for box in boxes]
        keys = _face_keys(key, record, boxes)
        regions = [self.model.protect(*each) for each in zip(originals, covers, keys, strict=True)]
        record = replace(record, boxes=tuple(boxes), digests=tuple(map(region_digest, regions)))
        edges = [Footprint(right=right, bottom=bottom) for right, bottom in open_edges(boxes, visible, size)]
        rgb = covered(Picture(frame), zip(boxes, edges, regions, strict=True)).rgb
        record = replace(record, frame_digest=picture_digest(rgb))
        return ProtectedFrame(rgb, replace(record, tag=key.tag(record.covered(), record.version)))

    def _recovered(self, rgb: UInt8Image, record: FrameRecord, key: VideoKey) -> UInt8Image:
        if not key.verify_tag(record.covered(), record.tag, record.version):
            raise WrongKeyError(f"the key does not open frame {record.index}, or its record was altered")
        model = self.models.with_id(record.model_id)
        if model is None or "noise" not in model.wrong_key_modes:
            raise ModelError(f"frame {record.index} was protected with another model ({record.model_id.hex()})")
        regions = [_region(rgb, box, record.index) for box in record.boxes]
        for index, (region, digest) in enumerate(zip(regions, record.digests, strict=True)):
            if region_digest(region) != digest:
                raise DamagedFileError(
                    f"frame {record.index}: the protected pixels of face {index + 1} were changed; "
                    "only frames that were stored without loss can be recovered",
                    code="altered-frame",
                )
        keys = _face_keys(key, record, record.boxes)
        estimates = [model.recover(*each).image for each in zip(regions, keys, strict=True)]
        edges = [repeated_edges(rgb, box) for box in record.boxes]
        return uncovered(Picture(rgb), zip(record.boxes, edges, estimates, strict=True)).rgb


class _CountedFrames(Iterator[UInt8Image]):
    """An iterator that counts its frames, so that the last one is known once the source has ended."""

    def __init__(self, frames: Iterator[UInt8Image]) -> None:
        self._frames, self._taken, self._ended = frames, 0, False

    def __next__(self) -> UInt8Image:
        try:
            frame = next(self._frames)
        except StopIteration:
            self._ended = True
            raise
        self._taken += 1
        return frame

    def ends_with(self, index: int) -> bool:
        """Return whether the source has ended with the frame of this number."""
        return self._ended and index == self._taken - 1


def _face_keys(key: VideoKey, record: FrameRecord, boxes: Sequence[Box]) -> list[FaceKey]:
    """Return a separate key for every face of a frame."""
    return [key.face_key(record.stream, record.index, i, box, record.model_id) for i, box in enumerate(boxes)]


def _checked(frames: Iterable[UInt8Image]) -> Iterator[UInt8Image]:
    """Yield the frames, checking each as it passes."""
    shape: tuple[int, ...] | None = None
    for index, frame in enumerate(frames):
        if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
            got = f"{frame.dtype} {frame.shape}" if isinstance(frame, np.ndarray) else type(frame).__name__
            raise ImageError(f"frame {index} must be (H, W, 3) uint8 RGB, got {got}")
        if min(frame.shape[:2]) < SMALLEST_SIDE:
            raise ImageError(f"frame {index} has {frame.shape[1]}x{frame.shape[0]} pixels: too few for a face")
        shape = shape or frame.shape
        if frame.shape != shape:
            raise ImageError(f"frame {index} has the shape {frame.shape}, the first one had {shape}")
        yield np.ascontiguousarray(frame)


def _inside(box: Box, width: int, height: int) -> Box | None:
    """Return the part of a box inside the frame, or None if it is narrower than two pixels."""
    left, top, right, bottom = max(0, box.x), max(0, box.y), min(width, box.right), min(height, box.bottom)
    return Box(left, top, right - left, bottom - top) if right - left >= 2 and bottom - top >= 2 else None


def _region(rgb: UInt8Image, box: Box, index: int) -> UInt8Image:
    if box.right > rgb.shape[1] or box.bottom > rgb.shape[0]:
        height, width = rgb.shape[:2]
        raise DamagedFileError(f"frame {index} has {width}x{height} pixels, too few for its record", code="small-frame")
    return cut(rgb, box)
