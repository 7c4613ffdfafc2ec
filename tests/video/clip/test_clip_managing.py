"""Protected clips are inspected, verified and changed without their originals."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cast_kit import ANN, BOB, options, planes_of, protected, psnr, recovered, two_people
from clip_kit import write_clip

from proface_s.api.options import RecoverOptions
from proface_s.errors import DamagedFileError, NoFaceError, UsageError, WrongKeyError
from proface_s.keys.access import Credentials, Lock
from proface_s.keys.recipients import Identity
from proface_s.video.clip.manage import clip_face_key, forget_people, inspect_clip, rewrap_clip, verify_clip
from proface_s.video.clip.options import ClipOptions
from proface_s.video.clip.protect import write_protected
from proface_s.video.clip.recover import recover_clip

FRAMES = 110


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a clip with sound and its protected copy, with keys for Ann and for Bob."""
    clip = {"sounds": 1, "rotation": 180}
    return protected(tmp_path_factory.mktemp("clip"), FRAMES, clip, own={2: Lock.of(BOB)})


def test_inspection_tells_who_is_when_in_the_clip(pair: tuple[Path, Path]) -> None:
    found = inspect_clip(pair[1])
    assert (found.frames, found.groups, len(found.kdf), found.exact, found.problems) == (FRAMES, 2, 2, False, ())
    assert found.duration == pytest.approx(FRAMES / 25)
    ann, bob = found.people
    assert ann.spans == ((0.0, found.duration),)
    assert bob.spans == ((0.0, found.duration),)
    assert (ann.style, ann.group, bob.group) == ("pixelate", 0, 1)
    assert ann.box.w > 100


def test_verification(pair: tuple[Path, Path]) -> None:
    without = verify_clip(pair[1])
    assert (without.problems, without.authentic, without.opened) == ((), False, ())
    with_key = verify_clip(pair[1], Credentials.of(BOB))
    assert (with_key.problems, with_key.authentic, with_key.opened, with_key.locked) == ((), True, (2,), (1,))
    with pytest.raises(WrongKeyError):
        verify_clip(pair[1], Credentials.of("another long passphrase"))


def test_verification_finds_damage(pair: tuple[Path, Path], tmp_path: Path) -> None:
    data = pair[1].read_bytes()
    at = data.find(b"PFSc", data.find(b"PFSc") + 4) + 2000
    (tmp_path / "b.mp4").write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    found = verify_clip(tmp_path / "b.mp4", Credentials.of(ANN))
    assert len(found.problems) == 1
    assert "from 2.00 to 4.00 seconds was altered" in found.problems[0]
    assert not found.authentic


def test_a_persons_key_opens_that_person(pair: tuple[Path, Path], tmp_path: Path) -> None:
    text = clip_face_key(pair[1], 2, Credentials.of(BOB))
    result = recover_clip(pair[1], tmp_path / "b.mp4", RecoverOptions.of(face_keys=[text]))
    assert (result.recovered, result.covered) == ((2,), (1,))
    with pytest.raises(WrongKeyError, match="person 1 does not open"):
        clip_face_key(pair[1], 1, Credentials.of(BOB))
    with pytest.raises(UsageError, match="no person 3"):
        clip_face_key(pair[1], 3, Credentials.of(BOB))
    other = protected(tmp_path, 10)[1]
    with pytest.raises(WrongKeyError):
        recover_clip(other, tmp_path / "c.mp4", RecoverOptions.of(face_keys=[text]))


def test_forgotten_people_never_come_back(pair: tuple[Path, Path], tmp_path: Path) -> None:
    key = clip_face_key(pair[1], 2, Credentials.of(BOB))
    target = tmp_path / "less.mp4"
    forget_people(pair[1], 2, target)
    assert target.stat().st_size < pair[1].stat().st_size
    assert [person.forgotten for person in inspect_clip(target).people] == [False, True]
    for opening in (RecoverOptions.of(BOB), RecoverOptions.of(face_keys=[key])):
        with pytest.raises(WrongKeyError):
            recover_clip(target, tmp_path / "b.mp4", opening)
    result = recover_clip(target, tmp_path / "a.mp4", RecoverOptions.of(ANN))
    assert (result.recovered, result.covered) == ((1,), (2,))
    verified = verify_clip(target, Credentials.of(ANN))
    assert (verified.problems, verified.forgotten) == ((), (2,))


