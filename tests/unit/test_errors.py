"""Errors: what is said of packages that are not installed."""

from __future__ import annotations

import pytest

from proface_s.errors import missing_package


def test_the_package_of_an_extra_is_named() -> None:
    assert missing_package(ModuleNotFoundError("No module named 'torch'", name="torch")) == "torch"


@pytest.mark.parametrize("name", ["proface_s.absent", "proface_lab.attacks.absent", "proface_lab"])
def test_a_missing_module_of_this_program_is_a_fault(name: str) -> None:
    """No extra would install it: saying so would hide the fault."""
    with pytest.raises(ModuleNotFoundError, match=name):
        missing_package(ModuleNotFoundError(f"No module named {name!r}", name=name))
