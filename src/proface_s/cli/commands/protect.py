"""``proface protect``: hide the faces of photos."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...hints import hinted
from ..options.clips import (
    ClipChoices,
    PeopleOptions,
    about_one_clip,
    clip_options,
    people_options,
    photo_boxes,
    untimed_boxes,
)
from ..options.common import (
    OutputOptions,
    PlanOptions,
    boxes,
    file_format,
    in_order,
    jobs,
    output_options,
    plan_options,
    quality,
    search_options,
    threads,
    which_faces,
)
from ..options.engine import EngineOptions, engine_options, inputs_or_urls, only_paths
from ..options.keys import FaceLockSources, OrderedCommand, face_locks, identities_to_check
from ..options.settings import ProtectSettings
from ..options.share import ShareChoice, share_options
from ..options.types import StyleText

if TYPE_CHECKING:
    from ...api.face_search import FaceSearch
    from ...types import Style, WrongKey
    from ..runner.clips.protect import ClipRequest
    from ..runner.plan import Plan
    from ..runner.run import Work


def protect_settings(function: Callable[..., int]) -> Callable[..., int]:
    """Add what an output depends on, apart from its keys; the command gets the fields of `ProtectOptions`."""

    @wraps(function)
    def bundled(
        *, no_seal: bool, sidecar: bool, sidecar_only: bool, no_record: bool, strict: bool, **values: Any
    ) -> int:
        values["style"] = _style(values["style"], strict)
        names = ("style", "boxes", "faces", "keep_metadata", "allow_no_face", "wrong_key", "file_format", "quality")
        settings = ProtectSettings(
            seal=False if no_seal else None,
            sidecar="instead" if sidecar_only else "also" if sidecar else "none",
            record=not no_record,
            model=values.pop("model"),
            **{name: values.pop(name) for name in names},  # type: ignore[typeddict-item]
        )
        return function(settings=settings, **values)

    return in_order(
        click.option(
            "--style",
            type=StyleText(),
            metavar="NAME[:STRENGTH][@SHAPE]",
            help="Cover of the faces, blur by default; `proface styles` lists them.  @oval covers the head, @box also "
            "its surroundings.",
        ),
        click.option(
            "--strict",
            is_flag=True,
            help="Use the strongest cover, solid@box: nothing of face, hair and colours is seen.",
        ),
        boxes,
        which_faces,
        click.option(
            "--no-seal",
            is_flag=True,
            help="Store no exact copy of the faces: smaller files, but recovery is only an estimate.",
        ),
        click.option("--keep-metadata", is_flag=True, help="Keep author, copyright and date; all else is removed."),
        click.option("--allow-no-face", is_flag=True, help="Copy photos without a face unchanged, instead of failing."),
        click.option(
            "--wrong-key",
            type=click.Choice(("noise", "cover")),
            help="What a wrong key gives; by default noise, if the model has that mode.  noise: an error (with "
            "`recover --force`, noise).  cover: the covered face, without an error; nothing in the file then tells a "
            "right key from a wrong one.",
        ),
        file_format,
        quality,
        click.option("--sidecar", is_flag=True, help="Also write header and seals to NAME.pfs beside the output."),
        click.option("--sidecar-only", is_flag=True, help="Write header and seals to NAME.pfs, not into the output."),
        click.option(
            "--no-record",
            is_flag=True,
            help="Write no records into the pixels; without metadata and sidecar, faces are then lost.",
        ),
        click.option("--model", metavar="NAME", help="Model that hides the faces; an unknown name lists them."),
    )(bundled)


def _style(style: Style | None, strict: bool) -> Style:
    """Return the cover that was asked for.

    Raises:
        UsageError: if two were.
    """
    from ...covers import STRICTEST
    from ...errors import UsageError
    from ...types import Style

    if strict and style is not None:
        raise hinted(UsageError("--strict and --style cannot be given together"), "leave one of them out")
    return STRICTEST if strict else style or Style("blur")


@click.command("protect", cls=OrderedCommand, short_help="Hide the faces of photos.")
@inputs_or_urls
@plan_options
@click.option(
    "--publish",
    metavar="PATH",
    help="Also write the covers alone to this file (for a folder or several inputs: folder).  Nothing is hidden or "
    "sealed in it: nobody can ever open it.",
)
@protect_settings
@share_options
@people_options
@clip_options
@search_options
@face_locks
@identities_to_check
@jobs
@threads
@engine_options
@output_options
def command(
    inputs: tuple[Path | str, ...],
    plan_options: PlanOptions,
    publish: str | None,
    settings: ProtectSettings,
    share: ShareChoice | None,
    people: PeopleOptions,
    clip: ClipChoices,
    search: FaceSearch,
    locks: FaceLockSources,
    identities: tuple[Path, ...],
    jobs: int,
    threads: int,
    engine: EngineOptions,
    output_options: OutputOptions,
) -> int:
    """Hide the faces of photos and clips; writes NAME.protected.jpg (.png, .webp, .tif, .mp4) beside each.

    Asks for a passphrase twice; an empty answer generates one.  The tree of a folder is mirrored in the output folder.
    `-` is stdin or, as an output, stdout.

    Faces are numbered from 1, left to right, then top to bottom.

    \b
    Give some faces keys of their own; keys named before the first --face open the others:
    proface protect party.jpg --passphrase-file mine --face 2 --passphrase-file bobs --face 3 -r age1...

    \b
    Protect a collection on an engine, for public keys only; the same command continues an interrupted run:
    proface protect s3://bucket/photos -o s3://bucket/protected -r age1... --engine dask --scheduler tcp://...

    \b
    Protect a clip, in which people are numbered by when they come:
    proface protect clip.mp4 --faces 1,3 --same 3,7
    """
    from ...api.options import ProtectOptions
    from ...errors import UsageError
    from ...processes import threads_per_process
    from ..runner.keys import read_identity_files, read_locks
    from ..runner.protect_task import ProtectTask
    from ..runner.report import Reporter
    from ..runner.run import run_hopeless, run_plan
    from ..runner.special_plans import with_published, with_share_copies

    reporter = Reporter("protect", output_options)
    threads = threads_per_process(threads, jobs)
    if identities and not plan_options.resume:
        raise hinted(
            UsageError("--identity does nothing without --resume"), "recipients' public keys are given with -r"
        )
    settings["search"], settings["share"] = search, share.options() if share else None
    if engine.name is not None:
        from ..runner.clips.protect import clip_request
        from ..runner.engine_run import run_on_engine

        refused = about_one_clip(people, settings["boxes"]) | {
            "--wrong-key cover": (settings["wrong_key"] or _first_mode(settings["model"])) == "cover",
            "--sidecar": settings["sidecar"] != "none",
            "--share-only": share is not None and share.only,
            "--identity": bool(identities),
        }
        where = (engine, inputs, plan_options, publish)
        clips = clip_request(settings, people, clip)
        settings["boxes"] = untimed_boxes(settings["boxes"])
        return run_on_engine(*where, locks, settings, clips, reporter, refused=refused, jobs=jobs, threads=threads)
    paths = only_paths(inputs, engine)
    plan = _make_plan(paths, plan_options, settings, share, locks, output_options)
    plan, request = _with_clips(plan, settings, people, clip, {"--publish": publish is not None, "--robust": share})
    plan = with_published(plan, paths, publish, plan_options)
    if settings["share"] is not None and not (share and share.only):
        plan = with_share_copies(plan, settings["share"], plan_options)
    if plan.hopeless:
        return run_hopeless(plan, reporter)
    lock, own = read_locks(locks, reporter.warn)
    known = read_identity_files(identities, reporter.warn)
    options = ProtectOptions(lock=lock, own=own, **settings)
    alone = share is not None and share.only
    work: Work = ProtectTask(options, plan_options.resume, known, plan_options.overwrite, threads, alone)
    if request is not None:
        from ..runner.clips.protect import ProtectClipTask
        from ..runner.clips.task import ByMedium, shows_frames

        shown = shows_frames(plan, reporter)
        work = ByMedium(work, ProtectClipTask.of(request, (lock, own), plan_options, threads=threads, shown=shown))
    return run_plan(plan, work, reporter, jobs=jobs)


def _with_clips(
    plan: Plan, settings: ProtectSettings, people: PeopleOptions, clip: ClipChoices, refused: Mapping[str, object]
) -> tuple[Plan, ClipRequest | None]:
    """Return the plan, in which clips that cannot be protected have failed, and what is asked for the others.

    The settings are left with what is for photos.

    Raises:
        UsageError: if an option is for clips and there are none, or is about one clip and there are several.
    """
    from ...video.clip_names import is_clip_name

    if not any(is_clip_name(task.source) for task in plan.tasks):
        settings["boxes"] = photo_boxes(people, settings["boxes"], clip.given)
        return plan, None
    from ..runner.clips.protect import clip_request
    from ..runner.clips.task import check_one_clip, checked_for_clips

    check_one_clip(plan, about_one_clip(people, settings["boxes"]))
    request = clip_request(settings, people, clip)
    given = {option: bool(was) for option, was in refused.items()}
    of_photos = {
        "--format": settings["file_format"] is not None,
        "--model": settings["model"] is not None,
        "--allow-no-face": settings["allow_no_face"],
    }
    settings["boxes"] = untimed_boxes(settings["boxes"])
    return checked_for_clips(plan, given, of_photos), request


def _check_alone(settings: ProtectSettings) -> None:
    """Refuse options of a protected file where only the share copy is written.

    Raises:
        UsageError: if one of them was given.
    """
    from ...errors import UsageError

    refused = {
        "--sidecar": (settings["sidecar"] != "none", "a sidecar belongs to a protected file"),
        "--allow-no-face": (settings["allow_no_face"], "a photo without a face has no share copy"),
        "--format": (settings["file_format"] is not None, "give the format of the share copy with --share-format"),
    }
    for option, (was_given, why) in refused.items():
        if was_given:
            raise hinted(UsageError(f"{option} and --share-only cannot be given together"), why)


def _first_mode(model: str | None) -> WrongKey:
    """Return the mode of new files if the user names none: the first one that the model has."""
    if model is None:
        return "noise"
    from ...flow.registry import open_model

    return open_model(model).wrong_key_modes[0]


def _make_plan(
    inputs: tuple[Path, ...],
    plan_options: PlanOptions,
    settings: ProtectSettings,
    share: ShareChoice | None,
    locks: FaceLockSources,
    output_options: OutputOptions,
) -> Plan:
    """Plan the run, and check that pipes can do it."""
    from ...api.files.kinds import PROTECTED_SUFFIX, output_kind
    from ...api.files.reasons import check_jpeg, pixels_reason
    from ...api.share.protect_share import share_suffix
    from ...errors import ImageError, UsageError
    from ...video.clip_names import is_clip_name
    from ..runner.file_filters import photos_and_clips
    from ..runner.plan import make_plan
    from ..runner.special_plans import check_names, suffix_for
    from ..runner.stdio import STDOUT, check_pipes

    empty = ImageError("there are no pictures in this folder")
    inside = share is not None and share.inside
    reason = pixels_reason(
        seal=settings["seal"], wrong_key=settings["wrong_key"], model=settings["model"], inside=inside
    )
    if settings["file_format"] == "jpeg":
        check_jpeg(reason)

    alone = settings.get("share") if share is not None and share.only else None
    if alone is not None:
        _check_alone(settings)

    def suffix(source: Path) -> str:
        if alone is not None and not is_clip_name(source):
            return share_suffix(alone)
        return suffix_for(
            source, PROTECTED_SUFFIX, lambda: output_kind(source, None, settings["file_format"], lambda: reason)[0]
        )

    plan = make_plan(inputs, photos_and_clips, plan_options, suffix=suffix, empty_folder=empty, pipes=True)
    if alone is not None:
        check_names(plan, alone)
    for task in plan.tasks[:1]:
        check_pipes(task.source, task.target, as_json=output_options.as_json, descriptors=locks.passphrases)
        shared = share is not None and not (alone or inside)
        beside = "a sidecar" if settings["sidecar"] != "none" else "a share copy" if shared else None
        if task.target is STDOUT and beside:
            raise hinted(
                UsageError(f"{beside} is written beside a file, and stdout is not one"), "name an output file with -o"
            )
    return plan
