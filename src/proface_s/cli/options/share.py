"""Options of share copies."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from .common import in_order

SIZES = ("1600", "1280", "2048", "keep")


def share_options(function: Callable[..., int]) -> Callable[..., int]:
    """Add the options of share copies; the command gets ``share``, their text, or None if none is to be made."""

    @wraps(function)
    def bundled(*, robust: bool, share_region: str, share_size: str, share_format: str, **rest: Any) -> int:
        return function(share=(share_region, share_size, share_format) if robust else None, **rest)

    return in_order(
        click.option(
            "--robust",
            is_flag=True,
            help="Also write NAME.share.jpg to send: smaller copies of the faces survive in it when an app compresses "
            "or resizes it.",
        ),
        click.option(
            "--share-region",
            type=click.Choice(("photo", "halo")),
            default="photo",
            show_default=True,
            help="What carries the faces of the share copy: a fine grain in the whole photo, or only around the faces.",
        ),
        click.option(
            "--share-size",
            type=click.Choice(SIZES),
            default="1600",
            show_default=True,
            help="Longer side of the share copy in pixels; apps leave these sizes alone.",
        ),
        click.option(
            "--share-format", type=click.Choice(("jpeg", "png")), default="jpeg", help="Format of the share copy."
        ),
    )(bundled)
