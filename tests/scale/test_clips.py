"""Clips in a collection: one clip one task, on this machine and elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("pyarrow")
av = pytest.importorskip("av")

from scale_kit import BOX, draw_folder, job_for  # noqa: E402

from proface_s.api.options import RecoverOptions  # noqa: E402
from proface_s.covers import parse_style  # noqa: E402
from proface_s.errors import UsageError  # noqa: E402
from proface_s.keys.recipients import Identity  # noqa: E402
from proface_s.scale.job import ClipJob  # noqa: E402
from proface_s.scale.locations import Location  # noqa: E402
from proface_s.scale.manifest import read_rows  # noqa: E402
from proface_s.video.clip.manage import inspect_clip, verify_clip  # noqa: E402
from proface_s.video.clip.options import COVER_STYLE, ClipOptions  # noqa: E402
from proface_s.video.clip.recover import recover_clip  # noqa: E402

Proface = Callable[..., tuple[int, str]]
LOCAL = ("--engine", "local", "--faces", "none", "--box", str(BOX))


def write_clip(path: Path) -> None:
    """Write a clip of 12 drawn frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 160, 112, "yuv420p"
        y, x = np.mgrid[:112, :160]
        for number in range(12):
            rgb = np.dstack([(x + 3 * number) % 256, y, (x + y) % 256]).astype(np.uint8)
            out.mux(video.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        out.mux(video.encode(None))


def rows() -> dict[str, dict[str, object]]:
    found = Location(str(Path("out.manifest").absolute()))
    return {row["source"]: row for row in read_rows(found, found.files(".parquet")).to_pylist()}


def test_a_collection_of_photos_and_clips(proface: Proface, identity: Identity) -> None:
    draw_folder(Path("in"), ["a.png"])
    write_clip(Path("in/b.mp4"))
    write_clip(Path("in/deep/c.mov"))
    Path("in/d.mkv").write_bytes(b"no clip" * 99)
    code, stderr = proface(*LOCAL)
    assert code == 1
    assert "d.mkv" in stderr
    assert stderr.endswith("3 done, 1 failed\n")
    targets = {str(path.relative_to("out")) for path in Path("out").rglob("*") if path.is_file()}
    assert targets == {"a.png.protected.png", "b.mp4.protected.mp4", "deep/c.mov.protected.mp4"}
    target = Path("out/b.mp4.protected.mp4")
    found = inspect_clip(target)
    assert [(person.style, found.recipients) for person in found.people] == [("pixelate", 1)]
    done = recover_clip(target, Path("back.mp4"), RecoverOptions.of(identities=[identity]))
    assert done.recovered == (1,)
    row = rows()["b.mp4"]
    assert (row["status"], row["faces"], row["pixels"], row["source_bytes"]) == (
        "done", 1, 160 * 112, Path("in/b.mp4").stat().st_size,
    )  # fmt: skip
    first = target.read_bytes()
    Path("in/d.mkv").unlink()
    assert proface(*LOCAL)[1].endswith("3 done (3 of them before)\n")
    assert target.read_bytes() == first
    target.write_bytes(first[:-1])
    assert proface(*LOCAL)[1].endswith("3 done (2 of them before)\n")
    assert verify_clip(target).problems == ()


def test_clips_elsewhere_are_copied_here_and_back(proface: Proface, here: Path, identity: Identity) -> None:
    from proface_s.cli.main import main

    write_clip(here / "clip.mp4")
    fs = fsspec.filesystem("memory")
    fs.mkdirs("/scale-in", exist_ok=True)
    fs.put_file(str(here / "clip.mp4"), "/scale-in/clip.mp4")
    words = ["protect", "memory://scale-in", "-o", "memory://scale-out", *LOCAL, "--manifest", "rows"]
    assert main([*words, "-r", str(identity.recipient)]) == 0
    assert fs.ls("/scale-out", detail=False) == ["/scale-out/clip.mp4.protected.mp4"]
    fs.get_file("/scale-out/clip.mp4.protected.mp4", str(here / "back.mp4"))
    assert verify_clip(here / "back.mp4").problems == ()
    fs.rm("/scale-in", recursive=True)
    fs.rm("/scale-out", recursive=True)


@pytest.mark.parametrize("words", [("--publish", "public"), ("--robust",), ("--keep-metadata",)])
def test_what_clips_cannot_have_is_a_failure_of_each(proface: Proface, words: tuple[str, ...]) -> None:
    write_clip(Path("in/b.mp4"))
    code, stderr = proface(*LOCAL, *words)
    assert code == 1
    assert "error: b.mp4: clips" in stderr
    assert not [path for path in Path("out").rglob("*") if path.is_file()]


@pytest.mark.parametrize("words", [("--people", "people.json"), ("--same", "1,2"), ("--box", "0-1:2,2,40,40")])
def test_what_is_about_one_clip_is_refused(proface: Proface, words: tuple[str, ...]) -> None:
    write_clip(Path("in/b.mp4"))
    code, stderr = proface(*LOCAL, *words)
    assert code == 2
    assert "cannot be used with --engine" in stderr


def test_clips_go_to_workers_of_a_cluster(proface: Proface) -> None:
    pytest.importorskip("distributed")
    for name in ("a", "b", "c"):
        write_clip(Path(f"in/{name}.mp4"))
    code, stderr = proface("--engine", "dask", "--jobs", "2", *LOCAL[2:])
    assert code == 0, stderr
    assert {row["status"] for row in rows().values()} == {"done"}
    assert sorted(path.name for path in Path("out").iterdir()) == [f"{name}.mp4.protected.mp4" for name in "abc"]


def test_runs_of_photos_that_were_begun_before_are_continued(here: Path, identity: Identity) -> None:
    """The usual settings of clips do not change the fingerprint; all others do."""
    job = job_for(here / "in", here / "out", identity.recipient)
    usual = ClipJob(replace(job.options, style=parse_style(COVER_STYLE)))
    assert replace(job, clips=usual).fingerprint() == job.fingerprint()
    solid = replace(job.options, style=parse_style("solid"))
    assert replace(job, options=solid, clips=ClipJob(solid)).fingerprint() == replace(job, options=solid).fingerprint()
    others = [
        ClipJob(job.options),
        replace(usual, clip=ClipOptions(exact=True)),
        replace(usual, clip=ClipOptions(quality=60)),
        replace(usual, clip=ClipOptions(interval=0.2)),
    ]
    assert len({replace(job, clips=each).fingerprint() for each in (usual, *others)}) == 5
    with pytest.raises(UsageError, match="default of the option sidecar"):
        replace(job, clips=ClipJob(replace(usual.options, sidecar="also")))
