"""Figures that are shown twice agree: those of the README are on the page of results."""

from __future__ import annotations

import re

from examples import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
RESULTS = (ROOT / "docs" / "evidence" / "results.md").read_text(encoding="utf-8")
FIGURE = re.compile(r"[+-]?\d+(?:,\d{3})*\.\d+|\d+,\d{3}(?:,\d{3})*")


def measured() -> str:
    """Return the README's section of measurements."""
    return README.partition("\n## Measured\n")[2].partition("\n## ")[0]


def test_figures_of_the_readme_are_those_of_the_results() -> None:
    figures = FIGURE.findall(re.sub(r"\(http\S+\)", "", measured()))
    assert len(figures) > 15
    missing = [figure for figure in figures if not re.search(rf"(?<![\d.]){re.escape(figure)}", RESULTS)]
    assert not missing


def test_counts_of_share_copies_are_those_of_the_channels() -> None:
    told = README.partition("**Through an app.**")[2].partition("```")[0]
    counts = re.findall(r"\d+/\d+|\d+ pictures|\d+ real photos", told)
    assert len(counts) == 5
    page = (ROOT / "docs" / "evidence" / "channels.md").read_text(encoding="utf-8")
    assert not [count for count in counts if not re.search(rf"\b{count.replace('real ', '')}\b", page)]


def test_the_check_would_notice() -> None:
    assert FIGURE.findall("49.7 dB, +4.7 of 1,073,040; 33 of 33") == ["49.7", "+4.7", "1,073,040"]
    assert not re.search(r"(?<![\d.])9\.7", "49.7")
