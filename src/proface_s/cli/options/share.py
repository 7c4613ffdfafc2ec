"""Options of share copies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from ...hints import hinted
from ...robust.regions import REGIONS
from .common import in_order

if TYPE_CHECKING:
    from ...api.share.options import ShareOptions

SIZES = ("1600", "1280", "2048", "keep")


@dataclass(frozen=True, slots=True)
class ShareChoice:
    """What the options of share copies say.

    Attributes:
        region: what carries the faces.
        size: longer side, one of `SIZES`.
        file_format: ``jpeg`` or ``png``.
        only: write the share copy alone.
        inside: write it into the protected file.
    """

    region: str
    size: str
    file_format: str
    only: bool
    inside: bool

    def options(self) -> ShareOptions:
        """Return them as the library has them."""
        from ...api.share.options import ShareOptions

        return ShareOptions(
            region=next(each for each in REGIONS if each == self.region),
            long_side=None if self.size == "keep" else int(self.size),
            file_format="png" if self.file_format == "png" else "jpeg",
            inside=self.inside,
        )


def share_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add the options of share copies; the command gets ``share``, a `ShareChoice`, or None if none is to be made."""

    @wraps(function)
    def bundled(
        *,
        robust: bool,
        share_only: bool,
        share_inside: bool,
        share_region: str,
        share_size: str | None,
        share_format: str | None,
        **rest: Any,
    ) -> int:
        if share_inside:
            given = {"--share-only": share_only, "--share-size": share_size, "--share-format": share_format}
            _check_inside([option for option, value in given.items() if value])
        choice = ShareChoice(share_region, share_size or SIZES[0], share_format or "jpeg", share_only, share_inside)
        return function(share=choice if robust or share_only or share_inside else None, **rest)

    return in_order(
        click.option(
            "--robust",
            is_flag=True,
            help="Also write NAME.share.jpg to send: smaller copies of the faces survive in it when an app compresses "
            "or resizes it.",
        ),
        click.option(
            "--share-only",
            is_flag=True,
            help="Write NAME.share.jpg alone, and no protected file: the exact faces are then in the original only.",
        ),
        click.option(
            "--share-inside",
            is_flag=True,
            help="Hide the smaller copies in the protected file itself, a PNG of the photo's own size, instead of "
            "writing NAME.share.jpg: exact if it arrives as it is, reduced after an app.",
        ),
        click.option(
            "--share-region",
            type=click.Choice(REGIONS),
            default="photo",
            show_default=True,
            help="What carries the faces of the share copy: a fine grain in the whole photo, only around the faces, or "
            "a stronger one in their boxes alone.",
        ),
        click.option(
            "--share-size",
            type=click.Choice(SIZES),
            show_default=SIZES[0],
            help="Longer side of the share copy in pixels; apps leave these sizes alone.",
        ),
        click.option(
            "--share-format",
            type=click.Choice(("jpeg", "png")),
            show_default="jpeg",
            help="Format of the share copy.",
        ),
    )(bundled)


def _check_inside(others: Sequence[str]) -> None:
    """Refuse options of a share copy in a file of its own where it goes into the protected file.

    Raises:
        UsageError: if one of them was given.
    """
    from ...errors import UsageError

    if others:
        raise hinted(
            UsageError(f"{others[0]} and --share-inside cannot be given together"),
            "with --share-inside, the share copy is the protected file, of the photo's own size",
        )


def share_copies(function: Callable[..., int]) -> Callable[..., int]:
    """Add the option to look for share copies in folders; the command gets ``share_copies``."""
    return click.option(
        "--share-copies",
        is_flag=True,
        help="In folders, also take share copies, whatever they are called: looks into every picture.",
    )(function)
