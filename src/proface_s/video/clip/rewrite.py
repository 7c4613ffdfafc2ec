"""Rewrite a protected clip and its sidecar with another header; pictures and sound stay as they are."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...api.files.saving import free_path
from ...api.files.sidecars import sidecar_path
from ...container.header.header import Header
from ...container.header.header_bytes import encode_header
from ...errors import DamagedFileError, FileFormatError, ProFaceError
from .engine import load_av, packet_of
from .read import open_container
from .track.reading import SealedTrack, read_track_at
from .track.sidecar import appearing_clip, clip_sidecar
from .track.tables import HEADER_MARK, MARK_BYTES
from .write import MOVFLAGS, flush_file

PacketChange = Callable[[bytes], bytes]


def rewrite_clip(
    track: SealedTrack, header: Header, target: Path, change: PacketChange, *, overwrite: bool
) -> tuple[Path | None, tuple[str, ...]]:
    """Copy a clip, and its sidecar, with another header and changed packets of data, and check the copies.

    Args:
        track: of the clip.
        header: its header from now on.
        target: where to write; it may be the clip.
        change: returns what a packet, but the one with the header, is from now on.
        overwrite: replace existing files.

    Returns:
        The sidecar that was written, or None, and warnings.

    Raises:
        DamagedFileError: if the sealed track is damaged.
        ImageError: if a file exists, or cannot be written.
        ProFaceError: if a copy is not what it should be.
    """
    if track.problems:
        raise DamagedFileError(f"{track.source}: {track.problems[0]}", code="altered-chunk")
    beside, notes = _sidecar_to_write(track, target, overwrite)
    first = HEADER_MARK + encode_header(header)

    def changed(packet: bytes) -> bytes:
        return first if packet[:MARK_BYTES] == HEADER_MARK else change(packet)

    with appearing_clip(target, beside, overwrite=overwrite, like=track.path) as (temporary, sidecar):
        if track.sidecar is None:
            _copy_changed(track.path, temporary, changed)
        else:
            shutil.copyfile(track.path, temporary)
        flush_file(temporary)
        written = [] if track.sidecar is not None else [read_track_at(temporary, None)]
        if sidecar is not None:
            for packet in track.packets():
                sidecar.write(changed(packet))
            sidecar.finish()
            written.append(read_track_at(temporary, sidecar.path))
        if any(each.header != header or each.problems or each.body != track.body for each in written):
            raise ProFaceError(f"{target} differs from what was written to it", code="verification-failed")
    return beside, notes


def _sidecar_to_write(track: SealedTrack, target: Path, overwrite: bool) -> tuple[Path | None, tuple[str, ...]]:
    """Return the sidecar that must hold the new header, and warnings.

    That is one that lies beside the output already, too: an earlier run left it there, and it would keep what this one
    takes away.
    """
    found, notes = track.sidecar or clip_sidecar(track.path), list[str]()
    if found is not None and track.sidecar is None and not _is_of(found, track):
        notes.append(f"{found} belongs to another clip, or is damaged; it is left as it is")
        found = None
    if target.resolve() == track.path.resolve():
        return found, tuple(notes)
    beside = clip_sidecar(target) or (sidecar_path(target) if found else None)
    return beside and free_path(beside, overwrite), tuple(notes)


def _is_of(sidecar: Path, track: SealedTrack) -> bool:
    """Return whether a sidecar is of this clip, with this header or an earlier one."""
    try:
        return read_track_at(track.path, sidecar).mark.stream == track.mark.stream
    except FileFormatError:
        return False


def _copy_changed(source: Path, target: Path, change: PacketChange) -> None:
    """Copy a clip packet by packet, with changed packets of data."""
    with _copying(source, target) as (packets, out):
        for packet, stream in packets:
            if packet.stream.type == "data" and packet.size:
                new = packet_of(load_av(), change(bytes(packet)))
                new.time_base, new.pts, new.dts = packet.time_base, packet.pts, packet.dts
                new.duration = packet.duration
                packet = new
            packet.stream = stream
            out.mux(packet)


@contextmanager
def _copying(source: Path, target: Path) -> Iterator[tuple[Iterator[tuple[Any, Any]], Any]]:
    """Open a clip to copy its packets; yields (packet, its stream in the copy), and the copy."""
    av = load_av()
    with open_container(source) as before:
        options = {"movflags": MOVFLAGS, "fflags": "+bitexact"}
        with av.open(f"file:{target}", "w", format="mp4", options=options) as out:
            out.metadata.update({key: value for key, value in before.metadata.items() if key == "comment"})
            streams = {}
            for stream in before.streams:
                made = streams[stream.index] = out.add_stream_from_template(stream)
                for name in ("language", "handler_name"):
                    if name in stream.metadata:
                        made.metadata[name] = stream.metadata[name]
            out.start_encoding()
            packets = ((each, streams[each.stream.index]) for each in before.demux() if each.dts is not None)
            yield packets, out
