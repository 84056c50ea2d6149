"""The tables and figures of docs/evidence.md, from the results that are filed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.evidence import figures, trainings
from benchmarks.evidence.observed import ObservedConv, ObservedNetwork, observed
from benchmarks.evidence.repaired import RepairedNetwork, TrainedChange, repaired_networks
from benchmarks.evidence.verdicts import LABELS, PREDICTORS, Label, scored
from benchmarks.sections import with_section
from benchmarks.tables import as_markdown
from rflint.measurement.comparison import compare
from rflint.text.numbers import abbreviated

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "evidence.md"
IMAGES = DOCS / "evidence"

_FIGURES = {
    "4": "VGG11, 13, 16 and 19 (Fig. 4)",
    "6": "Without skips, and dilated (Fig. 6)",
    "8": "Two paths of different kernels (Fig. 8)",
    "9": "Skip connections (Fig. 9)",
    "10": "Attention (Fig. 10)",
}


def write() -> None:
    """Draw the figures, and put the tables into the page."""
    networks = list(observed(trainings.of_networks()))
    repaired = list(repaired_networks())
    IMAGES.mkdir(exist_ok=True)
    sections = {
        "networks": _networks(networks),
        "figures": "\n\n".join(_figures(networks)),
        "verdicts": "\n\n".join(_verdicts(networks)),
        "repairs": _repairs(repaired),
    }
    page = PAGE.read_text(encoding="utf-8")
    for name, text in sections.items():
        page = with_section(page, name, text)
    PAGE.write_text(page, encoding="utf-8")


def _networks(networks: Sequence[ObservedNetwork]) -> str:
    """What was trained, where it was predicted to stop adding, and where it was seen to."""
    headings = (
        "network",
        "width",
        "accuracy",
        "border b_min",
        "tail of saturation",
        "unproductive",
        "of these gain",
        "in the tail",
        "from the border on",
        "of these gain",
        "in the tail",
    )
    rows = []
    for network in networks:
        border = network.report.analysis.border_min
        tail = network.measured.tail
        unproductive = [conv for conv in network.convs if conv.unproductive]
        behind = [conv for conv in network.convs if conv.behind]
        rows.append(
            (
                network.title,
                f"{network.network.width:g}",
                f"{network.measured.accuracy or 0:.1%}".replace("%", " %"),
                f"`{border.name}`" if border else "none",
                f"from `{tail[0].name}`, {len(tail)}" if tail else "none",
                *_counts(unproductive),
                *_counts(behind),
            )
        )
    return as_markdown(headings, rows)


def _counts(convs: Sequence[ObservedConv]) -> Iterator[str]:
    """How many there are, whose probes gain something, and how many are in the tail."""
    yield str(len(convs))
    yield str(sum(not conv.gains_nothing for conv in convs))
    yield str(sum(conv.in_tail for conv in convs))


def _figures(networks: Sequence[ObservedNetwork]) -> Iterator[str]:
    """A figure of each kind of network, and what rflint says of each."""
    for number, heading in _FIGURES.items():
        shown = [network for network in networks if network.network.figure == number]
        if not shown:
            continue
        file = IMAGES / f"figure-{number}.png"
        figures.draw_measured(shown, file)
        yield f"### {heading}"
        yield f"![Receptive fields, saturation and probes]({file.relative_to(DOCS)})"
        yield "\n".join(f"- {network.title}: {_sentence(network)}." for network in shown)


def _sentence(network: ObservedNetwork) -> str:
    """What `rflint measure` says."""
    return compare(network.report.analysis, network.measured).sentence


def _verdicts(networks: Sequence[ObservedNetwork]) -> Iterator[str]:
    """Each predictor against each label."""
    convs = [conv for network in networks for conv in network.convs]
    for label in LABELS:
        positive = sum(label.of(conv) for conv in convs)
        yield f"**{label.name}**: {positive} of {len(convs)} convolutions."
        yield as_markdown(
            ("predictor", "precision", "recall", "balanced accuracy", "AUC", "AUC within networks"),
            list(_scores(networks, label)),
        )


def _scores(networks: Sequence[ObservedNetwork], label: Label) -> Iterator[Sequence[str]]:
    for predictor in PREDICTORS:
        found = scored(networks, predictor, label)
        values = (
            found.precision,
            found.recall,
            found.balanced,
            found.area,
            found.area_within,
        )
        fitted = ", ".join(f"{threshold:.2f}" for threshold in found.thresholds)
        name = f"{predictor.name} (t = {fitted})" if fitted else predictor.name
        yield (name, *("" if x is None else f"{x:.2f}" for x in values))


def _repairs(networks: Sequence[RepairedNetwork]) -> str:
    """Accuracy, parameters and MACs of each repair, beside the original (Fig. 11)."""
    if not networks:
        return ""
    file = IMAGES / "figure-11.png"
    figures.draw_repaired(networks, file)
    rows = []
    for one in networks:
        for change in (one.original, *one.repaired):
            rows.append(_repair_row(one, change))
    headings = ("network", "change", "accuracy", "difference", "parameters", "MACs")
    return (
        f"![Accuracy over MACs of networks and their repairs]({file.relative_to(DOCS)})\n\n"
        + as_markdown(headings, rows)
    )


def _repair_row(one: RepairedNetwork, change: TrainedChange) -> Sequence[str]:
    accuracy = f"{100 * change.accuracy:.1f} ± {100 * change.deviation:.1f}"
    numbers = (abbreviated(change.params), abbreviated(change.macs))
    if change.change is None:
        return (one.network.name, "as it is", accuracy, "", *numbers)
    gain, error = change.gain_over(one.original)
    return ("", change.change, accuracy, f"{100 * gain:+.1f} ± {100 * error:.1f}", *numbers)
