"""Clips within limits: how many, for how long, of what size; and nothing of them stays."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import httpx
import pytest
from clip_web_kit import KnownFaces, Stream, left_behind, post_clip
from web_kit import ANNS, PATIENCE, Service, drawn, running, until

from proface_s import Session
from proface_s.progress import Progress
from proface_s.web.clips.clip_operations import FrameProgress
from proface_s.web.clips.held_files import PREFIX, HeldFile, remove_leftovers
from proface_s.web.problems import RefusedError
from proface_s.web.settings import MIB, ClipLimits, ServiceSettings

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def serving(folder: Path, session: Session | None = None, token: str | None = None, **limits: Any) -> Iterator[Service]:
    """A service of its own, which keeps its clips in a folder."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        settings = ServiceSettings(workers=1, token=token, clips=ClipLimits(**limits))
        with running(settings, session or Session(detector=KnownFaces(), threads=1)) as service:
            yield service
    finally:
        tempfile.tempdir = before


def test_as_many_clips_are_held_as_is_allowed(tmp_path: Path, pair: bytes) -> None:
    with serving(tmp_path, held=1) as service:
        with Stream(service, "/api/people", pair, {"hold": True}) as first:
            first.until("result")
            refused = post_clip(service, "/api/people", pair)
            assert refused.status_code == 503
            assert int(refused.headers["retry-after"]) > 0
            assert service.post("/api/detect", drawn()).status_code == 200
        assert until(lambda: post_clip(service, "/api/inspect", pair).status_code == 422)


def test_a_clip_that_is_not_used_for_long_is_removed(tmp_path: Path, pair: bytes) -> None:
    with (
        serving(tmp_path, hold_seconds=0.5) as service,
        Stream(service, "/api/people", pair, {"hold": True}) as stream,
    ):
        name = stream.until("result")["clip"]
        stream.until("end")
        assert until(lambda: service.client.get(f"/api/held/{name}").status_code == 404)


def test_nothing_is_left_when_the_service_ends(tmp_path: Path, pair: bytes) -> None:
    with serving(tmp_path) as service:
        stream = Stream(service, "/api/people", pair, {"hold": True}).__enter__()
        stream.until("result")
        assert [path.name.startswith(PREFIX) for path in tmp_path.iterdir()] == [True]
    assert not list(tmp_path.iterdir())
    with contextlib.suppress(httpx.HTTPError):
        stream.__exit__(None, None, None)


