"""Runs through the command line: outputs, resumed runs, refusals, and failures."""

from __future__ import annotations

import errno
import io
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("pyarrow")

import pyarrow.parquet as pq  # noqa: E402
from scale_kit import BOX, SUFFIXES, draw_folder, drawn, job_for  # noqa: E402

from proface_s.api import Lock, ShareOptions, recover  # noqa: E402
from proface_s.api.jpeg.protecting import same_coefficients  # noqa: E402
from proface_s.api.options import ProtectOptions  # noqa: E402
from proface_s.errors import NotProtectedError, UsageError  # noqa: E402
from proface_s.image import write as writing  # noqa: E402
from proface_s.image.jpeg.read_coefficients import read_jpeg  # noqa: E402
from proface_s.keys.recipients import Identity  # noqa: E402
from proface_s.scale import run  # noqa: E402
from proface_s.scale.engines import start_engine  # noqa: E402
from proface_s.scale.job import CollectionJob  # noqa: E402
from proface_s.scale.locations import Location, location_of, picture_names, sha256_hex  # noqa: E402
from proface_s.scale.manifest import MAIN, open_manifest, read_rows  # noqa: E402

Proface = Callable[..., tuple[int, str]]
LOCAL = ("--engine", "local", "--faces", "none", "--box", str(BOX))
KILLED_AT_THE_FOURTH = """
import os, signal
from proface_s.cli.main import run

named, replace = [], os.replace

def count(source, target):
    if str(target).endswith(".protected.png"):
        named.append(target)
    if len(named) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)

os.replace = count
run()
"""
PHOTOS = ["a.png", "b.png", "deep/c.png", "deep/er/d.png"]


def outputs(root: str = "out") -> dict[str, tuple[bytes, int]]:
    """Content and time of every file that is complete; the fixture `here` looks for others."""
    files = [path for path in Path(root).rglob("*") if path.is_file() and path.suffix != ".tmp"]
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def rows(location: str = "out.manifest") -> dict[str, dict[str, object]]:
    found = Location(str(Path(location).absolute()))
    return {row["source"]: row for row in read_rows(found, found.files(".parquet")).to_pylist()}


def test_a_folder_and_again_and_what_changed(proface: Proface, identity: Identity) -> None:
    pixels = draw_folder(Path("in"), PHOTOS)
    Path("in/notes.txt").write_text("left alone")
    Path("in/.hidden.png").write_bytes(b"left alone")
    assert proface(*LOCAL)[0] == 0
    first = outputs()
    assert set(first) == {f"out/{name}.protected.png" for name in PHOTOS}
    back = recover("out/deep/c.png.protected.png", identities=[identity], output="back.png")
    assert np.array_equal(back.recovered, pixels["deep/c.png"])
    assert {(r["status"], r["faces"], r["pixels"], r["attempt"]) for r in rows().values()} == {("done", 1, 19200, 1)}

    code, stderr = proface(*LOCAL)
    assert (code, outputs()) == (0, first)
    assert stderr.endswith("4 done (4 of them before)\n")

    Image.fromarray(drawn(9)).save("in/b.png")
    Path("out/a.png.protected.png").unlink()
    Image.fromarray(drawn(7)).save("in/deep/new.png")
    assert proface(*LOCAL)[1].endswith("5 done (2 of them before)\n")
    again = outputs()
    assert {name for name in again if again[name] != first.get(name)} == {
        "out/a.png.protected.png", "out/b.png.protected.png", "out/deep/new.png.protected.png",
    }  # fmt: skip
    assert os.listdir("out.manifest") == [MAIN]
    assert len(rows()) == 5


