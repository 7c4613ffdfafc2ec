"""Plug-ins are found without being imported, built once, and refused with a reason."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import proface_s
from proface_s.plugins import PlugIns

GROUP = "proface_s.tests"


def install(folder: Path, package: str, entries: dict[str, str], code: str = "") -> None:
    """Write a module and the metadata of an installed package that offers its objects."""
    module = package.replace("-", "_")
    (folder / f"{module}.py").write_text(code)
    about = folder / f"{module}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{name} = {module}:{value}" for name, value in entries.items()]
    (about / "entry_points.txt").write_text("\n".join([f"[{GROUP}]", *lines, ""]))


def run(folder: Path, code: str) -> str:
    """Run code in a process in which the packages of a folder are installed, and return what it prints."""
    setup = f"from proface_s.plugins import PlugIns\nthings = PlugIns({GROUP!r}, 'thing', lambda made: made())\n"
    environment = {"PYTHONPATH": f"{folder}:{Path(proface_s.__file__).parents[1]}", "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", setup + code], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_plug_in_is_listed_unloaded_and_built_once(tmp_path: Path) -> None:
    install(tmp_path, "my-things", {"First": "First", "second": "First"}, "class First: pass")
    assert run(
        tmp_path,
        "import sys\nprint(things.names(), 'my_things' in sys.modules)\n"
        "print(type(things.find('first')).__name__, things.find('FIRST') is things.find('first'))\n"
        "print(things.find('third'))\n",
    ).splitlines() == ["['first', 'second'] False", "First True", "None"]


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("Missing", "AttributeError: module 'my_things' has no attribute 'Missing'"),
        ("Failing", "ValueError: no licence"),
        ("number", "TypeError: 'int' object is not callable"),
    ],
)
def test_a_broken_plug_in_is_named_with_its_package(tmp_path: Path, entry: str, reason: str) -> None:
    code = "number = 7\ndef Failing(): raise ValueError('no licence')\n"
    install(tmp_path, "my-things", {"broken": entry}, code)
    said = run(tmp_path, "try:\n    things.find('broken')\nexcept Exception as error:\n    print(repr(error))\n")
    assert said.startswith("UsageError")
    assert f"thing 'broken' of my-things cannot be used: {reason}" in said.replace('\\"', '"').replace("\\'", "'")


def test_two_packages_may_not_offer_the_same_name(tmp_path: Path) -> None:
    for package in "my-things", "your-things":
        install(tmp_path, package, {"thing": "Thing"}, "class Thing: pass")
    said = run(tmp_path, "try:\n    things.find('thing')\nexcept Exception as error:\n    print(error)\n")
    assert "thing 'thing' is offered by my-things and your-things" in said


def test_no_plug_ins_are_installed_for_an_unknown_group() -> None:
    nothing = PlugIns("proface_s.no_such_group", "thing", lambda made: made)
    assert nothing.names() == []
    assert nothing.find("anything") is None


def test_threads_that_ask_at_once_get_the_same_plug_in(tmp_path: Path) -> None:
    """Building may load a large network: once is enough."""
    code = "import time\n\n\nclass First:\n    def __init__(self):\n        time.sleep(0.2)\n        print('built')\n"
    install(tmp_path, "my-things", {"first": "First"}, code)
    shown = run(
        tmp_path,
        "from proface_s.threads import parallel_map\n"
        "found = parallel_map(4, lambda _: things.find('first'), range(4))\n"
        "print(len(set(map(id, found))))\n",
    )
    assert shown.split() == ["built", "1"]
