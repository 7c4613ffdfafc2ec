"""Plans over protected files: to read them, or to write changed versions of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...api.files.io import kind_of, with_format
from ...errors import NotProtectedError, UsageError
from ...hints import hinted
from ..options.common import PlanOptions
from .file_filters import only_protected, protected_files
from .plan import Plan, make_plan

NO_PROTECTED_FILES = "there are no protected files in this folder"


def plan_reading(inputs: Sequence[Path], *, pipes: bool = False) -> Plan:
    """Plan a run that only reads protected files (`inspect`, `verify`).

    Args:
        inputs: files and folders, as given.
        pipes: whether ``-`` may stand for stdin.
    """
    empty = NotProtectedError(NO_PROTECTED_FILES)
    return only_protected(make_plan(inputs, protected_files, PlanOptions(), empty_folder=empty, pipes=pipes))


def plan_changes(inputs: Sequence[Path], suffix: str, options: PlanOptions, *, in_place: bool) -> Plan:
    """Plan a run that writes protected files again, beside the old ones or in their place (`forget`, `rewrap`).

    Args:
        inputs: files and folders, as given.
        suffix: of the output names.
        options: of the user.
        in_place: whether the inputs themselves are replaced; tasks then have no target.

    Raises:
        UsageError: as `make_plan`; also if an output is named and the input is to be replaced.
    """
    if in_place and options.output is not None:
        raise hinted(UsageError("-o and --in-place cannot be given together"), "--in-place replaces the input itself")
    empty = NotProtectedError(NO_PROTECTED_FILES)

    def of_kind(source: Path) -> str:
        return with_format(suffix, kind_of(source))

    own_suffix = None if in_place else of_kind
    return only_protected(make_plan(inputs, protected_files, options, suffix=own_suffix, empty_folder=empty, jpeg=True))
