"""Rooms a reader can take in: shelves of at most 15 files, modules of at most 350 lines, functions under 60.

A function counts whole, from its first decorator over its docstring to its last line.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from paths_kit import ROOT

CODE = ROOT / "src"
SHELF, MODULE, FUNCTION = 15, 350, 60
LONG_FUNCTIONS = {  # name: why it is longer; its statements alone are still counted
    "proface_s/api/session.py:Session.protect": "each of its parameters is explained",
    **dict.fromkeys(
        (
            "proface_s/cli/commands/detect.py:command",
            "proface_s/cli/commands/protect.py:command",
            "proface_s/cli/commands/recover.py:command",
            "proface_s/cli/commands/serve.py:command",
            "proface_lab/commands/attack.py:command",
            "proface_lab/commands/evaluate.py:command",
        ),
        "its decorators are the options of the command, and its docstring is the text of its help",
    ),
}


def folders() -> list[Path]:
    """Return every folder of the code, the tests, the tools and the figures of the documentation."""
    tops = ("src", "tests", "bench", "tools", "docs")
    return sorted(
        folder
        for top in tops
        for folder in [ROOT / top, *(ROOT / top).rglob("*")]
        if folder.is_dir() and "__pycache__" not in folder.parts and not folder.name.startswith(".")
    )


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.relative_to(ROOT).as_posix())
def test_a_shelf_holds_few_files(folder: Path) -> None:
    files = [path for path in folder.iterdir() if path.is_file() and not path.name.endswith((".pyc", ".tmp"))]
    assert len(files) <= SHELF, "sort them into folders"


def functions(tree: ast.AST, outer: str = "") -> Iterator[tuple[str, int, int]]:
    """Names of all functions, after those of the classes and functions around them, with two numbers of lines.

    The first is that of the whole function, the second that of its statements.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            statements = node.body[1 if ast.get_docstring(node) else 0 :]
            first = min(each.lineno for each in (node, *node.decorator_list))
            yield f"{outer}{node.name}", lines(first, node), lines(statements[0].lineno, node) if statements else 0
        named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        yield from functions(node, f"{outer}{node.name}." if named else outer)  # type: ignore[union-attr]


def lines(first: int, node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - first + 1


def test_modules_are_short() -> None:
    long = {
        path.relative_to(CODE).as_posix()
        for path in CODE.rglob("*.py")
        if len(path.read_text(encoding="utf-8").splitlines()) > MODULE
    }
    assert not long, "split them"


def test_functions_are_short() -> None:
    counted = {
        f"{path.relative_to(CODE).as_posix()}:{name}": (whole, statements)
        for path in CODE.rglob("*.py")
        for name, whole, statements in functions(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert {name for name, (whole, _) in counted.items() if whole >= FUNCTION} == set(LONG_FUNCTIONS), "split them"
    assert not [name for name in LONG_FUNCTIONS if counted[name][1] >= FUNCTION]


def test_lines_are_counted() -> None:
    text = """class A:
    @property
    def b(self):
        'Say what it is.'
        def c():
            pass
        return c
"""
    assert list(functions(ast.parse(text))) == [("A.b", 6, 3), ("A.b.c", 2, 1)]
