"""``proface detect``: show what `protect` would hide."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...hints import hinted
from ...wording import counted
from ..options.clips import PeopleOptions, people_options, photo_boxes
from ..options.common import (
    OutputOptions,
    PlanOptions,
    boxes,
    file_format,
    inputs,
    output_options,
    overwrite,
    search_options,
    threads,
    which_faces,
)
from ..options.types import PATH, StyleText

if TYPE_CHECKING:
    from ...api import DetectedFace, Detection, Session
    from ...api.face_search import FaceSearch
    from ...image.write import OutputFormat
    from ...types import Box, Style
    from ...video.people.corrections import TimedBox
    from ..runner.plan import FileTask
    from ..runner.report import TaskReport
    from ..runner.worklist import Worklist


_draw = click.option(
    "--draw",
    metavar="PATH",
    help="Also write the photo with the regions that would be hidden, numbered; dashed if their detection is weak "
    "(score under .6).  A folder for several inputs.",
)

_sheet = click.option(
    "--sheet",
    metavar="FILE",
    type=PATH,
    help="Also write a list of the photos to look at before they are published (.html or .png): without a face, with "
    "weak detections, or with a large skin-coloured area that holds no face.  Of a clip: a contact sheet (.png), one "
    "picture a person.",
)

_output = click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=PATH,
    help="Of a clip: write who is where to this file (JSON), which --people reads and which may be corrected by hand.",
)


_style = click.option(
    "--style",
    type=StyleText(),
    metavar="NAME",
    help="Also tell which faces this cover of `protect` would blur instead, and why: swap shows no new face where it "
    "cannot see the old one well.",
)


@click.command("detect", short_help="Show the faces that would be protected.")
@inputs
@_output
@_draw
@_sheet
@boxes
@which_faces
@people_options
@search_options
@_style
@file_format
@overwrite
@threads
@output_options
def command(
    inputs: tuple[Path, ...],
    output: Path | None,
    draw: str | None,
    sheet: Path | None,
    boxes: tuple[Box | TimedBox, ...],
    faces: tuple[int, ...] | None,
    people: PeopleOptions,
    search: FaceSearch,
    style: Style | None,
    file_format: OutputFormat | None,
    overwrite: bool,
    threads: int,
    output_options: OutputOptions,
) -> int:
    """Show the faces that `protect` would hide: number, box (x,y,w,h) and score.

    Faces are numbered from 1, left to right, then top to bottom.  Without --faces and --box, these are the numbers
    that `proface protect --faces` takes; with them, the numbers that the protected file will have.

    In a clip, people are numbered from 1 by when they come.  Look at the contact sheet, then correct what was found:

    \b
    proface detect clip.mp4 -o people.json --sheet people.png
    proface detect clip.mp4 --people people.json --same 3,7 --box 0:12-0:15:410,220,96,128 -o people2.json
    """
    from ...api import Session
    from ...errors import ImageError
    from ...video.clip_names import is_clip_name
    from ..runner import file_filters
    from ..runner.plan import make_plan
    from ..runner.report import Reporter
    from ..runner.run import run_plan
    from ..runner.worklist import Worklist

    if any(map(is_clip_name, inputs)):
        from ..runner.clips.detect import detect_clip

        clip, corrections = _only_clip(inputs, draw), people.corrections(faces, boxes)
        return detect_clip(
            clip, people, corrections, search,
            output=output, sheet=sheet, overwrite=overwrite, threads=threads, output_options=output_options,
        )  # fmt: skip
    untimed = photo_boxes(people, boxes, {"--output": output is not None})
    plan = make_plan(
        inputs,
        file_filters.photos,
        PlanOptions(draw, overwrite=overwrite),
        suffix=".faces.png" if draw is not None else None,
        empty_folder=ImageError("there are no pictures in this folder"),
        output_option="--draw",
        pipes=draw is None,
    )
    worklist = Worklist(sheet, overwrite) if sheet is not None else None
    task = _DetectTask(Session(threads=threads), untimed, faces, search, style, file_format, overwrite, worklist)
    code = run_plan(plan, task, Reporter("detect", output_options))
    if worklist is not None:
        worklist.write()
    return code


def _only_clip(inputs: tuple[Path, ...], draw: str | None) -> Path:
    """Return the clip that is to be looked at.

    Raises:
        UsageError: if there are other inputs, or something is to be drawn.
    """
    from ...errors import UsageError

    if len(inputs) > 1:
        raise hinted(UsageError("a clip is looked at by itself"), "name one clip, and nothing else")
    if draw is not None:
        raise hinted(UsageError("--draw is for photos"), "see who is in a clip on its contact sheet: --sheet FILE.png")
    return inputs[0]


@dataclass(frozen=True, slots=True)
class _DetectTask:
    """Detects the faces of a task's photo, and draws them if it has a target."""

    session: Session
    boxes: tuple[Box, ...]
    faces: tuple[int, ...] | None
    search: FaceSearch
    style: Style | None
    file_format: OutputFormat | None
    overwrite: bool
    worklist: Worklist | None

    def __call__(self, task: FileTask) -> TaskReport:
        from ...errors import NoFaceError
        from ...image.write import encode_png, write_atomic
        from ...types import Picture
        from ..runner.stdio import STDIN, read_stdin

        image = read_stdin() if task.source is STDIN else task.source
        faces = "all" if self.faces is None else self.faces
        found = self.session.detect(
            image,
            boxes=self.boxes,
            faces=faces,
            file_format=self.file_format,
            style=self.style,
            **asdict(self.search),
        )
        if self.worklist is not None:
            self.worklist.add(task.source, found)
        if not found.faces:
            message = "; ".join((f"no face found in {task.source}", *found.warnings))
            raise hinted(NoFaceError(message), "mark it for `proface protect` with --box X,Y,W,H")
        if task.target is not None:
            like = None if task.source is STDIN else task.source
            drawing = encode_png(Picture(rgb=found.picture))
            write_atomic(task.target, drawing, overwrite=self.overwrite, like=like)
        return _report(task, found)


def _report(task: FileTask, found: Detection) -> TaskReport:
    from ..runner.report import TaskReport

    renumbered = any(face.found != face.number for face in found.faces)
    return TaskReport(
        "detected",
        task.source,
        task.target,
        tuple(
            {
                "number": f.number,
                "box": [f.box.x, f.box.y, f.box.w, f.box.h],
                "score": round(f.score, 3),
                **({"source": f.source} if f.source else {}),
                **({"found": f.found} if renumbered else {}),
                **({"fallback": found.fallbacks[f.number]} if f.number in found.fallbacks else {}),
            }
            for f in found.faces
        ),
        extra={
            "size": list(found.size),
            "regions": [[r.x, r.y, r.w, r.h] for r in found.regions],
            **({"smallest": round(found.smallest, 1)} if found.smallest is not None else {}),
        },
        summary=f"{task.source}: {counted(len(found.faces), 'face')}, {counted(len(found.regions), 'region')}"
        + (f" -> {task.target}" if task.target else ""),
        answer=tuple(_line(face, found.fallbacks.get(face.number)) for face in found.faces),
        warnings=tuple(f"{warning}; --thorough looks closer" for warning in found.warnings),
    )


def _line(face: DetectedFace, fallback: str | None) -> str:
    from ...covers import FALLBACKS

    origin = "  by hand" if face.found is None else f"  found as {face.found}" if face.found != face.number else ""
    weak = "  weak" if face.weak else ""
    blurred = "" if fallback is None else f"  would be blurred: {FALLBACKS[fallback]}"
    return f"{face.number:>3}  {face.box!s:<22} {face.score:.2f}{origin}{weak}{blurred}"
