"""``proface inspect``: show what a protected file tells without a key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...wording import counted
from ..options.common import OutputOptions, inputs, output_options
from ..options.share import share_copies
from ..text import position

if TYPE_CHECKING:
    from ...api import Inspection
    from ..runner.plan import FileTask
    from ..runner.report import TaskReport


@click.command("inspect", short_help="Show what is in a protected file, without a key.")
@inputs
@share_copies
@output_options
def command(inputs: tuple[Path, ...], share_copies: bool, output_options: OutputOptions) -> int:
    """Show what is in protected files, without a key."""
    from ...api import inspect
    from ..runner.clips.reading import inspect_one_clip
    from ..runner.clips.task import ByMedium, checked_for_clips
    from ..runner.report import Reporter
    from ..runner.run import run_plan
    from ..runner.special_plans import plan_reading
    from ..runner.stdio import STDIN, read_stdin

    def photos(task: FileTask) -> TaskReport:
        return _report(task, inspect(read_stdin() if task.source is STDIN else task.source))

    plan = checked_for_clips(plan_reading(inputs, pipes=True, share_copies=share_copies), {})
    return run_plan(plan, ByMedium(photos, inspect_one_clip), Reporter("inspect", output_options))


def _report(task: FileTask, found: Inspection) -> TaskReport:
    from ..runner.report import TaskReport

    return TaskReport(
        "protected",
        task.source,
        faces=tuple(
            {
                "number": f.number,
                "box": [f.box.x, f.box.y, f.box.w, f.box.h],
                "style": f.style,
                "sealed": f.sealed,
                **({"fallback": f.fallback} if f.fallback else {}),
                **({"synthetic": True} if f.synthetic else {}),
            }
            for f in found.faces
        ),
        extra={
            "version": found.version,
            "size": list(found.size),
            "model": found.model,
            "model_id": found.model_id,
            "kdf": list(found.kdf),
            "groups": found.groups,
            "stripped": list(found.stripped),
            "recipients": found.recipients,
            "wrong_key": found.wrong_key,
            "forgotten": list(found.forgotten),
            "members": list(found.members),
            "source": found.source,
            "lost": list(found.lost),
            **_share_facts(found),
        },
        warnings=found.warnings,
        answer=tuple(_lines(task.source, found)),
    )


def _lines(source: Path, found: Inspection) -> list[str]:
    if found.source == "share":
        return _share_lines(source, found)
    model = found.model or "not installed here"
    lines = [
        f"{source}: protected, format version {found.version}",
        *(["  metadata    missing; this was read from the records in the pixels"] * (found.source == "pixels")),
        f"  picture     {found.size[0]}x{found.size[1]}",
        f"  model       {model} ({found.model_id})"
        if model != "none"
        else "  model       none: the originals are sealed as JPEG coefficients",
        *(f"  passphrase  {kdf}" for kdf in found.kdf),
        *([f"  recipients  {found.recipients}"] if found.recipients else []),
        *(["  wrong key   gives the cover; nothing here tells whether a key is right"] * (found.wrong_key == "cover")),
        f"  faces       {len(found.faces)}" + (f" in {counted(found.groups, 'group')}" if found.groups > 1 else ""),
    ]
    for index, face in enumerate(found.faces):
        seal = "sealed" if face.sealed else "seal stripped" if face.number in found.stripped else "no seal"
        state = "forgotten" if face.number in found.forgotten else "no record" if face.number in found.lost else seal
        group = f"  group {found.members[index]}" if found.groups > 1 else ""
        where = position(face.box, found.size)
        lines.append(f"  {face.number:>4}  {face.box!s:<22} {where:<14} {face.shown:<16} {state}{group}")
    if found.inside_bytes:
        lengths = " and ".join(map(str, sorted(set(found.inside_bytes))))
        count = counted(len(found.inside_bytes), "face")
        lines.append(f"  share copy  in this file: {count}, reduced, likenesses from {lengths} bytes")
    return lines


def _share_lines(source: Path, found: Inspection) -> list[str]:
    received = found.received_size or found.size
    lines = [
        f"{source}: share copy, {counted(len(found.faces), 'face')}, reduced",
        f"  picture     {received[0]}x{received[1]}, written at {found.size[0]}x{found.size[1]}",
        *(f"  passphrase  {kdf}" for kdf in found.kdf),
        *([f"  recipients  {found.recipients}"] if found.recipients else []),
    ]
    for index, face in enumerate(found.faces):
        group = f"  group {found.members[index]}" if found.groups > 1 else ""
        left = found.likeness_bytes[index]
        state = f"a likeness from {left} bytes" if left else "too little is left"
        lines.append(f"  {face.number:>4}  {face.box!s:<22} {position(face.box, received):<14} {state}{group}")
    return lines


def _share_facts(found: Inspection) -> dict[str, Any]:
    """Return the JSON fields that only a share copy has, or a file that carries one."""
    if found.received_size is None:
        return {"inside_bytes": list(found.inside_bytes)} if found.inside_bytes else {}
    return {"received_size": list(found.received_size), "likeness_bytes": list(found.likeness_bytes)}
