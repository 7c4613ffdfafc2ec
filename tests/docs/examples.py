"""Extract the examples of README and docs from their Markdown: fenced blocks, and blocks indented by four spaces."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from paths_kit import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        page: path of the file in the repository.
        line: number of the first line, from 1.
        language: as the fence names it; empty for indented blocks.
        text: the code, without its indentation.
    """

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """Yield all blocks of a page."""
    lines = page.read_text(encoding="utf-8").splitlines()
    name = page.relative_to(ROOT).as_posix()
    at = 0
    while at < len(lines):
        if lines[at].startswith("```"):
            end = lines.index("```", at + 1)
            yield Block(name, at + 2, lines[at][3:].strip(), "\n".join(lines[at + 1 : end]))
            at = end
        elif lines[at].startswith("    ") and (at == 0 or not lines[at - 1].strip()):
            end = at
            while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
                end += 1
            yield Block(name, at + 1, "", "\n".join(line[4:] for line in lines[at:end]).rstrip())
            at = end - 1
        at += 1


def commands() -> list[tuple[str, str]]:
    """Return every line that runs ``proface``, continuations joined, with its page and line number."""
    found = []
    for page in PAGES:
        for block in blocks(page):
            text = re.sub(r"\\\n\s*", " ", block.text)
            for number, line in enumerate(text.splitlines()):
                if re.match(r"(?:.*\|\s*)?(?:sudo )?(?:proface|torchrun|docker run) ", line) and "proface" in line:
                    found.append((f"{block.page}:{block.line + number}", line))
    return found


def programs() -> list[Block]:
    """Return every block of Python that imports something."""
    found = []
    for page in PAGES:
        for block in blocks(page):
            if block.language in ("", "python") and _is_python(block.text):
                found.append(block)
    return found


def _is_python(text: str) -> bool:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return False
    return any(isinstance(node, (ast.Import, ast.ImportFrom)) for node in tree.body)


def uploads() -> list[tuple[str, str]]:
    """Return every ``curl`` command that calls the service."""
    found = []
    for page in PAGES:
        for block in blocks(page):
            text = re.sub(r"\\\n\s*", " ", block.text)
            found += [(str(block), line) for line in text.splitlines() if line.startswith("curl ") and "/api/" in line]
    return found
