"""Plan of a run: every input with its output, checked before anything is asked or written.

Folders are searched recursively, and their trees are mirrored in the output folder; names that begin with a dot and
links to folders are ignored.  Photos in one folder whose names differ only in the suffix keep it in the names of their
outputs: ``a.png`` and ``a.heic`` become ``a.png.protected.png`` and ``a.heic.protected.png``.  So do clips; a photo and
a clip never have the same output.  A fault of one input becomes that task's failure and stops no other; a fault of the
request as a whole is raised.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...api.files.io import default_output
from ...errors import ImageError, ProFaceError, UsageError, masked_url
from ...hints import hinted
from ...image.names import fitted_name
from ...image.write import check_new_path, check_output_path
from ...video.clip_names import OUTPUT_SUFFIX, is_clip_name
from ..options.common import PlanOptions
from .stdio import STDIN, STDOUT

TAKE, IGNORE = "take", "ignore"
FileFilter = Callable[[Path], str]
"""Judges a file found in a folder: `TAKE`, `IGNORE` (it is only counted), or the reason why it is skipped."""


@dataclass(frozen=True, slots=True)
class FileTask:
    """One input.

    Attributes:
        source: the input file.
        target: the output file; None for commands that write none.
        failure: why it cannot be done, or None.
        published: where the covers alone go, or None.
        shared: where the share copy goes, or None.
    """

    source: Path
    target: Path | None = None
    failure: ProFaceError | None = None
    published: Path | None = None
    shared: Path | None = None

    @property
    def outputs(self) -> tuple[Path, ...]:
        """The files that will be written; stdout is none."""
        paths = (self.target, self.published, self.shared)
        return tuple(path for path in paths if path is not None and path is not STDOUT)


@dataclass(frozen=True, slots=True)
class Plan:
    """All inputs of a run.

    Attributes:
        tasks: what to do.
        skipped: files in folders that need nothing done, each with the reason.
        ignored: other files in folders.
        resume: whether existing outputs are no failure, but may be finished.
    """

    tasks: tuple[FileTask, ...]
    skipped: tuple[tuple[Path, str], ...] = ()
    ignored: tuple[Path, ...] = ()
    resume: bool = False

    @property
    def hopeless(self) -> bool:
        """Whether no task can succeed, so that nobody should be asked for a passphrase."""
        return all(task.failure is not None for task in self.tasks)


@dataclass(slots=True)
class _Found:
    """Files found so far: each with its folder inside the output folder; ``walked`` are those found in folders."""

    files: list[tuple[Path, Path]] = field(default_factory=list)
    walked: list[Path] = field(default_factory=list)
    failures: list[FileTask] = field(default_factory=list)
    skipped: list[tuple[Path, str]] = field(default_factory=list)
    ignored: list[Path] = field(default_factory=list)

    @property
    def judged(self) -> int:
        """Number of files that were not ignored."""
        return len(self.files) + len(self.failures) + len(self.skipped)


def make_plan(
    inputs: Sequence[Path],
    file_filter: FileFilter,
    options: PlanOptions,
    *,
    suffix: str | Callable[[Path], str] | None = None,
    empty_folder: ProFaceError | None = None,
    output_option: str = "-o",
    pipes: bool = False,
) -> Plan:
    """Plan a run.

    Args:
        inputs: files and folders, as given.
        file_filter: which files of a folder to take.
        options: of the user.
        suffix: of the output names, e.g. ``.protected.png``, or that of each input; None for commands that write
            nothing.
        empty_folder: the failure of a folder without a file to take; the folder's name is put before its message.
        output_option: how the user writes ``options.output``.
        pipes: whether ``-`` may stand for stdin and stdout.

    Raises:
        UsageError: if several inputs have no ``-o``, two inputs the same output, or an output is an input.
    """
    output = options.output
    if output == "":
        raise hinted(UsageError(f"the name given with {output_option} is empty"), "name a file or a folder")
    if output is not None and "://" in output:
        raise hinted(UsageError(f"{masked_url(output)} is a URL"), "URLs are written by `proface protect --engine`")
    if output == "-" or any(source is STDIN for source in inputs):
        return _plan_with_pipe(inputs, suffix is not None, options, pipes)
    many = len(inputs) > 1 or os.path.isdir(inputs[0])
    if many and suffix and output is None:
        what = "a folder" if os.path.isdir(inputs[0]) else "several inputs"
        raise hinted(
            UsageError(f"{what} cannot be processed without an output folder"), f"name one with {output_option} FOLDER"
        )
    folder = _output_folder(output, many, output_option) if suffix and output is not None else None
    found = _collect(inputs, file_filter, folder, empty_folder, options.recursive)
    of = suffix if callable(suffix) else lambda source: suffix or ""
    if suffix is None:
        tasks = [FileTask(source) for source, _ in found.files]
    elif folder is not None:
        twins = _twins(found.walked)
        tasks = [FileTask(s, folder / inside / _output_name(s, of(s), s in twins)) for s, inside in found.files]
    else:
        tasks = [FileTask(s, Path(output) if output is not None else default_output(s, of(s))) for s, _ in found.files]
    tasks = _without_repetition(tasks)
    _check_conflicts(tasks, output_option)
    may_exist = options.overwrite or options.resume
    checked = [*(_checked(task, may_exist, folder is not None) for task in tasks), *found.failures]
    return Plan(tuple(checked), tuple(found.skipped), tuple(found.ignored), options.resume)


def _plan_with_pipe(inputs: Sequence[Path], writes: bool, options: PlanOptions, pipes: bool) -> Plan:
    """Plan a run whose input or output is a pipe."""
    if not pipes:
        raise hinted(UsageError("this command does not read stdin or write stdout"), "name files")
    if len(inputs) > 1 or os.path.isdir(inputs[0]):
        raise hinted(UsageError("- stands for one picture"), "leave out the other inputs")
    source = inputs[0]
    if source is not STDIN and is_clip_name(source):
        raise hinted(UsageError(f"{source} is a clip, and - stands for a picture"), "name a file with -o")
    if not writes:
        return Plan((FileTask(source),))
    if options.output in (None, "-"):
        return Plan((FileTask(source, STDOUT, None if source is STDIN else _fault(source)),))
    target = Path(str(options.output))
    if os.path.isdir(target):
        raise hinted(UsageError(f"{target} is a folder"), "name the output file: a picture from stdin has no name")
    return Plan((_checked(FileTask(source, target), options.overwrite, False),))


def _output_name(source: Path, suffix: str, has_twin: bool) -> str:
    """Return the name of the output of a file in a folder."""
    return fitted_name(source.name, suffix) if has_twin else default_output(Path(source.name), suffix).name


def _twins(files: Sequence[Path]) -> set[Path]:
    """Return the files whose outputs would have the same name, because only their suffixes differ."""

    def alike(path: Path) -> tuple[Path, str, bool]:
        return path.parent, path.stem.casefold(), is_clip_name(path)

    counted = Counter(map(alike, dict.fromkeys(files)))
    return {path for path in files if counted[alike(path)] > 1}


def _output_folder(output: str, many: bool, option: str) -> Path | None:
    """Return the folder that the option names, or None if it names a file."""
    path = Path(output)
    separators = tuple(filter(None, (os.sep, os.altsep)))
    if not many and not os.path.isdir(path) and not output.endswith(separators):
        return None
    if os.path.exists(path) and not os.path.isdir(path):
        raise hinted(
            UsageError(f"{path} is not a folder"), f"with several inputs or a folder, {option} must name a folder"
        )
    return path


def _collect(
    inputs: Sequence[Path],
    file_filter: FileFilter,
    out: Path | None,
    empty_folder: ProFaceError | None,
    recursive: bool,
) -> _Found:
    found = _Found()
    for path in inputs:
        if os.path.isdir(path):
            # A single folder is mirrored without its name; one of several keeps it, or their trees would mix.
            inside = Path(os.path.basename(os.path.realpath(path))) if len(inputs) > 1 else Path()
            before = found.judged
            _walk(path, inside, file_filter, out, found, recursive)
            if empty_folder is not None and found.judged == before:
                failure = empty_folder.reworded(f"{path}: {empty_folder.message}")
                found.failures.append(FileTask(path, None, failure))
        elif (fault := _fault(path)) is not None:
            found.failures.append(FileTask(path, None, fault))
        else:
            found.files.append((path, Path()))
    return found


def _walk(top: Path, inside: Path, file_filter: FileFilter, out: Path | None, found: _Found, recursive: bool) -> None:
    """Sort every file below a folder into ``found``; folders that cannot be listed are failures."""

    def unreadable(error: OSError) -> None:
        name = error.filename or top
        failure = ImageError(f"folder {name} cannot be read: {error.strerror or error}")
        found.failures.append(FileTask(Path(name), None, failure))

    own = os.path.realpath(out) if out is not None else None
    for name, folders, files in os.walk(top, onerror=unreadable):
        here = Path(name)
        found.ignored += [here / f for f in sorted(folders) if not f.startswith(".") and os.path.islink(here / f)]
        below = sorted(f for f in folders if not f.startswith(".") and os.path.realpath(here / f) != own)
        folders[:] = below if recursive else []
        for file in sorted(files):
            path = here / file
            special = os.path.exists(path) and not os.path.isfile(path)  # reading a pipe or device would block
            verdict = IGNORE if special or file.startswith(".") else file_filter(path)
            fault = _fault(path) if verdict == TAKE else None
            if fault is not None:
                found.failures.append(FileTask(path, None, fault))
            elif verdict == TAKE:
                found.files.append((path, inside / here.relative_to(top)))
                found.walked.append(path)
            elif verdict == IGNORE:
                found.ignored.append(path)
            else:
                found.skipped.append((path, verdict))


def _fault(path: Path) -> ImageError | None:
    """Return what keeps a file from being read; None if nothing is known."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        if os.path.islink(path):
            return ImageError(f"{path} is a link to something that does not exist")
        return ImageError(f"{path} does not exist")
    except (OSError, ValueError) as error:
        return ImageError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}")
    if not os.access(path, os.R_OK):
        return ImageError(f"{path} cannot be read: {os.strerror(errno.EACCES)}")
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return None
    if stat.S_ISFIFO(mode) and path.parts[:2] in ((os.sep, "dev"), (os.sep, "proc")):
        return None  # the shell's <(...)
    return hinted(ImageError(f"{path} is not an ordinary file"), "pipe its content in, and name - as the input")


