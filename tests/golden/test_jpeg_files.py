"""Protected JPEG files that every later version must open: one per sampling and mode.

`PYTHONPATH=tests python tests/golden/test_jpeg_files.py` writes them anew; do so only together with a new format, and
keep the old files under their own names with their own tests.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("wasmtime")

from proface_s.api import Session, inspect, verify
from proface_s.errors import WrongKeyError
from proface_s.image.jpeg.picture import JpegPicture
from proface_s.image.jpeg.read_coefficients import read_jpeg

HERE = Path(__file__).parent / "jpeg"
EXPECTED = HERE / "expected.json"
PASSPHRASE = "a golden file opens for ever"
BOXES = ("9,7,20,18", "48,28,20,18")
FILES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {  # name -> how the input and the protected file were made
    "444.jpg": ({"sampling": "4:4:4"}, {}),
    "422.jpg": ({"sampling": "4:2:2"}, {}),
    "420.jpg": ({"sampling": "4:2:0"}, {}),
    "440.jpg": ({"sampling": "4:4:0"}, {}),
    "411.jpg": ({"sampling": "4:1:1"}, {}),
    "grey.jpg": ({"sampling": "grey"}, {}),
    "progressive.jpg": ({"progressive": True}, {}),
    "restart.jpg": ({"restart": 3}, {}),
    "turned.jpg": ({"orientation": 6}, {}),
    "solid.jpg": ({}, {"style": "solid:0"}),
    "sidecar.jpg": ({}, {"sidecar": "instead"}),
}


def coefficient_hash(data: bytes) -> str:
    """Return the SHA-256 of all that a JPEG file shows: size, orientation, tables, sampling and coefficients."""
    picture: JpegPicture = read_jpeg(data)
    digest = hashlib.sha256(picture.frame_digest)
    for each in picture.components:
        across, down = picture.own_blocks(each)
        digest.update(np.ascontiguousarray(each.coefficients[:down, :across]).astype(">i2").tobytes())
    return digest.hexdigest()


def expected() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(EXPECTED.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(threads=1)


@pytest.mark.parametrize("name", FILES)
def test_every_coefficient_comes_back(session: Session, name: str, tmp_path: Path) -> None:
    file = HERE / name
    assert coefficient_hash(file.read_bytes()) == expected()[name]["protected"]
    assert not verify(file).problems
    recovered = session.recover(file, PASSPHRASE, output=tmp_path / "recovered.jpg")
    assert [face.outcome for face in recovered.faces] == ["exact", "exact"]
    assert coefficient_hash((tmp_path / "recovered.jpg").read_bytes()) == expected()[name]["original"]


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_passphrase_opens_nothing(session: Session, name: str) -> None:
    with pytest.raises(WrongKeyError):
        session.recover(HERE / name, "not the golden passphrase")


def test_every_file_is_expected() -> None:
    files = {path.name for path in HERE.iterdir()} - {EXPECTED.name, "sidecar.pfs"}
    assert files == set(FILES) == set(expected())
    assert len(inspect(HERE / "420.jpg").faces) == 2


def write() -> None:
    """Write all files anew."""
    from jpeg_kit import jpeg_file

    HERE.mkdir(exist_ok=True)
    digests = {}
    for name, (kind, options) in FILES.items():
        data = jpeg_file(**kind)
        result = Session(threads=1).protect(
            data,
            PASSPHRASE,
            boxes=BOXES,
            faces="none",
            file_format="jpeg",
            output=HERE / name,
            overwrite=True,
            **options,
        )
        digests[name] = {"original": coefficient_hash(data), "protected": coefficient_hash(result.data)}
    EXPECTED.write_text(json.dumps(digests, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
