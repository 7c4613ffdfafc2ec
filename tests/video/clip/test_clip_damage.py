"""Whatever is changed in a sealed track is found before anything is written, and told with its time."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cast_kit import ANN, BOB, protected, recovered
from clip_kit import av

from proface_s.errors import DamagedFileError, NotProtectedError
from proface_s.keys.access import Lock
from proface_s.video.clip.engine import packet_of
from proface_s.video.clip.track.tables import CHUNK_MARK, HEADER_MARK, LIST_MARK, PIECE_MARK

FRAMES = 160  # four chunks: at 0, 2, 4 and 6 seconds
Packets = list[bytes]


def rewritten(source: Path, change: Callable[[Packets], Packets], comment: bool = True) -> Path:
    """Copy a clip packet by packet as FFmpeg would, with other packets of data."""
    target = source.with_name("changed.mp4")
    with av.open(str(source)) as before, av.open(str(target), "w") as after:
        if comment:
            after.metadata["comment"] = before.metadata["comment"]
        streams = {each.index: after.add_stream_from_template(each) for each in before.streams if each.type != "data"}
        data, packets, new = before.streams.data[0], [], None
        for packet in before.demux():
            if packet.stream.index == data.index and packet.size:
                packets.append((packet.pts, packet.time_base, bytes(packet)))
        changed = change([each for _, _, each in packets])
        if changed:
            new = after.add_data_stream("bin_data")
            new.time_base = packets[0][1]
        after.start_encoding()
        for number, content in enumerate(changed):
            packet = av.Packet(content)
            packet.stream, packet.time_base = new, packets[0][1]
            packet.pts = packet.dts = packets[min(number, len(packets) - 1)][0] + max(0, number - len(packets) + 1)
            after.mux(packet)
        before.seek(0)
        for packet in before.demux():
            if packet.dts is not None and packet.stream.index in streams:
                packet.stream = streams[packet.stream.index]
                after.mux(packet)
    return target


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a protected clip of four chunks, with keys for Ann and for Bob."""
    return protected(tmp_path_factory.mktemp("clip"), FRAMES, own={2: Lock.of(BOB)})[1]


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def chunks(packets: Packets) -> list[int]:
    return [number for number, packet in enumerate(packets) if packet.startswith((CHUNK_MARK, PIECE_MARK))]


def flip(packets: Packets) -> Packets:
    number = chunks(packets)[1]
    return [*packets[:number], flipped(packets[number], len(packets[number]) - 9), *packets[number + 1 :]]


def flip_table(packets: Packets) -> Packets:
    number = chunks(packets)[1]
    return [*packets[:number], flipped(packets[number], 30), *packets[number + 1 :]]


def swap(packets: Packets) -> Packets:
    a, b = chunks(packets)[1:3]
    packets[a], packets[b] = packets[b], packets[a]
    return packets


def drop(packets: Packets) -> Packets:
    return [packet for number, packet in enumerate(packets) if number != chunks(packets)[1]]


def drop_last(packets: Packets) -> Packets:
    return [packet for number, packet in enumerate(packets) if number != chunks(packets)[-1]]


def repeat(packets: Packets) -> Packets:
    return [*packets, packets[chunks(packets)[1]]]


def drop_list(packets: Packets) -> Packets:
    return [packet for packet in packets if not packet.startswith(LIST_MARK)]


def drop_header(packets: Packets) -> Packets:
    return [packet for packet in packets if not packet.startswith(HEADER_MARK)]


def forge_list(packets: Packets) -> Packets:
    return [flipped(packet, 12) if packet.startswith(LIST_MARK) else packet for packet in packets]


def forge_time(packets: Packets) -> Packets:
    return [flipped(packet, 64) if packet.startswith(LIST_MARK) else packet for packet in packets]


def forge_header(packets: Packets) -> Packets:
    return [flipped(packet, 40) if packet.startswith(HEADER_MARK) else packet for packet in packets]


