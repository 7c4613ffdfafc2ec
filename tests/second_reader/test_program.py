"""The program and the second reader on files that no vector has: both open the same, or refuse alike."""

from __future__ import annotations

import io
import random
import zlib
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from proface_s import ProFaceError, Session
from proface_s.container.records.pixel_records import read_record, write_record

from .container import carriers, header, records
from .keys.unlock import Credentials
from .outcomes import NotOpened
from .reading import read

FOLDER = Path(__file__).parents[1] / "vectors/container"
PASSPHRASE = "a passphrase for test vectors"
WRONG = "another passphrase than the right one"
Chunk = tuple[bytes, bytes, bool]
Found = tuple[str, list[str], str]
REFUSALS = {"WrongKeyError": "wrong-key", "NotProtectedError": "not-protected", "FileFormatError": "newer"}
REFUSALS |= {"DamagedFileError": "damaged", "ImageError": "not-a-picture", "ModelError": "lacks-model"}


@pytest.fixture(scope="module")
def session() -> Session:
    return Session()


def by_program(session: Session, data: bytes, passphrase: str) -> Found:
    try:
        result = session.recover(data, passphrase)
    except ProFaceError as error:
        return REFUSALS[type(error).__name__], [], ""
    return "opens", [str(face.outcome) for face in result.faces], carriers.picture(result.data).digest


def by_reader(path: Path, data: bytes, passphrase: str) -> Found:
    path.write_bytes(data)
    try:
        result = read(path, Credentials([passphrase]))
    except NotOpened as error:
        return error.word, [], ""
    return "opens", result.faces, result.picture.digest


def png(chunks: list[Chunk]) -> bytes:
    """Chunks as a PNG file; those marked false get a wrong CRC."""
    parts = (
        len(payload).to_bytes(4) + name + payload + (zlib.crc32(name + payload) ^ (not intact)).to_bytes(4)
        for name, payload, intact in chunks
    )
    return carriers.PNG + b"".join(parts)


def mutated(chunks: list[Chunk], chance: random.Random) -> list[Chunk]:
    """Private chunks of a PNG moved, doubled, dropped, cut, prolonged, or with a wrong CRC; IHDR and IEND stay."""
    first, *middle, last = chunks
    private = [k for k, chunk in enumerate(middle) if chunk[0].startswith(b"pfS")]
    chosen = chance.choice(private)
    name, payload, _ = middle[chosen]
    kind = chance.randrange(6)
    if kind in (0, 2):
        del middle[chosen]
    if kind in (0, 1):
        middle.insert(chance.randrange(len(middle) + 1), (name, payload, True))
    if kind >= 3:
        shorter = payload[: chance.randrange(len(payload))]
        middle[chosen] = [(name, shorter, True), (name, payload + b"\0", True), (name, payload, False)][kind - 3]
    return [first, *middle, last]


@pytest.mark.parametrize(
    "file",
    ["layout/plain.png", "layout/no-seal.png", "modes/cover.png", "records/with-header.png", "areas/varied-alpha.png"],
)
def test_changed_chunks(file: str, session: Session, tmp_path: Path) -> None:
    chance = random.Random(file)
    chunks = list(carriers.png_chunks((FOLDER / file).read_bytes()))
    for _ in range(30):
        data = png(mutated(chunks, chance))
        assert by_program(session, data, PASSPHRASE) == by_reader(tmp_path / "a.png", data, PASSPHRASE)


def altered(data: bytes, chance: random.Random, front: int) -> bytes:
    """Bytes with one to three changes: behind the first `front`, something flipped, set, dropped or inserted."""
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 4)):
        at, kind = chance.randrange(front, len(changed)), chance.randrange(4)
        if kind == 0:
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            changed[at] = chance.choice([0, 1, 2, 3, 4, 8, 128, 255])
        elif kind == 2:
            del changed[at]
        else:
            changed.insert(at, chance.choice([0, 1, 255]))
    return bytes(changed)


@pytest.mark.parametrize("file", ["modes/cover.png", "areas/edges.png", "keys/forgotten.png"])
def test_changed_headers(file: str, session: Session, tmp_path: Path) -> None:
    """A header with wrong fields and a right checksum: the same fault is found first."""
    chance = random.Random(file)
    chunks = list(carriers.png_chunks((FOLDER / file).read_bytes()))
    (place,) = (k for k, chunk in enumerate(chunks) if chunk[0] == carriers.HEADER)
    original = chunks[place][1][:-8]
    for _ in range(25):
        body = altered(original, chance, front=4)
        chunks[place] = (carriers.HEADER, body + sha256(body).digest()[:8], True)
        data, words = png(chunks), chance.choice([PASSPHRASE, WRONG])
        assert by_program(session, data, words) == by_reader(tmp_path / "a.png", data, words)


