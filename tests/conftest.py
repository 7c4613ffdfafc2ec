"""For all tests: passphrases are derived at the least cost, or the suite would do little else than fill memory.

What Argon2id gives at its real cost is tested against another implementation's values in tests/golden, and in every
test that runs the program as a process of its own.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from proface_s.keys.derive import KdfParams


def pytest_configure() -> None:
    """Undo an inherited ``trap '' INT``: the programs that tests interrupt would inherit it, and rightly go on."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def cheap_keys() -> Iterator[None]:
    """`KdfParams` with the smallest values as its defaults."""
    patch = pytest.MonkeyPatch()
    patch.setattr(KdfParams.__init__, "__defaults__", (1, 1024, 1))
    yield
    patch.undo()
