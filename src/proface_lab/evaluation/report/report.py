"""Reports that grow part by part: an interrupted run resumes where it stopped, and the result is one JSON file.

::

    OUT/parts/settings.json      the settings; a run with other settings is refused
    OUT/parts/0003-NAME.json     one part, written atomically
    OUT/report.json, report.md   the finished report
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from proface_s.errors import UsageError

from ..faces import Omission

SCHEMA = "proface-report/1"
PACKAGES = (
    "proface-s",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "onnxruntime",
    "constriction",
    "scikit-image",
    "pytorch-msssim",
    "torch",
    "dlib-bin",
)


class EvaluationReport:
    """The results of one command, collected in a folder.

    Args:
        folder: created if missing.
        kind: the command, e.g. ``evaluate`` or ``attack``.
        settings: everything the results depend on, including seeds, as JSON types; a folder that holds parts of
            another kind or with other settings is refused.

    Raises:
        UsageError: if the folder is refused or cannot be used.

    Attributes:
        omissions: items left out of the measurement; add to them with `omit`.
    """

    def __init__(self, folder: Path, kind: str, settings: Mapping[str, Any]) -> None:
        self.folder, self.kind = Path(folder), kind
        self.settings: dict[str, Any] = json.loads(json.dumps(settings))
        self.omissions: list[Omission] = []
        self._parts = self.folder / "parts"
        try:
            self._parts.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{folder} cannot be used for a report: {error.strerror}") from None
        self._claim()
        self._files = {_read(path)["part"]: path for path in sorted(self._parts.glob("[0-9]*.json"))}

    def has_part(self, part: str) -> bool:
        """Return whether a part has already been measured."""
        return part in self._files

    def part(self, part: str) -> dict[str, Any]:
        """Return the result of a part.

        Raises:
            KeyError: if there is no such part.
        """
        result: dict[str, Any] = _read(self._files[part])["result"]
        return result

    def store_part(self, part: str, result: Mapping[str, Any]) -> None:
        """Write one part atomically; a part of the same name is replaced."""
        slug = re.sub(r"[^A-Za-z0-9.-]+", "-", part).strip("-")[:80]
        number = 1 + max((int(path.name.partition("-")[0]) for path in self._files.values()), default=-1)
        path = self._files.get(part) or self._parts / f"{number:04d}-{slug}.json"
        write_json(path, {"part": part, "commit": commit(), "result": result})
        self._files[part] = path

    def results(self) -> dict[str, Any]:
        """Return the results of all parts, in the order in which they were first written."""
        return {part: self.part(part) for part in self._files}

    def commits(self) -> list[str]:
        """Return the commits at which the parts were measured; empty if unknown."""
        found = (_read(path).get("commit") for path in self._files.values())
        return list(dict.fromkeys(each for each in found if each))

    def add_omissions(self, omissions: Sequence[Omission]) -> None:
        """Record omissions, each only once."""
        self.omissions = list(dict.fromkeys((*self.omissions, *omissions)))

    def finish(self, markdown: str) -> Path:
        """Write report.json and report.md; return the path of report.json."""
        document = {
            "schema": SCHEMA,
            "kind": self.kind,
            "settings": self.settings,
            "machine": machine(),
            "versions": versions(),
            "commits": self.commits(),
            "omissions": [asdict(each) for each in self.omissions],
            "results": self.results(),
        }
        write_text(self.folder / "report.md", markdown)
        write_json(self.folder / "report.json", document)
        return self.folder / "report.json"

    def _claim(self) -> None:
        path, own = self._parts / "settings.json", {"kind": self.kind, "settings": self.settings}
        if not path.exists():
            write_json(path, own)
            return
        kept = _read(path)
        if kept == own:
            return
        names = {**kept.get("settings", {}), **self.settings}
        changed = [n for n in names if kept.get("settings", {}).get(n) != self.settings.get(n)]
        what = f"other settings ({', '.join(changed)})" if kept.get("kind") == self.kind else "another command"
        raise UsageError(
            f"{self.folder} holds parts of a report with {what}",
            code="other-report",
        )


def read_report(path: Path) -> dict[str, Any]:
    """Read a finished report from its folder or its file.

    Raises:
        UsageError: if there is no report or it has another schema.
    """
    path = path / "report.json" if path.is_dir() else path
    try:
        document = _read(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} is not a report: {error}") from None
    if document.get("schema") != SCHEMA:
        raise UsageError(f"{path} is not a report of schema {SCHEMA}")
    return document


def markdown_table(rows: Sequence[Sequence[object]], columns: Sequence[str]) -> str:
    """Return a Markdown table; cells are printed with `str`, so format floats first."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join("-" if cell is None else str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def machine() -> dict[str, Any]:
    """Describe the machine, on which times depend."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": os.environ.get("PROFACE_THREADS", "all"),
    }


def versions() -> dict[str, str]:
    """Return the versions of those installed packages that can affect the figures."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def commit() -> str | None:
    """Return the commit of the running source, with ``+`` if files have been changed; None if unknown."""
    options = ["--always", "--dirty=+", "--abbrev=10", "--exclude=*"]
    command = ["git", "-C", str(Path(__file__).parent), "describe", *options]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write JSON atomically."""
    write_text(path, json.dumps(document, indent=1, sort_keys=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _read(path: Path) -> dict[str, Any]:
    document = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    return document


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
