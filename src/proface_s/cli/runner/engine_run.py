"""``proface protect --engine``: a whole collection through `proface_s.scale`, which needs an extra."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...api.options import ProtectOptions
from ...errors import UsageError, missing_package
from ...hints import filled_hint, hinted
from ...image.names import FOREIGN, PICTURES
from ...keys.passphrase_sources import passphrase_from_env
from ...video.clip_names import CLIP_SUFFIXES
from ..hints import HINTS
from ..options.common import PlanOptions
from ..options.engine import EngineOptions
from ..options.keys import FaceLockSources, LockSources
from ..options.settings import ProtectSettings
from .errors import EXIT_NO_FACE, Failure
from .keys import read_new_lock
from .report import Reporter, TaskReport, TaskStatus
from .stdio import STDIN

if TYPE_CHECKING:
    from ...keys.access import Lock
    from ...scale.engines import EngineName
    from ...scale.job import CollectionJob
    from ...scale.outcomes import PhotoOutcome
    from ...scale.run import Summary
    from .clips.protect import ClipRequest

_NOTE_SECONDS: Final = 10.0
_STATUSES: Final[Mapping[str, TaskStatus]] = {"done": "protected", "copied": "no-face", "no-face": "no-face"}


def run_on_engine(
    engine: EngineOptions,
    given: Sequence[Path | str],
    plan_options: PlanOptions,
    publish: str | None,
    locks: FaceLockSources,
    settings: ProtectSettings,
    clips: ClipRequest,
    reporter: Reporter,
    *,
    refused: Mapping[str, bool],
    jobs: int,
    threads: int,
) -> int:
    """Protect a collection on an engine, and report every outcome; return the exit code.

    Args:
        engine: which one, and its manifest.
        given: the only source.
        plan_options: with the target.
        publish: folder or URL for the covers alone; None for none.
        locks: sources of public keys.
        settings: of `ProtectOptions` for photos, all but its lock.
        clips: what is asked for clips.
        reporter: of the command.
        refused: options that an engine cannot serve -> whether they were given.
        jobs: number of workers to start.
        threads: of each worker.

    Raises:
        UsageError: if the request makes no sense, the extra is missing, or the manifest is another run's.
        ImageError: if source, target or manifest cannot be reached.
    """
    source, target = _source_and_target(given, plan_options.output)
    name, lock = _checked_name(engine, refused), _public_lock(locks, reporter)
    try:
        from ...scale.engines import start_engine
        from ...scale.locations import location_of
        from ...scale.manifest import open_manifest
        from ...scale.run import check_locations, run_job
    except ModuleNotFoundError as missing:
        raise UsageError(
            f"--engine needs {missing_package(missing)}, which is not installed", code="missing-extra", extra="scale"
        ) from None
    options = ProtectOptions(lock=lock, **settings)
    job = _job(source, target, publish, options, clips, recursive=plan_options.recursive, threads=threads)
    folder = location_of(engine.manifest or f"{job.target.rstrip('/')}.manifest")
    check_locations(job, folder)
    progress = _RunProgress(reporter)
    reporter.collect_warnings()
    manifest = open_manifest(folder, job, overwrite=plan_options.overwrite)
    with start_engine(name, job, jobs=jobs, address=engine.scheduler) as opened:
        reporter.note(f"{'continuing ' if manifest.resumed else ''}run {manifest.run}; manifest in {folder}")
        try:
            summary = run_job(job, opened, manifest, progress.report)
        finally:
            reporter.print_collected()
    return _summarise(summary, reporter)


def _job(
    source: str,
    target: str,
    publish: str | None,
    options: ProtectOptions,
    clips: ClipRequest,
    *,
    recursive: bool,
    threads: int,
) -> CollectionJob:
    """Return the run that a command asks for; what clips cannot have is a failure of each clip."""
    from ...scale.job import ClipJob, CollectionJob
    from ...scale.locations import location_of

    start, end = location_of(source), location_of(target)
    covers = None if publish is None else location_of(publish).url
    of_clips = ClipJob(ProtectOptions(lock=options.lock, **clips.settings), clips.options, clips.corrections)
    suffixes = PICTURES | FOREIGN | CLIP_SUFFIXES
    return CollectionJob(start.url, end.url, options, suffixes, recursive, threads, covers, of_clips)


def _checked_name(engine: EngineOptions, refused: Mapping[str, bool]) -> EngineName:
    """Return the name of the engine if the options can be used with it."""
    assert engine.name is not None
    if engine.name == "local" and engine.scheduler is not None:
        raise hinted(UsageError("--engine local has no scheduler"), "leave --scheduler out, or choose --engine dask")
    for option, was_given in refused.items():
        if was_given:
            raise hinted(UsageError(f"{option} cannot be used with --engine"), "leave it out, or do without an engine")
    return engine.name


def _source_and_target(given: Sequence[Path | str], output: str | None) -> tuple[str, str]:
    if len(given) != 1 or given[0] is STDIN or output in (None, "", "-"):
        raise hinted(
            UsageError("--engine takes one folder or URL to another"), "name the source, and the target with -o"
        )
    return str(given[0]), str(output)


def _public_lock(locks: FaceLockSources, reporter: Reporter) -> Lock:
    """Return a lock of public keys alone.

    A passphrase in the environment is refused too: workers would inherit it, and it would open nothing.
    """
    if locks.own:
        raise hinted(UsageError("--face cannot be used with --engine: photos of a collection differ"), "leave it out")
    if locks.default.passphrases or passphrase_from_env() is not None or not locks.default.recipients:
        raise hinted(
            UsageError("with --engine, faces are protected for public keys: no passphrase may get to a worker"),
            "make a key pair with `proface keygen -o FILE`, give its public key with -r age1..., and no passphrase",
        )
    return read_new_lock(LockSources((), locks.default.recipients), reporter.warn)


@dataclass(slots=True)
class _RunProgress:
    """Reports failures and warnings as they come, and the progress of the run every few seconds."""

    reporter: Reporter
    started: float = field(default_factory=time.monotonic)
    noted: float = field(default_factory=time.monotonic)
    counts: dict[str, int] = field(default_factory=dict)

    def report(self, outcome: PhotoOutcome) -> None:
        """Report one outcome."""
        kind = "unchanged" if outcome.unchanged else outcome.row.status
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.reporter.report(_report(outcome))
        now = time.monotonic()
        if now - self.noted >= _NOTE_SECONDS:
            self.noted = now
            rate = sum(self.counts.values()) / (now - self.started)
            self.reporter.note(f"{_listed(self.counts)}; {rate:.2f} photos a second")


def _report(outcome: PhotoOutcome) -> TaskReport:
    row = outcome.row
    report = TaskReport(
        "skipped" if outcome.unchanged else _STATUSES.get(row.status, "error"),
        Path(row.source),
        Path(row.target) if row.target else None,
        ({},) * row.faces,
        outcome.warnings,
        seconds=row.read_s + row.protect_s + row.write_s,
        extra={"attempt": row.attempt} | ({"share": {"path": row.share_target}} if row.share_target else {}),
    )
    if outcome.unchanged or row.status in ("done", "copied"):
        return report
    message = row.reason if row.source in row.reason else f"{row.source}: {row.reason}"
    hint = filled_hint(outcome.code, outcome.facts, HINTS)
    return replace(report, failure=Failure(message, hint, EXIT_NO_FACE if row.status == "no-face" else 1))


def _summarise(summary: Summary, reporter: Reporter) -> int:
    """Print the numbers of a run.

    Returns:
        The exit code: 0 if every photo is done, 4 if all others have no face, else 1.
    """
    bad = {name: number for name, number in summary.counts.items() if name not in ("done", "copied")}
    already = f" ({summary.unchanged} of them before)" if summary.unchanged else ""
    reporter.note((_listed(summary.counts) or "no pictures found") + already)
    if summary.stop:
        reporter.error(Failure(summary.stop, "finished photos are kept; run the same command again to continue", 1))
        return 1
    if not summary.counts:
        return 1
    return EXIT_NO_FACE if set(bad) == {"no-face"} else 1 if bad else 0


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
