"""Sidecars of clips: what is sealed is in a file beside the clip, and brings people back when the track is gone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cast_kit import ANN, BOB, options, planes_of, protected, psnr, two_people
from clip_kit import SIZE, av

from proface_s.api.options import RecoverOptions
from proface_s.errors import (
    DamagedFileError,
    FileFormatError,
    ImageError,
    NotProtectedError,
    ProFaceError,
    UsageError,
    WrongKeyError,
)
from proface_s.keys.access import Credentials, Lock
from proface_s.keys.recipients import Identity
from proface_s.video.clip.manage import (
    clip_face_key,
    forget_people,
    inspect_clip,
    is_protected_copy,
    rewrap_clip,
    verify_clip,
)
from proface_s.video.clip.options import ClipOptions
from proface_s.video.clip.protect import check_unprotected, write_protected
from proface_s.video.clip.read import open_clip, open_container
from proface_s.video.clip.recover import OTHER_PICTURES, open_track_of, recover_clip, recovered_frames
from proface_s.video.clip.track.sidecar import SidecarWriter, appearing_clip, clip_sidecar, sidecar_packets
from proface_s.video.clip.track.tables import CHUNK_MARK, HEADER_MARK, LIST_MARK

FRAMES = 60
NAME = "a.protected.mp4"


@dataclass(frozen=True)
class Made:
    """A clip with Ann and Bob, its protected copy with a sidecar, and what comes back from the copy itself."""

    source: Path
    clip: Path
    sidecar: Path
    back: list[Any]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("clip")
    source, clip = protected(folder, FRAMES, {"sounds": 1}, sidecar="also", own={2: Lock.of(BOB)})
    return Made(source, clip, clip.with_name(f"{NAME}.pfs"), put_back(clip))


def copied(made: Made, folder: Path) -> Path:
    """Copy clip and sidecar to a folder; return the clip."""
    shutil.copy(made.sidecar, folder)
    return Path(shutil.copy(made.clip, folder))


def stripped(made: Made, target: Path, *, sidecar: bool = True) -> Path:
    """Copy picture and sound alone, as ``ffmpeg -map 0:v -map 0:a -c copy`` does, and the sidecar."""
    with av.open(str(made.clip)) as before, av.open(str(target), "w") as after:
        streams = {each.index: after.add_stream_from_template(each) for each in before.streams if each.type != "data"}
        for packet in before.demux([each for each in before.streams if each.index in streams]):
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                after.mux(packet)
    if sidecar:
        shutil.copy(made.sidecar, target.with_name(f"{target.name}.pfs"))
    return target


def compressed(
    made: Made,
    target: Path,
    *,
    size: tuple[int, int] = SIZE,
    frames: slice = slice(None),
    late: int = 0,
    turned: bool = False,
) -> Path:
    """Compress the pictures again, as platforms do, and put the sidecar beside them."""
    with av.open(str(made.clip)) as before, av.open(str(target), "w") as after:
        video = after.add_stream("libx264", rate=25, options={"crf": "26", "preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        base = Fraction(1, 90000)
        video.codec_context.time_base = base
        for frame in list(before.decode(video=0))[frames]:
            shown = frame.reformat(*size)
            if turned:
                upside_down = np.ascontiguousarray(shown.to_ndarray(format="rgb24")[::-1, ::-1])
                shown = av.VideoFrame.from_ndarray(upside_down, format="rgb24").reformat(format="yuv420p")
            shown.pts, shown.time_base = round(frame.pts * frame.time_base / base) + late, base
            after.mux(video.encode(shown))
        after.mux(video.encode(None))
    shutil.copy(made.sidecar, target.with_name(f"{target.name}.pfs"))
    return target


def packets_of(clip: Path) -> list[bytes]:
    """Return the packets of a clip's data track."""
    with open_container(clip) as container:
        return [bytes(packet) for packet in container.demux(data=0) if packet.size]


def written(path: Path, packets: Iterable[bytes]) -> Path:
    """Write a sidecar."""
    path.unlink(missing_ok=True)
    writer = SidecarWriter(path)
    for packet in packets:
        writer.write(packet)
    writer.finish()
    return path


def recovered(clip: Path, passphrase: str = ANN, sidecar: Path | None = None) -> list[Any]:
    """Recover a clip; return its planes."""
    target = clip.with_name("back.mp4")
    recover_clip(clip, target, RecoverOptions.of(passphrase), sidecar=sidecar, overwrite=True)
    return planes_of(target)


def put_back(clip: Path, sidecar: Path | None = None) -> list[Any]:
    """Return the planes of a clip with Ann put back, before they are compressed."""
    track, opened = open_track_of(clip, RecoverOptions.of(ANN), sidecar=sidecar)
    with open_clip(clip) as opened_clip:
        frames = [found for _, found in recovered_frames(opened_clip, track, opened.face_keys)]
    return [found.planes for found in frames if found is not None]


