"""Special plans: to read protected files, to write changed versions of them, and to publish covers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ...api.files.kinds import kind_of, with_format
from ...api.share.options import ShareOptions
from ...api.share.protect_share import share_path
from ...errors import NotProtectedError, ProFaceError, UsageError
from ...hints import hinted
from ...image.write import OutputFormat, check_output_path, is_jpeg_name
from ...video.clip_names import OUTPUT_SUFFIX, is_clip_name
from ..options.common import PlanOptions
from .file_filters import only_protected, protected_files, received_files
from .plan import FileTask, Plan, make_plan
from .stdio import STDOUT

_PROTECTED, _COVERED = ".protected.", ".covered."
NO_PROTECTED_FILES = "there are no protected files in this folder"


def plan_reading(inputs: Sequence[Path], *, pipes: bool = False, share_copies: bool = False) -> Plan:
    """Plan a run that only reads protected files and share copies (`inspect`, `verify`).

    Args:
        inputs: files and folders, as given.
        pipes: whether ``-`` may stand for stdin.
        share_copies: whether share copies are looked for in folders too; those that are named are taken anyway.
    """
    empty, taken = NotProtectedError(NO_PROTECTED_FILES), received_files if share_copies else protected_files
    plan = make_plan(inputs, taken, PlanOptions(), empty_folder=empty, pipes=pipes)
    return only_protected(plan, share_copies=True)


def suffix_for(source: Path, suffix: str, kind: Callable[[], OutputFormat | None]) -> str:
    """Return a suffix of outputs, such as ``.protected.png``, with the ending of what an input becomes.

    Args:
        source: the input.
        suffix: of outputs, with any ending.
        kind: returns the format of the output of a photo; None leaves the ending.
    """
    return os.path.splitext(suffix)[0] + OUTPUT_SUFFIX if is_clip_name(source) else with_format(suffix, kind())


def check_in_place(output: str | None, *, in_place: bool) -> None:
    """Refuse a named output where the inputs themselves are replaced.

    Raises:
        UsageError: if both were asked for.
    """
    if in_place and output is not None:
        raise hinted(UsageError("-o and --in-place cannot be given together"), "--in-place replaces the input itself")


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
    check_in_place(options.output, in_place=in_place)
    empty = NotProtectedError(NO_PROTECTED_FILES)

    def of_kind(source: Path) -> str:
        return suffix_for(source, suffix, lambda: kind_of(source))

    own_suffix = None if in_place else of_kind
    return only_protected(make_plan(inputs, protected_files, options, suffix=own_suffix, empty_folder=empty))


def with_published(plan: Plan, inputs: Sequence[Path], publish: str | None, options: PlanOptions) -> Plan:
    """Return a plan whose tasks also write their covers alone.

    Args:
        plan: of `make_plan`.
        inputs: as given: for a folder or several inputs, ``publish`` names a folder with the tree of the output folder.
        publish: file or folder; None for none.
        options: of the user.

    Raises:
        UsageError: if one of these files would replace an input or another output.
    """
    if publish is None:
        return plan
    many = len(inputs) > 1 or os.path.isdir(inputs[0]) or os.path.isdir(publish) or publish.endswith(os.sep)
    tasks = []
    for task in plan.tasks:
        if is_clip_name(task.source):  # which has no covers alone, and has failed for it
            tasks.append(task)
            continue
        path = _inside(Path(publish), task, options.output) if many else Path(publish)
        tasks.append(_checked(replace(task, published=path), path, options.overwrite or options.resume))
    taken = {os.path.realpath(path) for task in tasks for path in (task.source, task.target) if path is not None}
    for task in tasks:
        if task.failure is None and os.path.realpath(task.published or "") in taken:
            raise hinted(
                UsageError(f"the covers of {task.source} would replace {task.published}"), "choose another name"
            )
    return replace(plan, tasks=tuple(tasks))


def with_share_copies(plan: Plan, share: ShareOptions, options: PlanOptions) -> Plan:
    """Return a plan whose tasks also write a share copy beside their output.

    Args:
        plan: of `make_plan`.
        share: how they are made; nothing is added if they go into the outputs.
        options: of the user.

    Raises:
        UsageError: if one of these files would replace an input or another output.
    """
    tasks = []
    for task in plan.tasks:
        if task.target is None or task.target is STDOUT or share.inside or is_clip_name(task.source):
            tasks.append(task)
            continue
        path = share_path(task.target, share)
        tasks.append(_checked(replace(task, shared=path), path, options.overwrite or options.resume))
    others = [path for task in tasks for path in (task.source, task.target, task.published)]
    taken = {os.path.realpath(path) for path in others if path is not None}
    for task in tasks:
        if task.shared is None or task.failure is not None:
            continue
        place = os.path.realpath(task.shared)
        if place in taken:
            raise hinted(
                UsageError(f"the share copy of {task.source} would replace {task.shared}"),
                "rename one of them, or do them one at a time",
            )
        taken.add(place)
    return replace(plan, tasks=tuple(tasks))


def check_names(plan: Plan, share: ShareOptions) -> None:
    """Check that the outputs of a plan have names for share copies.

    Args:
        plan: whose outputs are share copies.
        share: how they are made.

    Raises:
        UsageError: if a name is that of another format.
    """
    for task in plan.tasks:
        if task.target in (None, STDOUT) or is_clip_name(task.source):
            continue
        if is_jpeg_name(str(task.target)) != (share.file_format == "jpeg"):
            raise hinted(
                UsageError(f"{task.target} is not a name for a share copy in {share.file_format}"),
                "change the name, or --share-format",
            )


def _inside(folder: Path, task: FileTask, output: str | None) -> Path:
    """Return ``folder/party.covered.jpg`` for the output ``party.protected.jpg``, below the same subfolders."""
    if task.target is None or task.target is STDOUT:
        return folder / task.source.name
    name = task.target.name.replace(_PROTECTED, _COVERED)
    if output is not None and task.target.is_relative_to(output):
        return folder / task.target.relative_to(output).with_name(name)
    return folder / name


def _checked(task: FileTask, path: Path, may_exist: bool) -> FileTask:
    """Return the task, with a failure if a file that it also writes cannot be written."""
    if task.failure is not None:
        return task
    try:
        if os.path.isdir(path.parent):
            check_output_path(task.source, path, overwrite=may_exist, jpeg=True)
    except ProFaceError as error:
        return replace(task, failure=error)
    return task
