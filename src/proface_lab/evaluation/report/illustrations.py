"""Plots and contact sheets of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from proface_s.types import UInt8Image

from ..faces import OTHER_FACE, FaceSample, make_cover
from ..measures.quality import run_trial
from ..method import Method
from .plots import plot_curves, plot_roc
from .report import EvaluationReport
from .sheets import contact_sheet
from .tables import parts_of

SHEET: Final = {"protected": "protected", "recovered": "recovered", "wrong key": "wrong"}


def draw_plots(report: EvaluationReport, folder: Path) -> None:
    """Plot PSNR against PSNR with the capacity bound, and ROC curves for each recogniser and style."""
    results = report.results()
    draw_capacity(results, folder / "psnr-psnr.png")
    for (style, recogniser), curves in roc_curves(results).items():
        title = f"{recogniser}: can the face be matched? ({style})"
        plot_roc(folder / f"roc-{_slug(recogniser)}-{_slug(style)}.png", curves, title=title)


def draw_capacity(results: Mapping[str, Any], path: Path) -> None:
    """Plot protected against recovered PSNR of every method, with the capacity bound."""
    bound = results["capacity"]
    curves = {
        "all the room there can be, our coder": bound["coder"],
        "the same, Gaussian bands (literature)": bound["gaussian"],
    }
    points: dict[str, list[tuple[float, float]]] = {}
    for (method, _, protocol), found in parts_of(results, "quality"):
        label = method if protocol == "stored" else f"{method}, never rounded"
        at = found["protected"]["psnr"]["mean"], found["recovered"]["psnr"]["mean"]
        points.setdefault(label, []).append(at)
    plot_curves(
        path,
        curves,
        points=points,
        dashed=tuple(curves),
        title="Quality of both pictures, one mark per cover",
        x="protected against cover, PSNR in dB",
        y="recovered against original, PSNR in dB",
    )


def roc_curves(results: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, list[tuple[float, float]]]]:
    """Return (style, recogniser) -> label -> curve, for originals, covers and every method's probes."""
    originals: dict[str, Any] = {}
    found: dict[tuple[str, str], dict[str, list[tuple[float, float]]]] = {}
    for where, result in parts_of(results, "identity"):
        if len(where) == 1:
            originals = result["original"]
            continue
        method, style = where
        for probe, rows in result.items():
            for recogniser, row in rows.items():
                curves = found.setdefault((style, recogniser), {"original": originals[recogniser]["curve"]})
                curves[probe if method == "cover" else f"{method}: {probe}"] = row["curve"]
    return found


def draw_sheets(
    folder: Path, samples: Sequence[FaceSample], styles: Sequence[str], methods: Sequence[Method], seed: int
) -> list[Path]:
    """Draw one sheet per method, with one row per style: original, cover, protected, recovered, wrong key.

    ``other-face`` is left out if all faces are of one person.
    """
    alone = len({sample.identity for sample in samples}) < 2
    shown = [style for style in styles if style != OTHER_FACE or not alone]
    if not shown:
        return []
    return [_sheet(folder, samples, shown, method, seed) for method in methods]


def _sheet(folder: Path, samples: Sequence[FaceSample], styles: Sequence[str], method: Method, seed: int) -> Path:
    rows: list[list[tuple[str, UInt8Image]]] = []
    for number, style in enumerate(styles):
        sample = samples[number % len(samples)]
        trial = run_trial(method, sample, make_cover(sample, style, samples), "stored", seed, style)
        rows.append(
            [
                ("original", sample.image),
                (f"cover: {style}", trial.cover),
                *((label, np.asarray(trial.picture(name), np.uint8)) for label, name in SHEET.items()),
            ]
        )
    return contact_sheet(folder / f"sheet-{_slug(method.name)}.png", rows)


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-." else "-" for c in text)
