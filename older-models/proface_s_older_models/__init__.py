"""Models that proface-s no longer ships, offered to it by entry points."""

from __future__ import annotations

from pathlib import Path

from proface_s.flow.model import Model
from proface_s.flow.registry import open_folder

_FOLDER = Path(__file__).parent


def open_paper_randwr_1(threads: int) -> Model:
    """Open the published network in mode RandWR, as it was shipped until November 2026."""
    return open_folder(_FOLDER / "paper-randwr-1", threads)


def open_paper_obfswr_1(threads: int) -> Model:
    """Open the published network in mode ObfsWR, as it was shipped until November 2026."""
    return open_folder(_FOLDER / "paper-obfswr-1", threads)
