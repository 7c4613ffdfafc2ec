"""Golden clips: what is sealed opens, and people come back sample by sample."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from .clips import tables
from .clips.beside import packets_beside
from .clips.mp4 import sealed_packets
from .clips.opening import Sealed, open_clip, recovered
from .keys.unlock import Credentials
from .outcomes import Damaged, Newer, WrongKey

GOLDEN = Path(__file__).parents[1] / "golden" / "clip"
EXPECTED = json.loads((GOLDEN / "expected.json").read_text(encoding="utf-8"))
FACES, ORIGINAL = GOLDEN / "faces.mp4", GOLDEN / "original.mp4"
STRIPPED, BESIDE = GOLDEN / "stripped.mp4", GOLDEN / "stripped.mp4.pfs"
ANN, BOB = Credentials([EXPECTED["passphrase"]]), Credentials([EXPECTED["bob"]])


def digest(path: Path, sealed: Sealed) -> str:
    """SHA-256 of all samples of a recovered clip."""
    found = sha256()
    for planes in recovered(path, sealed):
        for plane in planes:
            found.update(plane.tobytes())
    return found.hexdigest()


@pytest.mark.parametrize(
    ("who", "credentials"),
    [("ann", ANN), ("bob", BOB), ("bob", Credentials(face_keys=[EXPECTED["face_key"]]))],
    ids=["passphrase", "own passphrase", "face key"],
)
def test_people_come_back(who: str, credentials: Credentials) -> None:
    pytest.importorskip("av")
    assert digest(FACES, open_clip(FACES, credentials)) == EXPECTED["recovered"][who]


def test_the_original_comes_back() -> None:
    assert sha256(open_clip(ORIGINAL, ANN).original()).hexdigest() == EXPECTED["original"]


def test_what_is_sealed_for_each() -> None:
    sealed = open_clip(FACES, ANN)
    (chunk,) = sealed.chunks
    assert len(chunk.frames) == sealed.listed.frames == 6
    assert sorted(chunk.sealed) == [0, 1]
    assert all(len(each) % 2048 == 16 for each in chunk.sealed.values())
    assert sorted(sealed.opened.face_keys) == [0]
    track = sealed.track(chunk, 0)
    assert [offset for offset, _, _ in track.places] == list(range(6))


def test_people_come_back_from_a_sidecar() -> None:
    assert packets_beside(BESIDE.read_bytes()) == sealed_packets(FACES.read_bytes())
    sealed = open_clip(STRIPPED, ANN)
    pytest.importorskip("av")
    assert digest(STRIPPED, sealed) == EXPECTED["recovered"]["ann"]


def test_sidecars_that_break_a_rule(tmp_path: Path) -> None:
    data = BESIDE.read_bytes()
    for changed in (b"PFSC" + data[4:], data[:-1], data + b"\0", data[:7]):
        with pytest.raises(Damaged):
            packets_beside(changed)
    with pytest.raises(Newer):
        packets_beside(b"PFSV\x02")


def test_a_wrong_passphrase() -> None:
    for path in (FACES, ORIGINAL):
        with pytest.raises(WrongKey):
            open_clip(path, Credentials(["another passphrase"]))


def test_whatever_is_flipped_in_a_sealed_track_is_found(tmp_path: Path) -> None:
    """A byte in the middle of every packet, and each of the list's fields."""
    for path in (FACES, ORIGINAL):
        data = path.read_bytes()
        packets = sealed_packets(data)
        for packet in packets[1:]:
            at = data.index(packet) + len(packet) // 2
            (tmp_path / "a.mp4").write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            with pytest.raises(Damaged):
                open_clip(tmp_path / "a.mp4", ANN)
    body = sealed_packets(FACES.read_bytes())[-1]
    before = tables.read_list(body, 2)
    assert body == b"PFSe" + before.body + b"".join(before.macs)
