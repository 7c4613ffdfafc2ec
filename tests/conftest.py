"""For all tests: passphrases are derived at the least cost, or the suite would do little else than fill memory.

What Argon2id gives at its real cost is tested against another implementation's values in tests/golden, and in every
test that runs the program as a process of its own.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from proface_s.keys.derive import KdfParams

# The suite tries the same examples every time, so that it fails only for a reason in the code.  `make fuzz` explores:
# HYPOTHESIS_PROFILE=explore draws new examples in each run and remembers those that failed.
settings.register_profile("repeat", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("explore", derandomize=False, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))


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