def test_jpegs_stay_jpegs_and_other_photos_are_made_into_some(proface: Proface, identity: Identity) -> None:
    draw_folder(Path("in"), ["a.jpg", "deep/b.png"])
    assert proface(*LOCAL, "--format", "jpeg", "--quality", "60", "--publish", "public")[0] == 0
    first = outputs() | outputs("public")
    assert set(first) == {
        "out/a.jpg.protected.jpg", "out/deep/b.png.protected.jpg",
        "public/a.jpg.covered.jpg", "public/deep/b.png.covered.jpg",
    }  # fmt: skip
    before = read_jpeg(Path("in/a.jpg").read_bytes())
    back = recover("out/a.jpg.protected.jpg", identities=[identity], output="back.jpg")
    assert same_coefficients(read_jpeg(back.data), before)
    for name in ("a.jpg", "deep/b.png"):
        protected, covered = (read_jpeg(first[f"{where}.jpg"][0]) for where in
                              (f"out/{name}.protected", f"public/{name}.covered"))  # fmt: skip
        assert same_coefficients(protected, covered)
        with pytest.raises(NotProtectedError):
            recover(first[f"public/{name}.covered.jpg"][0], identities=[identity])
    made = read_jpeg(first["out/deep/b.png.protected.jpg"][0]).components[0].table
    assert made.max() > 3 * read_jpeg(jpeg_of_quality(95)).components[0].table.max()

    again = ("--format", "jpeg", "--quality", "60", "--publish", "public")
    assert proface(*LOCAL, *again)[1].endswith("2 done (2 of them before)\n")
    assert outputs() | outputs("public") == first
    Path("public/a.jpg.covered.jpg").unlink()
    assert proface(*LOCAL, *again)[1].endswith("2 done (1 of them before)\n")
    assert set(outputs() | outputs("public")) == set(first)
    code, stderr = proface(*LOCAL, *again[:2], "--quality", "61", *again[4:])
    assert (code, "belongs to another run" in stderr) == (2, True)


