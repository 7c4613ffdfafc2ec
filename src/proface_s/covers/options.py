"""Options of cover styles, described so that help texts and forms can offer them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True, slots=True)
class StyleOption:
    """What the option of a style may be: one of some names, a colour, or a file.

    Attributes:
        label: what is chosen, e.g. "sticker".
        choices: names to choose from.
        default: the choice, or the colour, that stands for no option; None if no option is a choice of its own.
        colour: whether a colour as ``#rrggbb`` is an option.
        file: which path is an option, in words, e.g. "the path of a picture"; the style reads the file.  Empty if none.
        required: whether there is no cover without an option.
    """

    label: str
    choices: tuple[str, ...] = ()
    default: str | None = None
    colour: bool = False
    file: str = ""
    required: bool = False

    def accepts(self, option: str) -> bool:
        """Return whether an option is one of the choices or a colour; a file is the style's to judge."""
        return option in self.choices or (self.colour and _COLOUR.fullmatch(option) is not None)

    def describe(self) -> str:
        """Return the possibilities in words, e.g. "sticker: cat, panda (default panda), or the path of a picture"."""
        ways = (
            [", ".join(self.choices) + (f" (default {self.default})" if self.default else "")] if self.choices else []
        )
        ways += ["#rrggbb"] if self.colour else []
        ways += [self.file] if self.file else []
        return f"{self.label}: {', or '.join(ways)}"
