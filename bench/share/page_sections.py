"""Measured sections of a page that is otherwise written by hand: ``<!-- NAME -->`` ... ``<!-- end of NAME -->``."""

from __future__ import annotations

import re
from pathlib import Path


def replace_section(page: Path, name: str, body: str) -> None:
    """Replace one section of a page.

    Raises:
        ValueError: if the page does not have it exactly once.
    """
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    text, count = re.subn(
        f"{re.escape(begin)}.*?{re.escape(end)}",
        lambda _: f"{begin}\n\n{body.strip()}\n\n{end}",
        page.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )
    if count != 1:
        raise ValueError(f"{page} has {count} sections {begin}")
    page.write_text(text, encoding="utf-8")
