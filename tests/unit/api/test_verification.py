"""A file that would not bring the original back is never written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proface_s.api import Session
from proface_s.api.protection import protect_picture, protected_check
from proface_s.errors import ImageError, ProFaceError
from proface_s.image import write
from proface_s.types import Picture

PASSPHRASE = "verified before it is written"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    from PIL import Image

    y, x = np.mgrid[0:64, 0:96]
    Image.fromarray(np.stack([x * 2, y * 3, x + y], axis=2).astype(np.uint8)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def corrupting(real: Callable[..., bytes], y: int, x: int) -> Callable[..., bytes]:
    """An encoder that changes one sample by one."""

    def encode(picture: Picture, file_format: str, **options: Any) -> bytes:
        rgb = picture.rgb.copy()
        rgb[y, x, 0] ^= 1
        return real(replace(picture, rgb=rgb), file_format, **options)

    return encode


@pytest.mark.parametrize(
    ("y", "x", "what"),
    [(2, 90, "outside the faces"), (20, 20, "face 1 would not come back"), (44, 44, "face 1 would not come back")],
)
def test_one_wrong_sample_is_noticed(photo: Path, monkeypatch: pytest.MonkeyPatch, y: int, x: int, what: str) -> None:
    monkeypatch.setattr(protect_picture, "encode_picture", corrupting(protect_picture.encode_picture, y, x))
    with pytest.raises(ProFaceError, match=what):
        Session().protect(photo, PASSPHRASE, boxes=["8,8,40,40"], faces="none")
    assert [p.name for p in photo.parent.iterdir()] == ["photo.png"]


def test_a_seal_of_other_pixels_is_noticed(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = protect_picture.seal_region
    monkeypatch.setattr(
        protect_picture, "seal_region", lambda key, region, aad, **more: real(key, region ^ 1, aad, **more)
    )
    with pytest.raises(ProFaceError, match="face 1 would not come back"):
        Session().protect(photo, PASSPHRASE, boxes=["8,8,40,40"], faces="none")
    assert [p.name for p in photo.parent.iterdir()] == ["photo.png"]


def test_a_disk_that_forgets_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = write._write_new
    monkeypatch.setattr(write, "_write_new", lambda path, data: real(path, data[:-1]))
    with pytest.raises(ImageError, match="differs from what was written"):
        write.write_atomic(tmp_path / "out.png", b"some bytes")
    assert list(tmp_path.iterdir()) == []


def test_a_poor_estimate_without_a_seal_is_warned_about(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protected_check, "ESTIMATE_FLOOR_DB", 90.0)
    result = Session().protect(photo, PASSPHRASE, boxes=["8,8,40,40"], faces="none", seal=False)
    assert any("has no seal" in warning for warning in result.warnings)
