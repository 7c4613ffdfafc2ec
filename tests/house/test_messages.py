"""Case U4: the library states facts; only the command line speaks of options, and only the page of its elements."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import proface_s
from proface_s.cli.hints import HINTS
from proface_s.cli.hints import command_line_hint as cli_hint
from proface_s.errors import ImageError, NoFaceError, ProFaceError
from proface_s.web.hints import HINTS as PAGE_HINTS
from proface_s.web.hints import hint_of as page_hint

SOURCE = Path(proface_s.__file__).parents[1]
PACKAGES = ("proface_s", "proface_lab")
SURFACES = ("proface_s/cli/", "proface_lab/commands/")
NO_MESSAGES = {  # texts that nobody is shown
    ("proface_lab/evaluation/report/plots.py", "--"): "the style of a line",
    ("proface_lab/evaluation/measures/quality.py", "proface evaluation"): "part of a seed",
    ("proface_lab/evaluation/report/report.py", "--always"): "an option of git",
    ("proface_lab/evaluation/report/report.py", "--dirty=+"): "likewise",
    ("proface_lab/evaluation/report/report.py", "--abbrev=10"): "likewise",
    ("proface_lab/evaluation/report/report.py", "--exclude=*"): "likewise",
    ("proface_lab/evaluation/report/report.py", "---|"): "a table in Markdown",
}
DASHES = "-----"  # armour of key files


def modules() -> list[Path]:
    """Return every module of both packages."""
    return sorted(path for package in PACKAGES for path in (SOURCE / package).rglob("*.py"))


def texts() -> Iterator[tuple[str, int, str]]:
    """Every string of the library outside the command line that is no docstring."""
    for path in modules():
        name = path.relative_to(SOURCE).as_posix()
        if name.startswith(SURFACES):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        described = {
            id(body[0].value)
            for node in ast.walk(tree)
            if (body := getattr(node, "body", None)) and isinstance(body, list) and isinstance(body[0], ast.Expr)
        } | {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in described:
                yield name, node.lineno, node.value


def codes() -> set[str]:
    """Every code that the package gives to an error."""
    found = set()
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
                found.add(node.value.value)
    return found - {None}


def test_no_message_of_the_library_speaks_command_line() -> None:
    """Flags, and the program's name followed by a command."""
    wrong = [
        f"{name}:{line}: {text!r}"
        for name, line, text in texts()
        if ("--" in text or "proface " in text or "`proface" in text)
        and not text.startswith(DASHES)
        and (name, text) not in NO_MESSAGES
    ]
    assert not wrong, "\n".join(wrong)
    assert {(name, text) for name, _, text in texts()} >= set(NO_MESSAGES), "an exception that is no longer needed"


def test_the_hints_of_the_surfaces_are_those_of_codes_that_exist() -> None:
    assert set(HINTS) <= codes()
    assert set(PAGE_HINTS) <= codes()
    for text in PAGE_HINTS.values():
        assert "--" not in text
        assert "proface " not in text


@pytest.mark.parametrize("hint_of", [cli_hint, page_hint])
def test_an_error_keeps_its_own_hint_where_a_surface_has_none(hint_of: object) -> None:
    assert callable(hint_of)
    assert hint_of(ProFaceError("it failed", "try again")) == "try again"
    assert hint_of(ProFaceError("it failed")) is None
    assert hint_of(ImageError("it failed", "try again", code="unheard of")) == "try again"


def test_the_command_line_and_the_page_say_the_same_thing_in_their_own_words() -> None:
    error = NoFaceError("no face", "give the face by hand as a box", code="no-face")
    assert "--box" in str(cli_hint(error))
    assert "draw a box" in str(page_hint(error))
    assert "--" not in str(error.hint)
