"""Recover clips: open the tracks of the people whose keys are there, and put them back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, NamedTuple

from ...api.options import RecoverOptions
from ...container.header.unlock import UnlockedHeader, unlock_header
from ...errors import DamagedFileError, UsageError, WrongKeyError
from ...faces.numbering import index_of, number_of
from ...image.atomic import PRIVATE, appearing_file
from ...image.write import check_new_path
from ...keys.derive import KdfLimits, KekDeriver
from ...keys.secrets import FaceKey
from ...progress import Progress, silent
from ...types import Box
from .areas import Owners, windows
from .engine import load_av
from .options import ClipCodec
from .plane_covers import cut_planes, paste_planes
from .planes import ClipFrame, FramePlanes
from .read import Clip, open_clip
from .results import RecoveredClip
from .second_pass import key_interval, read_look
from .track.reading import SealedTrack, read_pieces, read_sealed_chunks, read_sealed_track, require_file_key
from .track.ring import RingComparison
from .track.sealing import PicturePlace, decode_track, open_piece, open_track
from .track.tables import ChunkTable
from .write import ClipWriter, writing_failed

RECOVERED_RATE_FACTOR: Final = 16.0
"""Constant rate factor of recovered clips: small enough that a second compression does not show."""

OTHER_PICTURES: Final = (
    "around the covers, the pictures are not those that were protected: another clip, or a turned one"
)


class FoundFrame(NamedTuple):
    """A frame of a protected clip, with the people who were opened put back.

    Attributes:
        frame: as it was read.
        planes: with the people.
    """

    frame: ClipFrame
    planes: FramePlanes


def recover_clip(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    options: RecoverOptions,
    *,
    sidecar: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    limits: KdfLimits | None = None,
    progress: Progress = silent,
) -> RecoveredClip:
    """Bring the people of a protected clip back; inverse of `protect_clip`.

    With a person's own key only that person's pixels change.  If the original was sealed, it is written bit for bit.

    Args:
        source: the protected clip.
        target: where to write.
        options: keys, and the only people to bring back.
        sidecar: holds what is sealed; if None, the clip does, or else ``NAME.mp4.pfs`` beside it.
        overwrite: replace an existing file.
        limits: what key derivation may cost; those of the format if None.
        progress: is told about the stage ``restore``.

    Raises:
        NotProtectedError: if there is no sealed track.
        WrongKeyError: if nothing opens.
        DamagedFileError: if the sealed track was altered, is incomplete or out of order, or frames are missing.
        UsageError: if there is no person of a number, or the output is the clip itself.
        ImageError: if the target cannot be written.
    """
    source, target = Path(source), Path(target)
    check_new_path(source, target, overwrite=overwrite)
    track, opened = open_track_of(source, options, limits, None if sidecar is None else Path(sidecar))
    keys = _chosen(track, opened, options)
    with appearing_file(target, overwrite=overwrite, like=source) as temporary:
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE))
        notes = (
            _write_original(track, opened, temporary)
            if track.exact
            else _write_frames(track, keys, temporary, progress)
        )
        size = temporary.stat().st_size
    back = tuple(map(number_of, range(len(track.header.faces)) if track.exact else sorted(keys)))
    left = tuple(number for number in range(1, len(track.header.faces) + 1) if number not in back)
    return RecoveredClip(target, back, left, track.exact, size, tuple(notes))


def open_track_of(
    source: Path, options: RecoverOptions, limits: KdfLimits | None = None, sidecar: Path | None = None
) -> tuple[SealedTrack, UnlockedHeader]:
    """Read the sealed track of a clip, open it, and check it.

    Raises:
        as `recover_clip`.
    """
    track = read_sealed_track(source, sidecar)
    opened = unlock_header(track.header, options.credentials, deriver=KekDeriver(limits))
    require_file_key(track, opened)
    track.check(opened)
    return track, opened


def recovered_frames(
    clip: Clip, track: SealedTrack, keys: dict[int, FaceKey], ring: RingComparison | None = None
) -> Iterator[tuple[Any, FoundFrame | None]]:
    """Yield the packets of other streams, and the frames with people put back, in file order.

    Args:
        clip: the protected clip, at its beginning.
        track: its sealed track, checked.
        keys: index of a person -> key.
        ring: compares the pictures with what is sealed; None to trust them.

    Yields:
        (packet of another stream, None) or (None, frame).

    Raises:
        DamagedFileError: if frames are not those of the table.
    """
    others = tuple(each for each in clip.container.streams if each.type in ("audio", "subtitle"))
    pictures = _SealedPictures(track, keys, ring)
    count = 0
    for packet, frames in clip.packets(others):
        if packet is not None and packet.stream.index != clip.stream.index:
            yield packet, None
        for frame in frames:
            planes = frame.planes()
            pictures.put_back(frame, planes)
            count += 1
            yield None, FoundFrame(frame, planes)
    if count != track.listed.frames:
        raise DamagedFileError(
            f"{track.path}: it has {count} frames, and {track.listed.frames} were protected", code="broken-clip"
        )


class _SealedPictures:
    """The pictures of the people whose keys are there, chunk after chunk, in step with the frames of the clip."""

    def __init__(self, track: SealedTrack, keys: dict[int, FaceKey], ring: RingComparison | None) -> None:
        self._track, self._keys, self._av = track, keys, load_av()
        self._size = track.size
        self._delay: Fraction | None = None
        self._ring = ring
        self._chunks = read_sealed_chunks(track)
        self._table: ChunkTable | None = None
        self._streams: dict[int, Iterator[tuple[PicturePlace, FramePlanes]]] = {}

    def put_back(self, frame: ClipFrame, planes: FramePlanes) -> None:
        """Put the people of a frame back, in place.

        Raises:
            DamagedFileError: if the frame is not that of the table, or what is sealed for it is malformed.
        """
        table = self._table
        if table is None or frame.index >= table.first + len(table.frames):
            table = self._next_chunk(frame)
        listed = table.frames[frame.index - table.first]
        time = frame.pts * frame.time_base
        if self._delay is None:
            self._delay = self._track.delay(time, listed.time)
        if planes.size != self._size:
            raise DamagedFileError(f"{self._track.path}: {self._track.wrong_size(planes.size)}", code="broken-clip")
        if not self._track.shows(time - self._delay, listed.time, frame.time_base):
            raise DamagedFileError(
                f"{self._track.path}: the frame at {frame.seconds:.2f} seconds is not the one that was protected",
                code="broken-clip",
            )
        held = {face: box for face, box in windows(listed.areas, self._size).items() if face in self._keys}
        if not held:
            return
        owners = Owners(listed.areas, self._size)
        for face, box in held.items():
            place, part = self._picture(face, frame.index - table.first)
            inside = Box(box.x - place.x, box.y - place.y, box.w, box.h)
            width, height = part.size
            if part.y.dtype != planes.y.dtype:
                raise DamagedFileError(
                    f"{self._track.path}: its pictures have {_bits(planes)} bits, and {_bits(part)} were protected",
                    code="broken-clip",
                )
            if min(inside.x, inside.y) < 0 or inside.right > width or inside.bottom > height:
                raise DamagedFileError(f"{self._track.path}: a sealed picture is too small", code="altered-chunk")
            sealed, mask = cut_planes(part, inside), owners.mask(face, box)
            if self._ring is not None:
                self._ring.add(planes, sealed, box, mask, listed.areas)
            paste_planes(planes, box, sealed, mask)

    def _next_chunk(self, frame: ClipFrame) -> ChunkTable:
        table, packet = next(self._chunks, (None, None))
        if table is None or packet is None or table.first != frame.index:
            raise DamagedFileError(
                f"{self._track.path}: nothing is sealed for the frame at {frame.seconds:.2f} seconds",
                code="broken-clip",
            )
        stream = self._track.mark.stream
        self._table = table
        self._streams = {
            face: decode_track(
                self._av, open_track(self._keys[face], packet.sealed[face], stream, table.number, face, packet.table)
            )
            for face in table.faces
            if face in self._keys and face in packet.sealed
        }
        return table

    def _picture(self, face: int, offset: int) -> tuple[PicturePlace, FramePlanes]:
        found = next(self._streams.get(face, iter(())), None)
        if found is None or found[0].offset != offset:
            raise DamagedFileError(f"{self._track.path}: a sealed picture is missing", code="altered-chunk")
        return found


def _bits(planes: FramePlanes) -> int:
    return 8 if planes.y.itemsize == 1 else 10


def _chosen(track: SealedTrack, opened: UnlockedHeader, options: RecoverOptions) -> dict[int, FaceKey]:
    """Return the keys of the people to bring back.

    Raises:
        UsageError: if there is no person of a number.
        WrongKeyError: if one that is named does not open.
    """
    faces = track.header.faces
    if options.faces is not None:
        for index in map(index_of, options.faces):
            if index >= len(faces):
                raise UsageError(f"there is no person {index + 1}", code="unknown-face", count=len(faces))
            if index not in opened.face_keys:
                gone = "was forgotten" if faces[index].forgotten else "does not open"
                raise WrongKeyError(f"{track.path}: person {index + 1} {gone}")
    wanted = None if options.faces is None else set(map(index_of, options.faces))
    keys = {
        index: key
        for index, key in opened.face_keys.items()
        if not faces[index].forgotten and (wanted is None or index in wanted)
    }
    if not keys:
        raise WrongKeyError(f"{track.path}: everybody whom the key would open was forgotten")
    return keys


def _write_original(track: SealedTrack, opened: UnlockedHeader, path: Path) -> list[str]:
    """Write the original file."""
    key, stream, written = next(iter(opened.groups.values())), track.mark.stream, 0
    with path.open("wb") as file:
        for number, sealed in enumerate(read_pieces(track)):
            written += file.write(open_piece(key.piece_key(stream, number), sealed, stream, number))
        file.flush()
        os.fsync(file.fileno())
    if written != track.listed.original:
        raise DamagedFileError(
            f"{track.path}: {written} of {track.listed.original} bytes of the original are there", code="altered-chunk"
        )
    return []


def _write_frames(track: SealedTrack, keys: dict[int, FaceKey], path: Path, progress: Progress) -> list[str]:
    """Write the clip with people put back; return warnings."""
    av = load_av()
    with open_clip(track.path) as clip:
        codec: ClipCodec = "hevc" if clip.info.codec == "hevc" else "av1" if clip.info.codec == "av1" else "h264"
        try:
            writer = ClipWriter(
                av, path, clip, *read_look(clip), codec=codec, crf=RECOVERED_RATE_FACTOR, sealed=False,
                key_frames=key_interval(clip.info),
            )  # fmt: skip
        except (av.FFmpegError, ValueError) as error:
            raise writing_failed(track.path, error) from None
        step = max(1, round(1 / (clip.info.rate * clip.info.time_base)))
        ring = None if track.sidecar is None else RingComparison()
        try:
            for packet, found in recovered_frames(clip, track, keys, ring):
                if found is None:
                    if packet.stream.index in writer.others:
                        writer.copy_packet(packet)
                    continue
                progress("restore", found.frame.index, track.listed.frames)
                duration = int(found.frame.decoded.duration or step)
                writer.write_picture(found.planes, found.frame.pts, duration)
            writer.finish_pictures()
        except BaseException:
            writer.abandon()
            raise
        writer.close()
        return [*writer.warnings, *([OTHER_PICTURES] if ring is not None and ring.differs else [])]