def same(planes: list[Any], others: list[Any]) -> bool:
    """Return whether the planes of two clips are the same, sample by sample."""
    return len(planes) == len(others) and all(
        np.array_equal(one, other) for a, b in zip(planes, others, strict=True) for one, other in zip(a, b, strict=True)
    )


def test_a_sidecar_holds_the_packets_of_the_track(made: Made) -> None:
    packets = list(sidecar_packets(made.sidecar))
    assert packets == packets_of(made.clip)
    assert [packet[:4] for packet in packets] == [HEADER_MARK, CHUNK_MARK, CHUNK_MARK, LIST_MARK]
    lengths = sum(4 + len(packet) for packet in packets)
    assert made.sidecar.read_bytes()[:5] == b"PFSV\x01"
    assert made.sidecar.stat().st_size == 5 + lengths
    assert inspect_clip(made.clip).sidecar is None
    assert verify_clip(made.clip, Credentials.of(ANN)).problems == ()


@pytest.mark.parametrize("name", ["b.mp4", "b.mkv", "b.mov"])
def test_without_the_track_everybody_comes_back_as_from_the_original_file(
    made: Made, tmp_path: Path, name: str
) -> None:
    clip = stripped(made, tmp_path / name)
    assert inspect_clip(clip).sidecar == tmp_path / f"{name}.pfs"
    assert verify_clip(clip, Credentials.of(ANN)).problems == ()
    assert same(put_back(clip), made.back)
    assert len(recovered(clip)) == FRAMES


