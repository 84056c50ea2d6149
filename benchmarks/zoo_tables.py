"""The outcomes of linting a zoo as tables, for the terminal and for Markdown."""

from __future__ import annotations

import platform
import re
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from rich import box
from rich.table import Table

from benchmarks.zoo_outcomes import Outcome
from benchmarks.zoo_reasons import ALLOWED, explained
from rflint.linting.rule_files import load_rules
from zoo.models import GROUPS, ZOOS

COLUMNS = (
    "zoo",
    "group",
    "model",
    "inputs",
    "built s",
    "seconds",
    "tracer",
    "complete",
    "unknown operators",
    "findings",
    "layers",
    "convs",
    "unproductive",
    "params",
    "macs",
    "error",
)
"""Of the table with a line per model."""

LEFT_OUT = "(the end, which depends on data)"

SLOWEST = 10
"""How many models the table of the slowest has."""


@dataclass(frozen=True)
class Sheet:
    """A table: a title, headings, rows of text."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def rich(self) -> Table:
        """For the terminal."""
        table = Table(*self.headings, title=self.title, box=box.SIMPLE)
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> str:
        """As Markdown, with its title as a heading."""
        lines = [self.headings, ("---",) * len(self.headings), *self.rows]
        text = "\n".join("| " + " | ".join(map(_in_a_cell, line)) + " |" for line in lines)
        return f"## {self.title}\n\n{text}\n"


def row(outcome: Outcome) -> tuple[str | int, ...]:
    """A model's line under `COLUMNS`."""
    model = outcome.model
    return (
        model.zoo,
        model.group,
        model.name,
        ", ".join("x".join(map(str, shape)) for shape in model.inputs),
        f"{outcome.built:.2f}",
        f"{outcome.seconds:.2f}",
        outcome.tracer,
        "yes" if outcome.complete else "no",
        ", ".join(outcome.unknown),
        _counts(outcome),
        outcome.layers,
        outcome.convs,
        outcome.unproductive,
        outcome.params,
        outcome.macs,
        outcome.error,
    )


def progress_line(outcome: Outcome) -> str:
    """One line on a model that is done."""
    if not outcome.analysed:
        return f"{outcome.model.title}: {outcome.error.splitlines()[0]}"
    said = [f"built {outcome.built:.2f} s", f"{outcome.seconds:.2f} s", outcome.tracer]
    if not outcome.complete:
        said.append(f"incomplete: {', '.join(_missing(outcome))}")
    said.append(f"{outcome.unproductive} of {outcome.convs} convolutions unproductive")
    if outcome.codes:
        said.append(_counts(outcome))
    return f"{outcome.model.title}: {', '.join(said)}"


def summary_tables(results: Sequence[Outcome]) -> list[Sheet]:
    """What there was, what each rule found, and what went wrong, why."""
    parts = (_totals, _rules, _often, _failures, _incomplete, _exported, _slowest)
    return [sheet for sheet in (part(results) for part in parts) if sheet.rows]


def document(results: Sequence[Outcome], command: str) -> str:
    """docs/zoo.md: what was measured, how to measure it again, the summary, and all models."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "torchvision", "timm"))
    head = f"""# The zoo

Every model of torchvision and timm ({len(results)} of them), linted at its native input size by

```console
{command}
```

with Python {platform.python_version()}, {versions}.
This page is what that command writes, and
[benchmarks/packages.py](../benchmarks/packages.py) its last part, "Models of other packages";
nothing in it is edited by hand.

- *Native* is the input size of the pretrained weights' preprocessing. Detectors get the size that
  they resize images to, optical flow two images of 224x224, video models clips of 16 frames.
- *Analysed* models have a report; the others failed, with a message that is listed below.
- *Complete* reports judge everything. In the others RF901 names the operators that rflint does not
  know, and what depends on them alone is not judged; or RF902 says where a model begins to depend
  on data, and the report ends there.
- *Exported* models run code that cannot be followed itself, but torch.export follows what it does.
- *Fires* says of a rule that it finds something in a model, once or many times. What the rules look
  for: [rules](rules/README.md). Rules that are off by default did not run.
- *Seconds* are what rflint takes beyond building the model, in processor seconds of one thread of a
  process that has linted before. [benchmarks/overhead.py](../benchmarks/overhead.py) measures fresh
  processes.
