"""Protected files that every later version must open: one per container and mode.

`python tests/golden/test_protected_file.py` writes them anew; do so only together with a new format or model, and keep
the old files under their own names with their own tests.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proface_s.api import Credentials, Lock, Session, face_key, inspect, verify
from proface_s.errors import WrongKeyError
from proface_s.image.measures import psnr
from proface_s.image.read import read_picture
from proface_s.image.regions import cut
from proface_s.image.write import encode_png
from proface_s.keys.recipients import decode_identity
from proface_s.types import Picture, UInt8Image

HERE = Path(__file__).parent / "protected"
KEYS = HERE / "protected_v1.keys.json"
PASSPHRASE = "a golden file opens for ever"
IDENTITY = "AGE-SECRET-KEY-1XMWWC06LY3EE5RYTXM9MFLAZ2U56JJJ36S0MYPDRWSVLUL66MV4QX3S7F6"
BOXES = ("8,6,48,52", "70,10,34,40")


@dataclass(frozen=True)
class Golden:
    """One file: how it was made, and what comes back of its faces."""

    name: str
    outcome: str
    options: dict[str, Any] = field(default_factory=dict)
    model: str = "secure-2"


FILES = (
    Golden("protected_v1.png", "exact"),
    Golden("protected_v1.webp", "exact"),
    Golden("protected_v1.tif", "exact"),
    Golden("protected_v1_sidecar.png", "exact", {"sidecar": "instead"}),
    Golden("protected_v1_noseal.png", "estimate", {"seal": False}),
    Golden("protected_v1_secure-3.png", "estimate", {"seal": False}, "secure-3"),
    Golden("protected_v1_cover.png", "estimate", {"wrong_key": "cover"}),
    Golden("protected_v1_stripped.png", "estimate"),  # without any metadata: only the pixels are left
)
ALPHA = HERE / "protected_v1_alpha.png"  # like the first, of `translucent`; its header needs extension 0
PEOPLE = HERE / "protected_v1_people.png"  # face 1: the passphrase; face 2: the identity; keys of both in `KEYS`


def drawing() -> UInt8Image:
    """(72, 112, 3): two faces as a child would draw them, on a gradient; integer arithmetic only."""
    y, x = np.mgrid[0:72, 0:112]
    picture = np.stack([60 + x, 90 + y, 200 - x // 2], axis=2)
    for cx, cy, r in ((32, 32, 22), (87, 30, 15)):
        head = (x - cx) ** 2 + (y - cy) ** 2 <= r * r
        picture[head] = (224, 172, 140)
        for side in (-1, 1):
            picture[(x - cx - side * r // 2) ** 2 + (y - cy + r // 4) ** 2 <= (r // 6) ** 2] = (40, 50, 90)
        mouth = (abs(y - cy - r // 2) <= 1) & (abs(x - cx) <= r // 2)
        picture[mouth] = (150, 40, 50)
    return picture.astype(np.uint8)


def translucent() -> UInt8Image:
    """(72, 112, 4): `drawing`, and the negative of its green as alpha."""
    return np.dstack([drawing(), 255 - drawing()[..., 1]])


@pytest.fixture(scope="module")
def session() -> Session:
    return Session(threads=1)


@pytest.mark.parametrize("golden", FILES, ids=lambda golden: golden.name)
def test_it_opens(golden: Golden, session: Session, tmp_path: Path) -> None:
    result = session.recover(HERE / golden.name, PASSPHRASE, output=tmp_path / "back.png")
    assert [face.outcome for face in result.faces] == [golden.outcome] * 2
    if golden.outcome == "exact":
        np.testing.assert_array_equal(result.recovered, drawing())
    for face in result.faces:
        box = face.box
        region = np.s_[box.y : box.bottom, box.x : box.right]
        assert psnr(result.recovered[region], drawing()[region]) > 24


@pytest.mark.parametrize("golden", FILES, ids=lambda golden: golden.name)
def test_it_shows_what_it_showed(golden: Golden) -> None:
    shown = inspect(HERE / golden.name)
    assert shown.version == 1
    assert shown.size == (112, 72)
    assert [str(face.box) for face in shown.faces] == list(BOXES)
    assert shown.model == golden.model
    assert shown.wrong_key == golden.options.get("wrong_key", "noise")
    assert {face.sealed for face in shown.faces} == {golden.outcome == "exact"}


@pytest.mark.parametrize("golden", FILES, ids=lambda golden: golden.name)
def test_it_stays_closed(golden: Golden, session: Session, tmp_path: Path) -> None:
    never = tmp_path / "never.png"
    if golden.options.get("wrong_key") == "cover":
        covered = session.recover(HERE / golden.name, PASSPHRASE.upper(), output=never)
        np.testing.assert_array_equal(covered.recovered, read_picture(HERE / golden.name).rgb)
        return
    with pytest.raises(WrongKeyError):
        session.recover(HERE / golden.name, PASSPHRASE.upper(), output=never)
    assert not never.exists()


def test_everybody_opens_his_own_face(session: Session, tmp_path: Path) -> None:
    keys = json.loads(KEYS.read_text(encoding="utf-8"))
    for number, (options, opens) in enumerate((
        ({"passphrase": PASSPHRASE}, 0), ({"identities": [IDENTITY]}, 1),
        ({"face_keys": [keys["0"]]}, 0), ({"face_keys": [keys["1"]]}, 1),
    )):  # fmt: skip
        result = session.recover(PEOPLE, output=tmp_path / f"{number}.png", **options)
        assert [face.outcome for face in result.faces] == (["exact", "locked"] if opens == 0 else ["locked", "exact"])
        box = result.faces[opens].box
        region = np.s_[box.y : box.bottom, box.x : box.right]
        np.testing.assert_array_equal(result.recovered[region], drawing()[region])
    assert not verify(PEOPLE, Credentials.of(PASSPHRASE, [IDENTITY])).problems


def test_a_file_of_the_first_model_opens_by_its_seals(session: Session, tmp_path: Path) -> None:
    """Made with ``secure-1``, which is no longer shipped; only its estimates are lost."""
    result = session.recover(HERE / "protected_v1_secure-1.png", PASSPHRASE, output=tmp_path / "back.png")
    assert [face.outcome for face in result.faces] == ["exact"] * 2
    np.testing.assert_array_equal(result.recovered, drawing())


def test_alpha_comes_back(session: Session, tmp_path: Path) -> None:
    result = session.recover(ALPHA, PASSPHRASE, output=tmp_path / "back.png")
    assert [face.outcome for face in result.faces] == ["exact"] * 2
    back, covered = read_picture(result.data), read_picture(ALPHA)
    np.testing.assert_array_equal(np.dstack([back.rgb, back.alpha]), translucent())
    for face in result.faces:
        assert (cut(covered.alpha[..., None], face.box) == 255).all()
    assert not verify(ALPHA, Credentials.of(PASSPHRASE)).problems


def write() -> None:
    session = Session()
    options: dict[str, Any] = {"style": "blur", "boxes": BOXES, "faces": "none", "overwrite": True}
    for golden in FILES:
        made = session.protect(
            drawing(), PASSPHRASE, output=HERE / golden.name, **options, **golden.options, model=golden.model
        )
        print(golden.name, len(made.data), *made.warnings, file=sys.stderr)
    session.protect(encode_png(Picture(drawing(), translucent()[..., 3].copy())), PASSPHRASE, output=ALPHA, **options)
    stripped = HERE / "protected_v1_stripped.png"
    stripped.write_bytes(encode_png(read_picture(stripped)))
    recipient = decode_identity(IDENTITY).recipient
    session.protect(drawing(), PASSPHRASE, own={2: Lock.of(None, [recipient])}, output=PEOPLE, **options)
    keys = {str(face): face_key(PEOPLE, face + 1, Credentials.of(PASSPHRASE, [IDENTITY])) for face in (0, 1)}
    KEYS.write_text(json.dumps(keys, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
