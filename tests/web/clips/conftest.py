"""The service that takes clips, and clips of two people."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from proface_s import Session

if TYPE_CHECKING:
    from web_kit import Service

NEEDED = ("fastapi", "uvicorn", "python_multipart", "httpx", "av")
collect_ignore_glob = [] if all(map(find_spec, NEEDED)) else ["test_*.py"]


@pytest.fixture(scope="session")
def clip_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the service keeps its clips."""
    folder = tmp_path_factory.mktemp("held")
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    yield folder
    tempfile.tempdir = before


@pytest.fixture(scope="session")
def clip_service(clip_folder: Path) -> Iterator[Service]:
    """A service for clips of up to 2 MiB, a minute and a hundred million pixels, which knows where two people are."""
    from clip_web_kit import KnownFaces
    from web_kit import running

    from proface_s.web.settings import MIB, ClipLimits, ServiceSettings

    limits = ClipLimits(max_bytes=2 * MIB, max_seconds=60, max_frame_pixels=1_000_000, max_pixels=100_000_000)
    settings = ServiceSettings(max_bytes=MIB, max_pixels=2_000_000, workers=1, clips=limits)
    with running(settings, Session(detector=KnownFaces(), threads=1, max_pixels=2_000_000)) as service:
        yield service


@pytest.fixture
def stuck_service(clip_folder: Path) -> Iterator[Service]:
    """A service that looks for people, and never finds any."""
    from clip_web_kit import StuckDetector
    from web_kit import running

    from proface_s.web.settings import ServiceSettings

    with running(ServiceSettings(workers=1), Session(detector=StuckDetector(), threads=1)) as service:
        yield service


@pytest.fixture(scope="session")
def pair() -> bytes:
    """A clip of two people, with sound."""
    from clip_web_kit import clip_of, frames_of_two

    return clip_of(frames_of_two(12))


@pytest.fixture(scope="session")
def pair_protected(clip_service: Service, pair: bytes) -> bytes:
    """`pair`, protected: the person on the left is Ann's, the other one Bob's."""
    from clip_web_kit import post_clip
    from web_kit import ANNS, BOBS

    own = [{"person": 2, "passphrase": BOBS}]
    answer = post_clip(clip_service, "/api/protect", pair, {"passphrase": ANNS, "own": own})
    assert answer.status_code == 200
    return answer.content
