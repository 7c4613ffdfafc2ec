"""Write clips: pictures are encoded, sound and subtitles copied packet by packet, metadata left out."""

from __future__ import annotations

import contextlib
import io
import os
import re
import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, NamedTuple

from ...errors import ImageError, foreign_text
from ..clip_names import COMMENT, SIDECAR_COMMENT
from .engine import packet_of
from .options import ClipCodec
from .plane_covers import ColourTags
from .planes import EIGHT, TEN, FramePlanes, write_planes
from .read import Clip
from .track.sidecar import SidecarWriter

TRACK_NAME: Final = "PRO-Face S"
DATA_BASE: Final = Fraction(1, 90000)
"""Unit of the times of the data track, in seconds: small, because no two of its packets have the same time."""

MOVFLAGS: Final = "hybrid_fragmented+delay_moov"
_ENCODERS: Final = {"h264": "libx264", "hevc": "libx265", "av1": "libsvtav1"}
_TEXT: Final = ("subrip", "srt", "text", "webvtt")
_ASS: Final = ("ass", "ssa")
_ASS_FIELDS: Final = 8  # before the text of a line in Matroska
_MARKUP: Final = re.compile(r"<[^>]*>|\{\\[^}]*\}")
_NO_TEXT: Final = bytes(2)  # the length of an empty text
_TEXT_BASE: Final = Fraction(1, 1000)
_EMPTY_HEADER: Final = b"[Script Info]\n[V4+ Styles]\n[Events]\n"


_MASTERING: Final = struct.Struct("=22i")  # AVMasteringDisplayMetadata: red, green, blue, white, luminances; flags
_LEVELS: Final = struct.Struct("=II")  # AVContentLightMetadata
_COLOUR: Final = 0.00002
_LUMINANCE: Final = 0.0001


class HdrLight(NamedTuple):
    """Static metadata of HDR, which players need to show a clip as it was meant.

    Attributes:
        display: on which the clip was mastered (SMPTE ST 2086): x and y of green, blue, red and white in units of
            0.00002, then the highest and the lowest luminance in units of 0.0001 candelas per square metre; or None.
        levels: highest light of a pixel and highest average of a frame (CTA-861.3), in the same candelas; or None.
    """

    display: tuple[int, ...] | None = None
    levels: tuple[int, int] | None = None

    @classmethod
    def of(cls, frame: Any) -> HdrLight:
        """Return the metadata of a decoder's frame."""
        found = {each.type.name: bytes(each) for each in frame.side_data}
        display, levels = found.get("MASTERING_DISPLAY_METADATA", b""), found.get("CONTENT_LIGHT_LEVEL", b"")
        return cls(_display(display), _LEVELS.unpack_from(levels) if len(levels) >= _LEVELS.size else None)

    def options(self, codec: ClipCodec) -> str:
        """Return what passes it on to an encoder, as one of its lists of options; empty if there is none."""
        parts = []
        names = {"hevc": ("master-display", "max-cll"), "h264": ("mastering-display", "cll")}
        display, levels = names.get(codec, ("mastering-display", "content-light"))
        if self.display is not None:
            whole = codec != "av1"  # which takes the values themselves
            xy = [f"{value}" if whole else f"{value * _COLOUR:.5f}" for value in self.display[:8]]
            light = [f"{value}" if whole else f"{value * _LUMINANCE:.4f}" for value in self.display[8:]]
            places = "".join(f"{name}({xy[2 * n]},{xy[2 * n + 1]})" for n, name in enumerate(("G", "B", "R", "WP")))
            parts.append(f"{display}={places}L({light[0]},{light[1]})")
        if self.levels is not None:
            parts.append(f"{levels}={self.levels[0]},{self.levels[1]}")
        return ":".join(parts)


def _display(data: bytes) -> tuple[int, ...] | None:
    """Return `HdrLight.display` of FFmpeg's structure; None if it does not hold all of it."""
    if len(data) < _MASTERING.size:
        return None
    *ratios, primaries, luminance = _MASTERING.unpack_from(data)
    if not (primaries and luminance) or not all(ratios[1::2]):
        return None
    values = [above / below for above, below in zip(ratios[::2], ratios[1::2], strict=True)]
    red, green, blue, white, (least, most) = (values[n : n + 2] for n in range(0, 10, 2))
    colours = [round(value / _COLOUR) for value in (*green, *blue, *red, *white)]
    return (*colours, round(most / _LUMINANCE), round(least / _LUMINANCE))


