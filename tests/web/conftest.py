"""The service runs once for most tests.  What it needs is in the extra ``web``; without that, nothing here runs."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import pytest

from proface_s import Session

if TYPE_CHECKING:
    from web_kit import Service

NEEDED = ("fastapi", "uvicorn", "python_multipart", "httpx")
collect_ignore_glob = [] if all(map(find_spec, NEEDED)) else ["test_*.py"]


@pytest.fixture(scope="session")
def session() -> Session:
    return Session(threads=1, max_pixels=2_000_000)


@pytest.fixture(scope="session")
def service(session: Session) -> Iterator[Service]:
    """A service for files up to 4 MiB and pictures up to two million pixels; clients may be as slow as usual."""
    from web_kit import running

    from proface_s.web.settings import MIB, ServiceSettings

    settings = ServiceSettings(max_bytes=4 * MIB, max_pixels=2_000_000, workers=1, waiting=20)
    with running(settings, session) as running_service:
        yield running_service


@pytest.fixture(scope="session")
def two() -> bytes:
    """A photo with two faces: a portrait in the public domain, beside its own mirror image."""
    from web_kit import png

    data = pytest.importorskip("skimage.data")
    portrait = data.astronaut()[:300, 60:400]
    return png(np.concatenate([portrait, portrait[:, ::-1]], axis=1))


@pytest.fixture(scope="session")
def covered(service: Service, two: bytes) -> bytes:
    """`two`, protected: the left face is Ann's, the right one Bob's."""
    from web_kit import ANNS, BOBS

    answer = service.post("/api/protect", two, {"passphrase": ANNS, "own": [{"number": 2, "passphrase": BOBS}]})
    assert answer.status_code == 200, answer.text
    return answer.content
