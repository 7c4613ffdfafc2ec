"""Small uploads that ask for a lot of work: case S4, and what of S9 is the service's."""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import io
import json
import os
import resource
import signal
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from web_kit import ANNS, PATIENCE, STREAM, Service, SleepySession, drawn, ends, png, running

from proface_s import Session
from proface_s.progress import Progress, silent
from proface_s.web.problems import RefusedError
from proface_s.web.settings import MIB, ServiceSettings, bytes_needed
from proface_s.web.workers.job_queue import ClientLeftError, ProgressListener
from proface_s.web.workers.memory import JobMemory
from proface_s.web.workers.worker_processes import WorkerProcesses

pytestmark = pytest.mark.slow
ASKED = ("/api/detect", "/api/inspect", "/api/render", "/api/preview", "/api/protect", "/api/recover")


def scans(count: int, side: int = 1000) -> bytes:
    """A progressive JPEG whose last scan is there so many times: a few hundred kilobytes, minutes of work."""
    file = io.BytesIO()
    Image.new("L", (side, side), 90).save(file, "JPEG", progressive=True, quality=30)
    data = file.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * count + data[-2:]


def pages(count: int) -> bytes:
    """A TIFF of so many pages, which all show the same eight by eight pixels."""
    head, pixels = struct.pack("<2sHI", b"II", 42, 8 + 64), bytes(64)
    entries = [(256, 8), (257, 8), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 8), (279, 64)]
    size = 2 + 12 * len(entries) + 4
    parts = [head, pixels]
    for number in range(count):
        following = 8 + 64 + size * (number + 1) if number + 1 < count else 0
        parts.append(struct.pack("<H", len(entries)))
        parts += [struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries]
        parts.append(struct.pack("<I", following))
    return b"".join(parts)


def blank(width: int, height: int) -> bytes:
    """A PNG of one colour: its size in memory is a thousand times that of the file."""
    rows = zlib.compress((b"\0" + bytes(width)) * height, 9)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


@pytest.fixture(scope="module")
def strict() -> Iterator[Service]:
    """A service that gives every picture one second of CPU time to be read."""
    settings = ServiceSettings(workers=1, waiting=20, read_seconds=1)
    with running(settings, Session(threads=1, max_pixels=settings.max_pixels)) as service:
        yield service


@pytest.mark.parametrize("path", ASKED)
def test_s4_a_picture_that_takes_too_long_is_given_up(strict: Service, path: str) -> None:
    """Case S4: whichever question is asked, such a file is refused, and the next one is answered."""
    options = {"passphrase": ANNS} if path in ("/api/protect", "/api/recover") else None
    answer = strict.post(path, scans(20_000), options)
    assert answer.status_code == 422, answer.text
    assert strict.post("/api/detect", drawn()).status_code == 200


def test_s4_a_tiff_of_many_pages_is_refused(strict: Service) -> None:
    """Case S4: 64,000 pages in 7 MB."""
    answer = strict.post("/api/detect", pages(64_000))
    assert answer.status_code == 422, answer.text
    assert strict.post("/api/detect", drawn()).status_code == 200


def test_s4_what_exceeds_its_cpu_time_says_so() -> None:
    """Case S4: a worker that the system ends is reported in words, and replaced."""
    with running(ServiceSettings(workers=1, read_seconds=1), SleepySession(threads=1)) as service:
        answer = service.post("/api/detect", drawn())
        assert answer.status_code == 422
        assert answer.json()["type"] == "urn:proface:too-much-work"
        assert "far longer than a photo" in answer.json()["detail"]
        assert service.post("/api/render", drawn()).status_code == 200


@pytest.mark.parametrize("accept", [STREAM, "*/*"])
def test_s4_leaving_ends_the_decoding(accept: str) -> None:
    """Case S4: the client leaves while its picture is read, within one step; the only worker is free again."""
    settings = ServiceSettings(workers=1, read_seconds=3600)
    with running(settings, SleepySession(threads=1)) as service:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{service.url}/api/detect",
                files={"photo": ("a", drawn())},
                headers={"accept": accept},
                timeout=httpx.Timeout(PATIENCE, read=2),
                trust_env=False,
            )
        assert service.post("/api/render", drawn()).status_code == 200


