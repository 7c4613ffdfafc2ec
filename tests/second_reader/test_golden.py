"""Every golden file (docs/format.md, section 7): headers and their keys, protected files of every carrier and mode."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from .container import areas, carriers, header, records
from .container.fields import Stanza
from .jpeg.frame import Frame
from .keys import derivations as keys
from .keys import text as text_keys
from .keys.unlock import Credentials, unlock
from .outcomes import WrongKey
from .reading import Result, read

GOLDEN = Path(__file__).parents[1] / "golden"
VECTORS = json.loads((GOLDEN / "vectors/vectors_v1.json").read_text(encoding="utf-8"))
KEYS = json.loads((GOLDEN / "vectors/keys.json").read_text(encoding="utf-8"))
PEOPLE = json.loads((GOLDEN / "vectors/people_v1.json").read_text(encoding="utf-8"))
LOCKED = json.loads((GOLDEN / "vectors/locked_header_v1.json").read_text(encoding="utf-8"))
PICTURES = sorted(p for p in (GOLDEN / "protected").iterdir() if p.suffix in (".png", ".webp", ".tif"))
ESTIMATES = {
    (Path(face["file"]).name, tuple(face["box"])): face
    for folder in ("", "secure-3/")
    for face in json.loads((GOLDEN.parent / f"vectors/flow/{folder}faces.json").read_text(encoding="utf-8"))
}
JPEG = json.loads((GOLDEN / "jpeg/expected.json").read_text(encoding="utf-8"))
PASSPHRASE = "a golden file opens for ever"
# The first photo of all golden files with two faces; where a vector has no digest of the result, faces are compared.
ORIGINAL = VECTORS["files"]["protected_v1.png"]["recovered"]


def golden(name: str) -> Path:
    return GOLDEN / "protected" / name


def pixels_of(result: Result) -> carriers.Picture:
    """The picture of a result that is not a JPEG file."""
    assert isinstance(result.picture, carriers.Picture)
    return result.picture


def test_derivations() -> None:
    for case in KEYS["argon2id"]:
        salt = bytes.fromhex(case["salt"])
        kek = keys.passphrase_kek(case["passphrase"], salt, case["time_cost"], case["memory_kib"], case["lanes"])
        assert kek.hex() == case["kek"]
    face, made = VECTORS["face"], KEYS["face"]
    face_key = keys.derive(bytes.fromhex(made["face_secret"]), "face-key", bytes.fromhex(face["context"]))
    streams = (keys.key_stream(keys.stream_key(face_key, label), 32).hex() for label in ("key-map", "mixing"))
    mac = keys.mac(bytes.fromhex(face["file_key"]), bytes.fromhex(face["mac_input"]))
    found = (face_key.hex(), *streams, keys.derive(face_key, "seal").hex(), mac.hex())
    names = ("face_key", "key_map_stream", "mixing_stream", "seal_key", "header_mac")
    assert found == tuple(made[name] for name in names)


def test_header_of_two_groups() -> None:
    expected = VECTORS["header_v1.hex"]
    data = bytes.fromhex((GOLDEN / "vectors/header_v1.hex").read_text(encoding="ascii"))
    found = header.parse(data)
    assert (found.width, found.height, found.cover) == (expected["width"], expected["height"], False)
    assert found.model_id.hex() == expected["model_id"]
    for group, wanted in zip(found.groups, expected["groups"], strict=True):
        assert group.mac.hex() == wanted["mac"]
        assert [described(stanza) for stanza in group.stanzas] == wanted["stanzas"]
    for face, wanted in zip(found.faces, expected["faces"], strict=True):
        flags = {"sealed": face.sealed, "forgotten": face.forgotten, "erased": face.erased}
        named = {"box": list(face.box), "group": face.group, "style": face.style.decode(), "strength": face.strength}
        bound = {"digest": face.digest.hex(), "slot": face.slot.hex(), "context": found.context(face).hex()}
        assert {**flags, **named, **bound, "reserved": found.reserved[face.index]} == wanted
    macs = [sha256(found.mac_input(number)).hexdigest() for number in range(2)]
    assert macs == expected["mac_input_sha256"]


def described(stanza: Stanza) -> dict[str, Any]:
    """A stanza as the vectors show it."""
    if stanza.kind != 1:
        return {"kind": stanza.kind, "body": stanza.body.hex()}
    salt, *cost = stanza.derivation or (b"",)
    return {"kind": 1, "salt": bytes(salt).hex(), "cost": cost, "wrapped": stanza.body[-60:].hex()}


def opened(data: str, **credentials: list[str]) -> dict[str, str]:
    """Face keys that credentials open in a header, by index."""
    found = unlock(header.parse(bytes.fromhex(data)), Credentials(**credentials), with_macs=True)
    return {str(index): key.hex() for index, key in sorted(found.face_keys.items())}


def test_header_with_a_forgotten_face() -> None:
    for passphrase, face_keys in LOCKED["face_keys"].items():
        assert opened(LOCKED["header"], passphrases=[passphrase]) == face_keys
    with pytest.raises(WrongKey):
        opened(LOCKED["header"], passphrases=["golden passphrase three"])


def test_header_with_recipients() -> None:
    noise = PEOPLE["noise"]
    wanted = {index: text_keys.face_key(text).key.hex() for index, text in noise["face_keys"].items()}
    for kind in ("identity", "passphrase"):
        credentials = {"identity": "identities", "passphrase": "passphrases"}[kind]
        found = opened(noise["header"], **{credentials: [noise[kind]]})
        assert found == {str(index): wanted[str(index)] for index in noise[f"opened_by_{kind}"]}
    assert opened(noise["header"], face_keys=list(noise["face_keys"].values())) == wanted
    file = f"# created: 2026-11-20\n# public key: {noise['recipient']}\n{noise['identity']}\n\n"
    assert text_keys.identities_in(file) == [noise["identity"]]
    private = X25519PrivateKey.from_private_bytes(text_keys.identity(noise["identity"]))
    assert private.public_key().public_bytes_raw() == text_keys.recipient(noise["recipient"])


def test_header_in_cover_mode() -> None:
    cover = PEOPLE["cover"]
    for index, passphrase in enumerate(cover["passphrases"]):
        wanted = text_keys.face_key(cover["face_keys"][str(index)])
        assert opened(cover["header"], passphrases=[passphrase])[str(index)] == wanted.key.hex()
        assert opened(cover["header"], face_keys=[cover["face_keys"][str(index)]]) == {str(index): wanted.key.hex()}


@pytest.mark.parametrize("text", ["", "pfk1", "PFK1q", "q" * 79])
def test_face_keys_with_typing_errors(text: str) -> None:
    right = PEOPLE["noise"]["face_keys"]["0"]
    for wrong in (text, right[:-1], right[:40] + text + right[40:] + "q", right.replace("q", "p", 1)):
        with pytest.raises(text_keys.NotAKey):
            text_keys.face_key(wrong)
    assert text_keys.face_key(f" {right[:20].upper()}\n{right[20:].upper()} ") == text_keys.face_key(right)


@pytest.mark.parametrize("name", list(VECTORS["files"]))
def test_described_file(name: str) -> None:
    vector = VECTORS["files"][name]
    data = golden(name).read_bytes()
    picture, found = carriers.pixels(data), carriers.metadata(data)
    assert picture.digest == vector["protected"]
    assert (found.header is not None) == ("header_sha256" in vector)
    if found.header is not None:
        assert sha256(found.header).hexdigest() == vector["header_sha256"]
        parsed = header.parse(found.header)
        cuts = [areas.cut(picture.rgb, face.box) for face in parsed.faces]
        digests = [areas.region_digest(rgb, n).hex() for rgb, n in zip(cuts, parsed.reserved, strict=True)]
        assert digests == vector["region_digests"]
    result = read(
        golden(name), Credentials([vector["passphrase"]], [vector["identity"]] if "identity" in vector else [])
    )
    assert (result.faces, result.picture.digest) == (vector["outcomes"], vector["recovered"])
    if "estimate" in result.faces:
        check_estimates(name, pixels_of(result), [1, 2])
    if (name, (8, 6, 48, 52)) in ESTIMATES:
        check_face_keys(name, result.face_keys)
    assert not result.warnings


def check_face_keys(name: str, found: dict[int, bytes]) -> None:
    """The face keys of a golden file are those of the flow's vectors."""
    assert [found[number].hex() for number in (1, 2)] == [
        face["face_key"] for (file, _), face in ESTIMATES.items() if file == name
    ]


