"""One public name, one meaning: no two classes or functions of both packages share one, and each has one home."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from paths_kit import ROOT

SOURCE = ROOT / "src"
PACKAGES = ("proface_s", "proface_lab")
SHARED_ON_PURPOSE = {  # name: why several modules have it
    "main": "starts a program",
    "command": "the verb of a module in cli/commands",
}


def modules() -> list[tuple[str, ast.Module]]:
    """Return the modules of both packages, parsed, with their paths below the source folder."""
    paths = sorted(path for package in PACKAGES for path in (SOURCE / package).rglob("*.py"))
    return [(path.relative_to(SOURCE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


def public_names() -> dict[str, list[str]]:
    """Return every public class and function at the top of a module, with the modules that define it."""
    found = defaultdict(list)
    for path, tree in modules():
        for node in tree.body:
            named = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            if named and not node.name.startswith("_"):
                found[node.name].append(path)
    return found


def passed_on() -> list[str]:
    """Return the names that modules import to be imported from there, ``import x as x``, except room entrances."""
    return [
        f"{path}: {alias.name}"
        for path, tree in modules()
        if not path.endswith("__init__.py")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    ]


def test_a_public_name_means_one_thing() -> None:
    several = {name for name, modules in public_names().items() if len(modules) > 1} - set(SHARED_ON_PURPOSE)
    assert not several, {name: public_names()[name] for name in several}


def test_a_name_is_imported_from_its_home() -> None:
    assert not passed_on()


def test_the_names_are_found() -> None:
    names = public_names()
    assert names["Session"] == ["proface_s/api/session.py"]
    assert names["ProFaceError"] == ["proface_s/errors.py"]
    assert names["AttackOutcome"] == ["proface_lab/attacks/base.py"]


def test_tests_can_be_told_apart() -> None:
    """Pytest imports test modules by their file names alone."""
    found = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("*.py")):
        if not path.name.startswith("__") and path.name != "conftest.py" and not packaged(path):
            found[path.name].append(path.relative_to(ROOT).as_posix())
    assert not {name: paths for name, paths in found.items() if len(paths) > 1}


def packaged(path: Path) -> bool:
    return (path.parent / "__init__.py").exists()
