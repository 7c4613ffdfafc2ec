"""The report of a suite as Markdown: one table of all results, then a section per adversary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..evaluation.faces import Omission
from ..evaluation.report.report import markdown_table

INTRODUCTION = """The adversary has the code, the weights, the file, and everything but the key. *Control*: what the
same attack gets without the protected picture (from the cover alone, or as said); *leak*: attack minus control. What
each does: [attacks.md](attacks.md).
"""


def attacks_page(
    results: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any], omissions: Sequence[Omission]
) -> str:
    """Return the whole report, with adversaries in their order and methods side by side."""
    ordered = sorted(results.values(), key=lambda result: result["number"])
    lines = ["# Attacks\n", INTRODUCTION, _summary(ordered)]
    lines.append(
        f"Budget {settings['budget']['name']}, {settings['faces']} faces under attack, {settings['own_faces']} of the "
        f"attacker's own, cover `{settings['style']}`, seed {settings['seed']}.\n"
    )
    title = ""
    for result in ordered:
        if result["title"] != title:
            title = result["title"]
            lines.append(f"## {result['number']}. {title}\n")
        lines.append(_section(result))
    if omissions:
        lines.append(f"Left out: {len(omissions)} (see report.json).\n")
    return "\n".join(lines)


def verdict(succeeded: bool | None) -> str:
    """Return the table's words for an outcome."""
    return {True: "**broken**", False: "holds", None: "-"}[succeeded]


def _summary(results: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for result in results:
        head = [f"{result['number']}. {result['title']}", result["method"]]
        if "skipped" in result:
            rows.append([*head, "does not apply: " + result["skipped"], "", "", "", ""])
            continue
        figures = [_number(result[name]) for name in ("attacked", "control", "leak")]
        rows.append([*head, result["measure"], *figures, verdict(result["succeeded"])])
    return markdown_table(rows, ("adversary", "method", "measure", "attack", "control", "leak", ""))


def _section(result: Mapping[str, Any]) -> str:
    if "skipped" in result:
        return f"**{result['method']}**: does not apply: {result['skipped']}.\n"
    lines = [f"**{result['method']}**, {verdict(result['succeeded'])}: {result['finding']}\n"]
    for table in result["tables"]:
        lines += [f"{table['title']}:\n", markdown_table(table["rows"], table["columns"])]
    lines += [f"![{result['title']}, {result['method']}]({name})\n" for name in result["pictures"]]
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}"
