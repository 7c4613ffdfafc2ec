"""Clips are read frame by frame, and what is no clip is refused with a reason."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clip_kit import SIZE, av, picture, write_clip

from proface_s.errors import ImageError, UsageError
from proface_s.types import Box
from proface_s.video.clip import engine
from proface_s.video.clip.planes import read_planes, stored_box, write_planes
from proface_s.video.clip.read import open_clip, read_clip_info

LOSSLESS = {"qp": "0"}


def test_frames_come_in_order_with_their_planes(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", 30, options=LOSSLESS)
    with open_clip(path) as clip:
        assert clip.info.size == clip.info.upright_size == SIZE
        assert (clip.info.rate, clip.info.codec, clip.info.frames, clip.info.ten_bits) == (25, "h264", 30, False)
        assert clip.info.duration == pytest.approx(1.2)
        frames = list(clip.frames())
    assert [frame.index for frame in frames] == list(range(30))
    assert [frame.seconds for frame in frames] == pytest.approx([number / 25 for number in range(30)])
    for frame in frames:
        expected = read_planes(
            av.VideoFrame.from_ndarray(picture(frame.index), format="rgb24").reformat(format="yuv420p")
        )
        assert all(np.array_equal(*pair) for pair in zip(frame.planes(), expected, strict=True))
        assert np.array_equal(frame.grey, expected.y)
        assert np.abs(frame.rgb().astype(int) - picture(frame.index)).mean() < 6
    assert not clip.failures


def test_variable_times_are_kept(tmp_path: Path) -> None:
    times = [0, 10, 55, 60, 200, 210]
    with open_clip(write_clip(tmp_path / "a.mp4", times=times)) as clip:
        assert [frame.pts * frame.time_base for frame in clip.frames()] == [Fraction(time, 600) for time in times]


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_turned_clips_are_upright(tmp_path: Path, rotation: int) -> None:
    path = write_clip(tmp_path / "a.mp4", 3, rotation=rotation, options=LOSSLESS)
    with open_clip(path) as clip:
        assert clip.info.rotation == rotation
        assert clip.info.upright_size == (SIZE[::-1] if rotation != 180 else SIZE)
        frame = next(clip.frames())
    upright = np.rot90(frame.planes().y, rotation // 90)
    assert np.array_equal(frame.grey, upright)
    assert frame.rgb().shape[:2] == upright.shape
    box = Box(10, 20, 30, 16)
    stored = stored_box(box, clip.info.size, rotation)
    part = frame.planes().y[stored.y : stored.bottom, stored.x : stored.right]
    assert np.array_equal(np.rot90(part, rotation // 90), upright[box.y : box.bottom, box.x : box.right])


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt", "ten"),
    [
        ("a.mkv", "libx265", "yuv420p10le", True),
        ("a.mov", "libx264", "yuv422p", False),
        ("a.mkv", "ffv1", "yuv420p", False),
        ("a.mkv", "libx264", "yuv444p", False),
        ("a.mp4", "libx264", "yuvj420p", False),
    ],
)
def test_other_formats_come_in_one_of_two(tmp_path: Path, name: str, codec: str, pix_fmt: str, ten: bool) -> None:
    path = write_clip(
        tmp_path / name, 3, codec=codec, pix_fmt=pix_fmt, options={"x265-params": "log-level=none"} if ten else {}
    )
    with open_clip(path) as clip:
        frames = list(clip.frames())
        assert clip.info.ten_bits is ten
    planes = frames[0].planes()
    assert planes.y.dtype == (np.uint16 if ten else np.uint8)
    assert planes.u.shape == (SIZE[1] // 2, SIZE[0] // 2)
    assert planes.y.max() < (1024 if ten else 256)
    assert np.abs(frames[0].rgb().astype(int) - picture(0)).mean() < 6
    again = read_planes(write_planes(av, planes))
    assert all(np.array_equal(*pair) for pair in zip(again, planes, strict=True))


def test_odd_sizes(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", 3, codec="ffv1", size=(33, 21))
    with open_clip(path) as clip:
        planes = next(clip.frames()).planes()
    assert [plane.shape for plane in planes] == [(21, 33), (11, 17), (11, 17)]


def test_a_change_of_size_is_refused_with_its_time(tmp_path: Path) -> None:
    parts = [
        write_clip(tmp_path / f"{width}.ts", 10, size=(width, 112), options={"tune": "zerolatency"})
        for width in (160, 128)
    ]
    both = tmp_path / "both.ts"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(ImageError, match="changes from 160x112 to 128x112") as caught, open_clip(both) as clip:
        list(clip.frames())
    assert caught.value.code == "variable-resolution"


def test_damage_in_the_middle_is_noted_and_the_rest_comes(tmp_path: Path) -> None:
    data = bytearray(write_clip(tmp_path / "a.mkv", 60, gop=5).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 900] = np.random.default_rng(5).bytes(900)
    (tmp_path / "b.mkv").write_bytes(data)
    with open_clip(tmp_path / "b.mkv") as clip:
        frames = [frame.index for frame in clip.frames()]
    assert len(frames) >= 40
    assert frames == list(range(len(frames)))


def test_truncated_transport_stream(tmp_path: Path) -> None:
    data = write_clip(tmp_path / "a.ts", 40, gop=5).read_bytes()
    (tmp_path / "b.ts").write_bytes(data[: len(data) // 2])
    with open_clip(tmp_path / "b.ts") as clip:
        assert 5 <= len(list(clip.frames())) < 40


def _sound_only(path: Path) -> None:
    with av.open(str(path), "w") as out:
        voice = out.add_stream("aac", rate=32000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 32000
        out.mux(voice.encode(frame))
        out.mux(voice.encode(None))


def _no_frames(path: Path) -> None:
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        out.start_encoding()


def _cover_art(path: Path) -> None:
    with av.open(str(path), "w") as out:
        voice = out.add_stream("aac", rate=32000)
        art = out.add_stream("mjpeg", rate=1)
        art.width, art.height, art.pix_fmt = *SIZE, "yuvj420p"
        art.disposition = av.stream.Disposition.attached_pic
        out.start_encoding()
        image = av.VideoFrame.from_ndarray(picture(0), format="rgb24").reformat(format="yuvj420p")
        image.pts = 0
        out.mux(art.encode(image))
        out.mux(art.encode(None))
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 32000
        out.mux(voice.encode(frame))
        out.mux(voice.encode(None))


def _gif(path: Path) -> None:
    from PIL import Image

    Image.fromarray(picture(0)).save(path, "GIF")


def _playlist(path: Path) -> None:
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/part.ts\n#EXT-X-ENDLIST\n")


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (_sound_only, "no-video"),
        (_cover_art, "no-video"),
        (_gif, "not-a-clip"),
        (_playlist, "not-a-clip"),
        (lambda path: path.write_bytes(b""), "not-a-clip"),
        (lambda path: path.write_bytes(b"no clip at all" * 99), "not-a-clip"),
    ],
    ids=["sound", "art", "picture", "playlist", "empty", "text"],
)
def test_what_is_no_clip_is_refused(tmp_path: Path, make: object, code: str) -> None:
    path = tmp_path / "a.mp4"
    make(path)  # type: ignore[operator]
    with pytest.raises(ImageError, match=r"a\.mp4") as caught:
        read_clip_info(path)
    assert caught.value.code == code


def test_a_clip_without_frames_is_refused(tmp_path: Path) -> None:
    data = write_clip(tmp_path / "a.mkv", 3).read_bytes()
    path = tmp_path / "b.mkv"
    path.write_bytes(data[: data.find(bytes.fromhex("1f43b675"))])  # up to the first cluster
    with pytest.raises(ImageError) as caught:
        read_clip_info(path)
    assert caught.value.code in ("no-frames", "not-a-clip")


def test_a_missing_file_is_the_systems_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_clip_info(tmp_path / "missing.mp4")


def test_without_the_library_an_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    real = builtins.__import__

    def fails(name: str, *rest: object, **more: object) -> object:
        if name.split(".")[0] == "av":
            raise ModuleNotFoundError("no av", name="av")
        return real(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", fails)
    with pytest.raises(UsageError, match="need av") as caught:
        engine.load_av()
    assert caught.value.facts == {"extra": "video"}
