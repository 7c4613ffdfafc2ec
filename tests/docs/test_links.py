"""Links and paths: what README, documentation, source and tools name of the documentation is there."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from examples import ROOT

import proface_s

MARKDOWN = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
CURRENT = [page for page in MARKDOWN if page.name != "CHANGELOG.md"]  # history names what was there
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]+))?\)")
NAMED = re.compile(r"(?<![\w/.-])docs/[\w/-]+(?:\.(?:md|png|jpg|css|py))?")
FILE = re.compile(r"(?<![\w/.-])((?:bench|tools|tests|configs)/[\w/.-]*\w|(?:[\w]+/)+\w+\.py)(?![\w*])")
MODULE = re.compile(r"(?<![\w\"./-])(proface_(?:s|lab)(?:\.\w+)+)")
PLACES = (ROOT, ROOT / "src", ROOT / "src" / "proface_s", ROOT / "src" / "proface_lab")
READ = {".py", ".md", ".toml", ".json", ".js", ".html", ".yml", ".yaml", ".cff", ""}
SHELF = 15


def anchors(page: Path) -> set[str]:
    """Anchors of a page's headings, as GitHub and the site make them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.+)$", text, flags=re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", heading).strip().lower()
        kept = "".join(c for c in plain if c in " -_" or unicodedata.category(c)[0] in "LN")
        slug = kept.replace(" ", "-")
        number, name = 0, slug
        while name in found:
            number += 1
            name = f"{slug}-{number}"
        found.add(name)
    return found


@pytest.mark.parametrize("page", MARKDOWN, ids=[str(page.relative_to(ROOT)) for page in MARKDOWN])
def test_links_and_anchors_resolve(page: Path) -> None:
    """Every relative link is a file that is there, and every anchor a heading of it."""
    broken = []
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in target or target.startswith("mailto:"):
            continue
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(f"{target}#{anchor}" if anchor else target)
    assert not broken


def test_paths_of_the_documentation_exist() -> None:
    """``docs/...`` in source, help texts, tools, build files and data names something that is there."""
    broken = set()
    for path in ROOT.rglob("*"):
        parts = path.relative_to(ROOT).parts
        if path.suffix not in READ or not path.is_file() or _not_ours(parts):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for name in NAMED.findall(text):
            if not (ROOT / name).exists():
                broken.add(f"{'/'.join(parts)}: {name}")
    assert not broken


@pytest.mark.parametrize("page", CURRENT, ids=[str(page.relative_to(ROOT)) for page in CURRENT])
def test_files_and_modules_that_a_page_names_exist(page: Path) -> None:
    """Source files, benchmarks, tools, tests and configurations, and dotted names of modules and what is in them."""
    text = page.read_text(encoding="utf-8")
    broken = [name for name in FILE.findall(text) if not any((place / name).exists() for place in PLACES)]
    broken += [name for name in MODULE.findall(text) if not _importable(name)]
    assert not broken


def _importable(name: str) -> bool:
    """Whether a dotted name is a module, or something in a module that can be imported without an extra."""
    parts = name.split(".")
    for depth in range(len(parts), 1, -1):
        file = ROOT / "src" / "/".join(parts[:depth])
        if file.with_suffix(".py").is_file() or (file / "__init__.py").is_file():
            source = file.with_suffix(".py") if file.with_suffix(".py").is_file() else file / "__init__.py"
            return all(re.search(rf"\b{part}\b", source.read_text(encoding="utf-8")) for part in parts[depth:])
    return len(parts) == 2 and parts[1] in proface_s.__all__


def _not_ours(parts: tuple[str, ...]) -> bool:
    """Whether a path belongs to an environment, a cache, a build or a run, not to the project."""
    return (parts[0].startswith(".") and parts[0] != ".ci") or parts[0] in ("build", "dist", "runs", "demo-out", "venv")


def test_no_folder_of_the_documentation_is_a_heap() -> None:
    for folder in [ROOT / "docs", *(path for path in (ROOT / "docs").rglob("*") if path.is_dir())]:
        files = [path for path in folder.iterdir() if path.is_file()]
        assert len(files) <= SHELF, f"{folder.relative_to(ROOT)} has {len(files)} files"


def test_the_checks_would_notice(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A *title*, `code` & more\n\n## Two\n\n## Two\n\n```sh\n# no heading\n```\n")
    assert anchors(page) == {"a-title-code--more", "two", "two-1"}
    assert FILE.findall("`bench/none.py`, `flow/secure/haar.py`") == ["bench/none.py", "flow/secure/haar.py"]
    assert [
        _importable(name) for name in MODULE.findall("proface_s.Session, proface_s.faces.looks, proface_s.imaging")
    ] == [
        True,
        True,
        False,
    ]
    assert NAMED.findall("see docs/evidence/results.md; /usr/docs/x.md") == ["docs/evidence/results.md"]
