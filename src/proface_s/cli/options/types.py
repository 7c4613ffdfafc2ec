"""Types of command-line values.  Text is parsed here, once; a command gets what the API takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ...types import Box, Style
    from ...video.people.corrections import TimedBox

PATH = click.Path(path_type=Path)


class InputPath(click.Path):
    """An input file or folder; ``-`` is stdin.

    An empty path is refused: ``"$UNSET"`` must not mean the current folder.  Whether a file can be read is checked
    later, together with the other inputs, so that a fault of one does not stop the rest.
    """

    def __init__(self) -> None:
        super().__init__(path_type=Path, readable=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, or `STDIN`."""
        if not value:
            self.fail("a file name is empty", param, ctx)
        if value == "-":
            from ..runner.stdio import STDIN

            return STDIN
        if "://" in str(value):
            from ...errors import masked_url

            self.fail(f"{masked_url(str(value))} is a URL; only `proface protect --engine` reads URLs", param, ctx)
        return super().convert(value, param, ctx)


class PathOrUrl(InputPath):
    """An input path, or a URL, which stays text: as a path, ``s3://`` would lose a slash."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a path, `STDIN`, or the text of a URL."""
        return value if "://" in str(value) else super().convert(value, param, ctx)


class FileDescriptor(click.ParamType):  # type: ignore[type-arg]
    """Number of an open file descriptor; a wrong value is not repeated, because it might be a passphrase."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return a number of at least 0."""
        text = str(value)
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            self.fail("it must be the number of an open file descriptor", param, ctx)
        return int(text)


class FaceNumbers(click.ParamType):  # type: ignore[type-arg]
    """Numbers of faces in a file, from 1: ``2`` or ``1,3``."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Return the numbers, in the order given."""
        parts = [part.strip() for part in str(value).split(",")]
        if not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts):
            self.fail("faces are given by number, such as 2 or 1,3", param, ctx)
        numbers = tuple(int(part) for part in parts)
        if 0 in numbers:
            self.fail("there is no face 0: faces are counted from 1, left to right", param, ctx)
        return numbers


class SingleFaceNumber(FaceNumbers):
    """Number of one face in a file, from 1."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number."""
        if isinstance(value, int):  # click also converts what it has converted already
            return value
        numbers = super().convert(value, param, ctx)
        if len(numbers) != 1:
            self.fail("give the number of one face", param, ctx)
        return numbers[0]


class FaceSelection(click.ParamType):  # type: ignore[type-arg]
    """Which of the detected faces to protect: ``all``, ``none``, or numbers from 1, such as ``1,3``."""

    name = "which"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...] | None:
        """Return the numbers, ascending; None for all faces."""
        from ...faces.numbering import parse_selection

        return parse_selection(value)


class BoxText(click.ParamType):  # type: ignore[type-arg]
    """A rectangle, ``x,y,w,h`` in pixels of the upright picture; of clips also ``from-to:x,y,w,h``."""

    name = "box"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Box | TimedBox:
        """Return the box."""
        from ...faces import parse_box

        if ":" in str(value):
            from ...video.people.corrections import parse_timed_box

            return parse_timed_box(value)
        return parse_box(value)


class StyleText(click.ParamType):  # type: ignore[type-arg]
    """A cover, ``name[:option][:strength][@shape]``."""

    name = "style"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Style:
        """Return the style."""
        from ...covers import parse_style

        return parse_style(value) if isinstance(value, str) else value
