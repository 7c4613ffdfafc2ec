"""Read clips: their stream of pictures, frame by frame, and what is known of the file before.

::

    with open_clip("clip.mp4") as clip:
        clip.info                      size, rotation, frame rate, ...
        for frame in clip.frames():    ClipFrame: planes as stored; grey and rgb upright
            ...
        clip.failures                  times at which pictures are missing or spoilt; the others came all the same
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from ...errors import ImageError, foreign_text
from ...faces.boxes import SMALLEST_SIDE
from .engine import OPEN_OPTIONS, load_av
from .planes import TEN, ClipFrame, plane_format

LARGEST_SIDE: Final = 16384  # of H.264 and HEVC in this build
_USUAL_RATE: Final = Fraction(25)
_GAP: Final = 1.5  # steps from one frame to the next: more of them are missing pictures
_EARLY: Final = 1.0  # seconds by which pictures may end before the file says so
_DURATION: Final = re.compile(r"(\d+):(\d+):(\d+\.?\d*)")
_MANY: Final = 5  # places of damage that are named


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """What is known of a clip before all of it is decoded.

    Attributes:
        width: of the stored frames, in pixels.
        height: likewise.
        rotation: degrees by which they have to be turned counterclockwise to be upright: 0, 90, 180 or 270.
        time_base: seconds; the unit of all times.
        rate: frames a second, on average; 25 if the file does not tell.
        duration: in seconds; None if the file does not tell.
        frames: how many there may be; None if nothing tells.
        ten_bits: whether the planes have 10 bits, because the file has more than 8.
        codec: name of the codec, such as ``h264``.
        container: name of the file's format, such as ``mov,mp4,m4a,3gp,3g2,mj2``.
    """

    width: int
    height: int
    rotation: int
    time_base: Fraction
    rate: Fraction
    duration: float | None
    frames: int | None
    ten_bits: bool
    codec: str
    container: str

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the stored frames."""
        return self.width, self.height

    @property
    def upright_size(self) -> tuple[int, int]:
        """(width, height) of the upright frames."""
        return (self.height, self.width) if self.rotation in (90, 270) else self.size


@dataclass(slots=True, eq=False)
class Clip:
    """An open clip; made by `open_clip`.

    Attributes:
        path: of the file.
        info: what is known of it.
        container: PyAV's container.
        stream: its stream of pictures.
        failures: seconds at which pictures are missing or damaged, so far.
    """

    path: Path
    info: ClipInfo
    container: Any
    stream: Any
    failures: list[float] = field(default_factory=list)

    def frames(self) -> Iterator[ClipFrame]:
        """Yield the frames in the order in which they are shown.  To be called once.

        Packets that cannot be decoded are left out, and noted in ``failures``; so are frames that the decoder has
        patched, gaps in a stream that has no index, and an end before its time.

        Raises:
            ImageError: if a frame has another size than the first, or there is none at all.
        """
        for _, frames in self.packets():
            yield from frames

    def packets(self, others: tuple[Any, ...] = ()) -> Iterator[tuple[Any, list[ClipFrame]]]:
        """Yield the packets of the clip and of other streams, in file order, each with the frames that it completes.

        Args:
            others: streams of the same container whose packets are wanted as they are.

        Yields:
            (packet, frames); packets of other streams have no frames.  At the end, None stands for a packet: with it
            come the frames that the decoder held back.

        Raises:
            ImageError: as `frames`.
        """
        count, last, gaps = 0, -1, _Gaps(self._streamed)
        step = max(1, round(1 / (self.info.rate * self.info.time_base)))
        for packet in _demuxed(self.container, (self.stream, *others), self.failures):
            if packet is not None and packet.stream.index != self.stream.index:
                yield packet, []
                continue
            frames = []
            for decoded in _decoded(self.stream, packet, self.failures):
                pts = last + step if decoded.pts is None else int(decoded.pts)
                gap = gaps.after(pts)
                if gap is not None or decoded.is_corrupt:
                    self.failures.append(float((pts if gap is None else gap) * self.info.time_base))
                last = pts if not count else max(pts, last + 1)
                frames.append(self._framed(decoded, count, last))
                count += 1
            yield packet, frames
        if not count:
            raise _nothing_decoded(self.path)
        end = float((last + step) * self.info.time_base)
        if self._length is not None and self._begin + self._length > end + _EARLY:
            self.failures.append(end)

    @property
    def _streamed(self) -> bool:
        """Whether the file is of packets without an index, in which lost ones leave nothing but a gap."""
        return "mpeg" in self.info.container

    @property
    def _begin(self) -> float:
        return (self.container.start_time or 0) / 1e6

    @property
    def _length(self) -> float | None:
        """Seconds of the pictures, as far as the file says so for them alone."""
        if self._streamed:
            return None
        told = _DURATION.fullmatch(self.stream.metadata.get("DURATION", ""))
        if told is not None:
            hours, minutes, seconds = map(float, told.groups())
            return 3600 * hours + 60 * minutes + seconds
        alone = len(self.container.streams) == 1
        return self.info.duration if self.stream.duration or alone else None

    def _framed(self, decoded: Any, index: int, pts: int) -> ClipFrame:
        info = self.info
        frame = ClipFrame(index, pts, info.time_base, info.rotation, decoded)
        if (decoded.width, decoded.height) != info.size:
            raise ImageError(
                f"{self.path}: the size of the picture changes from {info.width}x{info.height} to "
                f"{decoded.width}x{decoded.height} pixels after {frame.seconds:.2f} seconds",
                code="variable-resolution",
            )
        return frame


