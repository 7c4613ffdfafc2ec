"""The page of benchmarks: ratios are read from it, and one that fell by more than a fifth is told."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from paths_kit import ROOT

TOOLS = ROOT / "tools"


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    return runpy.run_path(str(TOOLS / "performance.py"))


def test_a_ratio_that_fell_is_told(tool: dict[str, Any]) -> None:
    before = tool["ratios"]("text\n<!-- ratio flow-256 9.50 -->\n<!-- ratio gone 2 -->\n<!-- ratio held 4.00 -->\n")
    assert before == {"flow-256": 9.5, "gone": 2.0, "held": 4.0}
    assert tool["worse"](before, {"flow-256": 7.5, "held": 3.3, "new": 1.0}) == ["flow-256: 9.50 before, 7.50 now"]


def test_sections_that_were_not_measured_stay(tool: dict[str, Any], tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    kept = "<!-- bench notes -->\nby hand\n\n<!-- bench startup -->\n## Start\n\nkept\n"
    page.write_text(f"# Performance\n\nold\n\n{kept}")
    main = tool["main"]
    main.__globals__["measure"] = lambda name: "## Flow\n\n<!-- ratio flow-256 5.00 -->"
    assert main(["--page", str(page), "--only", "flow_speed"]) == 0
    text = page.read_text()
    assert text.index("by hand") < text.index("flow-256 5.00") < text.index("kept")
    assert "old" not in text
    main.__globals__["measure"] = lambda name: "## Flow\n\n<!-- ratio flow-256 3.00 -->"
    assert main(["--page", str(page), "--only", "flow_speed"]) == 1
    assert "* flow-256: 5.00 before, 3.00 now" in page.read_text()