def _without_repetition(tasks: Sequence[FileTask]) -> list[FileTask]:
    """Drop inputs that were named twice."""
    return list({(task.source.absolute(), task.target): task for task in tasks}.values())


def _check_conflicts(tasks: Sequence[FileTask], option: str) -> None:
    """Refuse a plan in which one output would replace another, or an input."""
    sources = {os.path.realpath(task.source): task.source for task in tasks}
    targets: dict[str, Path] = {}
    for task in tasks:
        if task.target is None:
            continue
        target = os.path.realpath(task.target)
        first = targets.setdefault(target, task.source)
        if first is not task.source:
            raise hinted(
                UsageError(f"{first} and {task.source} would both be written to {task.target}"),
                f"rename one of them, or do them one at a time with {option}",
            )
        if len(tasks) > 1 and target in sources:
            raise hinted(
                UsageError(f"the output of {task.source} is the input {sources[target]}"),
                "choose another output folder",
            )


def _checked(task: FileTask, may_exist: bool, makes_folders: bool) -> FileTask:
    """Return the task, with a failure if its output cannot be written."""
    if task.target is None or (makes_folders and not os.path.exists(task.target.parent)):
        return task
    try:
        if not is_clip_name(task.source):
            check_output_path(task.source, task.target, overwrite=may_exist, jpeg=True)
        elif task.target.suffix.lower() != OUTPUT_SUFFIX:
            raise hinted(UsageError(f"{task.target} is no name for an MP4 file"), "let the name end in .mp4")
        else:
            check_new_path(task.source, task.target, overwrite=may_exist)
    except ProFaceError as error:
        return replace(task, failure=error)
    return task