def forge_mac(packets: Packets) -> Packets:
    """Change the end of the MAC of Ann, whose key is tried; Bob's 32 bytes follow."""
    return [flipped(packet, len(packet) - 33) if packet.startswith(LIST_MARK) else packet for packet in packets]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (flip, r"from 2\.00 to 4\.00 seconds was altered"),
        (flip_table, r"from 2\.00 to 4\.00 seconds was altered"),
        (swap, r"from 2\.00 to 4\.00 seconds is in another place"),
        (drop, r"from 2\.00 to 4\.00 seconds is (missing|in another place)"),
        (drop_last, r"from 6\.00 to 6\.40 seconds is missing"),
        (repeat, "packets too many"),
        (drop_list, "the end of the sealed track is missing"),
        (drop_header, "the header of the sealed track is missing"),
        (forge_list, r"list|altered|invalid"),
        (forge_time, "list of what is sealed was altered"),
        (forge_header, "header"),
        (forge_mac, "list of what is sealed was altered"),
    ],
)
def test_changes_are_found_and_nothing_is_written(
    clip: Path, change: Callable[[Packets], Packets], message: str
) -> None:
    changed = rewritten(clip, change)
    before = sorted(clip.parent.iterdir())
    with pytest.raises(DamagedFileError, match=message) as caught:
        recovered(changed)
    assert caught.value.exit_code == 5
    assert sorted(clip.parent.iterdir()) == before


def test_copying_every_packet_changes_nothing(clip: Path) -> None:
    assert recovered(rewritten(clip, lambda packets: packets)).exists()


def test_a_removed_track_is_told(clip: Path) -> None:
    with pytest.raises(NotProtectedError, match="removed the track") as caught:
        recovered(rewritten(clip, lambda packets: []))
    assert caught.value.code == "stripped-track"


def test_a_clip_that_was_never_protected_is_told(clip: Path) -> None:
    with pytest.raises(NotProtectedError, match="is no protected clip"):
        recovered(rewritten(clip, lambda packets: [], comment=False))


def test_frames_that_are_missing_are_found(clip: Path, tmp_path: Path) -> None:
    """The picture was cut, and the sealed track kept."""
    target = tmp_path / "cut.mp4"
    with av.open(str(clip)) as before, av.open(str(target), "w") as after:
        streams: dict[int, Any] = {each.index: after.add_stream_from_template(each) for each in before.streams}
        after.start_encoding()
        for packet in before.demux():
            video = packet.stream.type == "video"
            if packet.dts is None or (video and packet.pts * packet.time_base >= 6):
                continue
            packet.stream = streams[packet.stream.index]
            after.mux(packet)
    with pytest.raises(DamagedFileError, match=r"\d+ frames, and 160 were protected"):
        recovered(target)


def test_anns_face_does_not_open_with_bobs_chunks(clip: Path) -> None:
    """Sealed tracks that change places within a chunk are found even if list and table were made to fit."""

    def exchange(packets: Packets) -> Packets:
        number = chunks(packets)[1]
        from proface_s.video.clip.track.tables import ChunkPacket, decode_chunk, encode_chunk

        packet = decode_chunk(packets[number])
        sealed = {0: packet.sealed[1], 1: packet.sealed[0]}
        return [*packets[:number], encode_chunk(ChunkPacket(packet.table, sealed)), *packets[number + 1 :]]

    with pytest.raises(DamagedFileError, match=r"from 2\.00 to 4\.00 seconds was altered"):
        recovered(rewritten(clip, exchange), ANN)


@pytest.mark.parametrize("size", [0, 1, 4000, 1 << 20])
def test_packets_end_in_the_zeros_that_decoders_read(size: int) -> None:
    """A decoder read beyond the memory that PyAV lends it, which ended the process if that was the end of a page."""
    packet = packet_of(av, b"x" * size)
    assert bytes(packet) == b"x" * size
    if size:
        assert ctypes.string_at(packet.buffer_ptr + size, 64) == bytes(64)
