"""Case S12: a face that reaches the last column or row of a picture with odd sides is hidden there, too."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data

from proface_s.api import Credentials, Lock, Session, forget, rewrap, verify
from proface_s.container.carriers.carrier import from_chunks, read_chunks, write_chunks
from proface_s.errors import DamagedFileError
from proface_s.types import Box, Face, UInt8Image
from proface_s.video.keys import VideoKey
from proface_s.video.session import VideoSession

PASSPHRASE = "correct horse battery staple"
PHOTO = data.astronaut()[0:101, 150:271]  # 121 x 101
WHOLE: dict[str, Any] = {"boxes": ["0,0,121,101"], "faces": "none"}
OTHER = "another long passphrase"


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(threads=1)


def png(pixels: UInt8Image) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def pixels_of(file: bytes) -> UInt8Image:
    return np.asarray(Image.open(io.BytesIO(file)))


def assert_covered(protected: UInt8Image, area: Any) -> None:
    """Solid grey, but for what is hidden in it."""
    assert np.abs(protected[area].astype(int) - 128).max() <= 4


@pytest.mark.parametrize(
    "box", ["0,0,121,101", "0,0,121,60", "0,40,121,61", "0,0,60,101", "61,0,60,101", "60,50,61,51", "120,0,1,101"]
)
@pytest.mark.parametrize("file_format", ["png", "webp", "tiff"])
def test_no_row_stays_clear_and_all_come_back(session: Session, box: str, file_format: Any) -> None:
    done = session.protect(
        png(PHOTO), PASSPHRASE, style="solid", boxes=[box], faces="none", file_format=file_format
    )  # fmt: skip
    x, y, w, h = map(int, box.split(","))
    assert_covered(done.protected, np.s_[y : y + h, x : x + w])
    back = session.recover(done.data, PASSPHRASE)
    assert [face.outcome for face in back.faces] == ["exact"]
    np.testing.assert_array_equal(back.recovered, PHOTO)
    assert not verify(done.data, Credentials.of(PASSPHRASE)).problems


def test_two_faces_at_opposite_edges(session: Session) -> None:
    boxes = ["0,0,40,101", "81,0,40,101"]
    done = session.protect(png(PHOTO), PASSPHRASE, style="solid", boxes=boxes, faces="none")
    assert_covered(done.protected, np.s_[:, :40])
    assert_covered(done.protected, np.s_[:, 81:])
    one = session.recover(done.data, PASSPHRASE, faces=[2])
    np.testing.assert_array_equal(one.recovered[:, 81:], PHOTO[:, 81:])
    assert_covered(one.recovered, np.s_[:, :40])


def test_alpha_of_the_edge_comes_back(session: Session) -> None:
    alpha = np.full((101, 121), 255, np.uint8)
    alpha[:, -1] = np.arange(101)
    done = session.protect(png(np.dstack([PHOTO, alpha])), PASSPHRASE, **WHOLE)
    assert (pixels_of(done.data)[..., 3] == 255).all()
    back = session.recover(done.data, PASSPHRASE)
    np.testing.assert_array_equal(pixels_of(back.data), np.dstack([PHOTO, alpha]))


@pytest.mark.parametrize("options", [{"seal": False}, {"wrong_key": "cover"}])
def test_without_a_seal_the_edge_repeats_the_estimate(session: Session, options: dict[str, Any]) -> None:
    done = session.protect(png(PHOTO), PASSPHRASE, style="solid", **options, **WHOLE)
    assert_covered(done.protected, np.s_[:, :])
    assert any("odd side" in warning for warning in done.warnings)
    back = session.recover(done.data, PASSPHRASE).recovered
    np.testing.assert_array_equal(back[:, -1], back[:, -2])
    np.testing.assert_array_equal(back[-1], back[-2])
    assert np.abs(back.astype(int) - PHOTO).mean() < 12


def test_a_wrong_key_in_cover_mode_leaves_the_edge_as_published(session: Session) -> None:
    """Sample for sample the protected picture, as docs/threat-model.md promises."""
    done = session.protect(png(PHOTO), PASSPHRASE, style="solid", wrong_key="cover", **WHOLE)
    np.testing.assert_array_equal(session.recover(done.data, OTHER).recovered, done.protected)


def test_the_edge_is_bound(session: Session) -> None:
    done = session.protect(png(PHOTO), PASSPHRASE, **WHOLE)
    for place in (np.s_[5, -1], np.s_[-1, 5], np.s_[-1, -1]):
        changed = pixels_of(done.data).copy()
        changed[place] ^= 2
        forged = write_chunks(png(changed), read_chunks(done.data))
        assert [face.pixels for face in verify(forged).faces] == ["changed"]
        with pytest.raises(DamagedFileError, match="changed"):
            session.recover(forged, PASSPHRASE)


def test_rewrap_leaves_the_edge_alone_and_erasing_does_not(session: Session) -> None:
    done = session.protect(png(PHOTO), PASSPHRASE, style="blur:1", **WHOLE)
    again = rewrap(done.data, Credentials.of(PASSPHRASE), Lock.of(OTHER))
    np.testing.assert_array_equal(session.recover(again.data, OTHER).recovered, PHOTO)
    gone = forget(done.data, [1], erase=True)
    left = pixels_of(gone.data)
    np.testing.assert_array_equal(left[:, -1], left[:, -2])
    np.testing.assert_array_equal(left[-1], left[-2])
    assert not verify(gone.data).problems


def test_a_box_that_merely_ends_there_leaves_the_edge_alone(session: Session) -> None:
    done = session.protect(png(PHOTO), PASSPHRASE, style="solid", boxes=["0,0,120,100"], faces="none")
    np.testing.assert_array_equal(done.protected[:, -1], PHOTO[:, -1])
    header, _ = from_chunks(read_chunks(done.data))
    assert not any(extension.critical and extension.tag == 0 for extension in header.extensions), "old readers open it"


class Whole:
    """Takes the whole frame for a face."""

    def detect(self, rgb: UInt8Image) -> list[Face]:
        return [Face(Box(0, 0, rgb.shape[1], rgb.shape[0]))]


def test_frames_of_odd_size(session: Session) -> None:
    video, key = VideoSession(detector=Whole(), model=session.model), VideoKey.generate()
    (frame,) = video.protect([PHOTO], key, style="solid")
    assert_covered(frame.rgb, np.s_[:, :])
    (back,) = video.recover([(frame.rgb, frame.record)], key)
    assert np.abs(back.astype(int) - PHOTO).mean() < 12
