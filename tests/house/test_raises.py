"""Every error that a public function of the library or the lab raises itself is named in its docstring."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import proface_lab.evaluation.faces
import proface_s.errors
from paths_kit import ROOT

SURFACES = ("src/proface_s/cli/", "src/proface_s/web/", "src/proface_lab/commands/")
ERRORS = {
    name: {base.__name__ for base in each.__mro__ if issubclass(base, proface_s.errors.ProFaceError)}
    for module in (proface_s.errors, proface_lab.evaluation.faces)
    for name, each in vars(module).items()
    if isinstance(each, type) and issubclass(each, proface_s.errors.ProFaceError)
}
"""Name of an error -> the names under which a docstring may list it: its own, or that of a base class."""


def raised_in(body: list[ast.stmt]) -> Iterator[str]:
    """Yield the names of the classes that statements raise; functions and classes inside them are not looked into."""
    rest: list[ast.AST] = [*body]
    while rest:
        node = rest.pop()
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda)):
            continue
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
            yield node.exc.func.id
        rest.extend(ast.iter_child_nodes(node))


def undocumented(source: str) -> list[str]:
    """Return "function: error" for errors of the package that a public function raises and does not list."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
            continue
        listed = re.search(r"Raises:\n(.*)", ast.get_docstring(node) or "", re.DOTALL)
        names = set(re.findall(r"\w+", listed[1])) if listed else set()
        found += [
            f"{node.name}: {each}" for each in {*raised_in(node.body)} & ERRORS.keys() if not ERRORS[each] & names
        ]
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "src").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_docstring_lists_what_its_function_raises(path: Path) -> None:
    if not str(path.relative_to(ROOT).as_posix()).startswith(SURFACES):
        assert undocumented(path.read_text(encoding="utf-8")) == []


def test_the_rule_finds_what_is_missing() -> None:
    silent = 'def work():\n    """Work."""\n    raise UsageError("no")\n'
    assert undocumented(silent) == ["work: UsageError"]
    assert undocumented(silent.replace("Work.", "Work.\n\n    Raises:\n        ProFaceError: if not.\n    ")) == []
    assert undocumented(silent.replace("work", "_work")) == []
