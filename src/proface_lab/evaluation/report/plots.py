"""Plots for reports: PNG files by matplotlib, without a display.  Needs the ``eval`` extra."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from proface_s.errors import UsageError
from proface_s.silence import private_cache

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Points = Sequence[tuple[float, float]]


@contextmanager
def figure(path: Path, title: str, x: str, y: str, size: tuple[float, float] = (6.4, 4.2)) -> Iterator[Axes]:
    """Provide axes to draw on; on exit, write the plot to ``path`` (PNG).

    Raises:
        UsageError: if matplotlib is not installed.
    """
    private_cache("MPLCONFIGDIR")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise UsageError("plots need matplotlib, which is not installed", code="missing-extra", extra="eval") from None
    drawn = Figure(figsize=size, dpi=110, layout="constrained")
    FigureCanvasAgg(drawn)
    axes = drawn.add_subplot()
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(alpha=0.3)
    yield axes
    if axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn.savefig(path, metadata={"Software": None})


def plot_curves(
    path: Path,
    curves: Mapping[str, Points],
    *,
    title: str,
    x: str,
    y: str,
    log_x: bool = False,
    points: Mapping[str, Points] | None = None,
    dashed: Sequence[str] = (),
) -> None:
    """Plot labelled curves, and optionally single points.

    Args:
        path: the PNG to write.
        curves: label -> (x, y) points in order.
        title: title above the plot.
        x: label of the x axis.
        y: label of the y axis.
        log_x: make the x axis logarithmic, and linear near zero.
        points: label -> (x, y) points drawn as markers only.
        dashed: labels of curves drawn dashed: bounds and controls.
    """
    with figure(path, title, x, y) as axes:
        for label, line in curves.items():
            marker = "" if len(line) > 30 or label in dashed else "o"
            axes.plot(*_columns(line), label=label, marker=marker, markersize=3, ls="--" if label in dashed else "-")
        for number, (label, marks) in enumerate((points or {}).items()):
            axes.plot(*_columns(marks), label=label, marker="sD^vPX*"[number % 7], markersize=6, ls="", alpha=0.8)
        if log_x:
            positive = [p[0] for line in curves.values() for p in line if p[0] > 0]
            axes.set_xscale("symlog", linthresh=min(positive, default=1.0))


def plot_roc(path: Path, curves: Mapping[str, Points], *, title: str) -> None:
    """Plot ROC curves, label -> (false accept rate, true accept rate); the x axis is logarithmic."""
    with figure(path, title, "false accept rate", "true accept rate") as axes:
        for number, (label, line) in enumerate(curves.items()):
            false, true = _columns(line)
            ls = ("-", "--", ":")[number // 10 % 3]
            axes.plot(np.maximum(false, 1e-5), true, label=label, drawstyle="steps-post", ls=ls, alpha=0.8)
        chance = np.geomspace(1e-4, 1, 50)
        axes.plot(chance, chance, label="chance", ls=":", color="grey")
        axes.set_xscale("log")
        axes.set_xlim(1e-4, 1)
        axes.set_ylim(-0.02, 1.02)


def _columns(line: Points) -> tuple[list[float], list[float]]:
    return [float(p[0]) for p in line], [float(p[1]) for p in line]
