"""Find out who is in a clip: from a people file or by looking, corrected as the user says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ....api.face_search import FaceSearch
from ....errors import ImageError, NoFaceError
from ....progress import Progress, Stage, silent
from ....video.clip.read import damage_notes
from ....video.people.corrections import Corrections
from ....video.people.of_clip import find_clip_people, open_clip_detector, read_people
from ....video.people.people import People
from ...options.clips import PeopleOptions
from ..part_progress import PartProgress


def people_of(
    clip: Path,
    options: PeopleOptions,
    corrections: Corrections,
    search: FaceSearch,
    threads: int,
    progress: Progress = silent,
) -> tuple[People, tuple[str, ...]]:
    """Return the people of a clip as the user wants them, and what the user should know.

    Args:
        clip: the file.
        options: of the user.
        corrections: likewise.
        search: how faces are looked for.
        threads: to work with; 0 for all cores.
        progress: is told about the stage ``find``.

    Raises:
        ProFaceError: if the clip or the people file cannot be read, or the corrections name what is not there.
        NoFaceError: if there is nobody.
    """
    if options.file is not None:
        people, failures = read_people(options.file), list[float]()
    else:
        detector = open_clip_detector(search, corrections, threads)
        people, failures = find_clip_people(clip, detector, options.interval, threads=threads, progress=progress)
    people = corrections.apply(people)
    if not people.persons:
        raise NoFaceError(f"no face found in {clip}", code="nobody")
    return people, tuple(damage_notes(failures))


@contextmanager
def clip_progress(name: str, quiet: bool) -> Iterator[Progress]:
    """Show on a terminal how far the work on the frames of a clip is, during the block."""
    shown, stage_now, done = PartProgress(quiet, announced=False), "", 0

    def told(stage: Stage, finished: int, total: int) -> None:
        nonlocal stage_now, done
        if stage != stage_now:
            shown.stop()
            shown.start(f"{name}: {stage}", total)
            stage_now, done = stage, 0
        for _ in range(finished - done):
            shown.advance()
        done = max(done, finished)

    try:
        yield told
    finally:
        shown.stop()


def new_output(path: Path, overwrite: bool) -> None:
    """Check before long work that an output can get its name.

    Raises:
        ImageError: if it exists and must not be replaced.
    """
    if path.exists() and not overwrite:
        raise ImageError(f"{path} already exists", code="exists")


def people_fields(people: People) -> tuple[dict[str, Any], ...]:
    """Return JSON fields of each person: number, times, and the box where the face is seen best."""
    from ....video.people.sheet import best_view

    found = []
    for person in people.persons:
        view = best_view(people, person)
        found.append(
            {
                "number": person,
                "box": [view.box.x, view.box.y, view.box.w, view.box.h],
                "best": round(view.seconds, 3),
                "spans": [[round(time, 3) for time in span] for span in people.spans(person)],
                "tracks": [each.number for each in people.of(person)],
            }
        )
    return tuple(found)
