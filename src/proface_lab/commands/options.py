"""Options that commands of the lab share."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from proface_s.errors import ProFaceError
from proface_s.flow.cards import DEFAULT_MODEL
from proface_s.hints import hint_for, hinted

from .hints import HINTS

METHODS: Final = (
    f"{DEFAULT_MODEL}, {DEFAULT_MODEL}-cover or another model, model:FOLDER, paper:CHECKPOINT.pt, lsb-avif, share, "
    "or package.module:factory"
)

report_folder = click.option(
    "--report",
    "out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder of the report; an interrupted run continues there.",
)

kind = click.option(
    "--kind",
    type=click.Choice(["auto", "crops", "photos"]),
    default="auto",
    show_default=True,
    help="Whether every picture is a single face (crops), or a photo to find faces in.",
)

seed = click.option("--seed", type=int, default=20261123, show_default=True, help="Seed of all random choices.")

quiet = click.option("--quiet", is_flag=True, help="Print no progress.")


class LabCommand(click.Command):
    """A command whose errors get the hints of the lab, which the command line of the product does not know."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command.

        Raises:
            ProFaceError: as the command raised it, with the lab's hint if there is one.
        """
        try:
            return super().invoke(ctx)
        except ProFaceError as error:
            hinted(error, hint_for(error, HINTS))
            raise
