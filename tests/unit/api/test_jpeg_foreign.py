"""Coefficients of recovered JPEG files are those of the photo, read by a library that wrote neither (jpeglib)."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("wasmtime")
jpeglib = pytest.importorskip("jpeglib")

from jpeg_kit import jpeg_file, kinds  # noqa: E402
from proface_s.api import Session  # noqa: E402

PASSPHRASE = "a passphrase of some length"
PHOTOS = Path(os.environ.get("EVAL") or "no-data") / "photos"  # as for `make results EVAL=DIR`


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(threads=1)


def assert_same(recovered: Path, photo: Path) -> None:
    """Assert that quantisation tables and all coefficients are equal."""
    mine, theirs = jpeglib.read_dct(str(recovered)), jpeglib.read_dct(str(photo))
    for name in ("Y", "Cb", "Cr", "qt"):
        one, other = getattr(mine, name), getattr(theirs, name)
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("options", [options for name, options in kinds() if "x" not in name])
def test_drawn_photos_come_back(options: dict[str, object], session: Session, tmp_path: Path) -> None:
    photo, protected, back = (tmp_path / name for name in ("photo.jpg", "protected.jpg", "back.jpg"))
    photo.write_bytes(jpeg_file(150, 106, **options))  # type: ignore[arg-type]
    session.protect(photo, PASSPHRASE, boxes=[(20, 16, 40, 40)], faces="none", output=protected)
    with pytest.raises(AssertionError):
        assert_same(protected, photo)
    session.recover(protected, PASSPHRASE, output=back)
    assert_same(back, photo)


@pytest.mark.slow
@pytest.mark.skipif(not PHOTOS.is_dir(), reason="needs EVAL=DIR, a folder with group photos")
def test_group_photos_come_back(session: Session, tmp_path: Path) -> None:
    for photo in sorted(PHOTOS.glob("*.jpg")):
        protected, back = tmp_path / f"{photo.stem}.protected.jpg", tmp_path / f"{photo.stem}.recovered.jpg"
        session.protect(photo, PASSPHRASE, output=protected)
        session.recover(protected, PASSPHRASE, output=back)
        assert_same(back, photo)
