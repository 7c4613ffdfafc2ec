"""Run the second pass over a clip: frames to the hider, sound and subtitles to the output as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from ...container.header.clip_mark import ORIGINAL
from ...container.header.header import Header
from ...errors import ImageError, UsageError
from ...progress import Progress
from ...types import Box, Style
from ..people.people import People
from .engine import load_av
from .hider import PIECE_BYTES, ClipHider, ClipKeys, HiddenFace
from .options import ClipOptions
from .plane_covers import ColourTags, cut_planes
from .planes import ClipFrame, FramePlanes
from .read import Clip, ClipInfo, open_clip
from .track.sidecar import SidecarWriter
from .track.tables import MAX_CHUNK_FRAMES
from .write import ClipWriter, HdrLight, writing_failed

CHUNK_SECONDS: Final = 2
KEY_SECONDS: Final = 8
"""Seconds from one key frame to the next at most: players seek to these.  Of a still scene, a key frame every two
seconds made a quarter of the file."""


@dataclass(frozen=True, slots=True)
class ClipPlan:
    """Everything that the second pass needs.

    Attributes:
        header: of the output.
        keys: to seal with.
        styles: cover of each person.
        people: of the clip, by whom its frames are known.
        frames: for each frame of the clip, what is covered in it.
        options: of the clip.
        sidecar: gets what is sealed; None for no sidecar.
        carried: whether the clip itself gets it.
    """

    header: Header
    keys: ClipKeys
    styles: Sequence[Style]
    people: People
    frames: Sequence[Sequence[HiddenFace]]
    options: ClipOptions
    sidecar: SidecarWriter | None = None
    carried: bool = True


def hide_clip(clip: Clip, path: Path, plan: ClipPlan, progress: Progress) -> list[str]:
    """Write the protected copy of a clip.

    Args:
        clip: at its beginning.
        path: where to write; a file of that name is replaced.
        plan: what to do.
        progress: is told about the stage ``hide``.

    Returns:
        Warnings.

    Raises:
        UsageError: if the people are those of another clip.
        ImageError: if the clip cannot be read or its copy not be written.
    """
    av, info, options = load_av(), clip.info, plan.options
    length = min(MAX_CHUNK_FRAMES, max(1, round(CHUNK_SECONDS * info.rate)))
    tags, light = read_look(clip)
    try:
        writer = ClipWriter(
            av,
            path,
            clip,
            tags,
            light,
            codec=options.codec,
            crf=options.rate_factor,
            mute=options.mute,
            sealed=plan.carried,
            sidecar=plan.sidecar,
            key_frames=key_interval(info),
        )
    except (av.FFmpegError, ValueError) as error:
        raise writing_failed(clip.path, error) from None
    try:
        hider = ClipHider(
            av, writer, plan.header, plan.keys, plan.styles,
            chunk_frames=length, crf=options.rate_factor, look=(info.rotation, tags), ten_bits=info.ten_bits,
        )  # fmt: skip
        with clip.path.open("rb") as original:
            _Pass(clip, writer, hider, plan, original).run(progress)
    except BaseException:
        writer.abandon()
        raise
    writer.close()
    return writer.warnings


class _Pass:
    """One run over the packets of a clip."""

    def __init__(self, clip: Clip, writer: ClipWriter, hider: ClipHider, plan: ClipPlan, original: IO[bytes]) -> None:
        self._clip, self._writer, self._hider, self._plan, self._original = clip, writer, hider, plan, original
        base, options = clip.info.time_base, plan.options
        streamed = "mpeg" in clip.info.container  # whose times begin anywhere; players count from the first one
        begin = round((clip.container.start_time or 0) / (10**6 * base)) if streamed else 0
        self._start = begin + round((options.start or 0) / base)
        self._stop = None if options.stop is None else begin + round(options.stop / base)
        self._cut = options.start is not None or options.stop is not None or bool(begin)
        self._exact = plan.header.clip is not None and plan.header.clip.contents == ORIGINAL
        self._began, self._sealed_bytes = False, 0
        self._step = max(1, round(1 / (clip.info.rate * base)))

    def run(self, progress: Progress) -> None:
        """Do everything.

        Raises:
            UsageError: if the people are those of another clip.
            ImageError: if the clip cannot be read, or has no frame in the part that was asked for.
        """
        total = len(self._plan.frames)
        others = tuple(self._clip.container.streams[index] for index in self._writer.others)
        count = 0
        for packet, decoded in self._clip.packets(others):
            if packet is not None and packet.stream.index in self._writer.others:
                self._pass_on(packet)
                continue
            for frame in decoded:
                progress("hide", min(count, total), total)
                self._plan.people.check_frame(count, frame.seconds, self._clip.info.upright_size)
                self._take(frame)
                count += 1
            if self._exact and self._began and packet is not None and packet.pos is not None:
                self._seal_original(packet.pos)
        if count != total:
            raise UsageError(
                f"the people were found in {total} frames; {self._clip.path} has {count}", code="other-clip"
            )
        if not self._began:
            raise ImageError(f"{self._clip.path}: no frame is in the part that was asked for", code="clip-part")
        if self._exact:
            self._seal_original(None)
        self._hider.finish(self._sealed_bytes)

    def _take(self, frame: ClipFrame) -> None:
        if not self._holds(frame.pts):
            return
        if not self._began:
            self._hider.begin(self._plan.frames, frame.index)
            self._began = True
        planes = whole_planes(frame.planes())
        duration = int(frame.decoded.duration or self._step)
        self._hider.add(planes, frame.pts - self._start, duration)

    def _holds(self, pts: int) -> bool:
        return not self._cut or (pts >= self._start and (self._stop is None or pts < self._stop))

    def _pass_on(self, packet: Any) -> None:
        """Copy a packet of sound or subtitles, moved in time as the pictures are."""
        if self._cut:
            shift = round(self._start * self._clip.info.time_base / packet.time_base)
            if packet.pts is None or not self._holds(round(packet.pts * packet.time_base / self._clip.info.time_base)):
                return
            packet.pts -= shift
            if packet.dts is not None:
                packet.dts -= shift
        self._writer.copy_packet(packet)

    def _seal_original(self, position: int | None) -> None:
        """Seal pieces of the original file, up to a position, or all that is left."""
        file_key = self._plan.keys.groups[0]
        while position is None or self._sealed_bytes + PIECE_BYTES <= position:
            piece = self._original.read(PIECE_BYTES)
            if not piece:
                break
            self._sealed_bytes += len(piece)
            self._hider.add_piece(piece, file_key)


def key_interval(info: ClipInfo) -> int:
    """Return the number of frames from one key frame to the next at most."""
    return max(1, round(KEY_SECONDS * info.rate))


def whole_planes(planes: FramePlanes) -> FramePlanes:
    """Return planes without an odd last column or row, which encoders do not take."""
    width, height = planes.size
    if not (width | height) & 1:
        return planes
    return cut_planes(planes, Box(0, 0, width // 2 * 2, height // 2 * 2)).copy()


def read_look(clip: Clip) -> tuple[ColourTags, HdrLight]:
    """Return the colour tags and the HDR metadata of a clip's first frame."""
    with open_clip(clip.path) as again:
        first = next(again.frames()).decoded
        return ColourTags.of(first), HdrLight.of(first)
