"""``proface detect``: what would be protected."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .. import options
from ..options import Manner
from ..text import count

if TYPE_CHECKING:
    from ...api import DetectedFace, Detection
    from ..runner.plan import Task
    from ..runner.report import Report


@click.command("detect", short_help="Show the faces that would be protected.")
@options.inputs
@click.option("--draw", metavar="PATH", help="Also write the photo with numbered boxes; a folder for several inputs.")
@options.boxes
@options.which_faces
@options.overwrite
@options.threads
@options.manner
def command(
    inputs: tuple[Path, ...],
    draw: str | None,
    boxes: tuple[str, ...],
    faces: str,
    overwrite: bool,
    threads: int,
    manner: Manner,
) -> int:
    """Show the faces that `protect` would hide: number, box (x,y,w,h) and score.

    Faces are numbered from 1, left to right, then top to bottom.  Without --faces and --box, these are the numbers
    that `proface protect --faces` takes; with them, the numbers that the protected file will have.
    """
    from ...api import Session
    from ...errors import ImageError
    from ..runner import file_filters
    from ..runner.pipes import STDIN, read_stdin
    from ..runner.plan import make_plan
    from ..runner.report import Speaker
    from ..runner.run import run_plan

    by_hand, wanted = options.parse_boxes(boxes), options.parse_selection(faces)
    plan = make_plan(
        inputs,
        file_filters.photos,
        suffix=".faces.png" if draw is not None else None,
        output=draw,
        overwrite=overwrite,
        nothing=ImageError("there are no pictures in this folder"),
        option="--draw",
        pipes=draw is None,
    )
    session = Session(threads=threads)

    def work(task: Task) -> Report:
        found = session.detect(
            read_stdin() if task.source is STDIN else task.source,
            boxes=by_hand,
            faces="all" if wanted is None else wanted,
        )
        if found.faces and task.target is not None:
            _draw(task, found, overwrite)
        return _report(task, found)

    return run_plan(plan, work, Speaker("detect", manner))


def _draw(task: Task, found: Detection, overwrite: bool) -> None:
    from ...image.write import encode_png, write_atomic
    from ...types import Picture
    from ..runner.pipes import STDIN

    assert task.target is not None
    like = None if task.source is STDIN else task.source
    write_atomic(task.target, encode_png(Picture(rgb=found.picture)), overwrite=overwrite, like=like)


def _report(task: Task, found: Detection) -> Report:
    from ...errors import NoFaceError
    from ..runner.report import Report

    if not found.faces:
        missing = "; ".join((f"no face found in {task.source}", *found.warnings))
        raise NoFaceError(missing, "give it to `proface protect` by hand: --box X,Y,W,H")
    shifted = any(face.found != face.number for face in found.faces)
    return Report(
        "detected",
        task.source,
        task.target,
        tuple(
            {
                "number": f.number,
                "box": [f.box.x, f.box.y, f.box.w, f.box.h],
                "score": round(f.score, 3),
                **({"found": f.found} if shifted else {}),
            }
            for f in found.faces
        ),
        extra={"size": list(found.size), "regions": [[r.x, r.y, r.w, r.h] for r in found.regions]},
        summary=f"{task.source}: {count(len(found.faces), 'face')}, {count(len(found.regions), 'region')}"
        + (f" -> {task.target}" if task.target else ""),
        answer=tuple(map(_line, found.faces)),
        warnings=found.warnings,
    )


def _line(face: DetectedFace) -> str:
    origin = "  by hand" if face.found is None else f"  found as {face.found}" if face.found != face.number else ""
    return f"{face.number:>3}  {face.box!s:<22} {face.score:.2f}{origin}"
