"""Container and keys: every pair of inverses returns what went in, for drawn inputs."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_header import headers

from proface_s.container.carriers.carrier import from_chunks, read_chunks, to_chunks, write_chunks
from proface_s.container.carriers.jpeg import IDENTIFIER, PART_BYTES, read_jpeg_chunks, write_jpeg_chunks
from proface_s.container.carriers.sidecar import decode_sidecar, encode_sidecar, picture_digest
from proface_s.container.header.footprint import OPAQUE, Footprint, decode_footprint, encode_footprint
from proface_s.container.header.header import Header
from proface_s.container.header.key_ring import KeyRing
from proface_s.container.header.lock import FaceDescription, lock_header, relock_header
from proface_s.container.header.unlock import unlock_groups, unlock_header
from proface_s.container.records.pixel_records import (
    MAX_RECORD_BYTES,
    FoundRecord,
    find_records,
    read_record,
    record_fits,
    write_record,
)
from proface_s.container.records.record_message import RecordMessage, decode_record_message, encode_record_message
from proface_s.container.seal import open_seal, seal_at_full_length, seal_region
from proface_s.errors import DamagedFileError
from proface_s.image.write import FORMATS, encode_jpeg, encode_picture
from proface_s.keys.access import Credentials, Lock
from proface_s.keys.derive import KdfParams
from proface_s.keys.keyfiles import read_identities, write_identity
from proface_s.keys.recipients import Identity, decode_recipient, encode_recipient
from proface_s.keys.secrets import FaceContext, FaceKey, FaceSecret, FileKey
from proface_s.keys.wrap import unwrap_key, wrap_key
from proface_s.types import Box, Picture, UInt8Image

CHEAP = KdfParams(1, 1024, 1)
RGB = np.random.default_rng(3).integers(0, 256, (24, 40, 3), dtype=np.uint8)
FILES = {name: encode_picture(Picture(RGB), name) for name in FORMATS} | {"jpeg": encode_jpeg(Picture(RGB))}


def exactly(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


def regions(channels: int, most: int = 40) -> st.SearchStrategy[UInt8Image]:
    """Draw regions of even sides: flat, smooth and noisy ones."""

    def region(height: int, width: int, seed: int, spread: int) -> UInt8Image:
        drawn = np.random.default_rng(seed).integers(0, spread, (2 * height, 2 * width, channels))
        return drawn.astype(np.uint8)

    sides = st.integers(1, most // 2)
    return st.builds(region, sides, sides, st.integers(0, 2**32), st.sampled_from([1, 2, 40, 256]))


footprints = st.one_of(
    st.builds(Footprint, st.integers(0, 255), st.just(False), st.booleans(), st.booleans()),
    st.builds(Footprint, st.just(OPAQUE), st.just(True), st.booleans(), st.booleans()),
)
face_keys = exactly(32).map(FaceKey)
boxes = st.builds(Box, *[st.integers(0, 2**32 - 1)] * 4)
contexts = st.builds(FaceContext, st.integers(0, 255), st.integers(0, 65535), boxes, exactly(16))
chunk_payloads = st.fixed_dictionaries(
    {
        "pfSh": st.binary(min_size=5, max_size=50).map(lambda payload: [payload]),
        "pfSl": st.lists(st.binary(min_size=2, max_size=40), min_size=1, max_size=4),
    }
)


@given(footprints)
def test_footprints(footprint: Footprint) -> None:
    assert decode_footprint(encode_footprint(footprint)) == footprint


@settings(deadline=None)
@given(headers(), st.data())
def test_header_and_seals_as_chunks(header: Header, data: st.DataObject) -> None:
    sealed = [index for index, face in enumerate(header.faces) if face.sealed]
    seals = {index: data.draw(st.binary(min_size=1, max_size=60)) for index in sealed if data.draw(st.booleans())}
    assert from_chunks(to_chunks(header, seals)) == (header, seals)


@pytest.mark.parametrize("file_format", FILES)
@settings(deadline=None, max_examples=40)
@given(chunks=chunk_payloads)
def test_chunks_in_files(file_format: str, chunks: dict[str, list[bytes]]) -> None:
    carried = write_chunks(FILES[file_format], chunks)
    assert read_chunks(carried) == chunks
    assert read_chunks(write_chunks(carried, {"pfSh": [], "pfSl": []})) == {}


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 3 * PART_BYTES), max_size=3), st.data())
def test_chains_of_any_length(lengths: list[int], data: st.DataObject) -> None:
    plain = FILES["jpeg"]
    chunks = {"pfSl": [np.random.default_rng(length).bytes(length) for length in lengths]} if lengths else {}
    carried = write_jpeg_chunks(plain, chunks)
    assert read_jpeg_chunks(carried) == chunks
    assert write_jpeg_chunks(carried, {"pfSl": []}) == plain
    links = [found.start() - 4 for found in re.finditer(re.escape(IDENTIFIER), carried)]
    if len(links) > 1:  # two links change places: none is as long as a whole one and numbered as its neighbour
        one, other = sorted(data.draw(st.lists(st.sampled_from(links), min_size=2, max_size=2, unique=True)))
        ends = {at: at + 2 + int.from_bytes(carried[at + 2 : at + 4], "big") for at in links}
        first, second = carried[one : ends[one]], carried[other : ends[other]]
        changed = carried[:one] + second + carried[ends[one] : other] + first + carried[ends[other] :]
        with pytest.raises(DamagedFileError):
            read_jpeg_chunks(changed)


@settings(deadline=None, max_examples=40)
@given(regions(3), chunk_payloads)
def test_sidecars(rgb: UInt8Image, chunks: dict[str, list[bytes]]) -> None:
    assert decode_sidecar(encode_sidecar(rgb, chunks)) == (picture_digest(rgb), chunks)


@pytest.mark.parametrize("seal", [seal_region, seal_at_full_length])
@settings(deadline=None, max_examples=40)
@given(face_key=face_keys, region=st.one_of(regions(3), regions(4)), associated_data=st.binary(max_size=80))
def test_seals(seal: Callable[..., bytes], face_key: FaceKey, region: UInt8Image, associated_data: bytes) -> None:
    sealed = seal(face_key, region, associated_data)
    assert np.array_equal(open_seal(face_key, sealed, region.shape, associated_data), region)


@given(exactly(32), exactly(32), st.sampled_from(["wrap-file", "wrap-face", "other"]), st.binary(max_size=40))
def test_wrapped_keys(kek: bytes, key: bytes, label: str, context: bytes) -> None:
    assert unwrap_key(kek, wrap_key(kek, key, label, context), label, context) == key


@given(exactly(32).map(FileKey), exactly(32), st.integers(0, 255))
def test_wrapped_file_keys(file_key: FileKey, kek: bytes, group: int) -> None:
    assert FileKey.unwrap(kek, file_key.wrap(kek, group), group) == file_key


@given(exactly(32).map(FileKey), exactly(32).map(FaceSecret), contexts)
def test_wrapped_face_secrets(file_key: FileKey, secret: FaceSecret, context: FaceContext) -> None:
    assert file_key.unwrap_face(file_key.wrap_face(secret, context), context) == secret


@settings(deadline=None, max_examples=30)
@given(exactly(32).map(Identity))
def test_key_agreement_and_texts(identity: Identity) -> None:
    ephemeral, kek = identity.recipient.agree()
    assert identity.agree_with(ephemeral) == kek
    assert decode_recipient(encode_recipient(identity.recipient)) == identity.recipient


@settings(deadline=None, max_examples=20)
@given(exactly(32).map(Identity))
def test_identity_files(identity: Identity) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "identity.txt"
        write_identity(path, identity)
        assert read_identities(path).identities == (identity,)


@settings(deadline=None, max_examples=60)
@given(headers(), st.integers(0, 65535))
def test_record_messages(header: Header, reserved: int) -> None:
    for index, face in enumerate(header.faces):
        if not face.forgotten:
            message = replace(RecordMessage.of(header, index), reserved=min(reserved, 3 * face.box.area))
            assert decode_record_message(encode_record_message(message)) == message


@settings(deadline=None, max_examples=60)
@given(st.integers(16, 80), st.integers(8, 80), st.binary(min_size=1, max_size=MAX_RECORD_BYTES), st.data())
def test_records_in_pixels(half_width: int, height: int, record: bytes, data: st.DataObject) -> None:
    width = 2 * half_width
    record = record[: data.draw(st.integers(1, len(record)))]
    region = np.random.default_rng(len(record)).integers(0, 256, (height, width, 3), dtype=np.uint8)
    if not record_fits(width, height, len(record)):
        with pytest.raises(ValueError, match="does not fit"):
            write_record(region, record)
        return
    written = write_record(region, record)
    assert np.abs(written.astype(int) - region).max() <= 1
    expected = FoundRecord(0, 0, width, record, 0)
    assert read_record(written) == expected
    assert find_records(written) == [expected]


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.integers(0, 2), min_size=1, max_size=3),
    st.lists(st.text("abcdefgh ", min_size=8, max_size=12), min_size=3, max_size=3, unique=True),
    st.booleans(),
)
def test_locked_headers_unlock(groups: list[int], passphrases: list[str], cover: bool) -> None:
    """Each passphrase opens exactly its own group's faces; after relocking, only the new one does."""
    groups = [sorted(set(groups)).index(group) for group in groups]
    texts, count = passphrases[: max(groups) + 1], len(groups)
    places = [Box(20 * index, 0, 10, 10) for index in range(count)]
    ring = KeyRing.derive(bytes(16), places, groups, texts, CHEAP) if cover else \
        KeyRing.generate(bytes(16), places, groups)  # fmt: skip
    faces = [FaceDescription("blur", None, bytes(32), not cover)] * count
    header = lock_header(ring, (100, 20), faces, [Lock.of(text) for text in texts], CHEAP)
    for number, text in enumerate(texts):
        opened = unlock_header(header, Credentials.of(text)).face_keys
        mine = {index: ring.face_key(index) for index, group in enumerate(groups) if group == number}
        assert {index: opened[index] for index in mine} == mine
        assert cover or opened.keys() == mine.keys()
    if not cover:
        file_keys = unlock_groups(header, Credentials.of(tuple(texts)))
        relocked = relock_header(header, file_keys, Lock.of("another passphrase"), CHEAP)
        again = unlock_header(relocked, Credentials.of("another passphrase")).face_keys
        assert again == {index: ring.face_key(index) for index in range(count)}
        assert not unlock_groups(relocked, Credentials.of(tuple(texts)))
