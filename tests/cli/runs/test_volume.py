"""Many photos: several processes, resumed runs, full disks, colliding names, and pipes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from cli_kit import BOX, PASSPHRASE, Proface, drawn, files, save
from PIL import Image

from paths_kit import ROOT
from proface_s.cli.runner.plan import FileTask
from proface_s.cli.runner.report import TaskReport
from proface_s.cli.runner.run import attempt_all
from proface_s.errors import DiskFullError
from proface_s.image import write

PROGRAM = [sys.executable, "-m", "proface_s"]
BY_HAND = ("--box", BOX, "--faces", "none")
TO_OUT = ("-o", "out", *BY_HAND)


def pixels(name: str | Path) -> np.ndarray:
    with Image.open(name) as image:
        return np.array(image)


def outputs() -> dict[str, bytes]:
    return {name: Path(name).read_bytes() for name in files() if name.startswith("out")}


def three_photos() -> None:
    for seed, name in enumerate(("in/a.png", "in/b.jpg", "in/deep/c.png")):
        save(name, drawn(seed=seed))


def test_several_processes_do_what_one_does(proface: Proface) -> None:
    three_photos()
    Path("in/d.png").write_bytes(b"no picture")
    result = proface("protect", "in", *TO_OUT, "--jobs", "2", "--json")
    assert result.code == 1
    assert {(r["input"], r["status"]) for r in result.records} == {
        ("in/a.png", "protected"), ("in/b.jpg", "protected"), ("in/deep/c.png", "protected"), ("in/d.png", "error"),
    }  # fmt: skip
    assert result.errors == ["error: in/d.png is not a picture this program knows"]
    assert result.err.endswith("3 files done, 1 failed\n")
    assert list(outputs()) == ["out/a.protected.png", "out/b.protected.jpg", "out/deep/c.protected.png"]
    assert proface("recover", "out", "-o", "back", "--jobs", "2", "--audit", "log").code == 0
    assert np.array_equal(pixels("back/a.recovered.png"), drawn(seed=0))
    assert np.array_equal(pixels("back/deep/c.recovered.png"), drawn(seed=2))
    assert len(Path("log").read_text().splitlines()) == 6
    assert PASSPHRASE not in Path("log").read_text()


def test_folders_in_which_everything_fails_are_not_made(proface: Proface) -> None:
    for name in "in/x/a.png", "in/y/b.png":
        save(name, drawn(4, 4))
    assert proface("protect", "in", *TO_OUT, "--jobs", "2").code == 2
    assert not Path("out").exists()


class Killer:
    """Work that kills its process at one task."""

    def __call__(self, task: FileTask) -> TaskReport:
        if task.source.name == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        return TaskReport("protected", task.source)


def test_a_worker_that_dies_takes_no_other_task_with_it(here: Path) -> None:
    tasks = [FileTask(Path(name)) for name in ("a", "kill", "b", "c")]
    done = list(attempt_all(tasks, Killer(), 2))
    assert {(str(d.report.source), d.report.status) for d in done} == {
        ("a", "protected"), ("b", "protected"), ("c", "protected"), ("kill", "error"),
    }  # fmt: skip
    assert [d.report.failure.message for d in done if d.report.failure] == ["kill: the process that worked on it died"]


def test_resuming_does_what_is_missing_and_nothing_else(proface: Proface) -> None:
    three_photos()
    assert proface("protect", "in", *TO_OUT).code == 0
    Path("out/b.protected.jpg").unlink()
    before = outputs()
    result = proface("protect", "in", *TO_OUT)
    assert result.code == 1
    assert len(result.errors) == 2, "without --resume what exists is an error"
    Path("out/b.protected.jpg").unlink()
    result = proface("protect", "in", *TO_OUT, "--resume", "--json")
    assert result.code == 0
    assert [(r["input"], r["status"]) for r in result.records] == [
        ("in/a.png", "skipped"), ("in/b.jpg", "protected"), ("in/deep/c.png", "skipped"),
    ]  # fmt: skip
    assert result.records[0]["reason"] == "is done already"
    assert result.err.endswith("1 file done, 2 skipped\n")
    assert {name: data for name, data in outputs().items() if name in before} == before
    assert proface("recover", "out", "-o", "back").code == 0
    Path("back/a.recovered.png").unlink()
    result = proface("recover", "out", "-o", "back", "--resume", "--json")
    assert [r["status"] for r in result.records] == ["recovered", "skipped", "skipped"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("another photo", "another photo"), ("another passphrase", "passphrase does not open"),
        ("another style", "another style"), ("no seal", "other options"), ("cut short", "truncated"),
        ("not protected", "not a protected file"), ("seals gone", "seals are gone"),
    ],
)  # fmt: skip
def test_what_is_there_but_not_finished_is_not_skipped(
    proface: Proface, monkeypatch: pytest.MonkeyPatch, change: str, reason: str
) -> None:
    from proface_s.container.carriers.png import write_png_chunks

    save("in/a.png")
    assert proface("protect", "in", *TO_OUT).code == 0
    target = Path("out/a.protected.png")
    more: tuple[str, ...] = ()
    if change == "another photo":
        save("in/a.png", drawn(seed=5))
    elif change == "another passphrase":
        monkeypatch.setenv("PROFACE_PASSPHRASE", "something else entirely")
    elif change == "another style":
        more = ("--style", "pixelate")
    elif change == "no seal":
        more = ("--no-seal",)
    elif change == "cut short":
        target.write_bytes(target.read_bytes()[:-40])
    elif change == "not protected":
        save(str(target), drawn())
    else:
        target.write_bytes(write_png_chunks(target.read_bytes(), {"pfSl": []}))
    before = target.read_bytes()
    result = proface("protect", "in", *TO_OUT, *more, "--resume")
    assert result.code == 1
    assert reason in result.err
    assert "hint: " in result.err
    assert target.read_bytes() == before
    assert proface("protect", "in", *TO_OUT, *more, "--resume", "--overwrite").code == 0
    assert target.read_bytes() != before
    assert "is done already" in proface("protect", "in", *TO_OUT, *more, "--resume").err
    assert files() == ["in/a.png", "out/a.protected.png"]


def test_what_a_killed_run_left_is_cleared_away(proface: Proface) -> None:
    save("in/a.png")
    save("in/b.png")
    Path("out").mkdir()
    names = "a.protected.png", "b.protected.png", "x.png"
    old, young, others = (Path(f"out/.{name}.0123456789abcdef.tmp") for name in names)
    for path in old, young, others:
        path.write_bytes(b"half")
    for path in old, others:
        os.utime(path, (time.time() - 3600,) * 2)
    Path("out/a.protected.png").write_bytes(b"")
    assert proface("protect", "in", *TO_OUT, "--resume").code == 0
    assert [name for name in files() if name.startswith("out/.")] == [str(young), str(others)]
    young.unlink()
    others.unlink()
    assert proface("recover", "out", "-o", "back").code == 0


@pytest.mark.parametrize(
    "number",
    [signal.SIGKILL, *(pytest.param(n, marks=pytest.mark.slow) for n in (signal.SIGTERM, signal.SIGINT))],
)
def test_a_run_that_is_stopped_can_be_resumed(here: Path, number: signal.Signals) -> None:
    photos = 14
    for index in range(photos):
        save(f"in/{index:02}-{'x' * 180}.png", drawn(seed=index))
    command = [*PROGRAM, "protect", "in", *TO_OUT, "--jobs", "2", "--resume", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        # A small pipe and long names: the run waits to be read, however late this process gets to do so.
        if sys.platform == "linux":
            import fcntl

            fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
        process.stdout.readline()
        process.send_signal(number)
        process.communicate(timeout=300)
    assert process.returncode in (-number, 128 + number)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and list(Path("out").glob(".*.tmp")):
        time.sleep(0.05)  # orphaned workers notice, and clean up
    half = list(outputs())
    assert 0 < len(half) < photos
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0
    assert done.stdout.count('"skipped"') >= len(half)
    assert len(outputs()) == photos
    assert not list(Path("out").glob(".*"))


def test_a_full_disk_in_the_middle_stops_the_run(proface: Proface, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed, name in enumerate(("in/a.png", "in/b.png", "in/c.png", "in/d.png")):
        save(name, drawn(seed=seed))
    real, written = write._write_new, []

    def filling(path: Path, data: bytes) -> None:
        written.append(path)
        if len(written) > 1:
            path.write_bytes(data[:100])
            raise OSError(28, "No space left on device")
        real(path, data)

    monkeypatch.setattr(write, "_write_new", filling)
    result = proface("protect", "in", *TO_OUT, "--json")
    assert result.code == 1
    assert [(r["input"], r["status"]) for r in result.records] == [
        ("in/a.png", "protected"), ("in/b.png", "error"), ("in/c.png", "error"), ("in/d.png", "error"),
    ]  # fmt: skip
    assert result.errors == ["error: in/b.png: out/b.protected.png cannot be written: No space left on device"]
    assert "2 not attempted because the disk is full (--resume continues from here)" in result.err
    assert list(outputs()) == ["out/a.protected.png"]
    assert len(written) == 2
    monkeypatch.setattr(write, "_write_new", real)
    result = proface("protect", "in", *TO_OUT, "--resume")
    assert result.code == 0
    assert len(outputs()) == 4


def test_a_disk_that_is_really_full(proface: Proface) -> None:
    """Use a small file system of its own, if one can be mounted."""
    for seed, name in enumerate(("in/a.png", "in/b.png", "in/c.png", "in/d.png")):
        save(name, drawn(seed=seed))
    Path("out").mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", "out"], capture_output=True, timeout=300
    )
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        result = proface("protect", "in", *TO_OUT)
        assert result.code == 1
        assert "No space left on device" in result.err
        assert "not attempted because the disk is full" in result.err
        left = outputs()
        assert 0 < len(left) < 4
        assert not [name for name in os.listdir("out") if name.startswith(".")]
        assert proface("recover", "out", "-o", "back").code == 0
    finally:
        subprocess.run(["umount", "out"], check=True, timeout=300)


def test_the_error_of_a_full_disk_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFullError):
        write.write_atomic(tmp_path / "a.png", b"data")


def test_photos_that_differ_in_nothing_but_the_suffix(proface: Proface) -> None:
    save("in/a.png", drawn(seed=1))
    save("in/a.jpg", drawn(seed=2))
    save("in/b.png")
    assert proface("protect", "in", *TO_OUT).code == 0
    assert list(outputs()) == ["out/a.jpg.protected.jpg", "out/a.png.protected.png", "out/b.protected.png"]
    assert proface("recover", "out", "-o", "back").code == 0
    assert np.array_equal(pixels("back/a.png.recovered.png"), drawn(seed=1))


def test_only_the_top_of_a_folder(proface: Proface) -> None:
    three_photos()
    assert proface("protect", "in", *TO_OUT, "--no-recursive").code == 0
    assert list(outputs()) == ["out/a.protected.png", "out/b.protected.jpg"]


def piped(*argv: str, data: bytes = b"", **options: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*PROGRAM, *argv], input=data, capture_output=True, timeout=300, **options)  # type: ignore[call-overload, no-any-return]


def test_pictures_through_pipes(here: Path) -> None:
    data = save("a.png").read_bytes()
    done = piped("protect", "-", *BY_HAND, "--format", "webp", data=data)
    assert done.returncode == 0
    assert done.stdout.startswith(b"RIFF")
    assert b"<stdin> -> <stdout>: 1 face protected" in done.stderr
    back = piped("recover", "-", data=done.stdout)
    assert back.returncode == 0
    Path("back.png").write_bytes(back.stdout)
    assert np.array_equal(pixels("back.png"), drawn())
    assert b"1 face" in piped("recover", "-", "-o", "named.png", data=done.stdout).stderr
    assert np.array_equal(pixels("named.png"), drawn())
    again = piped("protect", "a.png", "-o", "-", *BY_HAND)
    assert again.stdout.startswith(b"\x89PNG")
    assert b"protected, format version 1" in piped("inspect", "-", data=again.stdout).stdout
    assert piped("detect", "-", data=data).returncode == 4
    assert files() == ["a.png", "back.png", "named.png"]


def test_what_does_not_go_through_a_pipe(here: Path) -> None:
    data = save("a.png").read_bytes()
    for argv, sent, code, problem in (
        (("protect", "-"), b"hello", 1, b"<stdin>: the file is not a picture this program knows"),
        (("protect", "-"), b"", 1, b"<stdin> is empty"),
        (("protect", "-", "a.png"), data, 2, b"one picture"),
        (("protect", "-", "--json"), data, 2, b"both JSON and the picture"),
        (("protect", "-", "-o", "."), data, 2, b"is a folder"),
        (("protect", "-", "-o", "out.jpg", "--no-seal"), data, 2, b"hidden in pixels"),
        (("protect", "-", "--sidecar"), data, 2, b"sidecar"),
        (("protect", "-", "--passphrase-fd", "0"), data, 2, b"both the picture and the passphrase"),
        (("protect", "missing.png", "-o", "-"), data, 1, b"missing.png does not exist"),
        (("protect", ".", "-o", "-"), data, 2, b"one picture"),
        (("recover", "-"), data, 5, b"carries no PRO-Face S header"),
        (("recover", "-"), b"hello", 1, b"not a picture"),
        (("recover", "-", "--audit", "log"), data, 2, b"audit log"),
        (("forget", "-", "--face", "1"), data, 2, b"does not read stdin"),
    ):
        done = piped(*argv, data=sent)
        assert done.returncode == code, argv
        assert done.stdout == b"", argv
        assert problem in done.stderr, done.stderr
        assert b"Traceback" not in done.stderr
        assert done.stderr.count(b"error: ") == 1
    assert files() == ["a.png"]


def test_no_picture_goes_to_a_terminal(proface: Proface, monkeypatch: pytest.MonkeyPatch) -> None:
    save("a.png")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    result = proface("protect", "a.png", "-o", "-", *BY_HAND)
    assert result.code == 2
    assert "to the terminal" in result.err
    assert result.out == ""


def test_files_named_like_a_pipe(proface: Proface) -> None:
    save("-.png").rename("-")
    assert proface("protect", "./-", "-o", "./out.png", *BY_HAND).code == 0
    assert files() == ["-", "out.png"]


@pytest.mark.slow
def test_memory_stays_flat_over_a_hundred_photos(here: Path) -> None:
    """Compare the resident memory of a run, with detection, after 20 and after 100 photos."""
    pytest.importorskip("skimage")  # has the face that the photos show
    bench = ROOT / "bench" / "speed" / "folder_memory.py"
    done = subprocess.run(
        [sys.executable, str(bench), "--number", "100", "--limit", "1.25"], capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Tell:
    """Work that reports what a worker's native libraries are told about the cores."""

    def __call__(self, task: FileTask) -> TaskReport:
        told = " ".join(os.environ.get(name, "-") for name in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY"))
        return TaskReport("protected", task.source, target=Path(told))


@pytest.mark.parametrize(("set_by_user", "told"), [(None, "{} PASSIVE"), ("7", "7 PASSIVE")])
def test_workers_share_the_cores(monkeypatch: pytest.MonkeyPatch, set_by_user: str | None, told: str) -> None:
    for name in ("OMP_NUM_THREADS", "OMP_WAIT_POLICY"):
        monkeypatch.delenv(name, raising=False)
    if set_by_user:
        monkeypatch.setenv("OMP_NUM_THREADS", set_by_user)
    done = list(attempt_all([FileTask(Path("a")), FileTask(Path("b"))], Tell(), 2))
    assert [str(d.report.target) for d in done] == [told.format(max(1, (os.cpu_count() or 1) // 2))] * 2
