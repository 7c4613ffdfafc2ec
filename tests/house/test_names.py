"""One public name, one meaning: no two classes or functions of the package share one."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from paths_kit import ROOT

PACKAGE = ROOT / "src" / "proface_s"
SHARED_ON_PURPOSE = {  # name: why several modules have it
    "main": "starts a program",
    "command": "the verb of a module in cli/commands",
}


def public_names() -> dict[str, list[str]]:
    """Every public class and function at the top of a module, with the modules that define it."""
    found = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            named = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            if named and not node.name.startswith("_"):
                found[node.name].append(path.relative_to(PACKAGE).as_posix())
    return found


def test_a_public_name_means_one_thing() -> None:
    several = {name for name, modules in public_names().items() if len(modules) > 1} - set(SHARED_ON_PURPOSE)
    assert not several, {name: public_names()[name] for name in several}


def test_the_names_are_found() -> None:
    names = public_names()
    assert names["Session"] == ["api/session.py"]
    assert names["ProFaceError"] == ["errors.py"]


def test_tests_can_be_told_apart() -> None:
    """Pytest imports test modules by their file names alone."""
    found = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("*.py")):
        if not path.name.startswith("__") and path.name != "conftest.py" and not packaged(path):
            found[path.name].append(path.relative_to(ROOT).as_posix())
    assert not {name: paths for name, paths in found.items() if len(paths) > 1}


def packaged(path: Path) -> bool:
    return (path.parent / "__init__.py").exists()
