"""Open the sealed track of a clip: the pictures of the people whose keys are there, or the original (10.3, 10.4)."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from ..container import header as headers
from ..container.fields import Box, Fields, require
from ..container.header import Header
from ..keys.derivations import derive
from ..keys.unlock import Credentials, Opened, unlock
from ..outcomes import Damaged, NotProtected
from . import tables
from .beside import packets_beside
from .mp4 import sealed_packets

LABEL = b"proface-s clip"


@dataclass(frozen=True)
class Track:
    """A person's pictures in a chunk: their size, bits, places (offset, x, y), and packets of H.264."""

    size: tuple[int, int]
    bits: int
    places: list[tuple[int, int, int]]
    packets: list[bytes]


@dataclass(frozen=True)
class Sealed:
    """A sealed track that was checked: its header, what opened, and its chunks or pieces."""

    header: Header
    opened: Opened
    stream: bytes
    chunks: list[tables.Chunk]
    pieces: list[bytes]
    listed: tables.List

    def track(self, chunk: tables.Chunk, person: int) -> Track:
        """Decrypt a person's track in a chunk."""
        key = derive(self.opened.face_keys[person], "clip-chunk", self.stream + chunk.number.to_bytes(4))
        bound = LABEL + self.stream + person.to_bytes(2) + sha256(chunk.table).digest()
        return _track(_decrypt(key, chunk.sealed[person], bound))

    def original(self) -> bytes:
        """Decrypt the original file."""
        ((_, file_key),) = self.opened.file_keys.items()
        found = b""
        for number, sealed in enumerate(self.pieces):
            at = self.stream + number.to_bytes(4)
            found += _decrypt(derive(file_key, "clip-original", at), sealed, LABEL + at)
        require(len(found) == self.listed.original, "bytes of the original")
        return found


def open_clip(path: Path, credentials: Credentials) -> Sealed:
    """Read the sealed track of a clip, open it, and check that it is complete and in order."""
    packets = _packets(path)
    require(packets[0][:4] == b"PFSh" and packets[-1][:4] == b"PFSe", "the first or the last packet")
    header = headers.parse(packets[0][4:])
    require(header.clip is not None, "a header that is not a clip's")
    contents, stream = header.clip.contents, header.clip.stream
    mark = b"PFSc" if contents == 1 else b"PFSo"
    require(all(packet[:4] == mark for packet in packets[1:-1]), "packets of another kind")
    people, size = len(header.faces), (header.width, header.height)
    listed = tables.read_list(packets[-1], people)
    opened = unlock(header, credentials, with_macs=True)
    for person, key in opened.face_keys.items():
        mac = hmac.digest(derive(key, "clip-list"), stream + listed.body, sha256)
        require(hmac.compare_digest(mac, listed.macs[person]), "a list that was altered")
    chunks = [tables.chunk(packet, people, size) for packet in packets[1:-1] if contents == 1]
    pieces = [tables.piece(packet) for packet in packets[1:-1] if contents == 2]
    _check(header, listed, chunks, pieces)
    return Sealed(header, opened, stream, chunks, [sealed for _, sealed in pieces], listed)


def _packets(path: Path) -> list[bytes]:
    """The packets of the clip itself, or else of the sidecar beside it."""
    try:
        return sealed_packets(path.read_bytes())
    except NotProtected:
        beside = path.with_name(f"{path.name}.pfs")
        if not beside.exists():
            raise
        return packets_beside(beside.read_bytes())


def _check(header: Header, listed: tables.List, chunks: list[tables.Chunk], pieces: list[tuple[int, bytes]]) -> None:
    """What is sealed is what the list says, in its order."""
    require(len(listed.entries) == len(chunks) + len(pieces), "packets that are missing, or too many")
    forgotten = {face.index for face in header.faces if face.forgotten}
    for number, (entry, chunk) in enumerate(zip(listed.entries, chunks, strict=False)):
        require(tables.agree(entry, chunk, forgotten) and chunk.number == number, "a chunk that is not the list's")
    for number, (entry, (place, sealed)) in enumerate(zip(listed.entries, pieces, strict=False)):
        said = entry.table, entry.first, entry.parts
        require(said == (tables.NO_TABLE, 0, {0: sha256(sealed).digest()}) and place == number, "a piece")
    require(not chunks or sum(len(chunk.frames) for chunk in chunks) == listed.frames, "number of frames")


