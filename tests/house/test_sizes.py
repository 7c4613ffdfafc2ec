"""Rooms a reader can take in: shelves of at most 15 files, modules of at most 350 lines, functions of at most 60.

A function's decorators and docstring do not count: options and parameters are explained at whatever length they need.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from paths_kit import ROOT

CODE = ROOT / "src"
SHELF, MODULE, FUNCTION = 15, 350, 60
LONG_MODULES: set[str] = set()


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


def functions(tree: ast.AST, outer: str = "") -> Iterator[tuple[str, int]]:
    """Names of all functions, after those of the classes and functions around them, with their numbers of lines."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{outer}{node.name}", lines_of(node) - (lines_of(node.body[0]) if ast.get_docstring(node) else 0)
        named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        yield from functions(node, f"{outer}{node.name}." if named else outer)  # type: ignore[union-attr]


def lines_of(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_modules_are_short() -> None:
    long = {
        path.relative_to(CODE).as_posix()
        for path in CODE.rglob("*.py")
        if len(path.read_text(encoding="utf-8").splitlines()) > MODULE
    }
    assert long <= LONG_MODULES, "split them"


def test_functions_are_short() -> None:
    long = {
        f"{path.relative_to(CODE).as_posix()}:{name}"
        for path in CODE.rglob("*.py")
        for name, lines in functions(ast.parse(path.read_text(encoding="utf-8")))
        if lines > FUNCTION
    }
    assert not long, "split them"


def test_lines_are_counted() -> None:
    text = """class A:
    @property
    def b(self):
        'Say what it is.'
        def c():
            pass
        return c
"""
    assert dict(functions(ast.parse(text))) == {"A.b": 4, "A.b.c": 2}
