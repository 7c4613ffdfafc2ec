"""``proface detect`` of a clip: who is in it, as a list, a people file and a contact sheet."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....errors import ProFaceError, UsageError
from ....hints import hinted
from ....video.people.of_clip import cut_clip_tiles, write_people
from ....video.people.sheet import draw_sheet
from ....wording import counted
from ...options.clips import PeopleOptions
from ...options.common import OutputOptions
from ..plan import FileTask
from ..report import Reporter, TaskReport
from ..run import failed
from .people import clip_progress, new_output, people_fields, people_of

if TYPE_CHECKING:
    from ....api.face_search import FaceSearch
    from ....video.people.corrections import Corrections
    from ....video.people.people import People


def detect_clip(
    clip: Path,
    options: PeopleOptions,
    corrections: Corrections,
    search: FaceSearch,
    *,
    output: Path | None,
    sheet: Path | None,
    overwrite: bool,
    threads: int,
    output_options: OutputOptions,
) -> int:
    """Find out who is in a clip, and report it.

    Args:
        clip: the file.
        options: of the user.
        corrections: likewise.
        search: how faces are looked for.
        output: people file to write, or None.
        sheet: contact sheet to write, or None.
        overwrite: replace existing outputs.
        threads: to work with; 0 for all cores.
        output_options: how to report.

    Returns:
        The exit code.

    Raises:
        UsageError: if the name of the sheet does not end in .png.
    """
    if sheet is not None and sheet.suffix.lower() != ".png":
        raise hinted(UsageError(f"{sheet} is no PNG file"), "let the name of a clip's contact sheet end in .png")
    reporter, start = Reporter("detect", output_options), time.perf_counter()
    quiet = output_options.quiet or output_options.as_json
    try:
        for path in (output, sheet):
            if path is not None:
                new_output(path, overwrite)
        with clip_progress(clip.name, quiet) as progress:
            people, warnings = people_of(clip, options, corrections, search, threads, progress)
        if sheet is not None:
            _write_sheet(clip, sheet, people, overwrite, threads)
        if output is not None:
            write_people(output, people, overwrite=overwrite)
        report, cause = _report(clip, output, people, warnings), None
    except (ProFaceError, OSError) as error:
        outcome = failed(FileTask(clip), error)
        report, cause = outcome.report, outcome.cause
    reporter.report(replace(report, seconds=time.perf_counter() - start), cause)
    return report.exit_code


def _write_sheet(clip: Path, sheet: Path, people: People, overwrite: bool, threads: int) -> None:
    from ....image.write import write_atomic

    tiles = cut_clip_tiles(clip, people, threads)
    write_atomic(sheet, draw_sheet(people, tiles), overwrite=overwrite, like=clip)


def _report(clip: Path, output: Path | None, people: People, warnings: tuple[str, ...]) -> TaskReport:
    fields = people_fields(people)
    return TaskReport(
        "detected",
        clip,
        output,
        fields,
        warnings,
        extra={"size": list(people.size), "frames": len(people.times)},
        summary=f"{clip}: {counted(len(fields), 'person')}" + (f" -> {output}" if output else ""),
        answer=tuple(map(_line, fields)),
    )


def _line(person: dict[str, Any]) -> str:
    box = ",".join(map(str, person["box"]))
    spans = ", ".join(f"{start:.2f}-{stop:.2f}" for start, stop in person["spans"])
    return f"{person['number']:>3}  {box:<22} {spans} s"