def _decrypt(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    try:
        return ChaCha20Poly1305(key).decrypt(bytes(12), sealed, bound)
    except InvalidTag:
        raise Damaged("a sealed part that was altered") from None


def _track(payload: bytes) -> Track:
    require(len(payload) % 2048 == 0, "padding")
    fields = Fields(payload)
    size, bits = (fields.number(2), fields.number(2)), fields.number(1)
    require(bits in (8, 10), "bits")
    count = fields.number(2)
    places = [(fields.number(2), fields.number(2), fields.number(2)) for _ in range(count)]
    lengths = [fields.number(4) for _ in range(fields.number(2))]
    packets = [fields.take(length) for length in lengths]
    require(not any(payload[fields.at :]), "padding that is not zeros")
    return Track(size, bits, places, packets)


def owned(areas: list[tables.Area], person: int, size: tuple[int, int]) -> np.ndarray:
    """Which blocks of 2 by 2 pixels of a frame a person owns, (h / 2, w / 2) bool."""
    width, height = size
    owner = np.full((height // 2, width // 2), -1)
    least = np.full(owner.shape, np.inf)
    for area in areas:
        x, y, w, h = area.box
        inside = np.zeros(owner.shape, bool)
        left, top, right, bottom = _sealed(area.box, size)
        inside[top // 2 : bottom // 2, left // 2 : right // 2] = True
        down = 65536 * np.abs(2 * np.arange(0, height, 2) + 2 - 2 * y - h) // h
        across = 65536 * np.abs(2 * np.arange(0, width, 2) + 2 - 2 * x - w) // w
        distance = np.maximum(down[:, None], across[None, :])
        closer = inside & (distance < least)
        least[closer], owner[closer] = distance[closer], area.person
    return owner == person


def _sealed(box: Box, size: tuple[int, int]) -> tuple[int, int, int, int]:
    x, y, w, h = box
    return max(0, x - 8), max(0, y - 8), min(size[0], x + w + 8), min(size[1], y + h + 8)


def recovered(path: Path, sealed: Sealed) -> Iterator[tuple[np.ndarray, ...]]:
    """The planes of each frame, with everybody put back whose key is there; FFmpeg decodes the pictures."""
    import av

    frames = iter(_decoded(av.open(str(path)), None))
    size = sealed.header.width, sealed.header.height
    for chunk in sealed.chunks:
        pictures = {}
        for person in set(chunk.sealed) & set(sealed.opened.face_keys):
            track = sealed.track(chunk, person)
            pictures[person] = zip(track.places, _decoded(None, track.packets), strict=True)
        for offset, (_, areas) in enumerate(chunk.frames):
            planes = next(frames)
            for person in {area.person for area in areas} & set(pictures):
                (where, x, y), part = next(pictures[person])
                require(where == offset, "the place of a picture")
                _put(planes, part, x, y, owned(areas, person, size))
            yield planes
    require(next(frames, None) is None, "frames too many")


def _put(planes: tuple[np.ndarray, ...], part: tuple[np.ndarray, ...], x: int, y: int, mask: np.ndarray) -> None:
    """Copy the samples of a window that the person owns."""
    four = mask.repeat(2, axis=0).repeat(2, axis=1)
    for plane, window, whose, step in zip(planes, part, (four, mask, mask), (1, 2, 2), strict=True):
        top, left = y // step, x // step
        h, w = min(window.shape[0], plane.shape[0] - top), min(window.shape[1], plane.shape[1] - left)
        place = slice(top, top + h), slice(left, left + w)
        assert whose[place].sum() == whose.sum(), "the window holds all that the person owns"
        np.copyto(plane[place], window[:h, :w], where=whose[place])


def _decoded(container: object, packets: list[bytes] | None) -> Iterator[tuple[np.ndarray, ...]]:
    """The planes of all frames of a file, or of packets of H.264."""
    import av

    if packets is None:
        frames = container.decode(video=0)  # type: ignore[attr-defined]
    else:
        decoder = av.CodecContext.create("h264", "r")
        frames = (frame for packet in (*map(av.Packet, packets), None) for frame in decoder.decode(packet))
    for frame in frames:
        require(frame.format.name == "yuv420p", "planes")
        planes = []
        for plane in frame.planes:
            rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
            planes.append(rows[:, : plane.width].copy())
        yield tuple(planes)
