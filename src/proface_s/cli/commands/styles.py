"""``proface styles``: list the covers to choose from."""

from __future__ import annotations

import dataclasses
import json

import click

from ..options.common import as_json, hidden_debug
from ..text import printable


@click.command("styles", short_help="List the covers to choose from.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@as_json
@hidden_debug
def command(names: tuple[str, ...], as_json: bool, debug: bool) -> int:
    """List the covers that `protect --style` knows, with their strengths."""
    from ...covers import get_style, style_names
    from ...errors import UsageError

    for name in names or style_names():
        try:
            style = get_style(name)
        except UsageError as error:
            if names:
                raise
            click.echo(printable(f"warning: {error.message}"), err=True)  # of another package; list the others
            continue
        if not as_json:
            click.echo(style.describe())
            continue
        low, high = style.strength_range
        click.echo(
            json.dumps(
                {
                    "command": "styles",
                    "name": style.name,
                    "summary": style.summary,
                    "unit": style.unit.text,
                    "more_is_stronger": style.unit.more_is_stronger,
                    "default": style.default_strength,
                    "least": low,
                    "most": high,
                    "weak_limit": style.weak_limit,
                    "shape": style.default_shape,
                    "option": None if style.option is None else dataclasses.asdict(style.option),
                }
            )
        )
    return 0
