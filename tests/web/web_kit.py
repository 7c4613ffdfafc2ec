"""What the tests of the service share: a service that listens, pictures with two faces, and a way to ask."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvicorn
from PIL import Image

from proface_s import Session
from proface_s.api.options import ProtectOptions
from proface_s.progress import Progress, silent
from proface_s.web.app import create_app
from proface_s.web.connections.limiter import ConnectionLimits
from proface_s.web.server import bind, config
from proface_s.web.settings import ServiceSettings

PATIENCE = 300  # seconds until a test gives up; a slow machine takes a part of this, and no test measures it
ANNS, BOBS = "seven plain words for ann", "seven plain words for bob"
STREAM = "application/x-ndjson"


def png(pixels: np.ndarray) -> bytes:
    """Pixels as the bytes of a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def pixels(data: bytes) -> np.ndarray:
    """The bytes of a file as pixels."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def drawn(width: int = 160, height: int = 120) -> bytes:
    """A smooth drawing in which no face is found."""
    y, x = np.mgrid[0:height, 0:width]
    return png(np.dstack([x * 255 / width, y * 255 / height, 90 + 60 * np.sin((x + 2 * y) / 40)]).astype(np.uint8))


def noise(width: int, height: int, seed: int = 0) -> bytes:
    """A picture that does not compress: three bytes a pixel."""
    return png(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


class EndlessSession(Session):
    """Protecting never ends; the total of its progress is the number of the process that does it."""

    def protect_with(self, image: Any, options: ProtectOptions, *, progress: Progress = silent, **_: Any) -> Any:
        """Tell the progress for ever if a seal is asked for, else work on without a word."""
        progress("hide", 0, os.getpid())
        while True:
            if options.seal:
                progress("hide", 0, os.getpid())
            time.sleep(0.01)


class SleepySession(EndlessSession):
    """Reading a photo to look for faces takes all the CPU time there is."""

    def detect(self, image: Any, *, progress: Progress = silent, **_: Any) -> Any:
        """Never end."""
        progress("read", 0, 1)
        while True:
            pass


class BrokenSession(Session):
    """Fails in a way that nobody foresaw, with a secret in the message."""

    def detect(self, image: Any, *, progress: Progress = silent, **_: Any) -> Any:
        """Fail."""
        raise RuntimeError(ANNS)


class WatchedSession(Session):
    """Says on stderr which files its process writes, and which of the machine's own it reads."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        sys.addaudithook(_watch)


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event.startswith("tempfile."):
        os.write(2, f"{event} {arguments}\n".encode())
    elif event == "open":
        path = str(arguments[0])
        if writes(arguments) or path.startswith(("/etc/passwd", "/dev/zero")):
            os.write(2, f"{event} {path}\n".encode())


def writes(arguments: tuple[Any, ...]) -> bool:
    """Whether an ``open`` event with these arguments writes a file; modules that Python caches do not count."""
    path, _, flags = arguments
    if not isinstance(flags, int) or str(path).startswith("/dev/") or "__pycache__" in str(path):
        return False
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def is_running(pid: int) -> bool:
    """Whether a process of this machine does anything; what has ended and was not waited for does not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ends(pid: int) -> bool:
    """Whether a process ends within a while."""
    return until(lambda: not is_running(pid))


def until(true: Callable[[], bool]) -> bool:
    """Whether something becomes true within a while."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.05)
    return False


@dataclass(frozen=True)
class Service:
    """A running service."""

    url: str
    client: httpx.Client

    def post(self, path: str, photo: bytes, options: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        """Upload a photo."""
        data = {} if options is None else {"options": json.dumps(options)}
        return self.client.post(path, files={"photo": ("secret-name.png", photo)}, data=data, headers=headers)

    def stream(self, path: str, photo: bytes, options: dict[str, Any]) -> list[dict[str, Any]]:
        """Upload a photo; the events of the answer."""
        answer = self.post(path, photo, options, accept=STREAM)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == STREAM
        return [json.loads(line) for line in answer.text.splitlines()]


@contextlib.contextmanager
def running(settings: ServiceSettings, session: Session, limits: ConnectionLimits | None = None) -> Iterator[Service]:
    """A service on a free port, in a thread of this process."""
    listening = bind(settings.host, 0)
    server = uvicorn.Server(config(create_app(settings, session), limits))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        with httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False) as client:
            yield Service(url, client)
    finally:
        server.should_exit = True
        thread.join(timeout=PATIENCE)
        listening.close()
