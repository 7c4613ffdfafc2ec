"""Clips of the first version open as they did, and their people come back sample by sample."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("av")

from proface_s.api.options import RecoverOptions
from proface_s.keys.access import Credentials
from proface_s.video.clip.manage import clip_face_key, inspect_clip, verify_clip
from proface_s.video.clip.read import open_clip
from proface_s.video.clip.recover import open_track_of, recover_clip, recovered_frames

FOLDER = Path(__file__).parent / "clip"
EXPECTED: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
FACES, ORIGINAL = FOLDER / "faces.mp4", FOLDER / "original.mp4"
STRIPPED = FOLDER / "stripped.mp4"  # the pictures of FACES; ``ffmpeg -c copy`` has dropped the rest, which is beside it


@pytest.mark.parametrize("path", [FACES, STRIPPED], ids=["track", "sidecar"])
@pytest.mark.parametrize(
    ("who", "options"),
    [
        ("ann", RecoverOptions.of(EXPECTED["passphrase"])),
        ("bob", RecoverOptions.of(EXPECTED["bob"])),
        ("bob", RecoverOptions.of(face_keys=[EXPECTED["face_key"]])),
    ],
    ids=["passphrase", "own passphrase", "face key"],
)
def test_people_come_back(who: str, options: RecoverOptions, path: Path) -> None:
    track, opened = open_track_of(path, options)
    digest = hashlib.sha256()
    with open_clip(path) as clip:
        for _, found in recovered_frames(clip, track, opened.face_keys):
            for plane in () if found is None else found.planes:
                digest.update(plane.tobytes())
    assert digest.hexdigest() == EXPECTED["recovered"][who]


def test_its_face_key_is_the_same() -> None:
    assert clip_face_key(FACES, 2, Credentials.of(EXPECTED["bob"])) == EXPECTED["face_key"]


def test_the_original_comes_back(tmp_path: Path) -> None:
    recover_clip(ORIGINAL, tmp_path / "back.mp4", RecoverOptions.of(EXPECTED["passphrase"]))
    assert hashlib.sha256((tmp_path / "back.mp4").read_bytes()).hexdigest() == EXPECTED["original"]


def test_what_it_tells_without_a_key() -> None:
    found = inspect_clip(FACES)
    assert (found.size, found.frames, found.groups, found.problems) == ((96, 80), 6, 2, ())
    assert [person.box for person in found.people] == [person.box for person in inspect_clip(FACES).people]
    assert verify_clip(FACES, Credentials.of(EXPECTED["passphrase"])).problems == ()
    assert inspect_clip(ORIGINAL).exact
    assert inspect_clip(STRIPPED).sidecar == FOLDER / "stripped.mp4.pfs"
