"""Fifty uploads at once: every one is answered, and memory does not grow with their number."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from web_kit import PATIENCE, noise

from proface_s.web.settings import MIB

pytestmark = pytest.mark.slow
HELD = 24  # MiB
SERVER = f"""
from proface_s.web.server import bind, serve
from proface_s.web.settings import MIB, ServiceSettings
settings = ServiceSettings(max_bytes=8 * MIB, workers=1, waiting=3, held_bytes={HELD} * MIB)
serve(settings, bind("127.0.0.1", 0), threads=1, open_browser=False, ready=lambda url: print(url, flush=True))
"""


@pytest.fixture
def server() -> Iterator[tuple[str, int]]:
    """Address and process number of a service of its own, which may hold 24 MiB of uploads and answers."""
    process = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process:
        yield process.stdout.readline().strip(), process.pid
        process.terminate()


def peak_memory(pid: int) -> float:
    """The most memory that a process ever used, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


async def upload_all(url: str, photo: bytes, count: int) -> list[httpx.Response]:
    """So many uploads, at the same time."""
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False, limits=httpx.Limits()) as client:
        upload = [client.post("/api/render", files={"photo": ("a.png", photo)}) for _ in range(count)]
        return await asyncio.gather(*upload)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_fifty_uploads_end_in_an_answer_and_memory_stays(server: tuple[str, int]) -> None:
    url, pid = server
    photo = noise(1600, 1200)
    asyncio.run(upload_all(url, photo, 1))
    before = peak_memory(pid)
    answers = asyncio.run(upload_all(url, photo, 50))
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 503}
    assert all(answer.headers["retry-after"] for answer in answers if answer.status_code == 503)
    assert statuses.count(200) >= 4, "the worker and its three places were not used"
    # A form is copied once while it is parsed; sockets have buffers; the worker decodes one picture at a time.
    assert 50 * len(photo) / MIB > 2 * (bound := 2 * HELD + 3 * len(photo) / MIB + 32)
    assert peak_memory(pid) - before < bound
    again = asyncio.run(upload_all(url, photo, 1))
    assert [answer.status_code for answer in again] == [200], "nothing is held any more"
