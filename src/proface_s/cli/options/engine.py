"""Options of ``proface protect --engine``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...hints import hinted
from .common import in_order
from .types import PathOrUrl

if TYPE_CHECKING:
    from ...scale.engines import EngineName


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Where a run takes place.

    Attributes:
        name: ``local``, ``dask`` or ``ray``; None to run without an engine.
        manifest: folder or URL of the manifest; None for the default.
        scheduler: address of a running dask scheduler or ray instance, or None.
    """

    name: EngineName | None = None
    manifest: str | None = None
    scheduler: str | None = None


inputs_or_urls = click.argument("inputs", nargs=-1, required=True, type=PathOrUrl())


def engine_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add --engine, --manifest and --scheduler; the command gets them as ``engine``."""

    @wraps(function)
    def bundled(*, engine: EngineName | None, manifest: str | None, scheduler: str | None, **rest: Any) -> int:
        return function(engine=EngineOptions(engine, manifest, scheduler), **rest)

    return in_order(
        click.option(
            "--engine",
            type=click.Choice(("local", "dask", "ray")),
            help="Protect a whole folder or URL on an engine, with a manifest of all photos and clips; see "
            "docs/how-to/scale.md.",
        ),
        click.option(
            "--manifest",
            metavar="DIR",
            help="With --engine: folder or URL of the manifest.  By default, the output's name with .manifest added.",
        ),
        click.option(
            "--scheduler",
            metavar="ADDRESS",
            help="With --engine: address of a running dask scheduler or ray instance.",
        ),
    )(bundled)


def only_paths(given: Sequence[Path | str], engine: EngineOptions) -> tuple[Path, ...]:
    """Return the inputs of a run without an engine.

    Raises:
        UsageError: if an input is a URL, or an option needs an engine.
    """
    from ...errors import UsageError, masked_url

    for each in given:
        if isinstance(each, str):
            raise hinted(UsageError(f"{masked_url(each)} is a URL"), "URLs are read with --engine local, dask or ray")
    for option, value in (("--manifest", engine.manifest), ("--scheduler", engine.scheduler)):
        if value is not None:
            raise hinted(UsageError(f"{option} does nothing without --engine"), "choose --engine local, dask or ray")
    return tuple(each for each in given if isinstance(each, Path))
