"""Memory that was freed goes back to the system, where the C library can do that."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

from proface_s.faces.engines import CENTERFACE, forget_networks
from proface_s.faces.engines import centerface as module
from proface_s.memory import return_free_memory


@pytest.mark.parametrize("error", [OSError("no handle"), TypeError("bad argument"), AttributeError("malloc_trim")])
def test_systems_without_it_are_left_alone(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def missing(name: str | None) -> Any:
        raise error

    monkeypatch.setattr(ctypes, "CDLL", missing)
    return_free_memory()


def test_the_c_library_is_asked_for_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Library:
        def malloc_trim(self, kept: int) -> int:
            asked.append(kept)
            return 1

    monkeypatch.setattr(ctypes, "CDLL", lambda name: Library())
    return_free_memory()
    assert asked == [0]


def test_networks_that_were_forgotten_are_read_again() -> None:
    patch = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    before = CENTERFACE.find(patch, 0.0, 1)
    assert module._idle
    forget_networks()
    assert not module._idle
    assert CENTERFACE.find(patch, 0.0, 1) == before
