"""Generate the reference pages from the program itself.

    python tools/reference.py cli        # Markdown of the command-line reference
    python tools/reference.py python     # MyST of the Python reference

The documentation site (docs/conf.py) puts these texts into docs/reference/cli.md and docs/reference/python.md whenever
it is built, so that neither page can be out of date.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click

import proface_s
from proface_s.cli.main import proface
from proface_s.error_codes import ERROR_CODES

SPECIAL = re.compile(r"([\\*_<>\[\]#|$~^])")
OPTION = re.compile(r"(?<![\w`-])(--?[a-zA-Z][\w-]*)")
CODE_SPAN = re.compile(r"(`[^`]+`)")
WIDE = 10_000  # columns: the site wraps lines, not click


class MarkdownFormatter(click.HelpFormatter):
    """A click formatter that writes Markdown: what ``--help`` shows, with headings and definition lists."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the usage line as a code block."""
        self.write(f"```text\n{prog} {args}\n```\n\n")

    def write_heading(self, heading: str) -> None:
        """Write a heading below that of the command."""
        self.write(f"### {heading}\n\n")

    def write_text(self, text: str) -> None:
        r"""Write paragraphs; one that starts with ``\b`` keeps its lines, as click has it."""
        for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
            lines = paragraph.strip().splitlines()
            if lines and lines[0].strip() == "\b":
                block = inspect.cleandoc("\n".join(lines[1:]))
                self.write(f"```text\n{block}\n```\n\n")
            elif lines:
                self.write(escaped(" ".join(line.strip() for line in lines)) + "\n\n")

    def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """Write a definition list."""
        for term, text in rows:
            self.write(f"`{term}`\n: {escaped(text) or '(no text)'}\n\n")


def escaped(text: str) -> str:
    """Escape what Markdown would read as markup, outside code spans; options become code spans."""
    text = " ".join(text.split())
    coded = "".join(part if part.startswith("`") else OPTION.sub(r"`\1`", part) for part in CODE_SPAN.split(text))
    parts = CODE_SPAN.split(coded)
    return "".join(part if part.startswith("`") else SPECIAL.sub(r"\\\1", part) for part in parts)


def commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Yield the program itself and every command: its full name, the command and a context for it."""
    top = click.Context(proface, info_name="proface", **proface.context_settings)
    yield "proface", proface, top
    for name in proface.list_commands(top):
        command = proface.get_command(top, name)
        assert command is not None
        yield f"proface {name}", command, click.Context(command, info_name=name, parent=top, **command.context_settings)


def cli_markdown() -> str:
    """Return the reference of all commands, a section each."""
    parts = []
    for name, command, context in commands():
        formatter = MarkdownFormatter(width=WIDE)
        command.format_help(context, formatter)
        parts.append(f"## {name}\n\n{formatter.getvalue()}")
    return "\n".join(parts)


def groups() -> dict[str, list[str]]:
    """Return the public names of the package by heading."""
    found: dict[str, list[str]] = {"Functions": [], "Classes": [], "Other names": [], "Errors": []}
    for name in sorted(set(proface_s.__all__) - {"__version__"}, key=str.lower):
        value: Any = getattr(proface_s, name)
        if inspect.isclass(value):
            found["Errors" if issubclass(value, BaseException) else "Classes"].append(name)
        else:
            found["Functions" if inspect.isroutine(value) else "Other names"].append(name)
    return {title: names for title, names in found.items() if names}


def python_markdown() -> str:
    """Return the reference of the Python API: a directive for every public name."""
    parts = []
    for title, names in groups().items():
        parts.append(f"## {title}\n")
        if title == "Errors":
            parts.append("```{eval-rst}\n.. automodule:: proface_s.errors\n   :no-index:\n```\n")
        for name in names:
            value = getattr(proface_s, name)
            kind = "function" if inspect.isroutine(value) else "class" if inspect.isclass(value) else "data"
            options = {"class": "\n   :members:\n   :inherited-members: Exception, tuple", "function": "", "data": ""}[
                kind
            ]
            if title == "Errors":
                kind, options = "exception", "\n   :show-inheritance:"
            parts.append(f"```{{eval-rst}}\n.. auto{kind}:: proface_s.{name}{options}\n```\n")
    parts.append(error_codes_markdown())
    return "\n".join(parts)


def error_codes_markdown() -> str:
    """Return the table of all error codes; those of the classes are marked with their class."""
    classes = {
        value.code: name
        for name in proface_s.__all__
        if inspect.isclass(value := getattr(proface_s, name)) and issubclass(value, proface_s.ProFaceError)
    }
    rows = [
        f"| `{code}` | {escaped(meaning)} | {f'`{classes[code]}`' if code in classes else ''} |"
        for code, meaning in sorted(ERROR_CODES.items())
    ]
    head = "`ProFaceError.code` is one of these. A class has a code of its own, which single errors refine."
    return "\n".join(["## Error codes\n", f"{head}\n", "| code | meaning | class |", "|---|---|---|", *rows, ""])


PAGES = {"cli": cli_markdown, "python": python_markdown}

if __name__ == "__main__":
    print(PAGES[sys.argv[1]]())
