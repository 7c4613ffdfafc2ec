"""The second pass over a clip: cover the people in every frame, and seal what was there.

::

    frame ─ planes ─┬─ covers ─────────────────────► encoder ────────────────────────┐
                    └─ what each person owns, in a window of the covered frame       │
                         └─ encoder of the person ─ chunk of two seconds ─ sealed ───┴─► MP4
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from ...container.header.clip_mark import ORIGINAL
from ...container.header.header import Header
from ...container.header.header_bytes import encode_header
from ...covers.moving.cover_store import CoveredFace, CoverStore
from ...keys.secrets import FaceKey, FileKey
from ...types import Box, Style, UInt8Image
from .areas import Area, Owners, windows
from .plane_covers import ColourTags, cover_box, cut_planes, paste_planes
from .planes import FramePlanes
from .track.sealing import PicturePlace, TrackEncoder, seal_piece, seal_track
from .track.tables import (
    HEADER_MARK,
    LIST_MARK,
    PIECE_MARK,
    ChunkList,
    ChunkPacket,
    ChunkTable,
    ListEntry,
    TableFrame,
    encode_chunk,
    encode_list,
    encode_table,
)
from .write import ClipWriter

PIECE_BYTES: Final = 2**20
NO_TABLE: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class HiddenFace:
    """A face to cover in a frame.

    Attributes:
        area: the person, and the box to cover.
        face: the tight box of the face, in the stored frame.
        track: number of the track, with which the cover stays from frame to frame.
    """

    area: Area
    face: Box
    track: int


@dataclass(frozen=True, slots=True)
class ClipKeys:
    """Keys that a clip is sealed with.

    Attributes:
        faces: of each person.
        groups: file key of each group.
    """

    faces: tuple[FaceKey, ...]
    groups: tuple[FileKey, ...]


@dataclass(slots=True, eq=False)
class _Chunk:
    """A chunk that is being made."""

    first: int
    encoders: dict[int, TrackEncoder]
    sizes: dict[int, tuple[int, int]]
    frames: list[TableFrame] = field(default_factory=list)


class ClipHider:
    """Covers and seals frame after frame.

    Args:
        av: the library.
        writer: of the output.
        header: of the clip.
        keys: to seal with.
        styles: cover of each person.
        chunk_frames: number of frames in a chunk.
        crf: constant rate factor of the sealed faces.
        look: rotation and colours of the clip.
        depth: whether samples have 10 bits.
    """

    def __init__(
        self,
        av: Any,
        writer: ClipWriter,
        header: Header,
        keys: ClipKeys,
        styles: Sequence[Style],
        *,
        chunk_frames: int,
        crf: float,
        look: tuple[int, ColourTags],
        ten_bits: bool,
    ) -> None:
        self._av, self._writer, self._header, self._keys, self._styles = av, writer, header, keys, styles
        self._frames: Sequence[Sequence[HiddenFace]] = ()
        self._first = 0
        self._length, self._crf = chunk_frames, crf
        (self._rotation, self._tags), self._ten = look, ten_bits
        mark = header.clip
        assert mark is not None
        self._mark, self._size = mark, (header.width, header.height)
        self._entries: list[ListEntry] = []
        self._chunk: _Chunk | None = None
        self._covers = CoverStore()
        self._count, self._stop, self._pieces = 0, 0, 0

    def begin(self, frames: Sequence[Sequence[HiddenFace]], first: int) -> None:
        """Set what has to be covered in each frame of the source, and the number of the one that will come first."""
        self._frames, self._first = frames, first

    def add(self, planes: FramePlanes, time: int, duration: int) -> None:
        """Take the next frame.

        Args:
            planes: of even size; changed.
            time: in units of the clip's time base.
            duration: likewise.
        """
        if self._count == 0:
            self._writer.write_data(HEADER_MARK + encode_header(self._header), time, 1)
        first = self._count % self._length == 0
        if first:
            self._close_chunk(time)
            self._chunk = self._opened(self._count)
        hidden = self._frames[self._first + self._count]
        self._hide(planes, [each.area for each in hidden], hidden, time)
        self._writer.write_picture(planes, time, duration)
        self._count += 1
        self._stop = time + duration

    def add_piece(self, piece: bytes, file_key: FileKey) -> None:
        """Seal a piece of the original file; the time is that of the chunk."""
        number, stream = self._pieces, self._mark.stream
        sealed = seal_piece(file_key.piece_key(stream, number), piece, stream, number)
        start = self._chunk.frames[0].time if self._chunk and self._chunk.frames else self._stop
        self._writer.write_data(PIECE_MARK + number.to_bytes(4, "big") + sealed, start, 1)
        digest = hashlib.sha256(sealed).digest()
        self._entries.append(ListEntry(NO_TABLE, 0, start, self._stop, {0: digest}))
        self._pieces += 1

    def finish(self, original: int = 0) -> None:
        """Write what is left, and the list of all chunks.

        Args:
            original: bytes of the original file, if it is sealed.
        """
        self._close_chunk(self._stop)
        self._writer.finish_pictures()
        body = encode_list(ChunkList(self._count, original, tuple(self._entries)))
        covered = self._mark.stream + body
        macs = b"".join(key.list_mac(covered) for key in self._keys.faces)
        self._writer.write_data(LIST_MARK + body + macs, self._stop - 1, 1)

    def _hide(self, planes: FramePlanes, areas: list[Area], hidden: Sequence[HiddenFace], time: int) -> None:
        """Cover the people of a frame in place, and pass on what each of them owns."""
        chunk = self._chunk
        assert chunk is not None
        chunk.frames.append(TableFrame(time, tuple(areas)))
        if not hidden:
            return
        held = windows(areas, self._size) if chunk.encoders else {}
        originals = {face: cut_planes(planes, box).copy() for face, box in held.items()}
        seconds = float(time * self._mark.time_base)
        for each in hidden:
            draw = partial(self._cover, each, seconds)
            cover_box(self._av, planes, each.area.box, each.face, draw, self._rotation, self._tags)
        owners = Owners(areas, self._size)
        for face, box in held.items():
            width, height = chunk.sizes[face]
            window = Box(min(box.x, self._size[0] - width), min(box.y, self._size[1] - height), width, height)
            part = cut_planes(planes, box).copy()
            paste_planes(part, Box(0, 0, box.w, box.h), originals[face], owners.mask(face, box))
            place = PicturePlace(len(chunk.frames) - 1, window.x, window.y)
            chunk.encoders[face].add(place, part, (box.x - window.x, box.y - window.y))

    def _cover(self, hidden: HiddenFace, seconds: float, pixels: UInt8Image, face: Box) -> UInt8Image:
        """Return the cover of a face, whose pixels and tight box in them are upright."""
        whole = Box(0, 0, pixels.shape[1], pixels.shape[0])
        person = hidden.area.face
        return self._covers.draw(pixels, CoveredFace(person, hidden.track, face, whole), self._styles[person], seconds)

    def _opened(self, first: int) -> _Chunk:
        """Begin a chunk: how large the window of each person has to be is known from all its frames."""
        if self._mark.contents == ORIGINAL:
            return _Chunk(first, {}, {})
        sizes: dict[int, tuple[int, int]] = {}
        for hidden in self._frames[self._first + first : self._first + first + self._length]:
            areas = [each.area for each in hidden]
            for face, box in windows(areas, self._size).items():
                width, height = sizes.get(face, (0, 0))
                sizes[face] = max(width, box.w), max(height, box.h)
        encoders = {face: TrackEncoder(self._av, size, self._ten, self._crf) for face, size in sizes.items()}
        return _Chunk(first, encoders, sizes)

    def _close_chunk(self, stop: int) -> None:
        """Seal and write the chunk that is complete; the next one begins at ``stop``."""
        chunk, self._chunk = self._chunk, None
        if chunk is None or self._mark.contents == ORIGINAL:
            return
        number, start = len(self._entries), chunk.frames[0].time
        table = encode_table(ChunkTable(number, chunk.first, tuple(chunk.frames)))
        stream = self._mark.stream
        sealed = {
            face: seal_track(self._keys.faces[face], encoder.finish(), stream, number, face, table)
            for face, encoder in sorted(chunk.encoders.items())
        }
        packet = ChunkPacket(table, sealed)
        self._writer.write_data(encode_chunk(packet), start, stop - start)
        parts = {face: hashlib.sha256(data).digest() for face, data in sealed.items()}
        self._entries.append(ListEntry(packet.digest, chunk.first, start, stop, parts))
