"""Read the sealed track of a protected clip, and check that it is complete and in order, before anything is written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from ....container.header.clip_mark import ORIGINAL, ClipMark
from ....container.header.header import Header
from ....container.header.header_bytes import decode_header
from ....container.header.unlock import UnlockedHeader
from ....errors import DamagedFileError, ImageError, NotProtectedError, WrongKeyError
from ...clip_names import COMMENT, SIDECAR_COMMENT
from ..engine import load_av
from ..read import open_container
from .sidecar import clip_sidecar, sidecar_packets
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
    """What the sealed track of a clip, or its sidecar, says without a key.

    Attributes:
        path: of the clip.
        sidecar: the file that holds the packets; None if the clip does.
        header: the header.
        listed: the list of chunks.
        body: its bytes, which MACs cover.
        macs: one for each face.
        problems: what is wrong, one line each, in the order of the clip.
    """

    path: Path
    sidecar: Path | None
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

    @property
    def source(self) -> Path:
        """The file that holds the packets."""
        return self.path if self.sidecar is None else self.sidecar

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the pictures."""
        return self.header.width, self.header.height

    def wrong_size(self, found: tuple[int, int]) -> str:
        """Say that pictures have another (width, height) than they had."""
        return "its pictures have {}x{} pixels, and {}x{} were protected".format(*found, *self.size)

    def check(self, opened: UnlockedHeader) -> None:
        """Check the list with every key that was opened, and that nothing is wrong.

        Raises:
            DamagedFileError: if the list was altered, or a packet is missing, altered or misplaced.
        """
        for index, key in opened.face_keys.items():
            if not key.verify_list_mac(self.mark.stream + self.body, self.macs[index]):
                raise DamagedFileError(f"{self.source}: the list of what is sealed was altered", code="altered-chunk")
        if self.problems:
            more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
            raise DamagedFileError(f"{self.source}: {self.problems[0]}{more}", code="altered-chunk")

    def packets(self) -> Iterator[bytes]:
        """Yield all packets, in order, from the file again."""
        return _packets(self.path) if self.sidecar is None else sidecar_packets(self.sidecar)

    def shows(self, time: Fraction, listed: int, unit: Fraction) -> bool:
        """Return whether a picture is shown when the table says.

        With a sidecar, the clip may be a copy in another format, which rounds times to its own unit, twice in a
        difference; else times have to be equal.

        Args:
            time: of the picture, in seconds; with a sidecar, moved by what `delay` returns.
            listed: time in the table.
            unit: of the times in the file, in seconds.
        """
        difference = abs(time - listed * self.mark.time_base)
        return difference <= (0 if self.sidecar is None else unit)

    def delay(self, first: Fraction, listed: int) -> Fraction:
        """Return the seconds by which all pictures are late, from time and listed time of the first one.

        With a sidecar, the clip may be a copy that begins at another time.
        """
        return Fraction(0) if self.sidecar is None else first - listed * self.mark.time_base

    def seconds(self, time: int) -> float:
        """Return a time of the table in seconds."""
        return float(time * self.mark.time_base)


def read_sealed_track(path: Path, sidecar: Path | None = None) -> SealedTrack:
    """Read a clip's sealed track; its chunks are checked against the list, but not kept.

    Args:
        path: of the clip.
        sidecar: holds the packets; if None, the clip does, or else the sidecar that lies beside it.

    Raises:
        NotProtectedError: if there is none.
        FileFormatError: if a later version of the format wrote it.
        DamagedFileError: if header or list are missing or malformed, or those of the clip are another's.
        ImageError: if the file is no clip, or the sidecar is not there.
    """
    if sidecar is None:
        try:
            return read_track_at(path, None)
        except NotProtectedError:
            beside = clip_sidecar(path)
            if beside is None:
                raise
            return read_track_at(path, beside)
    if not sidecar.is_file():
        raise ImageError(f"there is no sidecar {sidecar}")
    track = read_track_at(path, sidecar)
    try:
        own = read_track_at(path, None)
    except (NotProtectedError, DamagedFileError):
        return track
    if not holds_same(track, own):
        raise DamagedFileError(f"{path} and {sidecar} hold different things", code="sidecar-differs")
    return track


def holds_same(track: SealedTrack, other: SealedTrack) -> bool:
    """Return whether two tracks have the same header and list, whatever is damaged."""
    return (track.header, track.body, track.macs) == (other.header, other.body, other.macs)


def read_track_at(path: Path, sidecar: Path | None) -> SealedTrack:
    """Read a sealed track from one place: a sidecar, or the clip if it is None.

    Raises:
        NotProtectedError: if the clip holds none.
        FileFormatError: if a later version of the format wrote it.
        DamagedFileError: if header or list are missing or malformed, or the sidecar is damaged.
        ImageError: if the file is no clip, or the sidecar cannot be read.
    """
    source = path if sidecar is None else sidecar
    header: Header | None = None
    last: bytes | None = None
    found: list[tuple[str, bytes, dict[int, bytes]]] = []
    for data in _packets(path) if sidecar is None else sidecar_packets(sidecar):
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
        raise _not_protected(source, bool(found or last or sidecar))
    if header.clip is None:
        raise DamagedFileError(f"{source}: the header is that of a picture", code="other-picture")
    if last is None:
        raise DamagedFileError(f"{source}: the end of the sealed track is missing", code="altered-chunk")
    listed, body, macs = decode_list(last, len(header.faces))
    return SealedTrack(path, sidecar, header, listed, body, macs, tuple(_problems(header, header.clip, listed, found)))


def read_sealed_chunks(track: SealedTrack) -> Iterator[tuple[ChunkTable, ChunkPacket]]:
    """Yield the chunks of a clip whose track was checked, one after the other.

    Raises:
        DamagedFileError: if one is malformed.
    """
    for data in track.packets():
        if data[:MARK_BYTES] == CHUNK_MARK:
            packet = decode_chunk(data)
            yield decode_table(packet.table, len(track.header.faces), track.size), packet


def read_pieces(track: SealedTrack) -> Iterator[bytes]:
    """Yield the sealed pieces of the original file, in order."""
    for data in track.packets():
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
        comment = container.metadata.get("comment")
    if comment == COMMENT:
        return NotProtectedError(
            f"{path}: a program has removed the track in which the faces were sealed", code="stripped-track"
        )
    if comment == SIDECAR_COMMENT:
        return NotProtectedError(f"{path}: its faces are sealed in a sidecar, which is not there", code="lost-sidecar")
    return NotProtectedError(f"{path} is no protected clip", code="no-header")