class ClipWriter:
    """Writes an MP4 file; close it, or nobody can play it.

    Args:
        av: the library.
        path: where to write; an existing file is replaced.
        clip: the source of times, sound and subtitles.
        tags: of its colours.
        light: static metadata of HDR.
        codec: of the pictures; None for the usual one.
        crf: constant rate factor of x264, or what looks alike.
        mute: whether to leave the sound out.
        sealed: whether there is a data track.
        sidecar: gets the packets of data too, or instead; None for no sidecar.
        key_frames: number of frames after which a key frame is due at the latest.

    Attributes:
        warnings: what could not be kept.
    """

    def __init__(
        self,
        av: Any,
        path: Path,
        clip: Clip,
        tags: ColourTags,
        light: HdrLight,
        *,
        codec: ClipCodec | None,
        crf: float,
        mute: bool = False,
        sealed: bool = True,
        sidecar: SidecarWriter | None = None,
        key_frames: int,
    ) -> None:
        self._av, self._path, self._base = av, path, clip.info.time_base
        self.warnings: list[str] = []
        self._stop = Fraction(0)  # of the pictures, in seconds
        self._text_until: dict[int, Fraction] = {}
        self._next = -(2**62)  # earliest time of the next packet of data
        options = {"movflags": MOVFLAGS, "fflags": "+bitexact"}
        self._out = av.open(f"file:{path}", "w", format="mp4", options=options)
        self._video = _add_pictures(self._out, clip, (tags, light), codec, crf, key_frames)
        self._others: dict[int, Any] = {}
        self._texts: set[int] = set()
        self._filters: dict[int, Any] = {}
        for stream in clip.container.streams:
            self._add_other(stream, mute)
        self._sidecar = sidecar
        self._data = self._out.add_data_stream("bin_data") if sealed else None
        if self._data is not None:
            self._data.time_base = DATA_BASE
            self._data.metadata["handler_name"] = TRACK_NAME
            self._out.metadata["comment"] = COMMENT
        elif sidecar is not None:
            self._out.metadata["comment"] = SIDECAR_COMMENT
        self._out.start_encoding()

    @property
    def others(self) -> tuple[int, ...]:
        """Indices of the source's streams whose packets are wanted."""
        return tuple(self._others)

    def write_picture(self, planes: FramePlanes, pts: int, duration: int) -> None:
        """Encode a frame.

        Args:
            planes: of even size.
            pts: in units of the source's time base.
            duration: likewise.
        """
        frame = write_planes(self._av, planes)
        frame.pts, frame.time_base, frame.duration = pts, self._base, duration
        self._stop = (pts + duration) * self._base
        self._mux(self._video.encode(frame))

    def copy_packet(self, packet: Any) -> None:
        """Write a packet of one of the `others` as it is."""
        if packet.dts is None:
            return
        index = packet.stream.index
        target, filtered = self._others[index], self._filters.get(index)
        if target.type == "subtitle":
            packet = self._as_text(packet) if index in self._texts else packet
            if packet is None or bytes(packet) == _NO_TEXT:  # FFmpeg writes those between texts by itself
                return
            self._text_until[index] = ((packet.pts or 0) + (packet.duration or 0)) * packet.time_base
        for each in [packet] if filtered is None else filtered.filter(packet):
            each.stream = target
            self._mux([each])

    def write_data(self, data: bytes, pts: int, duration: int) -> None:
        """Write a packet of data to the sidecar, and to the track: at ``pts`` or right after the one before."""
        if self._sidecar is not None:
            self._sidecar.write(data)
        if self._data is None:
            return
        packet = packet_of(self._av, data)
        packet.stream, packet.time_base = self._data, DATA_BASE
        self._next = max(self._next, round(pts * self._base / DATA_BASE))
        packet.pts = packet.dts = self._next
        packet.duration = max(1, round(duration * self._base / DATA_BASE) - 1)
        self._next += 1
        self._mux([packet])

    def finish_pictures(self) -> None:
        """Write the pictures that the encoder holds, and end the subtitles with them.

        FFmpeg lets what follows the last text last as long as the text, which would lengthen the file.
        """
        self._mux(self._video.encode(None))
        for index, target in self._others.items():
            if index in self._text_until:
                last = packet_of(self._av, _NO_TEXT)
                last.stream, last.time_base, last.duration = target, _TEXT_BASE, 1
                last.pts = last.dts = int(max(self._text_until[index], self._stop - 2 * _TEXT_BASE) / _TEXT_BASE)
                self._mux([last])

    def close(self) -> None:
        """Finish the file, and flush it to disk."""
        self._out.close()
        flush_file(self._path)

    def abandon(self) -> None:
        """Close the file after a failure; what is in it does not matter."""
        with contextlib.suppress(self._av.FFmpegError, OSError):
            self._out.close()

    def _add_other(self, stream: Any, mute: bool) -> None:
        if stream.type == "audio" and not mute:
            if not _fits(self._av, stream):
                name = stream.codec_context.name if stream.codec_context else "unknown"
                self.warnings.append(f"sound in {name} does not fit into an MP4 file, and was left out")
                return
            target = self._out.add_stream_from_template(stream)
            if stream.codec_context.name == "aac" and not stream.codec_context.extradata:
                self._filters[stream.index] = self._av.BitStreamFilterContext("aac_adtstoasc", stream)
        elif stream.type == "subtitle":
            name = stream.codec_context.name if stream.codec_context else "unknown"
            if name == "mov_text":
                target = self._out.add_stream_from_template(stream)
            elif name in (*_TEXT, *_ASS):
                target = self._out.add_stream("mov_text")
                target.codec_context.subtitle_header = _EMPTY_HEADER
                self._texts.add(stream.index)
            else:
                self.warnings.append(f"subtitles in {name} do not fit into an MP4 file, and were left out")
                return
        else:
            return
        language = stream.metadata.get("language")
        if language:
            target.metadata["language"] = language
        self._others[stream.index] = target

    def _as_text(self, packet: Any) -> Any:
        """Return a subtitle as MP4 has it; None if it shows nothing."""
        text = bytes(packet).decode("utf-8", "replace")
        if packet.stream.codec_context.name in _ASS:
            text = text.split(",", _ASS_FIELDS)[-1].replace("\\N", "\n").replace("\\n", "\n")
        data = _MARKUP.sub("", text).strip().encode()[: 2**16 - 1]
        if not data:
            return None
        made = packet_of(self._av, len(data).to_bytes(2, "big") + data)
        made.time_base, made.pts, made.dts = packet.time_base, packet.pts, packet.dts
        made.duration = packet.duration
        return made

    def _mux(self, packets: Sequence[Any]) -> None:
        for packet in packets:
            self._out.mux(packet)


