"""Every wait of a test ends: a hang is then a failure that says where, not a run that somebody stops after an hour."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from paths_kit import ROOT

RUNS = ("run", "call", "check_call", "check_output")
ENDLESS = ("communicate", "join", "result", "wait")  # without arguments
BARRIERS = ("meeting", "barrier")  # have a timeout of their own, see below
OTHERS = ("canvas", "task")  # a picture of the second reader; a task of asyncio that has ended


def endless(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of each wait without a timeout."""
    tree = ast.parse(source)
    awaited = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Await)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or id(node) in awaited:
            continue
        owner, name = ast.unparse(node.func.value), node.func.attr
        named = {keyword.arg for keyword in node.keywords}
        program = owner == "subprocess" and name in RUNS and "timeout" not in named
        barrier = name == "Barrier" and "timeout" not in named
        endless = name in ENDLESS and not node.args and "timeout" not in named and owner not in BARRIERS + OTHERS
        if program or barrier or endless:
            yield node.lineno, ast.unparse(node)


def test_every_wait_has_a_timeout() -> None:
    files = sorted((ROOT / "tests").rglob("*.py"))
    found = [f"{path.relative_to(ROOT)}:{line}: {call}" for path in files for line, call in endless(read(path))]
    assert not found, "\n".join(found)


def test_waits_without_one_are_found() -> None:
    source = "subprocess.run(a)\nprocess.communicate(input=b)\nthread.join()\nfuture.result()\nthreading.Barrier(2)\n"
    assert [line for line, _ in endless(source)] == [1, 2, 3, 4, 5]
    assert not list(endless("subprocess.run(a, timeout=9)\nprocess.wait(9)\n', '.join(a)\nawait_ = 1\n"))


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