def test_what_a_killed_service_left_is_removed_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in ("killed", "alive", "starting"):
        (tmp_path / f"{PREFIX}{name}" / "clip").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (tmp_path / f"{PREFIX}killed" / "lock").touch()
    with (tmp_path / f"{PREFIX}alive" / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        remove_leftovers()
    assert {path.name for path in tmp_path.iterdir()} == {f"{PREFIX}alive", f"{PREFIX}starting", "other"}


class FullDisk(io.BytesIO):
    """A file on a disk without room."""

    def write(self, data: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_said_to_be_full(tmp_path: Path, pair: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def begin(self: HeldFile) -> IO[bytes]:
        return FullDisk()

    monkeypatch.setattr(HeldFile, "begin", begin)
    with serving(tmp_path) as service:
        answer = post_clip(service, "/api/people", pair)
        assert answer.status_code == 507
        assert "no room" in answer.json()["title"]
        assert until(lambda: not left_behind(tmp_path))


def test_without_pyav_photos_are_taken_and_clips_refused(
    tmp_path: Path, pair: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with serving(tmp_path) as service:
        assert service.client.get("/api/about").json()["clips"] is None
        for path in ("/api/people", "/api/protect", "/api/recover", "/api/inspect"):
            answer = post_clip(service, path, pair)
            assert answer.status_code == 422
            assert "which is not installed" in answer.json()["detail"]
            assert "proface-s[video]" in answer.json()["hint"]
        assert service.post("/api/detect", drawn()).status_code == 200
        assert not list(tmp_path.iterdir())


def test_limits_are_told(clip_service: Service) -> None:
    told = clip_service.client.get("/api/about").json()["clips"]
    assert told == {
        "max_bytes": 2 * MIB,
        "max_seconds": 60,
        "max_frame_pixels": 1_000_000,
        "max_pixels": 100_000_000,
    }


def test_a_held_file_needs_the_token(tmp_path: Path, pair: bytes) -> None:
    token = "a-token-of-enough-characters"
    with serving(tmp_path, token=token) as service:
        assert post_clip(service, "/api/people", pair).status_code == 401
        service.client.headers["authorization"] = f"Bearer {token}"
        with Stream(service, "/api/people", pair, {"hold": True}) as stream:
            name = stream.until("result")["clip"]
            assert httpx.get(f"{service.url}/api/held/{name}", trust_env=False).status_code == 401
            assert service.client.get(f"/api/held/{name}").content == pair
            assert service.client.get("/api/held/..%2flock").status_code == 404


def test_keys_reach_the_worker_through_a_pipe_and_its_end_is_told(stuck_service: Service, pair: bytes) -> None:
    with Stream(stuck_service, "/api/protect", pair, {"passphrase": ANNS}) as stream:
        stream.until("progress")
        (worker,) = [pid for pid in children() if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes() and busy(pid)]
        for name in ("cmdline", "environ"):
            assert ANNS.encode() not in Path(f"/proc/{worker}/{name}").read_bytes()
        os.kill(worker, signal.SIGKILL)
        problem = stream.until("problem")
        assert problem["title"] == "The clip cannot be used"
        assert "SIGKILL" in problem["detail"]


def children() -> set[int]:
    """Numbers of the processes that this one has started."""
    found: set[int] = set()
    for file in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found.update(map(int, file.read_text().split()))
    return found


def busy(pid: int) -> bool:
    """Whether a process works on clips: those leave the cores to the others."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[16]) > os.getpriority(
        os.PRIO_PROCESS, 0
    )


def test_more_frames_than_the_file_said_end_the_work() -> None:
    told: list[tuple[str, int, int]] = []
    tell: Progress = lambda stage, done, total: told.append((stage, done, total))  # noqa: E731
    progress = FrameProgress(tell, 10)
    for _ in range(2):
        for number in range(10):
            progress("find", min(number, 3), 3)
        progress("hide", 0, 3)
    for number in range(10):
        progress("find", number, 3)
    with pytest.raises(RefusedError) as refused:
        progress("find", 3, 3)
    assert refused.value.problem.status == 413
    assert [stage for stage, _, _ in told] == ["find", "hide", "find", "hide", "find"]


def test_a_result_that_grows_too_large_is_refused(tmp_path: Path, pair: bytes) -> None:
    with serving(tmp_path, max_bytes=MIB, growth=0.02) as service:
        answer = post_clip(service, "/api/protect", pair, {"passphrase": ANNS})
        assert answer.status_code == 422
        assert "cannot be written" in answer.json()["detail"]


def test_an_upload_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="clip"; filename="a"\r\n\r\n' + bytes(1 << 18)

    def broken() -> Iterator[bytes]:
        yield head
        assert until(lambda: left_behind(tmp_path) == ["clip"])
        raise ConnectionError

    with serving(tmp_path) as service:
        with pytest.raises(ConnectionError):
            service.client.post(
                "/api/people", content=broken(), headers={"content-type": "multipart/form-data; boundary=x"}
            )
        assert until(lambda: not left_behind(tmp_path))


SERVER = """
from proface_s.web.server import bind, serve
from proface_s.web.settings import ServiceSettings
serve(ServiceSettings(workers=1), bind("127.0.0.1", 0), threads=1, open_browser=False,
      ready=lambda url: print(url, flush=True))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_a_large_clip_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    size = 192 * MIB

    def clip() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="clip"; filename="a"\r\n\r\n'
        for _ in range(size // MIB):
            yield bytes(MIB)
        yield b"\r\n--x--\r\n"

    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        before = peak_memory(process.pid)
        answer = httpx.post(
            f"{url}api/people",
            content=clip(),
            headers={"content-type": "multipart/form-data; boundary=x"},
            timeout=PATIENCE,
            trust_env=False,
        )
        after = peak_memory(process.pid)
        process.terminate()
    assert answer.status_code == 422, answer.text
    assert after - before < size / MIB / 4
    assert not list(tmp_path.iterdir())


def peak_memory(pid: int) -> float:
    """The most memory that a process ever used, in MiB."""
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024
