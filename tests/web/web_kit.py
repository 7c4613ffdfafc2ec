"""What the tests of the service share: a service that listens, pictures with two faces, and a way to ask."""

from __future__ import annotations

import contextlib
import io
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np
import uvicorn
from PIL import Image

from proface_s import Session
from proface_s.web.app import create_app
from proface_s.web.server import bind, config
from proface_s.web.settings import Settings

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


@dataclass(frozen=True)
class Service:
    """A running service."""

    url: str
    client: httpx.Client

    def post(
        self, path: str, photo: bytes, options: dict[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
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
def running(settings: Settings, session: Session) -> Iterator[Service]:
    """A service on a free port, in a thread of this process."""
    listening = bind(settings.host, 0)
    server = uvicorn.Server(config(create_app(settings, session)))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            yield Service(url, client)
    finally:
        server.should_exit = True
        thread.join(timeout=30)
        listening.close()
