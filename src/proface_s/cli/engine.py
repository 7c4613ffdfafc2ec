"""``proface protect --engine``: nothing but a door to `proface_s.scale`, which needs an extra."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import options
from .hints import HINTS
from .options import FaceLocks, InputPath
from .runner.errors import Failure

if TYPE_CHECKING:
    from ..scale.run import Summary
    from ..scale.worker import PhotoOutcome
    from .runner.report import Speaker

_EXTRA_HINT = "pip install 'proface-s[scale]'"
_NO_FACE = 4
_EVERY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Engine:
    """What the command line says of an engine: its name, or None for none; the manifest's folder; the scheduler."""

    name: str | None = None
    manifest: str | None = None
    scheduler: str | None = None


class PathOrUrl(InputPath):
    """A path, or a URL, which stays text: as a path ``s3://`` would lose a slash."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read either."""
        return value if "://" in str(value) else super().convert(value, param, ctx)


inputs = click.argument("inputs", nargs=-1, required=True, type=PathOrUrl())


def engine(function: Callable[..., int]) -> Callable[..., int]:
    """Add --engine, --manifest and --scheduler; the command gets them as ``engine``."""

    @wraps(function)
    def bundled(*, engine: str | None, manifest: str | None, scheduler: str | None, **rest: Any) -> int:
        return function(engine=Engine(engine, manifest, scheduler), **rest)

    return options.several(
        click.option(
            "--engine",
            type=click.Choice(("local", "dask", "ray")),
            help="Do a whole folder or URL on an engine, noting every photo in a manifest; see docs/how-to/scale.md.",
        ),
        click.option(
            "--manifest", metavar="DIR", help="Its folder or URL; by default the output's name with .manifest."
        ),
        click.option("--scheduler", metavar="ADDRESS", help="A dask scheduler or ray instance that is running."),
    )(bundled)


def only_paths(given: Sequence[Path | str], engine: Engine) -> tuple[Path, ...]:
    """The inputs of a run without an engine.

    Raises:
        UsageError: a URL, or an option that needs an engine.
    """
    from ..errors import UsageError, masked_url

    for each in given:
        if isinstance(each, str):
            raise UsageError(f"{masked_url(each)} is a URL", "URLs are read with --engine local, dask or ray")
    for option, value in (("--manifest", engine.manifest), ("--scheduler", engine.scheduler)):
        if value is not None:
            raise UsageError(f"{option} does nothing without --engine", "choose --engine local, dask or ray")
    return tuple(each for each in given if isinstance(each, Path))


def run_on_engine(
    engine: Engine,
    given: Sequence[Path | str],
    output: str | None,
    locks: FaceLocks,
    speaker: Speaker,
    refused: Mapping[str, bool],
    *,
    overwrite: bool,
    jobs: int,
    **settings: Any,
) -> int:
    """Do a run and tell what came of it.

    Args:
        engine: which one, and its manifest.
        given: the one source.
        output: the target.
        locks: who shall open the faces: public keys only.
        speaker: tells.
        refused: options that an engine cannot serve -> whether they were given.
        overwrite: whether the target may hold other files.
        jobs: number of workers to start.
        settings: of `proface_s.scale.job.CollectionJob`.

    Returns:
        The exit code.

    Raises:
        UsageError: the request makes no sense, the extra is missing, or the manifest is another run's.
        ImageError: a place cannot be reached.
    """
    from ..errors import UsageError

    source, target = _ends(given, output)
    if engine.name == "local" and engine.scheduler is not None:
        raise UsageError("--engine local has no scheduler", "leave --scheduler out, or choose --engine dask")
    for option, was_given in refused.items():
        if was_given:
            raise UsageError(f"{option} cannot be used with --engine", "leave it out, or do without an engine")
    recipients = _recipients(locks, speaker)
    try:
        from ..scale.engines import ENGINES, start_engine
        from ..scale.job import CollectionJob
        from ..scale.locations import location_of
        from ..scale.manifest import open_manifest
        from ..scale.run import check_locations, run_job
    except ModuleNotFoundError as missing:
        raise UsageError(f"--engine needs {missing.name}, which is not installed", _EXTRA_HINT) from None
    from ..image.names import FOREIGN, PICTURES

    places = [location_of(text) for text in (source, target)]
    job = CollectionJob(places[0].url, places[1].url, recipients, PICTURES | FOREIGN, **settings)
    noted = location_of(engine.manifest or f"{places[1].url.rstrip('/')}.manifest")
    check_locations(job, noted)
    progress = _Progress(speaker)
    speaker.gather()
    with ExitStack() as stack:
        (name,) = (each for each in ENGINES if each == engine.name)
        manifest = open_manifest(noted, job, overwrite=overwrite)
        opened = stack.enter_context(start_engine(name, job, jobs=jobs, address=engine.scheduler))
        speaker.note(f"run {manifest.run}{' goes on' if manifest.resumed else ''}; manifest in {noted}")
        try:
            summary = run_job(job, opened, manifest, progress.tell)
        finally:
            speaker.tell_gathered()
    return _conclude(summary, speaker)


