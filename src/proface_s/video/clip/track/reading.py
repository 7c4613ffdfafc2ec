"""Read the sealed track of a protected clip, and check that it is complete and in order, before anything is written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ....container.header.clip_mark import ORIGINAL, ClipMark
from ....container.header.header import Header
from ....container.header.header_bytes import decode_header
from ....container.header.unlock import UnlockedHeader
from ....errors import DamagedFileError, NotProtectedError, WrongKeyError
from ...clip_names import COMMENT
from ..engine import load_av
from ..read import open_container
from .tables import (
    CHUNK_MARK,
    HEADER_MARK,
    LIST_MARK,
    MARK_BYTES,
    PIECE_MARK,
    ChunkList,
    ChunkPacket,
    ChunkTable,
    decode_chunk,
    decode_list,
    decode_table,
)

_PIECE_HEAD = MARK_BYTES + 4


@dataclass(frozen=True, slots=True)
class SealedTrack:
    """What the sealed track of a clip says without a key.

    Attributes:
        path: of the clip.
        header: the header.
        listed: the list of chunks.
        body: its bytes, which MACs cover.
        macs: one for each face.
        problems: what is wrong, one line each, in the order of the clip.
    """

    path: Path
    header: Header
    listed: ChunkList
    body: bytes
    macs: tuple[bytes, ...]
    problems: tuple[str, ...]

    @property
    def mark(self) -> ClipMark:
        """The clip's stream id, time base and contents."""
        mark = self.header.clip
        assert mark is not None  # checked when it was read
        return mark

    @property
    def exact(self) -> bool:
        """Whether the original file is sealed."""
        return self.mark.contents == ORIGINAL

    def check(self, opened: UnlockedHeader) -> None:
        """Check the list with every key that was opened, and that nothing is wrong.

        Raises:
            DamagedFileError: if the list was altered, or a packet is missing, altered or misplaced.
        """
        for index, key in opened.face_keys.items():
            if not key.verify_list_mac(self.mark.stream + self.body, self.macs[index]):
                raise DamagedFileError(f"{self.path}: the list of what is sealed was altered", code="altered-chunk")
        if self.problems:
            more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
            raise DamagedFileError(f"{self.path}: {self.problems[0]}{more}", code="altered-chunk")

    def seconds(self, time: int) -> float:
        """Return a time of the table in seconds."""
        return float(time * self.mark.time_base)


def read_sealed_track(path: Path) -> SealedTrack:
    """Read a clip's sealed track; its chunks are checked against the list, but not kept.

    Raises:
        NotProtectedError: if there is none.
        FileFormatError: if a later version of the format wrote it.
        DamagedFileError: if header or list are missing or malformed.
        ImageError: if the file is no clip.
    """
    header: Header | None = None
    last: bytes | None = None
    found: list[tuple[str, bytes, dict[int, bytes]]] = []
    for data in _packets(path):
        kind = data[:MARK_BYTES]
        if kind == HEADER_MARK:
            header = decode_header(data[MARK_BYTES:])
        elif kind == LIST_MARK:
            last = data[MARK_BYTES:]
        elif kind == CHUNK_MARK:
            found.append(_chunk_digests(data))
        elif kind == PIECE_MARK:
            found.append(("", bytes(32), {0: hashlib.sha256(data[_PIECE_HEAD:]).digest()}))
    if header is None:
        raise _not_protected(path, bool(found or last))
    if header.clip is None:
        raise DamagedFileError(f"{path}: the header is that of a picture", code="other-picture")
    if last is None:
        raise DamagedFileError(f"{path}: the end of the sealed track is missing", code="altered-chunk")
    listed, body, macs = decode_list(last, len(header.faces))
    return SealedTrack(path, header, listed, body, macs, tuple(_problems(header, header.clip, listed, found)))


