"""The paper's figures anew: receptive fields with what was measured, and repairs by their cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from benchmarks.evidence.observed import ObservedNetwork
from benchmarks.evidence.repaired import RepairedNetwork, TrainedChange
from rflint.report.figure.panels import plotted
from rflint.report.figure.style import save

_ORIGINAL, _TRUNCATED, _FINER = "#1f2328", "#0072b2", "#d55e00"
_DPI = 110


def draw_measured(networks: Sequence[ObservedNetwork], file: Path) -> None:
    """Receptive fields, saturation and probes of some networks, a panel for each."""
    save(plotted([network.report for network in networks]), file, ".png", _DPI)


def draw_repaired(networks: Sequence[RepairedNetwork], file: Path) -> None:
    """Accuracy over MACs of networks and their repairs, with all seeds (Fig. 11)."""
    figure = Figure(figsize=(2.6 * len(networks), 3.2), layout="constrained")
    panels = figure.subplots(1, len(networks), squeeze=False)[0]
    for ax, one in zip(panels, networks, strict=True):
        ax.set_title(one.network.name, fontsize=9, loc="left")
        ax.set_xscale("log")
        ax.axhline(100 * one.original.accuracy, color="#d1d9e0", linewidth=1, zorder=0)
        for change in (one.original, *one.repaired):
            colour, marker, label = _look(change)
            accuracies = [100 * accuracy for accuracy in change.accuracies]
            macs = [change.macs / 1e6] * len(accuracies)
            ax.plot(macs, accuracies, ".", color=colour, alpha=0.4)
            ax.plot(macs[:1], [100 * change.accuracy], marker, color=colour, label=label)
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda macs, _: f"{macs:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.margins(x=0.15)
        ax.set_xlabel("million MACs", fontsize=8)
        ax.tick_params(labelsize=8)
    panels[0].set_ylabel("test accuracy, %", fontsize=8)
    handles = {
        label: handle
        for ax in panels
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(),
        handles.keys(),
        loc="outside lower center",
        ncols=3,
        frameon=False,
        fontsize=8,
    )
    figure.savefig(file, dpi=_DPI, metadata={"Software": None})


def _look(change: TrainedChange) -> tuple[str, str, str]:
    if change.change is None:
        return _ORIGINAL, "o", "as it is"
    if change.truncates:
        return _TRUNCATED, "s", "truncated"
    return _FINER, "^", "downsampling removed"