def check_estimates(name: str, picture: carriers.Picture, numbers: list[int]) -> None:
    """The estimates of some faces of a golden file are those of the flow's vectors."""
    faces = [face for (file, _), face in ESTIMATES.items() if file == name]
    assert len(faces) == 2
    for number in numbers:
        region = areas.cut(picture.rgb, tuple(faces[number - 1]["box"]))
        assert sha256(region.tobytes()).hexdigest() == faces[number - 1]["estimate"]


def test_a_wrong_passphrase() -> None:
    with pytest.raises(WrongKey):
        read(golden("protected_v1.png"), Credentials(["another passphrase"]))
    with pytest.raises(WrongKey):
        read(golden("protected_v1_stripped.png"), Credentials(["another passphrase"]))
    result = read(golden("protected_v1_cover.png"), Credentials(["another passphrase"]))
    assert result.picture.digest == VECTORS["files"]["protected_v1_cover.png"]["protected"]


def test_a_file_of_two_people() -> None:
    name = "protected_v1_people.png"
    texts = json.loads(golden("protected_v1.keys.json").read_text(encoding="utf-8"))
    ways = {
        (0,): Credentials([PASSPHRASE]),
        (1,): Credentials(identities=[PEOPLE["noise"]["identity"]]),
        (0, 1): Credentials(face_keys=list(texts.values())),
    }
    for open_ones, credentials in ways.items():
        result = read(golden(name), credentials)
        assert result.faces == ["exact" if index in open_ones else "locked" for index in range(2)]
        wanted = {index + 1: text_keys.face_key(texts[str(index)]).key for index in open_ones}
        assert result.face_keys == wanted
    assert result.picture.digest == ORIGINAL