def read_sealed_chunks(track: SealedTrack) -> Iterator[tuple[ChunkTable, ChunkPacket]]:
    """Yield the chunks of a clip whose track was checked, one after the other.

    Raises:
        DamagedFileError: if one is malformed.
    """
    size = track.header.width, track.header.height
    for data in _packets(track.path):
        if data[:MARK_BYTES] == CHUNK_MARK:
            packet = decode_chunk(data)
            yield decode_table(packet.table, len(track.header.faces), size), packet


def read_pieces(track: SealedTrack) -> Iterator[bytes]:
    """Yield the sealed pieces of the original file, in order."""
    for data in _packets(track.path):
        if data[:MARK_BYTES] == PIECE_MARK:
            yield data[_PIECE_HEAD:]


def require_file_key(track: SealedTrack, opened: UnlockedHeader) -> None:
    """Refuse face keys alone where the whole original is sealed.

    Raises:
        WrongKeyError: if no group was opened.
    """
    if track.exact and not opened.groups:
        raise WrongKeyError(f"{track.path}: a face key does not open the whole original", code="clip-exact-keys")


def _packets(path: Path) -> Iterator[bytes]:
    """Yield the packets of all data tracks; other packets are not read."""
    av = load_av()
    with open_container(path, advanced_editlist="0") as container:  # edit lists hide packets at the end
        data = [stream for stream in container.streams if stream.type == "data"]
        for stream in container.streams:
            if stream.type != "data":
                stream.discard = av.stream.Discard.all
        if not data:
            return
        try:
            for packet in container.demux(data):
                if packet.size >= MARK_BYTES:
                    yield bytes(packet)
        except av.FFmpegError:
            raise DamagedFileError(f"{path}: the sealed track cannot be read", code="altered-chunk") from None


def _chunk_digests(data: bytes) -> tuple[str, bytes, dict[int, bytes]]:
    """Return what is wrong with a chunk, SHA-256 of its table, and of its sealed tracks."""
    try:
        packet = decode_chunk(data)
    except DamagedFileError as error:
        return error.message, b"", {}
    return "", packet.digest, {face: hashlib.sha256(sealed).digest() for face, sealed in packet.sealed.items()}


def _problems(
    header: Header, mark: ClipMark, listed: ChunkList, found: list[tuple[str, bytes, dict[int, bytes]]]
) -> Iterator[str]:
    """Compare the packets with the list."""
    forgotten = {index for index, face in enumerate(header.faces) if face.forgotten}
    expected = [(entry.table, _kept(entry.parts, forgotten)) for entry in listed.entries]
    actual = [(digest, _kept(parts, forgotten)) for _, digest, parts in found]
    if len(actual) > len(expected):
        yield f"the sealed track has {len(actual) - len(expected)} packets too many"
    for number, (entry, wanted) in enumerate(zip(listed.entries, expected, strict=True)):
        here = actual[number] if number < len(actual) else None
        if here == wanted:
            continue
        start, stop = (float(time * mark.time_base) for time in (entry.start, entry.stop))
        place = f"what is sealed from {start:.2f} to {stop:.2f} seconds"
        if wanted in actual:
            yield f"{place} is in another place"
        elif here is None or here in expected:
            yield f"{place} is missing"
        else:
            yield f"{place} was altered"


def _kept(parts: dict[int, bytes], forgotten: set[int]) -> dict[int, bytes]:
    return {face: digest for face, digest in parts.items() if face not in forgotten}


def _not_protected(path: Path, parts: bool) -> NotProtectedError | DamagedFileError:
    if parts:
        return DamagedFileError(f"{path}: the header of the sealed track is missing", code="altered-chunk")
    with open_container(path) as container:
        stripped = container.metadata.get("comment") == COMMENT
    if stripped:
        return NotProtectedError(
            f"{path}: a program has removed the track in which the faces were sealed", code="stripped-track"
        )
    return NotProtectedError(f"{path} is no protected clip", code="no-header")