def test_s4_no_key_is_in_the_arguments_or_the_environment_of_a_worker(two: bytes) -> None:
    """Case S4: keys reach the worker through a pipe."""
    with running(ServiceSettings(workers=1), SleepySession(threads=1)) as service:
        options = {"passphrase": ANNS, "seal": True}
        with service.client.stream(
            "POST",
            "/api/protect",
            files={"photo": ("a", two)},
            data={"options": json.dumps(options)},
            headers={"accept": STREAM},
        ) as answer:
            lines = answer.iter_lines()  # kept: the connection is closed with it
            pid = json.loads(next(lines))["total"]
            for name in ("cmdline", "environ"):
                assert ANNS.encode() not in Path(f"/proc/{pid}/{name}").read_bytes()
            limits = Path(f"/proc/{pid}/limits").read_text()
        assert ends(pid)
    rows = {line[:25].strip(): line[25:].split()[0] for line in limits.splitlines()}
    assert rows["Max core file size"] == "0"
    assert rows["Max cpu time"] != "unlimited"
    assert rows["Max address space"] != "unlimited"


def test_s4_how_a_worker_ended_is_told(two: bytes) -> None:
    """Case S4: a crash in a library is told apart from the system's ending a process that takes too much memory."""
    asked = {"files": {"photo": ("a", two)}, "data": {"options": json.dumps({"passphrase": ANNS, "seal": True})}}
    with (
        running(ServiceSettings(workers=1), SleepySession(threads=1)) as service,
        service.client.stream("POST", "/api/protect", headers={"accept": STREAM}, **asked) as answer,
    ):
        lines = answer.iter_lines()
        worker = json.loads(next(lines))["total"]
        assert worker in children()
        os.kill(worker, signal.SIGKILL)
        told = [json.loads(line) for line in lines][-1]
    assert told["type"] == "urn:proface:worker"
    assert "signal SIGKILL" in told["detail"]


class CrashingSession(Session):
    """Crashes while it looks for faces: in the first process alone if there is a file to remember it by, else always.

    Args:
        mark: path of that file, or empty.
    """

    def __init__(self, mark: str) -> None:
        super().__init__(threads=1)
        self.mark = mark

    def detect(self, image: Any, *, progress: Progress = silent, **options: Any) -> Any:
        """Crash as a library does."""
        if self.mark and Path(self.mark).exists():
            return super().detect(image, progress=progress, **options)
        if self.mark:
            Path(self.mark).touch()
        faulthandler.disable()  # the crash is wanted
        os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(PATIENCE)


def test_s4_a_job_whose_worker_crashed_is_tried_once_more(two: bytes, tmp_path: Path) -> None:
    """Case S4: a crash that has nothing to do with the picture costs nothing but time; one that has, is told."""
    for mark, status in ((str(tmp_path / "crashed"), 200), ("", 422)):
        with running(ServiceSettings(workers=1), CrashingSession(mark)) as service:
            answer = service.post("/api/detect", two)
            assert answer.status_code == status, answer.text
            assert service.post("/api/render", two).status_code == 200
    assert answer.json()["type"] == "urn:proface:worker"
    assert "signal SIGSEGV" in answer.json()["detail"]


def test_s4_a_worker_that_ended_while_it_had_nothing_to_do_is_replaced(two: bytes) -> None:
    """Case S4: the system may end a process at any time; the next upload does not suffer for it."""
    settings = ServiceSettings(workers=1)
    processes = WorkerProcesses(settings, Session(threads=1))
    heard = ProgressListener(lambda step: None)
    task = {"work": "detect", "options": "{}"}
    try:
        processes.check()
        (worker,) = processes._all
        worker._process.kill()
        worker._process.wait(PATIENCE)
        assert processes.run(task, two, heard).facts["width"] > 0
    finally:
        processes.close()


def test_s9_large_pictures_share_one_budget() -> None:
    """Case S9: two uploads of a few kilobytes that decode to 64 million pixels are worked on one after the other."""
    photo = blank(8000, 8000)
    assert len(photo) < 100_000
    settings = ServiceSettings(workers=2, work_bytes=bytes_needed(64_000_000), held_bytes=64 * MIB)

    async def both(url: str) -> tuple[list[httpx.Response], int]:
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False) as client:
            asked = [
                asyncio.create_task(client.post("/api/render", files={"photo": ("a.png", photo)})) for _ in range(2)
            ]
            most = 0
            while not all(task.done() for task in asked):
                most = max(most, memory_of(children() - others))
                await asyncio.sleep(0.02)
            return [task.result() for task in asked], most

    others = children()
    with running(settings, Session(threads=1)) as service:
        answers, most = asyncio.run(both(service.url))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert most < settings.work_bytes + 512 * MIB