def jpeg_of_quality(quality: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(drawn(1)).save(file, "JPEG", quality=quality)
    return file.getvalue()


@pytest.mark.parametrize("publish", ["in/public", ".", "in"])
def test_covers_do_not_go_among_the_photos(proface: Proface, publish: str) -> None:
    draw_folder(Path("in"), ["a.jpg"])
    code, stderr = proface(*LOCAL, "--publish", publish)
    assert (code, "overlap" in stderr) == (2, True)
    assert os.listdir() == ["in"]
    assert os.listdir("in") == ["a.jpg"]


def test_good_and_broken_files(proface: Proface) -> None:
    draw_folder(Path("in"), ["a.png", "z.png"])
    whole = Path("in/a.png").read_bytes()
    Path("in/cut.png").write_bytes(whole[: len(whole) // 2])
    Path("in/empty.jpg").touch()
    Path("in/text.jpg").write_text("no picture")
    Path("in/locked").mkdir()
    code, stderr = proface(*LOCAL)
    assert code == 1
    assert sorted(line.split(":")[1].strip() for line in stderr.splitlines() if line.startswith("error")) == [
        "cut.png", "empty.jpg", "text.jpg",
    ]  # fmt: skip
    assert set(outputs()) == {"out/a.png.protected.png", "out/z.png.protected.png"}
    assert {name: row["status"] for name, row in rows().items()} == {
        "a.png": "done", "z.png": "done", "cut.png": "failed", "empty.jpg": "failed", "text.jpg": "failed",
    }  # fmt: skip
    draw_folder(Path("in"), ["cut.png"])
    assert "3 done" in proface(*LOCAL)[1]


def test_photos_without_a_face(proface: Proface) -> None:
    draw_folder(Path("in"), ["a.png"])
    assert proface("--engine", "local")[0] == 4
    assert outputs() == {}
    assert proface("--engine", "local", "--allow-no-face", "--manifest", "other")[0] == 0
    assert rows("other")["a.png"]["status"] == "copied"
    assert np.array_equal(np.array(Image.open("out/a.png.protected.png")), drawn(0))


def test_no_passphrase_can_be_used(proface: Proface, monkeypatch: pytest.MonkeyPatch) -> None:
    draw_folder(Path("in"), ["a.png"])
    Path("secret").write_text("correct horse battery staple\n")
    for engine in "local", "dask":
        code, stderr = proface("--engine", engine, "--passphrase-file", "secret")
        assert code == 2
        assert "no passphrase may get to a worker" in stderr
        assert "proface keygen" in stderr
        assert "-r age1" in stderr
    assert proface(*LOCAL, key=False)[0] == 2
    monkeypatch.setenv("PROFACE_PASSPHRASE", "correct horse battery staple")  # workers would inherit it
    assert proface(*LOCAL)[0] == 2
    assert not Path("out").exists()
    assert not Path("out.manifest").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--wrong-key", "cover"), "--wrong-key cover cannot be used with --engine"),
        (("--sidecar",), "--sidecar cannot be used with --engine"),
        (("--manifest", "out/m"), "would lie among the outputs"),
        (("--share-only",), "--share-only cannot be used with --engine"),
        (("--scheduler", "tcp://a:1"), "--engine local has no scheduler"),
    ],
)
def test_what_an_engine_cannot_do(proface: Proface, arguments: tuple[str, ...], message: str) -> None:
    draw_folder(Path("in"), ["a.png"])
    code, stderr = proface(*LOCAL, *arguments)
    assert code == 2
    assert message in stderr
    assert outputs() == {}


def test_urls_and_manifests_need_an_engine(proface: Proface) -> None:
    draw_folder(Path("in"), ["a.png"])
    assert "is a URL" in proface("s3://bucket/photos")[1]
    assert "--manifest does nothing without --engine" in proface("--manifest", "m")[1]


def test_the_manifest_of_another_run_is_refused(proface: Proface) -> None:
    draw_folder(Path("in"), ["a.png"])
    assert proface(*LOCAL)[0] == 0
    before = outputs(), outputs("out.manifest")
    code, stderr = proface(*LOCAL, "--style", "pixelate")
    assert code == 2
    assert "belongs to another run" in stderr
    assert "style blur" in stderr
    someone = str(Identity.generate().recipient)
    assert "belongs to another run" in proface(*LOCAL, "-r", someone)[1]
    assert (outputs(), outputs("out.manifest")) == before
    Path("out.manifest/part-x.parquet").write_bytes(b"PAR1 something else")
    code, stderr = proface(*LOCAL)
    assert code == 5
    assert "part-x.parquet is not a manifest" in stderr


def test_a_target_with_files_of_others_is_refused(proface: Proface) -> None:
    draw_folder(Path("in"), ["a.png"])
    draw_folder(Path("out"), ["theirs.png"])
    before = outputs()
    code, stderr = proface(*LOCAL)
    assert (code, outputs()) == (2, before)
    assert "out is not empty" in stderr
    assert proface(*LOCAL, "--overwrite")[0] == 0
    assert before.items() < outputs().items()


def test_places_that_lie_in_each_other_are_refused(here: Path, identity: Identity) -> None:
    (here / "in").mkdir()
    for source, target in (("in", "in/out"), ("in", "in"), ("in/deep", "in")):
        (here / source).mkdir(exist_ok=True)
        job = job_for(here / source, here / target, identity.recipient)
        with pytest.raises(UsageError, match="overlap"):
            run.check_locations(job, Location(str(here / "m")))


def test_a_full_disk_stops_the_run_and_keeps_what_is_finished(
    proface: Proface, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_folder(Path("in"), PHOTOS)
    real = writing._write_new

    def full(path: Path, data: bytes) -> None:
        if "c.png" in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(path, data)

    monkeypatch.setattr(writing, "_write_new", full)
    code, stderr = proface(*LOCAL)
    assert code == 1
    assert "no space is left in" in stderr
    assert "run the same command again to continue" in stderr
    kept = outputs()
    assert {"out/a.png.protected.png", "out/b.png.protected.png"} <= set(kept)
    assert set(kept) == {f"out/{row['target']}" for row in rows().values()}
    assert "deep/c.png" not in rows()
    monkeypatch.setattr(writing, "_write_new", real)
    assert f"4 done ({len(kept)} of them before)" in proface(*LOCAL)[1]
    assert kept.items() < outputs().items()


def test_a_target_that_goes_away_stops_the_run(here: Path, identity: Identity) -> None:
    draw_folder(here / "in", PHOTOS)
    job, location = job_for(here / "in", here / "out", identity.recipient), Location(str(here / "manifest"))

    def unplug(outcome: object) -> None:
        shutil.rmtree(here / "out", ignore_errors=True)

    with start_engine("local", job) as engine:
        summary = run.run_job(job, engine, open_manifest(location, job), unplug)
    assert summary.stop == f"{here}/out cannot be reached any more"
    assert set(summary.counts) == {"done"}
    assert summary.counts["done"] < len(PHOTOS)
    assert not (here / "out").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_target_that_cannot_be_written(proface: Proface, here: Path) -> None:
    draw_folder(Path("in"), ["a.png"])
    here.chmod(0o500)
    try:
        code, stderr = proface(*LOCAL)
    finally:
        here.chmod(0o700)
    assert code == 1
    assert "out cannot be reached: Permission denied" in stderr


def test_a_target_below_a_file_cannot_be_made(proface: Proface) -> None:
    draw_folder(Path("in"), ["a.png"])
    Path("out").write_text("a file")
    code, stderr = proface(*LOCAL)
    assert code in (1, 2)
    assert "out" in stderr.splitlines()[0]
    assert Path("out").read_text() == "a file"


def test_a_run_that_was_killed_goes_on(proface: Proface, identity: Identity) -> None:
    names = [f"{i:02}.png" for i in range(6)]
    draw_folder(Path("in"), names)
    arguments = ["protect", "in", "-o", "out", "-r", str(identity.recipient), *LOCAL]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AT_THE_FOURTH, *arguments], stderr=subprocess.DEVNULL, timeout=300
    )
    assert killed.returncode == -signal.SIGKILL
    assert len(outputs()) == 3
    for path in Path("out").rglob("*.tmp"):
        path.unlink()  # what the very last moment left
    assert proface(*LOCAL)[0] == 0
    assert set(rows()) == set(names)
    for name in names:
        recover(f"out/{name}.protected.png", identities=[identity], output="back.png", overwrite=True)


