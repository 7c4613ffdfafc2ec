"""What happens to JPEG files on their way: cut off, put together wrongly, saved again, stripped, turned."""

from __future__ import annotations

import hashlib
import io
import shutil
import struct
import subprocess
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jpeg_kit import SAMPLINGS, jpeg_file, pillow_pixels

pytest.importorskip("wasmtime")

from proface_s.api import Credentials, Session, forget, inspect, verify
from proface_s.api.jpeg.protecting import same_coefficients
from proface_s.container.carriers.carrier import read_chunks, write_chunks
from proface_s.container.carriers.jpeg import IDENTIFIER
from proface_s.errors import DamagedFileError, ImageError, NotProtectedError
from proface_s.image.jpeg.read_coefficients import read_jpeg
from proface_s.image.jpeg.turns import TURNS, Turn
from proface_s.image.jpeg.write_coefficients import write_jpeg

WORDS = "nine black swans in a row"
BOXES = ("9,7,20,18", "48,28,20,18")
EOI = b"\xff\xd9"


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(threads=1)


@pytest.fixture(scope="module")
def photo() -> bytes:
    return jpeg_file()


def protected_of(session: Session, photo: bytes, boxes: tuple[str, ...] = BOXES) -> bytes:
    return session.protect(photo, WORDS, boxes=boxes, faces="none").data


@pytest.fixture(scope="module")
def protected(session: Session, photo: bytes) -> bytes:
    return protected_of(session, photo)


def scan_of(data: bytes) -> int:
    """Where the coded data begin."""
    at = data.index(b"\xff\xda")
    return at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_truncated_scan_is_named(session: Session, photo: bytes, protected: bytes, share: float) -> None:
    for data, call in (
        (photo, lambda bad: session.protect(bad, WORDS, boxes=BOXES, faces="none")),
        (protected, lambda bad: session.recover(bad, WORDS)),
        (protected, verify),
    ):
        start = scan_of(data)
        with pytest.raises((ImageError, DamagedFileError), match=r"truncated|damaged"):
            call(data[: start + int(share * (len(data) - start))])


@pytest.mark.parametrize("progressive", [False, True])
def test_a_missing_end_marker_costs_nothing(session: Session, progressive: bool) -> None:
    photo = jpeg_file(progressive=progressive)
    assert photo.endswith(EOI)
    done = session.protect(photo[:-2], WORDS, boxes=BOXES, faces="none")
    assert done.data.endswith(EOI)
    assert not verify(done.data[:-2], Credentials.of(WORDS)).problems
    back = session.recover(done.data[:-2], WORDS)
    assert same_coefficients(read_jpeg(back.data), read_jpeg(photo))


def test_doubled_and_reordered_segments_of_a_photo(session: Session, photo: bytes) -> None:
    """Tables that come twice, in another order, or between unknown segments are what they are."""
    at = photo.index(b"\xff\xdb")
    tables = photo[at : photo.index(b"\xff\xc0")]
    unknown = b"\xff\xe5\0\x0asomebody"
    for changed in (photo[:at] + tables + photo[at:], photo[:2] + tables + unknown + photo[2:at] + photo[at:]):
        done = session.protect(changed, WORDS, boxes=BOXES, faces="none")
        assert b"somebody" not in done.data
        assert same_coefficients(read_jpeg(session.recover(done.data, WORDS).data), read_jpeg(photo))
    frame = photo.index(b"\xff\xc0")
    twice = photo[:frame] + photo[frame : frame + 19] + photo[frame:]
    with pytest.raises(ImageError, match="two frames"):
        session.protect(twice, WORDS, boxes=BOXES, faces="none")


def test_a_chain_that_claims_gigabytes_takes_no_memory(protected: bytes) -> None:
    at = protected.index(IDENTIFIER) + len(IDENTIFIER)
    many = protected[:at] + struct.pack(">HH", 1, 16384) + protected[at + 4 :]
    name = protected.index(b"pfSh")
    huge = protected[: name + 4] + b"\xff\xff\xff\xff" + protected[name + 8 :]
    for data in (many, huge):
        tracemalloc.start()
        with pytest.raises(DamagedFileError, match="with the seals"):
            inspect(data)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(data) + 2**20
        tracemalloc.stop()