def children() -> set[int]:
    """Numbers of the processes that this one has started and that are there now."""
    found: set[int] = set()
    for file in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread may end meanwhile
            found.update(map(int, file.read_text().split()))
    return found


def memory_of(processes: set[int]) -> int:
    """Bytes that processes occupy now, all together."""
    total = 0
    for number in processes:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += resource.getpagesize() * int(Path(f"/proc/{number}/statm").read_text().split()[1])
    return total


def test_s9_what_will_never_fit_is_refused_before_it_is_decoded() -> None:
    """Case S9: 413, with the numbers."""
    settings = ServiceSettings(workers=1, work_bytes=bytes_needed(1_000_000))
    with running(settings, Session(threads=1)) as service:
        answer = service.post("/api/render", blank(4000, 4000))
        assert answer.status_code == 413
        assert answer.json()["type"] == "urn:proface:memory"
        assert service.post("/api/render", blank(900, 900)).status_code == 200


def test_s9_too_many_passphrases_are_refused_at_the_door(service: Service) -> None:
    """Case S9: the number is looked at before the photo is."""
    boxes = [{"x": 2 * n, "y": 0, "w": 16, "h": 16} for n in range(40)]
    own = [{"number": n + 1, "passphrase": f"a passphrase for face number {n}"} for n in range(40)]
    answer = service.post("/api/protect", b"not even a picture", {"faces": "none", "boxes": boxes, "own": own})
    assert answer.status_code == 422
    assert "40 passphrases" in answer.json()["detail"]
    assert "face number" not in answer.text


@pytest.mark.parametrize("params", [{"memory_kib": 1024 * 1024}, {"time_cost": 16, "memory_kib": 256 * 1024}])
def test_s9_a_header_that_asks_for_too_much_is_refused(service: Service, params: dict[str, int]) -> None:
    """Case S9: a file whose key derivation takes a gigabyte, or a minute, is refused before any of it is done."""
    answer = service.post("/api/recover", costly(**params), {"passphrase": ANNS})
    assert answer.status_code == 422, answer.text
    assert "more work than this service does" in answer.json()["detail"]
    inspected = service.post("/api/inspect", costly(**params))
    assert inspected.status_code == 200, "what is in it can be seen"


def costly(**params: int) -> bytes:
    """A protected file whose header asks for another cost of Argon2id; its MAC does not fit any more."""
    from dataclasses import replace

    from proface_s.container.carriers.carrier import from_chunks, read_chunks
    from proface_s.container.header.header_bytes import encode_header
    from proface_s.container.header.stanzas import PassphraseStanza
    from proface_s.image.read import read_picture

    data = Session(threads=1).protect(drawn(), ANNS, faces="none", boxes=["10,10,48,48"]).data
    header, _ = from_chunks(read_chunks(data))
    stanza = header.groups[0].stanzas[0]
    assert isinstance(stanza, PassphraseStanza)
    stanzas = tuple(
        replace(stanza, salt=bytes([number]) * 16, params=replace(stanza.params, **params)) for number in range(4)
    )
    header = replace(header, groups=(replace(header.groups[0], stanzas=stanzas),))
    plain = read_picture(data)
    return with_header(png(plain.rgb), encode_header(header))


def with_header(data: bytes, header: bytes) -> bytes:
    """A PNG with another header in its private chunk."""
    from proface_s.container.carriers.png import HEADER_CHUNK

    kind = HEADER_CHUNK.encode()
    chunk = struct.pack(">I", len(header)) + kind + header + struct.pack(">I", zlib.crc32(kind + header))
    return data[:33] + chunk + data[33:]


def test_s9_a_budget_makes_jobs_wait_and_forgets_those_that_leave() -> None:
    budget, heard = JobMemory(100), ProgressListener(lambda step: None)
    with budget.share() as first:
        first.take(60, heard.check)
        heard.leave()
        with budget.share() as second, pytest.raises(ClientLeftError):
            second.take(50, heard.check)
        assert budget.used == 60
        with budget.share() as third, pytest.raises(RefusedError) as refused:
            third.take(101, lambda: None)
        assert refused.value.problem.status == 413
    assert budget.used == 0