@pytest.mark.parametrize(
    "file", ["records/stripped.png", "modes/stripped.png", "modes/cover.png", "layout/no-seal.png"]
)
def test_changed_records(file: str, session: Session, tmp_path: Path) -> None:
    """A record with wrong fields and a right CRC, alone or beside a header for which nothing vouches."""
    chance = random.Random(file)
    chunks = list(carriers.png_chunks((FOLDER / file).read_bytes()))
    metadata = [chunk for chunk in chunks if chunk[0].startswith(b"pfS")]
    rgb = carriers.pixels(png(chunks)).rgb
    (found,), _ = records.search(rgb)
    x, y, w, h = found.found
    place = read_record(rgb, x, y)
    assert place is not None
    for _ in range(25):
        changed = rgb.copy()
        record = altered(place.record, chance, front=0)[: chance.choice([1, 2, 1023, 1023, 1023, 1023])]
        changed[y : y + h, x : x + w] = write_record(np.ascontiguousarray(rgb[y : y + h, x : x + w]), record)
        stored = io.BytesIO()
        Image.fromarray(changed).save(stored, "PNG")
        first, *rest = carriers.png_chunks(stored.getvalue())
        data, words = png([first, *metadata, *rest]), chance.choice([PASSPHRASE, WRONG])
        assert by_program(session, data, words) == by_reader(tmp_path / "a.png", data, words)


@pytest.mark.parametrize("file", ["420.jpg", "progressive.jpg", "grey.jpg"])
def test_changed_jpeg(file: str, session: Session, tmp_path: Path) -> None:
    """One or two wrong bits anywhere in a JPEG file, or its end cut off."""
    chance = random.Random(file)
    original = (FOLDER.parent / "jpeg/files" / file).read_bytes()
    assert by_program(session, original, PASSPHRASE)[0] == "opens"
    for _ in range(30):
        data = bytearray(original)
        for _ in range(chance.randrange(1, 3)):
            data[chance.randrange(20, len(data))] ^= 1 << chance.randrange(8)
        if chance.randrange(5) == 0:
            del data[chance.randrange(20, len(data)) :]
        changed = bytes(data)
        assert by_program(session, changed, PASSPHRASE) == by_reader(tmp_path / "a.jpg", changed, PASSPHRASE)


@pytest.mark.parametrize("passphrase", [PASSPHRASE, WRONG])
@pytest.mark.parametrize("mode", ["noise", "cover"])
def test_edges(mode: Literal["noise", "cover"], passphrase: str, session: Session, tmp_path: Path) -> None:
    """A picture with odd sides, whose last column and row are covered with the face and come back as an estimate."""
    rows, columns = np.mgrid[:61, :81]
    waves = np.stack([128 + 60 * np.sin(columns / 9 + c) + 50 * np.cos(rows / 7) for c in range(3)], axis=-1)
    protected = session.protect(
        waves.astype(np.uint8), PASSPHRASE, boxes=[(0, 0, 81, 61)], faces=[], wrong_key=mode, seal=False
    )
    (footprint,) = header.parse(carriers.metadata(protected.data).header or b"").footprints or ()
    assert (footprint.right, footprint.bottom) == (True, True)
    found = by_reader(tmp_path / "a.png", protected.data, passphrase)
    assert by_program(session, protected.data, passphrase) == found
    if mode == "cover" and passphrase == WRONG:
        assert found == ("opens", ["estimate"], carriers.pixels(protected.data).digest)


def region_of(file: str) -> np.ndarray:
    """The pixels of the only region with a record in a file."""
    rgb = carriers.pixels((FOLDER / file).read_bytes()).rgb
    (record,), _ = records.search(rgb)
    x, y, w, h = record.found
    return rgb[y : y + h, x : x + w]


@pytest.mark.parametrize("passphrase", [PASSPHRASE, WRONG])
@pytest.mark.parametrize(
    "files",
    [
        ["records/stripped.png"],
        ["records/stripped.png", "records/stripped.png"],
        ["records/stripped.png", "modes/stripped.png"],
        ["modes/stripped.png", "records/one-lost.png"],
        ["records/one-lost.png", "records/stripped.png", "modes/stripped.png"],
    ],
)
def test_pasted_regions(files: list[str], passphrase: str, session: Session, tmp_path: Path) -> None:
    chance = random.Random(len(files))
    collage = np.full((60 * len(files), 80, 3), 90, np.uint8)
    for row, file in enumerate(files):
        region = region_of(file)
        x, y = chance.randrange(80 - region.shape[1]), 60 * row + chance.randrange(60 - region.shape[0])
        collage[y : y + region.shape[0], x : x + region.shape[1]] = region
    stored = io.BytesIO()
    Image.fromarray(collage).save(stored, "PNG")
    found = by_reader(tmp_path / "a.png", stored.getvalue(), passphrase)
    assert by_program(session, stored.getvalue(), passphrase) == found
    if passphrase == PASSPHRASE:
        assert found[0] == "opens"
        assert found[1].count("estimate") == len(files)