def test_other_keys_open_after_rewrapping(pair: tuple[Path, Path], tmp_path: Path) -> None:
    target, other = tmp_path / "new.mp4", Identity.generate()
    rewrap_clip(pair[1], Credentials.of(ANN), Lock((), (other.recipient,)), target)
    with pytest.raises(WrongKeyError):
        recovered(target, ANN)
    result = recover_clip(target, tmp_path / "a.mp4", RecoverOptions.of(identities=[other]))
    assert result.recovered == (1,)
    assert psnr(planes_of(result.path)[3].y[20:60, 14:50], planes_of(recovered(pair[1]))[3].y[20:60, 14:50]) > 45
    shutil.copy(target, tmp_path / "in-place.mp4")
    rewrap_clip(
        tmp_path / "in-place.mp4", Credentials((), (other,)), Lock.of(ANN), tmp_path / "in-place.mp4", keep=True,
        overwrite=True,
    )  # fmt: skip
    assert verify_clip(tmp_path / "in-place.mp4", Credentials.of(ANN)).opened == (1,)
    assert verify_clip(tmp_path / "in-place.mp4", Credentials((), (other,))).opened == (1,)
    with pytest.raises(WrongKeyError):
        rewrap_clip(pair[1], Credentials.of("another long passphrase"), Lock.of(ANN), tmp_path / "d.mp4")


def test_the_original_comes_back_bit_for_bit(tmp_path: Path) -> None:
    source, target = protected(tmp_path, 120, {"sounds": 1, "options": {"qp": "4"}}, exact=True)
    assert inspect_clip(target).exact
    result = recover_clip(target, tmp_path / "b.mp4", RecoverOptions.of(ANN))
    assert result.exact
    assert result.path.read_bytes() == source.read_bytes()
    assert verify_clip(target, Credentials.of(ANN)).problems == ()
    for refused in (
        lambda: forget_people(target, 1, tmp_path / "c.mp4"),
        lambda: clip_face_key(target, 1, Credentials.of(ANN)),
    ):
        with pytest.raises(UsageError) as caught:
            refused()
        assert caught.value.code == "clip-exact-keys"
    data = bytearray(target.read_bytes())
    data[data.find(b"PFSo") + 1000] ^= 1
    (tmp_path / "d.mp4").write_bytes(data)
    with pytest.raises(DamagedFileError, match="altered"):
        recovered(tmp_path / "d.mp4")


def test_protected_clips_are_not_protected_again(pair: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="protected already"):
        write_protected(pair[1], tmp_path / "b.mp4", two_people(FRAMES), options(), ClipOptions())
    assert not list(tmp_path.iterdir())


def test_what_clips_cannot_have_is_refused(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4", 5)
    for more in (
        {"wrong_key": "cover"}, {"seal": False}, {"boxes": ["1,2,30,40"]}, {"keep_metadata": True},
        {"quality": 90}, {"own": {3: Lock.of(BOB)}}, {"passphrase": None, "own": {1: Lock.of(BOB)}}, {"faces": "7"},
    ):  # fmt: skip
        with pytest.raises(UsageError):
            write_protected(source, tmp_path / "b.mp4", two_people(5), options(**more), ClipOptions())
    with pytest.raises(NoFaceError):
        write_protected(source, tmp_path / "b.mp4", two_people(5), options(faces="none"), ClipOptions())
    with pytest.raises(UsageError, match="found in 4 frames"):
        write_protected(source, tmp_path / "b.mp4", two_people(4), options(), ClipOptions())
    for wrong in ({"quality": 0}, {"codec": "vp8"}, {"start": 3.0, "stop": 2.0}, {"interval": 0.0}):
        with pytest.raises(UsageError):
            ClipOptions(**wrong)  # type: ignore[arg-type]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4"]


@pytest.mark.parametrize("codec", ["hevc", "av1"])
def test_other_codecs(tmp_path: Path, codec: str) -> None:
    source, target = protected(tmp_path, 20, codec=codec)
    assert psnr(planes_of(recovered(target))[9].y, planes_of(source)[9].y) > 33


def test_only_some_people_are_protected(tmp_path: Path) -> None:
    _, target = protected(tmp_path, 20, faces="2", own={1: Lock.of(BOB)})
    assert [person.number for person in inspect_clip(target).people] == [1]
    assert verify_clip(target, Credentials.of(BOB)).opened == (1,)
