"""Share copies of the first version open as they did, as they were written and after an app."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from proface_lab.channels import through_jpeg
from proface_s import Session
from proface_s.api.share.share_secrets import opened_face_keys
from proface_s.keys.access import Credentials
from proface_s.keys.derive import KekDeriver
from proface_s.keys.share_keys import decrypt_entry
from proface_s.robust.share_picture import find_layer
from proface_s.types import UInt8Image

FOLDER = Path(__file__).parent / "share"


def pixels(data: bytes) -> UInt8Image:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"), np.uint8)


def contents(data: bytes, credentials: Credentials) -> list[dict[str, Any]]:
    """Return box, codec and digest of the codes of every face; the last key of each opens it."""
    found = find_layer(pixels(data))
    assert found is not None
    assert found.fine is not None
    faces = []
    keys = opened_face_keys(found.directory, credentials, KekDeriver())
    for index, face in enumerate(found.directory.faces):
        entries = {"base": b"" if found.base is None else found.base[index], "fine": found.fine[index]}
        digests = {}
        for layer, entry in entries.items():
            codes = [code for key in keys[index] if (code := opened(key, layer, entry)) is not None]
            digests[layer] = hashlib.sha256(codes[0]).hexdigest() if entry else ""
        box = face.box
        faces.append({"box": [box.x, box.y, box.w, box.h], "codec": face.codec, "group": face.group, **digests})
    return faces


def opened(key: Any, layer: str, entry: bytes) -> bytes | None:
    from proface_s.errors import WrongKeyError

    try:
        return decrypt_entry(key, layer, entry)
    except WrongKeyError:
        return None


@pytest.fixture(scope="module", params=["share_v1.jpg", "share_box_v1.jpg", "share_inside_v1.webp"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def expected(name: str) -> dict[str, Any]:
    known: dict[str, Any] = json.loads((FOLDER / name).with_suffix(".json").read_text(encoding="utf-8"))
    return known


def test_every_byte_is_as_it_was(name: str, expected: dict[str, Any]) -> None:
    data = (FOLDER / name).read_bytes()
    assert contents(data, Credentials.of(list(expected["passphrases"]))) == expected["faces"]


def test_each_key_opens_its_faces_after_an_app(name: str, expected: dict[str, Any]) -> None:
    received = through_jpeg(75)(pixels((FOLDER / name).read_bytes()))
    session = Session(threads=1)
    for passphrase, numbers in expected["passphrases"].items():
        faces = session.recover(received, passphrase).faces
        assert [face.number for face in faces if face.outcome == "reduced"] == numbers
    for identity in [expected["identity"]] if "identity" in expected else []:
        faces = session.recover(received, identities=[identity]).faces
        assert [face.number for face in faces if face.outcome == "reduced"] == expected["opened_by_identity"]


def test_the_file_that_carries_its_share_copy_is_exact() -> None:
    expected = json.loads((FOLDER / "share_inside_v1.json").read_text(encoding="utf-8"))
    session, data = Session(threads=1), (FOLDER / "share_inside_v1.webp").read_bytes()
    for passphrase, numbers in expected["passphrases"].items():
        back = session.recover(data, passphrase)
        assert [face.number for face in back.faces if face.outcome == "exact"] == numbers
        assert hashlib.sha256(back.recovered.tobytes()).hexdigest() == expected["recovered"][passphrase]
