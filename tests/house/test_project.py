"""The project around the code: targets explain themselves, CI runs them, and the workflow has the least rights."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib

import pytest

from paths_kit import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.search(r"\.PHONY: ((?:.*\\\n)*.*)", MAKEFILE)[1].replace("\\\n", " ").split())  # type: ignore[index]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def make(target: str) -> subprocess.CompletedProcess[str]:
    """Run ``make`` as a user would: without the settings of a ``make`` that may be running these tests."""
    own = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")
    environment = {name: value for name, value in os.environ.items() if name not in own}
    return subprocess.run(["make", target], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900)


def test_every_target_is_listed_and_explained() -> None:
    made = set(re.findall(r"^([a-z][a-z-]*):(?!=)", MAKEFILE, re.MULTILINE))
    explained = set(re.findall(r"^([a-z-]+):.*## \S", MAKEFILE, re.MULTILINE))
    assert made == explained == TARGETS


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_help_shows_every_target() -> None:
    shown = make("help")
    assert shown.returncode == 0
    assert {line.split()[0] for line in shown.stdout.splitlines()} == TARGETS


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize(("target", "variable"), [("results", "EVAL"), ("weights", "FACES"), ("paper", "FACES")])
def test_data_that_is_not_named_is_asked_for(target: str, variable: str) -> None:
    done = make(target)
    assert done.returncode == 2
    assert f"{variable} is not set; it names " in done.stderr


def test_ci_runs_targets_that_exist() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    parts = re.search(r"^parts=\((.*)\)$", script, re.MULTILINE)
    assert parts
    assert set(parts[1].split()) <= TARGETS
    assert {name for name in TARGETS if name.startswith("test-")} - {"test-all"} <= set(parts[1].split())


def test_tools_are_pinned() -> None:
    developing = PROJECT["project"]["optional-dependencies"]["dev"]
    assert all(re.fullmatch(r"(ruff|mypy)==[\d.]+", each) for each in developing if each.startswith(("ruff", "mypy")))
    assert PROJECT["tool"]["coverage"]["report"]["fail_under"] >= 90


@pytest.mark.skipif(not WORKFLOWS, reason="the source archive has no workflow")
def test_workflows_have_least_rights_and_pinned_actions() -> None:
    yaml = pytest.importorskip("yaml")
    for path in WORKFLOWS:
        text = path.read_text(encoding="utf-8")
        workflow = yaml.safe_load(text)
        assert workflow["permissions"] == {"contents": "read"}
        assert "secrets." not in text
        assert "pull_request_target" not in text
        for job in workflow["jobs"].values():
            assert 0 < job["timeout-minutes"] <= 90
            assert "permissions" not in job
            for step in job["steps"]:
                assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", step.get("uses", f"actions/x@{'0' * 40}"))
        assert len(re.findall(r"uses: \S+@[0-9a-f]{40}  # v[\d.]+\n", text)) == text.count("uses: ")


def test_nothing_names_a_folder_beside_the_repository() -> None:
    """Data come by argument: outside this repository there is nothing to rely on."""
    beside = re.compile(r"\.\./shared|parents\[\d\] / \"shared\"")
    files = [ROOT / "Makefile", *(ROOT / ".ci").glob("*")]
    files += [path for top in ("src", "tests", "bench", "tools", "docs") for path in (ROOT / top).rglob("*.*")]
    texts = {path: path.read_text(encoding="utf-8") for path in files if path.suffix in ("", ".py", ".md", ".json")}
    assert not [str(path) for path, text in texts.items() if beside.search(text) and path.name != "test_project.py"]
