"""Arguments -> what will be done: every input with its output, checked before anything is asked or written.

A folder is searched to its end and its tree is mirrored in the output folder; names that begin with a dot and
links to folders are left alone.  Photos of one folder that differ in nothing but the suffix keep it in the names of
their outputs: ``a.jpg`` and ``a.heic`` become ``a.jpg.protected.png`` and ``a.heic.protected.png``.  Whatever is wrong
with one input becomes that task's failure and stops no other; what is wrong with the request as a whole is raised.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...api.session import default_output
from ...errors import ImageError, ProFaceError, UsageError, masked_url
from ...image.names import fitted_name
from ...image.write import check_output_path
from .pipes import STDIN, STDOUT

TAKE, OTHER = "take", "other"
Sieve = Callable[[Path], str]
"""Judges a file met in a folder: `TAKE`, `OTHER` (counted only), or the reason why it is skipped."""


@dataclass(frozen=True, slots=True)
class Task:
    """One input.

    Attributes:
        source: the file.
        target: where its output goes; None for commands that write none.
        failure: why it cannot be done, or None.
    """

    source: Path
    target: Path | None = None
    failure: ProFaceError | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All inputs of a run: what to do, what is skipped and why, and what else the folders hold.

    With ``resume`` outputs that exist are no failure: it is looked at whether they are finished.
    """

    tasks: tuple[Task, ...]
    skipped: tuple[tuple[Path, str], ...] = ()
    others: tuple[Path, ...] = ()
    resume: bool = False

    @property
    def hopeless(self) -> bool:
        """Whether no task can succeed, so that it would be rude to ask for a passphrase."""
        return all(task.failure is not None for task in self.tasks)


@dataclass(slots=True)
class _Found:
    """Files found so far, each with the folder it gets inside the output folder; ``walked``: those met in folders."""

    files: list[tuple[Path, Path]] = field(default_factory=list)
    walked: list[Path] = field(default_factory=list)
    failures: list[Task] = field(default_factory=list)
    skipped: list[tuple[Path, str]] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)


def make_plan(
    inputs: Sequence[Path],
    sieve: Sieve,
    *,
    suffix: str | None = None,
    output: str | None = None,
    overwrite: bool = False,
    nothing: ProFaceError | None = None,
    option: str = "-o",
    pipes: bool = False,
    resume: bool = False,
    recursive: bool = True,
    jpeg: bool = False,
) -> Plan:
    """Work out what to do.

    Args:
        inputs: files and folders, as given.
        sieve: which files of a folder are taken.
        suffix: of the output names, e.g. ``.protected.png``; None for commands that write nothing.
        output: ``-o``: a file for a single input file, else a folder; None to write beside the single input.
        overwrite: existing outputs may be replaced.
        nothing: the failure of a folder that holds nothing to take; its name is put in front.
        option: how the user writes ``output``.
        pipes: whether ``-`` may stand for stdin and stdout.
        resume: do not refuse outputs that exist.
        recursive: also take what is in folders of folders.
        jpeg: whether an output may be a JPEG.

    Raises:
        UsageError: several inputs without ``-o``, two inputs with one output, an output that is an input.
    """
    if output == "":
        raise UsageError(f"the name given with {option} is empty", "name a file or a folder")
    if output is not None and "://" in output:
        raise UsageError(f"{masked_url(output)} is a URL", "URLs are written by `proface protect --engine`")
    if output == "-" or any(source is STDIN for source in inputs):
        return _piped(inputs, suffix, output, pipes, overwrite, jpeg)
    many = len(inputs) > 1 or os.path.isdir(inputs[0])
    if many and suffix and output is None:
        what = "a folder" if os.path.isdir(inputs[0]) else "several inputs"
        raise UsageError(f"{what} cannot be done without an output folder", f"name one with {option} FOLDER")
    folder = _output_folder(output, many, option) if suffix and output is not None else None
    found = _collect(inputs, sieve, folder, nothing, recursive)
    if suffix is None:
        tasks = [Task(source) for source, _ in found.files]
    elif folder is not None:
        twins = _twins(found.walked)
        tasks = [Task(s, folder / inside / _output_name(s, suffix, s in twins)) for s, inside in found.files]
    else:
        tasks = [Task(s, Path(output) if output is not None else default_output(s, suffix)) for s, _ in found.files]
    tasks = _without_repetition(tasks)
    _check_conflicts(tasks, option)
    checked = [*(_checked(task, overwrite or resume, folder is not None, jpeg) for task in tasks), *found.failures]
    return Plan(tuple(checked), tuple(found.skipped), tuple(found.others), resume)


def _piped(
    inputs: Sequence[Path], suffix: str | None, output: str | None, pipes: bool, overwrite: bool, jpeg: bool
) -> Plan:
    """The plan of one input or output that is a pipe."""
    if not pipes:
        raise UsageError("this command does not read stdin or write stdout", "name files")
    if len(inputs) > 1 or os.path.isdir(inputs[0]):
        raise UsageError("- stands for one picture", "leave out the other inputs")
    source = inputs[0]
    if suffix is None:
        return Plan((Task(source),))
    if output in (None, "-"):
        return Plan((_existing(Task(source, STDOUT)),))
    target = Path(str(output))
    if os.path.isdir(target):
        raise UsageError(f"{target} is a folder", "name the output file: what comes from stdin has no name")
    return Plan((_checked(Task(source, target), overwrite, False, jpeg),))


