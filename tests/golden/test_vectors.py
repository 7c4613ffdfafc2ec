"""`vectors_v1.json`: what an independent reader needs to check itself against the golden files.

`python tests/golden/test_vectors.py` prints it; it changes only when a golden file is added.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from proface_s import Session
from proface_s.container.carriers.carrier import from_chunks, read_chunks
from proface_s.container.carriers.sidecar import picture_digest
from proface_s.container.header.header import Header
from proface_s.container.header.header_bytes import decode_header, mac_input
from proface_s.container.header.stanzas import OtherStanza, PassphraseStanza
from proface_s.image.read import read_picture
from proface_s.keys.secrets import FaceContext, FaceSecret, FileKey
from proface_s.types import Box

HERE = Path(__file__).parent / "protected"
BESIDE = Path(__file__).parent / "vectors"
VECTORS = BESIDE / "vectors_v1.json"
KEYS = json.loads((BESIDE / "keys.json").read_text(encoding="utf-8"))["face"]
PASSPHRASE = "a golden file opens for ever"
CONTEXT = FaceContext(1, 3, Box(10, 20, 30, 40), bytes(range(16)))
MAC_INPUT = b"covered bytes"
FILES = (
    "protected_v1.png", "protected_v1.webp", "protected_v1.tif", "protected_v1_sidecar.png",
    "protected_v1_secure-1.png", "protected_v1_noseal.png", "protected_v1_cover.png", "protected_v1_stripped.png",
    "protected_v1_secure-3.png", "protected_v1_people.png", "protected_v1_alpha.png",
    "protected_v1_alpha_in_clear.png", "leaky_rewrap_v1.png",
)  # fmt: skip
OTHER_PASSPHRASES = {
    "protected_v1_alpha_in_clear.png": "correct horse battery staple",
    "leaky_rewrap_v1.png": "an entirely new passphrase",
}
IDENTITIES = {"protected_v1_people.png": "AGE-SECRET-KEY-1XMWWC06LY3EE5RYTXM9MFLAZ2U56JJJ36S0MYPDRWSVLUL66MV4QX3S7F6"}


def fields(header: Header) -> dict[str, Any]:
    """Everything a header says, as JSON."""
    return {
        "width": header.width, "height": header.height, "mode": header.wrong_key, "model_id": header.model_id.hex(),
        "groups": [
            {"mac": group.mac.hex(), "stanzas": [stanza(each) for each in group.stanzas]} for group in header.groups
        ],
        "faces": [
            {
                "box": [face.box.x, face.box.y, face.box.w, face.box.h], "group": face.group, "sealed": face.sealed,
                "forgotten": face.forgotten, "erased": face.erased, "style": face.style, "strength": face.strength,
                "digest": face.digest.hex(), "slot": face.slot.hex(), "reserved": header.reserved(index),
                "context": header.face_context(index).encode().hex(),
            }
            for index, face in enumerate(header.faces)
        ],
        "extensions": [
            {"tag": each.tag, "critical": each.critical, "value": each.value.hex()} for each in header.extensions
        ],
        "mac_input_sha256": [
            hashlib.sha256(mac_input(header, number)).hexdigest() for number in range(len(header.groups))
        ],
    }  # fmt: skip


def stanza(each: Any) -> dict[str, Any]:
    if isinstance(each, PassphraseStanza):
        cost = [each.params.time_cost, each.params.memory_kib, each.params.lanes]
        return {"kind": 1, "salt": each.salt.hex(), "cost": cost, "wrapped": each.wrapped_key.hex()}
    assert isinstance(each, OtherStanza)
    return {"kind": each.kind, "body": each.body.hex()}


def file_vector(session: Session, name: str) -> dict[str, Any]:
    """Keys of a golden file, and digests of its pixels as they are, and as all keys together bring them back."""
    rgb = read_picture(HERE / name).rgb
    found: dict[str, Any] = {"passphrase": OTHER_PASSPHRASES.get(name, PASSPHRASE)}
    if name in IDENTITIES:
        found["identity"] = IDENTITIES[name]
    found["protected"] = picture_digest(rgb).hex()
    chunks = read_chunks((HERE / name).read_bytes())
    if chunks:
        found["header_sha256"] = hashlib.sha256(chunks["pfSh"][0]).hexdigest()
        found["region_digests"] = [face.digest.hex() for face in from_chunks(chunks)[0].faces]
    identities = [found["identity"]] if "identity" in found else ()
    back = session.recover(read_name(name), found["passphrase"], identities=identities)
    found["outcomes"] = [face.outcome for face in back.faces]
    found["recovered"] = picture_digest(back.recovered).hex()
    return found


def read_name(name: str) -> Any:
    """A file by its bytes; the one with a sidecar by what belongs to it."""
    from proface_s.api.files.io import load
    from proface_s.container.carriers.sidecar import decode_sidecar

    if name != "protected_v1_sidecar.png":
        return (HERE / name).read_bytes()
    from proface_s.container.carriers.carrier import write_chunks

    assert load(HERE / name).chunks
    beside = (HERE / name).with_suffix(".pfs").read_bytes()
    return write_chunks((HERE / name).read_bytes(), decode_sidecar(beside)[1])


def vectors(session: Session) -> dict[str, Any]:
    header = decode_header(bytes.fromhex((BESIDE / "header_v1.hex").read_text(encoding="ascii")))
    return {
        "about": "picture digests: docs/format.md, section 1.4; keys.json holds the keys that belong to 'face'",
        "header_v1.hex": fields(header),
        "face": {
            "context": CONTEXT.encode().hex(), "file_key": bytes(range(32)).hex(), "mac_input": MAC_INPUT.hex(),
        },
        "files": {name: file_vector(session, name) for name in FILES},
    }  # fmt: skip


@pytest.fixture(scope="module")
def stored() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(VECTORS.read_text(encoding="utf-8"))
    return found


def test_the_program_agrees_with_all_of_them(stored: dict[str, Any]) -> None:
    assert vectors(Session(threads=1)) == stored


def test_the_keys_of_the_face_follow_from_its_context(stored: dict[str, Any]) -> None:
    face_key = FaceSecret(bytes.fromhex(KEYS["face_secret"])).face_key(CONTEXT)
    assert face_key.reveal().hex() == KEYS["face_key"]
    file_key = FileKey(bytes.fromhex(stored["face"]["file_key"]))
    assert file_key.header_mac(bytes.fromhex(stored["face"]["mac_input"])).hex() == KEYS["header_mac"]


if __name__ == "__main__":
    print(json.dumps(vectors(Session()), indent=1))
