"""Configuration of the documentation site; `make docs` builds it into build/docs.

Nothing is fetched, neither by the build nor by a reader's browser: no web fonts, no scripts of other hosts.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))

import proface_s
import reference

project = "PRO-Face S"
release = proface_s.__version__
language = "en"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_static"]

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4
highlight_language = "text"
smartquotes_action = "D"  # dashes only

default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
napoleon_use_ivar = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100

html_theme = "furo"
html_title = f"PRO-Face S {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_search_summary = False  # a browser may not fetch pages from files for it
html_theme_options = {"navigation_with_keys": True}

GENERATED = {"reference/cli": "cli", "reference/python": "python"}
MARK = "<!-- generated -->"


def insert_generated(app: Any, name: str, source: list[str]) -> None:
    """Put the generated text of a reference page in place of its mark."""
    if name in GENERATED:
        head, mark, tail = source[0].partition(MARK)
        if not mark:
            raise ValueError(f"docs/{name}.md lacks its mark {MARK}")
        source[0] = head + reference.PAGES[GENERATED[name]]() + tail


def outdated(app: Any, env: Any, added: set[str], changed: set[str], removed: set[str]) -> list[str]:
    """Name the generated pages in every build: Sphinx does not see that the program has changed."""
    return list(GENERATED)


def setup(app: Any) -> None:
    """Connect the generator; called by Sphinx."""
    app.connect("source-read", insert_generated)
    app.connect("env-get-outdated", outdated)
