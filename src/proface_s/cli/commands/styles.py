"""``proface styles``: the covers to choose from."""

from __future__ import annotations

import json

import click

from .. import options
from ..text import printable


@click.command("styles", short_help="List the covers to choose from.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@options.as_json
@click.option("--debug", is_flag=True, hidden=True)
def command(names: tuple[str, ...], as_json: bool, debug: bool) -> int:
    """List the styles that `protect --style` knows, with their strengths."""
    from ...covers import get_style, style_names
    from ...errors import UsageError

    for name in names or style_names():
        try:
            style = get_style(name)
        except UsageError as error:
            if names:
                raise
            click.echo(printable(f"warning: {error.message}"), err=True)  # another package's; the others are listed
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
                }
            )
        )
    return 0