def test_alpha_in_the_seals() -> None:
    """The published picture is opaque in both faces, the recovered one is not."""
    name = "protected_v1_alpha.png"
    before = carriers.pixels(golden(name).read_bytes())
    result = read(golden(name), Credentials([PASSPHRASE]))
    assert result.faces == ["exact"] * 2
    check_face_keys(name, result.face_keys)
    after = pixels_of(result)
    for box in (box for file, box in ESTIMATES if file == name):
        alphas = [None if alpha is None else areas.cut(alpha, box) for alpha in (before.alpha, after.alpha)]
        assert alphas[0] is not None
        assert alphas[1] is not None
        assert (alphas[0] == 255).all()
        assert len(set(alphas[1].reshape(-1).tolist())) > 1


def test_alpha_in_the_clear() -> None:
    """Version 0.1.0 left alpha as it was."""
    name = "protected_v1_alpha_in_clear.png"
    before = carriers.pixels(golden(name).read_bytes())
    result = read(golden(name), Credentials([KEYS["argon2id"][0]["passphrase"]]))
    assert result.faces == ["exact"]
    after = pixels_of(result)
    assert before.alpha is not None
    assert after.alpha is not None
    assert (after.alpha == before.alpha).all()


def test_secure_3() -> None:
    name = "protected_v1_secure-3.png"
    result = read(golden(name), Credentials([PASSPHRASE]))
    assert result.faces == ["estimate"] * 2
    check_estimates(name, pixels_of(result), [1, 2])


@pytest.mark.parametrize("name", list(JPEG))
def test_jpeg_file(name: str) -> None:
    """Golden JPEG files are described by a digest that leaves out the blocks beyond the picture's edge."""
    path = GOLDEN / "jpeg" / name
    before = carriers.picture(path.read_bytes())
    result = read(path, Credentials([PASSPHRASE]))
    assert isinstance(before, Frame)
    assert isinstance(result.picture, Frame)
    assert (before.digest_of_own, result.picture.digest_of_own) == (JPEG[name]["protected"], JPEG[name]["original"])
    assert result.faces == ["exact"] * 2
    with pytest.raises(WrongKey):
        read(path, Credentials(["another passphrase"]))


@pytest.mark.parametrize("name", [path.name for path in PICTURES])
def test_what_is_left_behind_a_record(name: str) -> None:
    """Only the first writers left the end of an earlier record in the pixels."""
    data = golden(name).read_bytes()
    picture, found = carriers.pixels(data), carriers.metadata(data)
    if found.header is None:
        return
    parsed = header.parse(found.header)
    areas.check(parsed, picture)
    left = [records.leftover(picture.rgb, face.box, parsed.reserved[face.index]) for face in parsed.faces]
    assert any(left) == (name == "leaky_rewrap_v1.png")