class _Gaps:
    """Finds gaps in times that are steady; two steps alike set the pace.

    Args:
        watched: whether there can be any.
    """

    def __init__(self, watched: bool) -> None:
        self._watched, self._last, self._step, self._pace = watched, 0, 0, 0

    def after(self, pts: int) -> int | None:
        """Return the time of the first picture that is missing before a frame; None if there is none."""
        missing = self._last + self._pace if self._pace and pts - self._last > _GAP * self._pace else None
        if pts - self._last == self._step:
            self._pace = self._step
        self._step, self._last = pts - self._last, pts
        return missing if self._watched else None


@contextmanager
def open_clip(path: str | Path, threads: int = 0) -> Iterator[Clip]:
    """Open a clip, after a look at its first frame.

    Args:
        path: of the file.
        threads: of the decoder; 0 for all cores.

    Yields:
        The clip, at its beginning.

    Raises:
        UsageError: if PyAV is not installed.
        ImageError: if the file is no clip: it cannot be read, has no moving pictures, or has too large or small ones.
        OSError: if the file cannot be opened.
    """
    path = Path(path)
    info = read_clip_info(path)
    with open_container(path) as container:
        stream = _moving_pictures(container, path)
        stream.codec_context.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        yield Clip(path, info, container, stream)


def read_clip_info(path: str | Path) -> ClipInfo:
    """Return what is known of a clip after its first frame.

    Raises:
        UsageError: as `open_clip`.
        ImageError: likewise.
        OSError: likewise.
    """
    path = Path(path)
    with open_container(path) as container:
        stream = _moving_pictures(container, path)
        packets = _demuxed(container, (stream,), [])
        first = next((frame for packet in packets for frame in _decoded(stream, packet, [])), None)
        if first is None:
            raise _nothing_decoded(path)
        sides = first.width, first.height
        if min(sides) < SMALLEST_SIDE:
            raise ImageError(f"{path}: its frames have {sides[0]}x{sides[1]} pixels: too few", code="small-picture")
        if max(sides) > LARGEST_SIDE:
            raise ImageError(f"{path}: its frames have {sides[0]}x{sides[1]} pixels: too many", code="many-pixels")
        rate = stream.average_rate or stream.guessed_rate or _USUAL_RATE
        duration = _duration(container, stream)
        frames = stream.frames or (round(duration * rate) if duration else None)
        rotation, ten = first.rotation % 360 // 90 * 90, plane_format(first) == TEN
        base, codec = Fraction(stream.time_base), stream.codec_context.name
        return ClipInfo(
            *sides, rotation, base, Fraction(rate), duration, frames, ten, codec, container.format.name
        )  # fmt: skip


@contextmanager
def open_container(path: Path, **options: str) -> Iterator[Any]:
    """Open a file with PyAV; no playlists, which could name other files.

    Args:
        path: of the file.
        options: more of them for FFmpeg's demuxer.

    Raises:
        UsageError: if PyAV is not installed.
        ImageError: if it cannot be read as a clip.
        OSError: if it cannot be opened.
    """
    av = load_av()
    with path.open("rb"):
        pass  # if it cannot be opened, the system says why
    try:
        container = av.open(f"file:{path}", options={**OPEN_OPTIONS, **options})
    except (av.FFmpegError, ValueError) as error:
        said = foreign_text(getattr(error, "strerror", None) or str(error))
        raise ImageError(f"{path}: it cannot be read as a clip ({said})", code="not-a-clip") from None
    try:
        yield container
    finally:
        container.close()


def damage_notes(failures: Sequence[float]) -> list[str]:
    """Return warnings about `Clip.failures`."""
    if not failures:
        return []
    times = sorted({round(each, 1) for each in failures})
    named = ", ".join(f"{each:.1f}" for each in times[:_MANY]) + (", ..." if len(times) > _MANY else "")
    return [f"the clip is damaged; pictures are missing or spoilt at {named} seconds"]


def _moving_pictures(container: Any, path: Path) -> Any:
    """Return the stream to work on: the default one if there are several, and never cover art.

    Raises:
        ImageError: if there is none.
    """
    kinds = load_av().stream.Disposition
    still = kinds.attached_pic | kinds.timed_thumbnails | kinds.still_image
    moving = [each for each in container.streams.video if not each.disposition & still]
    if not moving:
        art, sound = bool(container.streams.video), bool(container.streams.audio)
        found = "a cover picture" if art else "sound" if sound else "no picture"
        raise ImageError(f"{path}: it has no moving pictures, only {found}", code="no-video")
    stream = min(moving, key=lambda each: (not each.disposition & kinds.default, each.index))
    if stream.codec_context is None:
        raise ImageError(f"{path}: nothing here decodes its codec", code="not-a-clip")
    return stream


def _demuxed(container: Any, streams: tuple[Any, ...], failures: list[float]) -> Iterator[Any]:
    """Yield packets until the file ends or cannot be read any further, and then None."""
    av, packets = load_av(), container.demux(streams)
    last = 0.0
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError:
            failures.append(last)
            break
        if packet is None:
            break
        if packet.size:
            last = float(packet.pts * packet.time_base) if packet.pts is not None else last
            yield packet
    yield None


def _decoded(stream: Any, packet: Any, failures: list[float]) -> list[Any]:
    """Return the frames that a packet completes; None flushes the decoder."""
    av = load_av()
    try:
        return list(stream.codec_context.decode(packet))
    except av.FFmpegError:
        when = packet.pts if packet is not None and packet.pts is not None else 0
        failures.append(float(when * stream.time_base))
        return []


def _duration(container: Any, stream: Any) -> float | None:
    if stream.duration:
        return float(stream.duration * stream.time_base)
    return container.duration / 1e6 if container.duration else None


def _nothing_decoded(path: Path) -> ImageError:
    return ImageError(f"{path}: no picture of the clip can be decoded", code="no-frames")
