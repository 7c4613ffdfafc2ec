"""What a protected clip keeps of the original, and what it loses on purpose."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cast_kit import appearing, planes_of, protected, psnr, recovered, two_people
from clip_kit import SIZE, av

from proface_s.video.clip.plane_covers import ColourTags
from proface_s.video.clip.planes import stored_box
from proface_s.video.clip.read import open_clip
from proface_s.video.clip.write import HdrLight


def times(path: Path) -> list[Fraction]:
    """Return the time of each frame in seconds."""
    with open_clip(path) as clip:
        return [frame.pts * frame.time_base for frame in clip.frames()]


def packets(path: Path, kind: str) -> list[list[tuple[Fraction, str]]]:
    """Return time and SHA-256 of the packets of each stream of a kind, without those that end a subtitle."""
    least = 2 if kind == "subtitle" else 0  # bytes of the length of an empty text, which FFmpeg writes as it likes
    found = []
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
    for index in range(len(streams)):
        with av.open(str(path)) as container:
            stream = [stream for stream in container.streams if stream.type == kind][index]
            found.append(
                [
                    (packet.pts * packet.time_base, hashlib.sha256(bytes(packet)).hexdigest())
                    for packet in container.demux(stream)
                    if packet.size > least
                ]
            )
    return found


def grown(mask: np.ndarray[Any, Any], by: int) -> np.ndarray[Any, Any]:
    """Return a mask with so many pixels around it."""
    import cv2

    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * by + 1, 2 * by + 1), np.uint8)) > 0


def tags(path: Path) -> ColourTags:
    with open_clip(path) as clip:
        return ColourTags.of(next(clip.frames()).decoded)


def test_times_sound_and_subtitles_are_kept(tmp_path: Path) -> None:
    source, target = protected(tmp_path, 60, {"sounds": 2, "subtitles": True})
    back = recovered(target)
    for other in (target, back):
        assert times(other) == times(source)
        assert packets(other, "audio") == packets(source, "audio")
        assert packets(other, "subtitle") == packets(source, "subtitle")
    with av.open(str(source)) as a, av.open(str(target)) as b:
        assert abs(a.duration - b.duration) <= 40_000


@pytest.mark.parametrize("spoken", [(200, 500), (600, 600)])
def test_subtitles_do_not_lengthen_a_clip(tmp_path: Path, spoken: tuple[int, int]) -> None:
    source, target = protected(tmp_path, 30, {"subtitles": True, "spoken": spoken})
    assert packets(target, "subtitle") == packets(source, "subtitle")
    for path in (target, recovered(target)):
        with av.open(str(path)) as container:
            assert container.duration == pytest.approx(1_200_000, abs=10_000)


@pytest.mark.parametrize("suffix", [".mkv", ".webm", ".mov", ".ts", ".avi"])
def test_other_containers_become_mp4(tmp_path: Path, suffix: str) -> None:
    codec = (
        {"codec": "libsvtav1", "options": {"preset": "12", "svtav1-params": "fast-decode=0"}}
        if suffix == ".webm"
        else {}
    )
    sounds = 0 if suffix == ".avi" else 1
    source, target = protected(tmp_path, 30, {"name": f"a{suffix}", "sounds": sounds, **codec})
    start = times(source)[0] - times(target)[0] if suffix == ".ts" else 0
    assert [time + start for time in times(target)] == times(source)
    assert times(target)[0] < 0.1
    sound = [[data for _, data in stream] for stream in packets(source, "audio")]
    assert [[data for _, data in stream] for stream in packets(target, "audio")] == sound or suffix == ".ts"
    assert psnr(planes_of(recovered(target))[9].y, planes_of(source)[9].y) > 34


def test_times_of_a_variable_rate_are_kept(tmp_path: Path) -> None:
    uneven = [0, 10, 55, 60, 200, 210, 215, 400, 1200, 1210, 1500, 2400, 2410, 2420]
    source, target = protected(tmp_path, clip={"times": uneven})
    assert times(source) == times(target) == times(recovered(target)) == [Fraction(time, 600) for time in uneven]


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation_is_kept(tmp_path: Path, rotation: int) -> None:
    source, target = protected(tmp_path, 20, {"rotation": rotation}, style="solid")
    for path in (source, target, recovered(target)):
        with open_clip(path) as clip:
            assert clip.info.rotation == rotation
    before, hidden, after = (planes_of(path)[5].y for path in (source, target, recovered(target)))
    assert psnr(after, before) > 36
    size = before.shape[1], before.shape[0]
    inside = np.zeros(before.shape, bool)
    for _, box in appearing(two_people(20))[5]:
        area = stored_box(box, size, rotation)
        inside[area.y : area.bottom, area.x : area.right] = True
    assert psnr(hidden[inside], before[inside]) < 24
    around = grown(inside, 24)
    assert psnr(hidden[~around], before[~around]) > 34


def test_ten_bits_and_colour_tags_of_hdr_are_kept(tmp_path: Path) -> None:
    hdr = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:log-level=none"
    source, target = protected(
        tmp_path, 30, {"codec": "libx265", "pix_fmt": "yuv420p10le", "options": {"x265-params": hdr}}
    )
    expected = tags(source)
    assert expected[:3] == (9, 16, 9)
    for path in (target, recovered(target)):
        with open_clip(path) as clip:
            assert (clip.info.codec, clip.info.ten_bits) == ("hevc", True)
        assert tags(path) == expected
    before, after = planes_of(source)[12].y, planes_of(recovered(target))[12].y
    assert psnr(after / 4, before / 4) > 36


@pytest.mark.parametrize("codec", ["hevc", "h264", "av1"])
def test_static_metadata_of_hdr_are_kept(tmp_path: Path, codec: str) -> None:
    told = (
        "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400"
        ":colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:log-level=none"
    )
    source, target = protected(
        tmp_path, 4, {"codec": "libx265", "pix_fmt": "yuv420p10le", "options": {"x265-params": told}}, codec=codec
    )
    expected = HdrLight((13250, 34500, 7500, 3000, 34000, 16000, 15635, 16450, 10_000_000, 50), (1000, 400))
    for path in (source, target, recovered(target)):
        with open_clip(path) as clip:
            assert HdrLight.of(next(clip.frames()).decoded) == expected


def test_clips_without_hdr_are_told_nothing_of_it(tmp_path: Path) -> None:
    source, target = protected(tmp_path, 4)
    for path in (source, target):
        with open_clip(path) as clip:
            assert HdrLight.of(next(clip.frames()).decoded) == HdrLight()
    assert HdrLight().options("hevc") == ""


def test_full_range_stays_full(tmp_path: Path) -> None:
    source, target = protected(tmp_path, 10, {"pix_fmt": "yuvj420p"})
    assert tags(source).range == tags(target).range == tags(recovered(target)).range == 2
    assert psnr(planes_of(recovered(target))[5].y, planes_of(source)[5].y) > 36


def test_odd_sizes_lose_a_row_and_a_column(tmp_path: Path) -> None:
    source, target = protected(tmp_path, 10, {"name": "a.mkv", "codec": "ffv1", "size": (161, 113)})
    for path in (target, recovered(target)):
        with open_clip(path) as clip:
            assert clip.info.size == SIZE
    assert psnr(planes_of(recovered(target))[5].y, planes_of(source)[5].y[:112, :160]) > 36


def test_nothing_tells_where_when_and_by_whom_it_was_made(tmp_path: Path) -> None:
    said = {
        "location": "+48.1234+011.5678/", "make": "Acme", "model": "Phone 9", "creation_time": "2021-02-03T04:05:06Z",
        "title": "Bobs Geburtstag", "artist": "Ann Example", "comment": "secret note",
    }  # fmt: skip
    source, target = protected(tmp_path, 10, {"name": "a.mov", "metadata": said, "sounds": 1})
    assert all(text in source.read_bytes() for text in (b"Acme", b"Geburtstag", b"+48.1234"))
    for path in (target, recovered(target)):
        data = path.read_bytes()
        for text in (b"Acme", b"Phone 9", b"Geburtstag", b"Ann Example", b"secret note", b"48.1", b"2021", b"Lavf"):
            assert text not in data
        with av.open(str(path)) as container:
            found: dict[str, Any] = dict(container.metadata)
            for stream in container.streams:
                found |= stream.metadata
        assert "creation_time" not in found


def test_subtitles_of_matroska_become_those_of_mp4(tmp_path: Path) -> None:
    source, target = protected(tmp_path, 30, {"name": "a.mkv", "subtitles": True})
    with av.open(str(target)) as container:
        (words,) = container.streams.subtitles
        texts = [bytes(packet) for packet in container.demux(words) if packet.size > 2]
    assert texts == [b"\x00\x05hello"]
    assert times(source) == times(target)


def test_muted_clips_have_no_sound(tmp_path: Path) -> None:
    _, target = protected(tmp_path, 10, {"sounds": 1}, mute=True)
    with av.open(str(target)) as container:
        assert not container.streams.audio


def test_a_part_begins_at_zero(tmp_path: Path) -> None:
    source, target = protected(tmp_path, 60, {"sounds": 1}, start=0.4, stop=1.6)
    assert times(target) == [Fraction(n, 25) for n in range(30)]
    whole, part = planes_of(source)[10:40], planes_of(recovered(target))
    assert len(part) == 30
    assert min(psnr(a.y, b.y) for a, b in zip(whole, part, strict=True)) > 34
    (sound,) = packets(target, "audio")
    assert 0 <= sound[0][0] < 0.05
    assert 1.1 < sound[-1][0] < 1.2


def test_colours_under_covers_stay_near(tmp_path: Path) -> None:
    """A cover is drawn in RGB: its mean colour is that of the face."""
    source, target = protected(tmp_path, 10, style="pixelate")
    before, after = planes_of(source)[0], planes_of(target)[0]
    for plane, other in zip(before, after, strict=True):
        assert abs(float(np.mean(plane)) - float(np.mean(other))) < 1.5
