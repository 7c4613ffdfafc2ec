"""What `forget` and `rewrap` share: a plan that writes protected files anew, beside the old ones or in their place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...errors import NotProtectedError, UsageError
from . import file_filters
from .plan import Plan, make_plan


def plan_to_keep(inputs: Sequence[Path], suffix: str, output: str | None, *, overwrite: bool, in_place: bool) -> Plan:
    """Work out what to do with protected files that are to be changed.

    Args:
        inputs: files and folders, as given.
        suffix: of the output names.
        output: ``-o``, or None.
        overwrite: existing outputs may be replaced.
        in_place: the inputs are replaced themselves; tasks then have no target.

    Raises:
        UsageError: as `make_plan`; also where an output is named and the input is to be replaced.
    """
    if in_place and output is not None:
        raise UsageError("-o and --in-place cannot be given together", "--in-place replaces the input itself")
    nothing = NotProtectedError("there are no protected files in this folder")
    return file_filters.only_protected(
        make_plan(
            inputs,
            file_filters.protected_files,
            suffix=None if in_place else suffix,
            output=output,
            overwrite=overwrite,
            nothing=nothing,
        )
    )