def test_other_file_systems(here: Path, identity: Identity) -> None:
    memory = fsspec.filesystem("memory")
    root = f"/{here.name}"
    for name in ("a.png", "deep/b.png"):
        draw_folder(here, [name])
        memory.pipe_file(f"{root}/in/{name}", (here / name).read_bytes())
    job = job_for(f"memory:/{root}/in", f"memory:/{root}/out", identity.recipient)
    location = location_of(f"memory:/{root}/manifest")
    run.check_locations(job, location)
    with start_engine("local", job) as engine:
        for settled in (0, 2):
            summary = run.run_job(job, engine, open_manifest(location, job), lambda outcome: None)
            assert (summary.counts, summary.unchanged) == ({"done": 2}, settled)
    found = [f"{root}/out/a.png.protected.png", f"{root}/out/deep/b.png.protected.png"]
    assert sorted(memory.find(f"{root}/out")) == found
    data = memory.cat_file(f"{root}/out/deep/b.png.protected.png")
    assert np.array_equal(recover(data, identities=[identity]).recovered, drawn(0))
    memory.rm(root, recursive=True)


@pytest.mark.parametrize("url", ["nosuch://a/b", "ftp://me:secret@host/a"])
def test_urls_that_cannot_be_used(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        location_of(url)
    assert "secret" not in caught.value.message


def test_links_and_pipes_in_a_folder_do_not_hold_up_a_run(here: Path) -> None:
    draw_folder(here / "in", ["a.png", "deep/b.png"])
    os.mkfifo(here / "in" / "pipe.png")
    (here / "in" / "deep" / "loop").symlink_to(here / "in")
    (here / "in" / "link.png").symlink_to(here / "in" / "a.png")
    location = Location(str(here / "in"))
    assert list(picture_names(location, SUFFIXES)) == ["a.png", "link.png", "deep/b.png"]
    assert list(picture_names(location, SUFFIXES, recursive=False)) == ["a.png", "link.png"]


def test_a_job_has_nothing_that_opens(identity: Identity) -> None:
    words = "correct horse battery staple"
    for options, reason in (
        (ProtectOptions.of(words), "a passphrase was given"),
        (ProtectOptions.of(words, recipients=[identity.recipient]), "a passphrase was given"),
        (ProtectOptions(own={1: Lock((), (identity.recipient,))}), "none was given"),
        (ProtectOptions.of(recipients=[identity.recipient], own={1: Lock((words,))}), "the option own"),
    ):
        with pytest.raises(UsageError, match=reason):
            CollectionJob("a", "b", options, SUFFIXES)
    assert not [name for name in CollectionJob.__dataclass_fields__ if "pass" in name or "ident" in name]


def test_fingerprints_are_those_of_earlier_releases() -> None:
    """Otherwise a run that was begun with an earlier release could not be continued.

    Without a format it wrote PNG files; asked for those, it is the same run, and otherwise another one.
    """
    keys = (
        "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
        "age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg",
    )
    unusual = {"seal": False, "file_format": "webp", "record": False, "keep_metadata": True, "allow_no_face": True}
    jobs = (
        CollectionJob("a", "b", ProtectOptions.of(recipients=keys[:1], file_format="png"), SUFFIXES),
        CollectionJob(
            "s3://x/a",
            "b",
            ProtectOptions.of(
                recipients=keys, style="pixelate:8", boxes=["40,20,64,64"], faces="none", file_format="png"
            ),
            SUFFIXES,
        ),
        CollectionJob(
            "a",
            "b",
            ProtectOptions.of(recipients=keys[:1], style="mask:cat:110", faces="1,3", **unusual),  # type: ignore[arg-type]
            SUFFIXES,
            recursive=False,
        ),
    )
    same = replace(jobs[0], options=replace(jobs[0].options, file_format=None))
    assert same.fingerprint() != jobs[0].fingerprint()
    assert [job.fingerprint() for job in jobs] == [
        "bc009daab81f54c775e347929ae77bc26c485fe8ed906b0c36658fbf30611da3",
        "b7e06d16552cbad75f96a612e209e54495b6562a875c0da611bba6e85c01508f",
        "096616aa45826a144186ddb7260a500db27cf2a2cfe9ddc972a3601e0e2fa4b5",
    ]


def test_runs_differ_by_what_their_outputs_depend_on(identity: Identity) -> None:
    key = identity.recipient
    job = job_for("a", "b", key)
    assert job.fingerprint() == job_for("a", "b", key, threads=7).fingerprint()
    someone = Identity.generate().recipient
    others = [job_for("a", "c", key), job_for("a", "b", key, seal=False), job_for("a", "b", someone)]
    others += [job_for("a", "b", key, share=ShareOptions(region=region)) for region in ("photo", "halo")]
    others += [job_for("a", "b", key, quality=80), replace(job, published="d")]
    assert len({each.fingerprint() for each in (job, *others)}) == 8


def test_s2_every_option_is_part_of_a_run_or_cannot_change_its_outputs() -> None:
    from proface_s.scale.job import FINGERPRINTED, FIXED, IN_OUTPUTS

    assert {each.name for each in fields(ProtectOptions) if each.init} == {*FINGERPRINTED, *FIXED, *IN_OUTPUTS}
    assert set(CollectionJob.__dataclass_fields__) - {"source", "target", "options", "clips"} == {
        "suffixes", "recursive", "threads", "published",
    }  # fmt: skip


def test_s2_a_row_counts_only_while_its_output_is_the_one_it_notes(
    proface: Proface, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proface_s.scale import worker as work

    draw_folder(Path("in"), ["a.png", "b.png"])
    assert proface(*LOCAL)[0] == 0
    target = Path("out/a.png.protected.png")
    first, data = outputs(), target.read_bytes()
    target.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))  # the same size
    assert proface(*LOCAL)[1].endswith("2 done (1 of them before)\n")
    assert outputs()["out/b.png.protected.png"] == first["out/b.png.protected.png"]
    assert target.read_bytes()[-1] == data[-1]
    another = SimpleNamespace(card=SimpleNamespace(model_id=b"another"), wrong_key_modes=("noise",))
    monkeypatch.setattr(work, "_model", lambda job: another)
    assert proface(*LOCAL)[1].endswith("2 done\n")