def _ends(given: Sequence[Path | str], output: str | None) -> tuple[str, str]:
    from ..errors import UsageError
    from .runner.pipes import STDIN

    if len(given) != 1 or given[0] is STDIN or output in (None, "", "-"):
        raise UsageError("--engine takes one folder or URL to another", "name the source, and the target with -o")
    return str(given[0]), str(output)


def _recipients(locks: FaceLocks, speaker: Speaker) -> tuple[str, ...]:
    """The public keys of a run.

    A passphrase in the environment is refused too: workers would inherit it, and it would open nothing.
    """
    from ..errors import UsageError
    from ..keys.passphrase_sources import passphrase_from_env
    from .runner.keys import lock_anew

    if locks.own:
        raise UsageError("--face cannot be used with --engine: photos of a collection differ", "leave it out")
    if locks.default.passphrases or passphrase_from_env() is not None or not locks.default.recipients:
        raise UsageError(
            "with --engine faces are protected for public keys: no passphrase may get to a worker",
            "make a key pair with `proface keygen -o FILE`, give its public key with -r age1..., and no passphrase",
        )
    sources = options.LockSources((), locks.default.recipients)
    return tuple(str(recipient) for recipient in lock_anew(sources, speaker.announce).recipients)


@dataclass(slots=True)
class _Progress:
    """Tells failures and warnings as they come, and how far the run is every few seconds."""

    speaker: Speaker
    started: float = field(default_factory=time.monotonic)
    told: float = field(default_factory=time.monotonic)
    counts: dict[str, int] = field(default_factory=dict)

    def tell(self, outcome: PhotoOutcome) -> None:
        """Tell one outcome; called with each."""
        kind = "unchanged" if outcome.unchanged else outcome.row.status
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.speaker.report(_report(outcome))
        now = time.monotonic()
        if now - self.told >= _EVERY_SECONDS:
            self.told = now
            rate = sum(self.counts.values()) / (now - self.started)
            self.speaker.note(f"{_listed(self.counts)}; {rate:.2f} photos a second")


def _report(outcome: PhotoOutcome) -> Any:
    from .runner.report import Report, Status

    row = outcome.row
    statuses: dict[str, Status] = {"done": "protected", "copied": "no-face", "no-face": "no-face"}
    status: Status = "skipped" if outcome.unchanged else statuses.get(row.status, "error")
    report = Report(
        status,
        Path(row.source),
        Path(row.target) if row.target else None,
        ({},) * row.faces,
        outcome.warnings,
        seconds=row.read_s + row.protect_s + row.write_s,
        extra={"attempt": row.attempt},
    )
    if outcome.unchanged or row.status in ("done", "copied"):
        return report
    message = row.reason if row.source in row.reason else f"{row.source}: {row.reason}"
    hint = HINTS.get(outcome.code or "", outcome.hint)
    return replace(report, failure=Failure(message, hint, _NO_FACE if row.status == "no-face" else 1))


def _conclude(summary: Summary, speaker: Speaker) -> int:
    """The sum of a run, and its exit code: 0 if every photo is done, 4 if those that are not have no face, else 1."""
    bad = {name: number for name, number in summary.counts.items() if name not in ("done", "copied")}
    already = f" ({summary.unchanged} of them before)" if summary.unchanged else ""
    speaker.note((_listed(summary.counts) or "no pictures found") + already)
    if summary.stop:
        speaker.error(Failure(summary.stop, "what is finished is kept; the same command goes on from there", 1))
        return 1
    if not summary.counts:
        return 1
    return _NO_FACE if set(bad) == {"no-face"} else 1 if bad else 0


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