def test_people_come_back_into_compressed_pictures(made: Made, tmp_path: Path) -> None:
    clip = compressed(made, tmp_path / "b.mp4", late=900)
    assert verify_clip(clip, Credentials.of(ANN)).problems == ()
    assert recover_clip(clip, tmp_path / "warned.mp4", RecoverOptions.of(ANN)).warnings == ()
    back, before, hidden = recovered(clip), planes_of(made.source), planes_of(clip)
    at = np.s_[30:50, 20:36]  # in Ann's face
    assert psnr(back[2].y[at], before[2].y[at]) > 30
    assert psnr(hidden[2].y[at], before[2].y[at]) < 25


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": (80, 56)}, "80x56 pixels, and 160x112 were protected"),
        ({"frames": slice(0, FRAMES - 1)}, f"{FRAMES - 1} frames, and {FRAMES} were protected"),
        ({"frames": slice(1, None)}, f"{FRAMES - 1} frames, and {FRAMES} were protected"),
        ({"frames": slice(0, None, 2)}, "frame at 0.0[48] seconds is"),
    ],
)
def test_other_pictures_are_refused_and_nothing_is_written(
    made: Made, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    clip = compressed(made, tmp_path / "b.mp4", **change)
    with pytest.raises(DamagedFileError, match=message) as caught:
        recovered(clip)
    assert caught.value.code == "broken-clip"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.mp4", "b.mp4.pfs"]
    assert verify_clip(clip).problems


def test_pictures_that_were_turned_are_told(made: Made, tmp_path: Path) -> None:
    clip = compressed(made, tmp_path / "b.mp4", turned=True)
    assert recover_clip(clip, tmp_path / "back.mp4", RecoverOptions.of(ANN)).warnings == (OTHER_PICTURES,)
    assert recover_clip(made.clip, tmp_path / "own.mp4", RecoverOptions.of(ANN)).warnings == ()


def test_pictures_of_another_depth_are_refused(tmp_path: Path) -> None:
    deep = {"codec": "libx265", "pix_fmt": "yuv420p10le", "options": {"x265-params": "log-level=none"}}
    clip = protected(tmp_path, 10, deep, sidecar="also")[1]
    made = Made(clip, clip, clip.with_name(f"{NAME}.pfs"), [])
    with pytest.raises(DamagedFileError, match="8 bits, and 10 were protected"):
        recovered(compressed(made, tmp_path / "b.mp4"))


def test_a_named_sidecar(made: Made, tmp_path: Path) -> None:
    clip = stripped(made, tmp_path / "b.mp4", sidecar=False)
    with pytest.raises(NotProtectedError):
        recovered(clip)
    with pytest.raises(ImageError, match="there is no sidecar"):
        recovered(clip, sidecar=tmp_path / "none.pfs")
    assert same(put_back(clip, sidecar=made.sidecar), made.back)
    assert same(put_back(copied(made, tmp_path), sidecar=made.sidecar), made.back)
    (tmp_path / "other").mkdir()
    other = protected(tmp_path / "other", FRAMES)[1]
    with pytest.raises(DamagedFileError) as caught:
        recovered(other, sidecar=made.sidecar)
    assert caught.value.code == "sidecar-differs"


def test_a_clip_that_holds_only_pictures_and_sound(tmp_path: Path) -> None:
    source, clip = protected(tmp_path, 30, {"sounds": 1}, sidecar="instead")
    beside = clip_sidecar(clip)
    assert beside == tmp_path / f"{NAME}.pfs"
    with av.open(str(clip)) as container:
        assert not [stream for stream in container.streams if stream.type == "data"]
    assert b"PFSh" not in clip.read_bytes()
    assert is_protected_copy(clip, source, "instead")
    assert not is_protected_copy(clip, source, "also")
    assert verify_clip(clip, Credentials.of(ANN)).problems == ()
    assert psnr(recovered(clip)[9].y, planes_of(source)[9].y) > 36
    with pytest.raises(UsageError, match="protected already"):
        check_unprotected(clip)
    beside.rename(tmp_path / "away.pfs")
    with pytest.raises(NotProtectedError, match="sidecar") as caught:
        inspect_clip(clip)
    assert caught.value.code == "lost-sidecar"


def test_the_original_comes_back_from_a_sidecar(tmp_path: Path) -> None:
    source, clip = protected(tmp_path, 30, exact=True, sidecar="instead")
    recover_clip(clip, tmp_path / "back.mp4", RecoverOptions.of(ANN))
    assert (tmp_path / "back.mp4").read_bytes() == source.read_bytes()


@pytest.mark.parametrize("in_place", [True, False])
def test_forgotten_people_are_gone_from_the_sidecar_too(made: Made, tmp_path: Path, in_place: bool) -> None:
    clip = copied(made, tmp_path)
    target = clip if in_place else tmp_path / "less.mp4"
    done = forget_people(clip, 2, target, overwrite=in_place)
    assert done.sidecar == tmp_path / f"{target.name}.pfs"
    assert list(sidecar_packets(done.sidecar)) == packets_of(target)
    assert done.sidecar.stat().st_size < made.sidecar.stat().st_size
    assert verify_clip(target, Credentials.of(ANN)).forgotten == (2,)
    if not in_place:
        assert (tmp_path / f"{NAME}.pfs").read_bytes() == made.sidecar.read_bytes()


def test_clip_and_sidecar_get_other_keys(made: Made, tmp_path: Path) -> None:
    clip, who = copied(made, tmp_path), Identity.generate()
    done = rewrap_clip(clip, Credentials.of(ANN), Lock((), (who.recipient,)), clip, overwrite=True)
    assert done.sidecar == tmp_path / f"{NAME}.pfs"
    assert verify_clip(clip, Credentials((), (who,))).problems == ()
    clip.unlink()
    alone = stripped(made, tmp_path / "b.mp4", sidecar=False)
    with pytest.raises(WrongKeyError):
        recovered(alone, sidecar=done.sidecar)
    done.sidecar.rename(tmp_path / "b.mp4.pfs")
    rewrap_clip(alone, Credentials((), (who,)), Lock.of(ANN), tmp_path / "c.mp4")
    assert same(put_back(tmp_path / "c.mp4"), made.back)
    assert (tmp_path / "c.mp4").read_bytes() == alone.read_bytes()


def test_a_sidecar_that_is_not_in_step_is_told(made: Made, tmp_path: Path) -> None:
    clip = copied(made, tmp_path)
    forget_people(clip, 2, clip, overwrite=True)
    shutil.copy(made.sidecar, tmp_path)
    problems = verify_clip(clip, Credentials.of(ANN)).problems
    assert len(problems) == 1
    assert "not the sidecar of" in problems[0]
    done = forget_people(clip, 2, clip, overwrite=True)
    assert done.sidecar is not None
    assert verify_clip(clip, Credentials.of(ANN)).problems == ()


def test_track_and_sidecar_help_each_other(made: Made, tmp_path: Path) -> None:
    clip, data = copied(made, tmp_path), bytearray(made.clip.read_bytes())
    data[data.find(CHUNK_MARK) + 1500] ^= 1
    clip.write_bytes(data)
    with pytest.raises(DamagedFileError, match="was altered"):
        recovered(clip)
    assert same(put_back(clip, tmp_path / f"{NAME}.pfs"), made.back)
    shutil.copy(made.clip, tmp_path)
    (tmp_path / f"{NAME}.pfs").write_bytes(flipped(made, made.sidecar.read_bytes().rfind(CHUNK_MARK) + 1500))
    problems = verify_clip(clip, Credentials.of(ANN)).problems
    assert problems == (f"{clip}.pfs: what is sealed from 2.00 to 2.40 seconds was altered",)
    assert same(put_back(clip), made.back)


def test_sidecars_of_other_clips_stay_as_they_are(made: Made, tmp_path: Path) -> None:
    clip = protected(tmp_path, 20)[1]
    beside = Path(shutil.copy(made.sidecar, tmp_path))
    assert verify_clip(clip).problems == ()
    done = forget_people(clip, 2, clip, overwrite=True)
    assert done.sidecar is None
    assert "belongs to another clip" in done.warnings[1]
    assert beside.read_bytes() == made.sidecar.read_bytes()


def test_existing_sidecars_stay(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.pfs").write_bytes(b"mine")
    with pytest.raises(ImageError, match="already exists"):
        protected(tmp_path, 10, sidecar="also")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", f"{NAME}.pfs"]
    clip = protected(tmp_path, 10)[1]
    assert clip_sidecar(clip) is None
    assert inspect_clip(clip).problems == ()


def write_then(target: Path, what: Callable[[], object], *, overwrite: bool) -> None:
    """Write a clip and its sidecar; before they get their names, something happens."""
    beside = target.with_name(f"{target.name}.pfs")
    with appearing_clip(target, beside, overwrite=overwrite, like=target.parent) as (_, writer):
        assert writer is not None
        writer.finish()
        what()


def test_a_sidecar_does_not_stay_without_its_clip(tmp_path: Path) -> None:
    target = tmp_path / "b.mp4"
    with pytest.raises(ImageError, match=r"b\.mp4 already exists"):
        write_then(target, lambda: target.write_bytes(b"another file of this name"), overwrite=False)
    assert [path.name for path in tmp_path.iterdir()] == ["b.mp4"]
    with pytest.raises(KeyboardInterrupt):
        write_then(target, interrupted, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["b.mp4"]
    write_then(target, lambda: None, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.mp4", "b.mp4.pfs"]


def interrupted() -> None:
    raise KeyboardInterrupt


def test_an_earlier_sidecar_is_named(tmp_path: Path) -> None:
    source, clip = protected(tmp_path, 10, sidecar="also")
    clip.unlink()
    done = write_protected(source, clip, two_people(10), options(), ClipOptions())
    assert done.warnings == (f"{clip}.pfs belongs to an earlier file of this name: delete it",)


def flipped(made: Made, at: int) -> bytes:
    data = bytearray(made.sidecar.read_bytes())
    data[at] ^= 1
    return bytes(data)


def test_damage_of_a_sidecar_is_named(made: Made, tmp_path: Path) -> None:
    clip = stripped(made, tmp_path / "b.mp4")
    beside, packets = tmp_path / "b.mp4.pfs", list(sidecar_packets(made.sidecar))
    header, first, second, listed = packets
    cases: list[tuple[bytes | list[bytes], str]] = [
        (flipped(made, made.sidecar.read_bytes().rfind(CHUNK_MARK) + 1500), "from 2.00 to 2.40 seconds was altered"),
        ([header, second, first, listed], "in another place"),
        ([header, first, listed], "is missing"),
        ([header, first, second], "the end of the sealed track is missing"),
        ([first, second, listed], "header of the sealed track is missing"),
        (made.sidecar.read_bytes()[:-7], "ends within a packet"),
        (made.sidecar.read_bytes()[:7], "ends within a packet"),
        (flipped(made, 5), "ends within a packet"),
    ]
    for content, message in cases:
        if isinstance(content, bytes):
            beside.write_bytes(content)
        else:
            written(beside, content)
        with pytest.raises(DamagedFileError, match=message):
            recovered(clip)
        assert not (tmp_path / "back.mp4").exists()
    beside.write_bytes(b"PFSV\x02")
    with pytest.raises(FileFormatError) as caught:
        recovered(clip)
    assert caught.value.code == "newer-version"
    beside.write_bytes(b"PFSC\x01")
    with pytest.raises(NotProtectedError):
        recovered(clip)
    with pytest.raises(DamagedFileError, match="no sidecar of a clip"):
        recovered(clip, sidecar=beside)


def test_every_start_of_a_sidecar_is_an_error(made: Made, tmp_path: Path) -> None:
    clip, data = stripped(made, tmp_path / "b.mp4"), made.sidecar.read_bytes()
    for length in (*range(5, 40), *range(40, len(data), len(data) // 40)):
        (tmp_path / "b.mp4.pfs").write_bytes(data[:length])
        with pytest.raises(ProFaceError):
            inspect_clip(clip)


def test_a_face_key_opens_from_the_sidecar(made: Made, tmp_path: Path) -> None:
    clip = stripped(made, tmp_path / "b.mp4")
    text = clip_face_key(clip, 2, Credentials.of(BOB))
    assert text == clip_face_key(made.clip, 2, Credentials.of(BOB))
    assert recover_clip(clip, tmp_path / "back.mp4", RecoverOptions.of(face_keys=[text])).recovered == (2,)