"""
    tables = [sheet.markdown() for sheet in (*summary_tables(results), _namely(results))]
    return "\n".join([head, *tables])


def _totals(results: Sequence[Outcome]) -> Sheet:
    rows = []
    for name, members in _parts(results):
        analysed = [x for x in members if x.analysed]
        seconds = [x.seconds for x in analysed]
        rows.append(
            (
                name,
                str(len(members)),
                str(len(analysed)),
                str(sum(x.complete for x in analysed)),
                str(len(members) - len(analysed)),
                str(sum(x.tracer == "export" for x in analysed)),
                f"{statistics.median(seconds):.2f}" if seconds else "",
                f"{max(seconds):.2f}" if seconds else "",
            )
        )
    headings = ("", "models", "analysed", "complete", "failed", "exported", "median s", "max s")
    return Sheet("Models", headings, tuple(rows))


def _rules(results: Sequence[Outcome]) -> Sheet:
    codes = sorted({code for outcome in results for code in outcome.codes})
    rows = []
    for name, members in _parts(results):
        counts = [str(sum(code in x.codes for x in members)) for code in codes]
        rows.append((name, *counts, str(sum(not x.codes for x in members if x.analysed))))
    shares = [_share([code in x.codes for x in results]) for code in codes]
    rows.append(("share", *shares, _share([x.analysed and not x.codes for x in results])))
    headings = ("", *codes, "no finding")
    return Sheet("Models on which a rule fires", headings, tuple(rows))


def _share(holds: Sequence[bool]) -> str:
    return f"{100 * sum(holds) / len(holds):.1f} %"


def _often(results: Sequence[Outcome]) -> Sheet:
    """What there is to say for rules that are on by default and fire often."""
    rows = []
    for rule in load_rules():
        titles = [x.model.title for x in results if rule.code in x.codes]
        if rule.unasked and len(titles) > ALLOWED * len(results):
            for group in explained(rule.code, titles):
                reason = group.reason or "not looked into"
                rows.append((rule.code, str(len(group.titles)), reason, ", ".join(group.titles)))
    return Sheet(
        f"Rules that fire on more than {100 * ALLOWED:.0f} % of the models, and why they are right",
        ("rule", "models", "because", "namely"),
        tuple(rows),
    )


def _namely(results: Sequence[Outcome]) -> Sheet:
    """Which models each rule finds something in."""
    codes = sorted({code for outcome in results for code in outcome.codes})
    return Sheet(
        "Which models",
        ("rule", "models, with the number of findings"),
        tuple(
            (
                code,
                ", ".join(f"{x.model.title} ({x.codes[code]})" for x in results if code in x.codes),
            )
            for code in codes
        ),
    )


def _failures(results: Sequence[Outcome]) -> Sheet:
    failed = [x for x in results if not x.analysed]
    return Sheet(
        "Failures, by cause",
        ("cause", "models", "for example"),
        _grouped(failed, lambda outcome: [_cause(outcome.error)]),
    )


def _incomplete(results: Sequence[Outcome]) -> Sheet:
    incomplete = [x for x in results if x.analysed and not x.complete]
    return Sheet(
        "Incomplete reports, by cause",
        ("operator", "models", "for example"),
        _grouped(incomplete, _missing),
    )


def _missing(outcome: Outcome) -> Sequence[str]:
    return (*outcome.unknown, *([LEFT_OUT] if outcome.left_out else []))


def _exported(results: Sequence[Outcome]) -> Sheet:
    exported = [x for x in results if x.unfollowed]
    return Sheet(
        "Followed by torch.export, by what their own code does",
        ("cause", "models", "for example"),
        _grouped(exported, lambda outcome: [_cause(outcome.unfollowed)]),
    )


def _slowest(results: Sequence[Outcome]) -> Sheet:
    slowest = sorted(results, key=lambda x: x.built + x.seconds, reverse=True)[:SLOWEST]
    rows = [(x.model.title, f"{x.built:.2f}", f"{x.seconds:.2f}") for x in slowest]
    return Sheet("The slowest", ("model", "built s", "s"), tuple(rows))


def _grouped(
    results: Iterable[Outcome], keys: Callable[[Outcome], Sequence[str]]
) -> tuple[tuple[str, ...], ...]:
    """Per key how many models have it, and the smallest of them."""
    groups: dict[str, list[Outcome]] = {}
    for outcome in results:
        for key in keys(outcome):
            groups.setdefault(key, []).append(outcome)
    rows = []
    for key, members in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        smallest = min(members, key=lambda x: (x.layers, x.params, x.model.title))
        rows.append((key, str(len(members)), smallest.model.title))
    return tuple(rows)


def _cause(error: str) -> str:
    """The first line of a message without its numbers: the same for the same reason."""
    first = error.splitlines()[0]
    return re.sub(r"(?<![A-Za-z0-9:])\d+(x\d+)*(\.\d+)*", "N", first)


def _parts(results: Sequence[Outcome]) -> list[tuple[str, list[Outcome]]]:
    """Per zoo and, where it has several, per group; and all of them."""
    parts = []
    for zoo in ZOOS:
        members = [x for x in results if x.model.zoo == zoo]
        groups = [g for g in GROUPS.values() if any(x.model.group == g for x in members)]
        for group in groups:
            rows = [x for x in members if x.model.group == group]
            parts.append((f"{zoo}, {group}" if zoo != "timm" else zoo, rows))
    if len(parts) > 1:
        parts.append(("all", list(results)))
    return parts


def _counts(outcome: Outcome) -> str:
    return ", ".join(f"{code}: {count}" for code, count in outcome.codes.items())


def _in_a_cell(text: str) -> str:
    return text.replace("|", "\\|")