def _existing(task: Task) -> Task:
    return replace(task, failure=None if task.source is STDIN else _fault(task.source))


def _output_name(source: Path, suffix: str, has_twin: bool) -> str:
    """Name of the output of a file in a folder."""
    return fitted_name(source.name, suffix) if has_twin else default_output(Path(source.name), suffix).name


def _twins(files: Sequence[Path]) -> set[Path]:
    """Files of a folder whose outputs would get one name because nothing but their suffixes differ."""
    stems = Counter((path.parent, path.stem.casefold()) for path in dict.fromkeys(files))
    return {path for path in files if stems[path.parent, path.stem.casefold()] > 1}


def _output_folder(output: str, many: bool, option: str) -> Path | None:
    """The folder that the option names, or None where it names a file."""
    path = Path(output)
    separators = tuple(filter(None, (os.sep, os.altsep)))
    if not many and not os.path.isdir(path) and not output.endswith(separators):
        return None
    if os.path.exists(path) and not os.path.isdir(path):
        raise UsageError(f"{path} is not a folder", f"with several inputs or a folder, {option} must name a folder")
    return path


def _collect(
    inputs: Sequence[Path], sieve: Sieve, out: Path | None, nothing: ProFaceError | None, recursive: bool
) -> _Found:
    found = _Found()
    for path in inputs:
        if os.path.isdir(path):
            # one folder is mirrored itself; one of several keeps its own name, or their trees would mix
            inside = Path(os.path.basename(os.path.realpath(path))) if len(inputs) > 1 else Path()
            before = len(found.files) + len(found.failures) + len(found.skipped)
            _walk(path, inside, sieve, out, found, recursive)
            if nothing is not None and before == len(found.files) + len(found.failures) + len(found.skipped):
                failure = type(nothing)(f"{path}: {nothing.message}", nothing.hint)
                found.failures.append(Task(path, None, failure))
        elif (fault := _fault(path)) is not None:
            found.failures.append(Task(path, None, fault))
        else:
            found.files.append((path, Path()))
    return found


def _walk(top: Path, inside: Path, sieve: Sieve, out: Path | None, found: _Found, recursive: bool) -> None:
    """Sort every file below a folder into ``found``; what cannot be listed is a failure."""

    def unreadable(error: OSError) -> None:
        name = error.filename or top
        failure = ImageError(f"folder {name} cannot be read: {error.strerror or error}")
        found.failures.append(Task(Path(name), None, failure))

    own = os.path.realpath(out) if out is not None else None
    for name, folders, files in os.walk(top, onerror=unreadable):
        here = Path(name)
        found.others += [here / f for f in sorted(folders) if not f.startswith(".") and os.path.islink(here / f)]
        below = sorted(f for f in folders if not f.startswith(".") and os.path.realpath(here / f) != own)
        folders[:] = below if recursive else []
        for file in sorted(files):
            path = here / file
            special = os.path.exists(path) and not os.path.isfile(path)  # a pipe or a device would keep us waiting
            verdict = OTHER if special or file.startswith(".") else sieve(path)
            fault = _fault(path) if verdict == TAKE else None
            if fault is not None:
                found.failures.append(Task(path, None, fault))
            elif verdict == TAKE:
                found.files.append((path, inside / here.relative_to(top)))
                found.walked.append(path)
            elif verdict == OTHER:
                found.others.append(path)
            else:
                found.skipped.append((path, verdict))


def _fault(path: Path) -> ImageError | None:
    """Say what keeps a file from being read; None if nothing is known to."""
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
    return ImageError(f"{path} is not an ordinary file", "pipe its content in, and name - as the input")


def _without_repetition(tasks: Sequence[Task]) -> list[Task]:
    """Drop inputs that were named twice."""
    return list({(task.source.absolute(), task.target): task for task in tasks}.values())


def _check_conflicts(tasks: Sequence[Task], option: str) -> None:
    """Refuse a plan in which one output would replace another, or an input."""
    sources = {os.path.realpath(task.source): task.source for task in tasks}
    targets: dict[str, Path] = {}
    for task in tasks:
        if task.target is None:
            continue
        target = os.path.realpath(task.target)
        first = targets.setdefault(target, task.source)
        if first is not task.source:
            raise UsageError(
                f"{first} and {task.source} would both be written to {task.target}",
                f"rename one of them, or do them one at a time with {option}",
            )
        if len(tasks) > 1 and target in sources:
            raise UsageError(
                f"the output of {task.source} is the input {sources[target]}", "choose another output folder"
            )


def _checked(task: Task, overwrite: bool, makes_folders: bool, jpeg: bool) -> Task:
    """The task, with its failure where its output is refused already now."""
    if task.target is None or (makes_folders and not os.path.exists(task.target.parent)):
        return task
    try:
        check_output_path(task.source, task.target, overwrite=overwrite, jpeg=jpeg)
    except ProFaceError as error:
        return replace(task, failure=error)
    return task