def _add_pictures(
    out: Any, clip: Clip, look: tuple[ColourTags, HdrLight], codec: ClipCodec | None, crf: float, key_frames: int
) -> Any:
    """Add the stream of pictures, with size, times, colours, shape of pixels and rotation of the source."""
    info, (tags, light) = clip.info, look
    codec = codec or ("hevc" if info.ten_bits else "h264")
    stream = out.add_stream(_ENCODERS[codec], rate=info.rate, options=encoder_options(codec, crf, light))
    context = stream.codec_context
    context.width, context.height = info.width // 2 * 2, info.height // 2 * 2
    context.pix_fmt = TEN if info.ten_bits else EIGHT
    context.time_base = stream.time_base = info.time_base
    context.gop_size = key_frames
    context.color_primaries, context.color_trc = tags.primaries, tags.transfer
    context.colorspace, context.color_range = tags.matrix, tags.range
    if clip.stream.sample_aspect_ratio not in (None, Fraction(0), Fraction(1)):
        context.sample_aspect_ratio = clip.stream.sample_aspect_ratio
    if info.rotation:
        stream.set_display_rotation(info.rotation)
    return stream


def encoder_options(codec: ClipCodec, crf: float, light: HdrLight) -> dict[str, str]:
    """Return the options of an encoder for about the same look at the same ``crf`` of x264."""
    of_light = light.options(codec)
    if codec == "h264":
        return {"preset": "veryfast", "crf": f"{crf:g}"} | ({"x264-params": of_light} if of_light else {})
    if codec == "hevc":
        quiet = "log-level=none" + f":{of_light}" * bool(of_light)
        return {"preset": "veryfast", "crf": f"{crf + 2:g}", "x265-params": quiet, "tag": "hvc1"}
    return {"preset": "10", "crf": f"{round(crf * 1.5)}"} | ({"svtav1-params": of_light} if of_light else {})


def _fits(av: Any, stream: Any) -> bool:
    """Return whether a stream can be in an MP4 file: whether a file with it alone can be begun."""
    if stream.codec_context is None:
        return False
    try:
        with av.open(io.BytesIO(), "w", format="mp4") as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
        return True
    except (av.FFmpegError, ValueError):
        return False


def flush_file(path: Path) -> None:
    """Make the system write a file to disk."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def writing_failed(path: Path, error: Exception) -> ImageError:
    """Return the error that says that the copy of a clip cannot be written."""
    said = foreign_text(getattr(error, "strerror", None) or str(error))
    return ImageError(f"{path}: its copy cannot be written ({said})", code="clip-output")
