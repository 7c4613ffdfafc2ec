"""Tables and lists have one encoding each, and no bytes make their parsers fail in another way than they should."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("av")

from proface_s.errors import FileFormatError
from proface_s.types import Box
from proface_s.video.clip.areas import Area
from proface_s.video.clip.track.tables import (
    CHUNK_MARK,
    MARK_BYTES,
    ChunkList,
    ChunkPacket,
    ChunkTable,
    ListEntry,
    TableFrame,
    decode_chunk,
    decode_list,
    decode_table,
    encode_chunk,
    encode_list,
    encode_table,
)

SIZE, FACES = (160, 112), 3
evens = st.integers(1, 20).map(lambda half: 2 * half)
areas = st.builds(Area, st.integers(0, FACES - 1), st.builds(Box, evens, evens, evens, evens))
times = st.integers(-(2**63), 2**63 - 1)
frames = st.builds(TableFrame, times, st.lists(areas, max_size=4).map(tuple))
words = st.integers(0, 2**32 - 1)
tables = st.builds(ChunkTable, words, words, st.lists(frames, min_size=1, max_size=5).map(tuple))
digests = st.binary(min_size=32, max_size=32)
entries = st.builds(
    ListEntry, digests, words, times, times, st.dictionaries(st.integers(0, FACES - 1), digests, max_size=FACES)
)
lists = st.builds(ChunkList, words, st.integers(0, 2**64 - 1), st.lists(entries, max_size=4).map(tuple))
packets = st.builds(
    ChunkPacket, st.binary(max_size=40), st.dictionaries(st.integers(0, 65535), st.binary(max_size=40), max_size=4)
)


@settings(max_examples=40)
@given(tables, lists, packets)
def test_decoding_is_the_inverse_of_encoding(table: ChunkTable, listed: ChunkList, packet: ChunkPacket) -> None:
    assert decode_table(encode_table(table), FACES, SIZE) == table
    body, macs = encode_list(listed), [bytes([number]) * 32 for number in range(FACES)]
    assert decode_list(body + b"".join(macs), FACES) == (listed, body, tuple(macs))
    assert decode_chunk(encode_chunk(packet)) == packet


@settings(max_examples=80)
@given(tables, lists, packets, st.data())
def test_mutations_raise_nothing_but_format_errors(
    table: ChunkTable, listed: ChunkList, packet: ChunkPacket, data: st.DataObject
) -> None:
    for good in (encode_table(table), encode_list(listed) + bytes(32 * FACES), encode_chunk(packet)[MARK_BYTES:]):
        bad = bytearray(good)
        for _ in range(data.draw(st.integers(1, 3))):
            if bad:
                bad[data.draw(st.integers(0, len(bad) - 1))] = data.draw(st.integers(0, 255))
        bad = bad[: data.draw(st.integers(0, len(bad)))]
        for parse in (
            lambda each: decode_table(each, FACES, SIZE),
            lambda each: decode_list(each, FACES),
            lambda each: decode_chunk(CHUNK_MARK + each),
        ):
            with contextlib.suppress(FileFormatError):
                parse(bytes(bad))