def test_share_copies_on_an_engine(proface: Proface, identity: Identity) -> None:
    """Both outputs are noted; a photo whose share copy is missing or changed is done again."""
    for name in ("a", "deep/b"):
        Path("in", name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(Image.fromarray(drawn(len(name))).resize((640, 480)))).save(f"in/{name}.png")
    run = (*LOCAL, "--robust", "--share-size", "keep")
    assert proface(*run)[0] == 0
    first = outputs()
    names = [f"out/{name}.png" for name in ("a", "deep/b")]
    assert set(first) == {f"{name}{end}" for name in names for end in (".protected.png", ".share.jpg")}
    for source, row in rows().items():
        assert row["share_target"] == f"{source}.share.jpg"
        data = Path("out", str(row["share_target"])).read_bytes()
        assert (row["share_bytes"], row["share_sha256"]) == (len(data), sha256_hex(data))
    with Image.open("out/a.png.share.jpg") as image:
        image.save("received.jpg", quality=80)
    assert [face.outcome for face in recover("received.jpg", identities=[identity]).faces] == ["reduced"]
    assert proface(*run)[1].endswith("2 done (2 of them before)\n")
    assert outputs() == first
    Path("out/a.png.share.jpg").unlink()
    assert proface(*run)[1].endswith("2 done (1 of them before)\n")
    assert set(outputs()) == set(first)
    data = Path("out/deep/b.png.share.jpg").read_bytes()
    Path("out/deep/b.png.share.jpg").write_bytes(data[:-1] + b"\0")
    assert proface(*run)[1].endswith("2 done (1 of them before)\n")
    assert "belongs to another run" in proface(*LOCAL)[1]