@pytest.mark.parametrize("quality", [92, 60])
def test_a_file_that_was_saved_again_says_so(session: Session, protected: bytes, quality: int) -> None:
    """With the tables of the photo or with others, with its seals or without."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(protected)) as image:
        kept = {"qtables": image.quantization} if quality == 92 else {"quality": quality}  # type: ignore[attr-defined]
        image.rotate(0.5).save(buffer, "JPEG", subsampling=2, **kept)
    with pytest.raises(NotProtectedError):
        session.recover(buffer.getvalue(), WORDS)
    again = write_chunks(buffer.getvalue(), read_chunks(protected))
    with pytest.raises(DamagedFileError) as caught:
        session.recover(again, WORDS)
    assert caught.value.code == ("pixels-changed" if quality == 92 else "recompressed")


def test_a_sidecar_opens_a_stripped_file(session: Session, photo: bytes, tmp_path: Path) -> None:
    path = tmp_path / "party.jpg"
    path.write_bytes(photo)
    done = session.protect(path, WORDS, boxes=BOXES, faces="none", sidecar="also")
    assert done.path is not None
    done.path.write_bytes(write_jpeg(read_jpeg(done.data)))
    assert not read_chunks(done.path.read_bytes())
    assert same_coefficients(read_jpeg(session.recover(done.path, WORDS).data), read_jpeg(photo))


def test_further_pictures_do_not_stay(session: Session, photo: bytes) -> None:
    """A gain map behind the end marker, with its index: it shows the faces."""
    entries = struct.pack(">IIIHH", 0x030000, len(photo), 0, 0, 0) + struct.pack(">IIIHH", 0, len(photo), 0, 0, 0)
    block = b"MM\0*" + struct.pack(">IH", 8, 2) + struct.pack(">HHI4s", 0xB000, 7, 4, b"0100")
    block += struct.pack(">HHII", 0xB002, 7, 32, 8 + 2 + 24 + 4) + bytes(4) + entries
    index = b"\xff\xe2" + struct.pack(">H", 2 + 4 + len(block)) + b"MPF\0" + block
    whole = photo[:2] + index + photo[2:] + jpeg_file(seed=9)
    done = session.protect(whole, WORDS, boxes=BOXES, faces="none")
    assert b"MPF\0" not in done.data
    assert done.data.count(b"\xff\xd8\xff") == 1
    assert done.data.endswith(EOI)
    assert same_coefficients(read_jpeg(session.recover(done.data, WORDS).data), read_jpeg(photo))


@pytest.mark.parametrize("turn", TURNS, ids=str)
@pytest.mark.parametrize("sampling", [*SAMPLINGS, "grey"])
def test_turning_is_undone_by_turning(sampling: str, turn: Turn) -> None:
    photo = read_jpeg(jpeg_file(sampling=sampling))
    turned = turn.of(photo)
    back = Turn(turn.exchange, turn.columns, turn.rows) if turn.exchange else turn
    assert same_coefficients(back.of(turned), photo)
    assert read_jpeg(write_jpeg(turned)).frame_digest == turned.frame_digest


@pytest.mark.parametrize("turn", TURNS[1:], ids=str)
@pytest.mark.parametrize("kind", [{"sampling": "4:2:2"}, {"orientation": 6}, {"progressive": True}, {"width": 64}])
def test_a_file_that_was_turned_without_loss_comes_back(session: Session, turn: Turn, kind: dict[str, int]) -> None:
    photo = jpeg_file(**kind)  # type: ignore[arg-type]
    upright = read_jpeg(photo).upright_size
    boxes = ("9,7,20,18", f"{upright[0] - 12},{upright[1] - 10},12,10")
    protected = protected_of(session, photo, boxes)
    for orientation in (None, 1):  # some programs set the orientation back, and some leave it as it is
        turned = write_jpeg(turn.of(read_jpeg(protected)))
        if orientation and "orientation" in kind:
            turned = turned.replace(
                b"\x01\x12\0\x03\0\0\0\x01\0\x06", b"\x01\x12\0\x03\0\0\0\x01\0" + bytes([orientation])
            )
        turned = write_chunks(turned, read_chunks(protected))
        back = session.recover(turned, WORDS)
        assert [face.outcome for face in back.faces] == ["exact", "exact"]
        assert any("has turned this picture" in warning for warning in back.warnings)
        assert same_coefficients(read_jpeg(back.data), read_jpeg(photo))
        with pytest.raises(DamagedFileError):
            forget(turned, 1)


def test_turned_pixels_are_those_of_the_picture() -> None:
    """Against a decoder that knows nothing of coefficients, on whole MCUs."""
    photo = jpeg_file(64, 48, sampling="4:4:4", quality=95)
    pixels = pillow_pixels(photo).astype(int)
    for turn in TURNS:
        expected = pixels.swapaxes(0, 1) if turn.exchange else pixels
        expected = expected[:: -1 if turn.rows else 1, :: -1 if turn.columns else 1]
        found = pillow_pixels(write_jpeg(turn.of(read_jpeg(photo)))).astype(int)
        assert np.abs(found - expected).max() <= 3  # decoders round


@pytest.mark.skipif(shutil.which("jpegtran") is None, reason="jpegtran is not installed")
@pytest.mark.parametrize(
    "option",
    ["-rotate 90", "-rotate 180", "-rotate 270", "-flip horizontal", "-flip vertical", "-transpose", "-transverse"],
)
def test_what_jpegtran_turns_comes_back(session: Session, option: str, tmp_path: Path) -> None:
    for kind in ({}, {"sampling": "4:2:2", "progressive": True}):
        photo = jpeg_file(**kind)  # type: ignore[arg-type]
        (tmp_path / "in.jpg").write_bytes(protected_of(session, photo))
        command = ["jpegtran", "-copy", "all", *option.split(), "-outfile", tmp_path / "out.jpg", tmp_path / "in.jpg"]
        subprocess.run(command, check=True, timeout=300)  # type: ignore[arg-type]
        back = session.recover((tmp_path / "out.jpg").read_bytes(), WORDS)
        assert [face.outcome for face in back.faces] == ["exact", "exact"]
        assert shown_hash(back.data) == shown_hash(photo), "it fills blocks that show nothing with others"


def shown_hash(data: bytes) -> str:
    """The SHA-256 of the coefficients of blocks that show a part of the picture."""
    picture = read_jpeg(data)
    digest = hashlib.sha256(picture.frame_digest)
    for each in picture.components:
        across, down = picture.own_blocks(each)
        digest.update(np.ascontiguousarray(each.coefficients[:down, :across]).tobytes())
    return digest.hexdigest()


def test_a_turn_and_a_changed_face_is_damage(session: Session, protected: bytes) -> None:
    turned = write_chunks(write_jpeg(TURNS[2].of(read_jpeg(jpeg_file(seed=5)))), read_chunks(protected))
    with pytest.raises(DamagedFileError):
        session.recover(turned, WORDS)