def test_share_copies_inside_the_outputs_of_an_engine(proface: Proface, identity: Identity) -> None:
    Path("in").mkdir(exist_ok=True)
    Image.fromarray(np.asarray(Image.fromarray(drawn(1)).resize((640, 480)))).save("in/a.png")
    assert proface(*LOCAL, "--share-inside")[0] == 0
    assert set(outputs()) == {"out/a.png.protected.png"}
    assert rows()["a.png"]["share_target"] == ""
    with Image.open("out/a.png.protected.png") as image:
        image.convert("RGB").save("received.jpg", quality=80)
    for name, outcome in (("out/a.png.protected.png", "exact"), ("received.jpg", "reduced")):
        assert [face.outcome for face in recover(name, identities=[identity]).faces] == [outcome]
    assert proface(*LOCAL, "--share-inside")[1].endswith("1 done (1 of them before)\n")


def test_a_manifest_without_share_copies_is_still_read(proface: Proface) -> None:
    """As versions before share copies wrote it."""
    draw_folder(Path("in"), ["a.png", "b.png"])
    assert proface(*LOCAL)[0] == 0
    path = Path("out.manifest", MAIN)
    table = pq.read_table(path)
    pq.write_table(table.drop_columns([name for name in table.column_names if name.startswith("share_")]), path)
    assert "share_target" not in pq.read_table(path).column_names
    assert proface(*LOCAL)[1].endswith("2 done (2 of them before)\n")
    assert {row["share_target"] for row in rows().values()} == {""}


def test_s2_another_picture_of_the_same_name_is_another_run(proface: Proface) -> None:
    draw_folder(Path("in"), ["a.png"])
    Image.fromarray(drawn(3)).save("sticker.png")
    style = ("--style", "mask:sticker.png")
    assert proface(*LOCAL, *style)[0] == 0
    assert proface(*LOCAL, *style)[1].endswith("1 done (1 of them before)\n")
    Image.fromarray(drawn(4)).save("sticker.png")
    code, stderr = proface(*LOCAL, *style)
    assert code == 2
    assert "belongs to another run" in stderr


def test_d13_names_and_links_of_any_kind(proface: Proface) -> None:
    """Names that are not UTF-8 or become too long, and links to nothing: each is noted, none stops others."""
    draw_folder(Path("in"), ["a.png"])
    for name in ("line\nbreak.png", os.fsdecode(b"\xff\xfe.png"), "写" * 80 + ".png"):
        shutil.copy("in/a.png", f"in/{name}")
    Path("in/broken.png").symlink_to("nowhere.png")
    Path("in/loop.png").symlink_to("loop.png")
    os.mkfifo("in/pipe.png")
    for before in "", " (4 of them before)":
        code, stderr = proface(*LOCAL)
        assert code == 1
        assert stderr.endswith(f"4 done, 2 failed{before}\n")
    assert len(outputs()) == 4
    assert {name for name, row in rows().items() if row["status"] == "failed"} == {"broken.png", "loop.png"}
    assert "\\udcff\\udcfe.png" in rows()


def test_s8_a_manifest_is_private_and_outputs_are_as_their_photos(proface: Proface) -> None:
    draw_folder(Path("in"), ["a.png", "b.png"])
    Path("in/a.png").chmod(0o600)
    before = os.umask(0o022)
    try:
        assert proface(*LOCAL)[0] == 0
    finally:
        os.umask(before)
    assert Path("out.manifest", MAIN).stat().st_mode & 0o777 == 0o600
    assert Path("out/a.png.protected.png").stat().st_mode & 0o777 == 0o600
    assert Path("out/b.png.protected.png").stat().st_mode & 0o777 == 0o644
