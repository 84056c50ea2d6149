"""Problems: what all formats show of findings and exceeded limits, where, and under which hash.

Names come from the user's model and may hold anything; each format makes them harmless in its own
way, on top of what is done here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath, PureWindowsPath

from rflint.graph.source_location import SourceLocation
from rflint.linting.finding import Finding, Severity
from rflint.report.measurements import told_of_layers
from rflint.report.model_report import ModelReport
from rflint.report.report import Report
from rflint.text.numbers import size
from rflint.usercode.paths import source_at


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding or an exceeded limit, as formats show it."""

    model: ModelReport
    code: str
    """That of the rule; of a limit, its option."""
    name: str
    severity: Severity
    message: str
    source: SourceLocation | None
    fails_run: bool
    """Whether the exit status is 1 because of it, too."""
    fingerprint: str
    label: str
    """The model and the input size, where the report has several."""
    finding: Finding | None = None
    """None for an exceeded limit."""
    measured: str = ""
    """What a trained model showed of the layer, where that is known."""

    @property
    def layer(self) -> str:
        """The name of the layer that it is about, if it is about one."""
        return self.finding.layer if self.finding else ""

    @property
    def title(self) -> str:
        """The name of the layer, with the call and the caller where these tell it apart."""
        return self.finding.title if self.finding else ""

    @property
    def detail(self) -> str:
        """The message in short, for lists below a summary."""
        return self.finding.detail if self.finding else ""

    @property
    def evidence(self) -> str:
        """Whether it is proved or predicted, if the rule says so."""
        return self.finding.evidence.value if self.finding and self.finding.evidence else ""

    @property
    def place(self) -> SourceLocation | None:
        """The line to show it at: its own, else where the model is defined."""
        return self.source or self.model.place

    @property
    def text(self) -> str:
        """Layer, message, what was measured, and label, in one sentence."""
        layer = f"{self.title}: " if self.layer else ""
        measured = f" ({self.measured})" if self.measured else ""
        label = f" [{self.label}]" if self.label else ""
        return f"{layer}{self.message}{measured}{label}"


def problems(report: Report) -> Iterator[Problem]:
    """All problems of a report, in its order; without suppressed and accepted findings."""
    for _, found in problems_by_model(report):
        yield from found


def problems_by_model(report: Report) -> Iterator[tuple[ModelReport, list[Problem]]]:
    """Each model and its problems."""
    label = _labels(report)
    fingerprint = fingerprinter()
    for model in report.models:
        at = (model.title, model.analysis.architecture.resolution)
        measured = told_of_layers(model.analysis, model.measured) if model.measured else {}
        yield (
            model,
            [
                *(
                    Problem(
                        model,
                        x.code,
                        x.name,
                        x.severity,
                        x.message,
                        x.source,
                        report.fails(x),
                        fingerprint((x.code, *at, x.layer)),
                        label(model),
                        x,
                        measured.get((x.layer, x.call), ""),
                    )
                    for x in model.findings
                ),
                *(
                    Problem(
                        model,
                        x.option,
                        "over-limit",
                        Severity.ERROR,
                        x.message,
                        x.source,
                        True,
                        fingerprint((x.option, *at, "")),
                        label(model),
                    )
                    for x in model.exceeded_limits
                ),
            ],
        )


def fingerprinter() -> Callable[[tuple[object, ...]], str]:
    """A function from keys to hashes; the n-th time that it gets a key, it gives another one.

    Lines and messages are no part of keys: both change while the problem stays what it is.
    """
    seen: Counter[str] = Counter()

    def fingerprint(key: tuple[object, ...]) -> str:
        text = json.dumps(key)
        seen[text] += 1
        return sha256(f"{text}{seen[text]}".encode()).hexdigest()

    return fingerprint


def at_resolution(model: ModelReport) -> str:
    """'resnet18 at 32x32'."""
    at = resolution(model)
    return f"{model.title} at {at}" if at else model.title


def resolution(model: ModelReport) -> str:
    """'32x32'."""
    return size(model.analysis.architecture.resolution)


def location_of_target(target: str) -> SourceLocation:
    """The file that a target names, for formats that need a location, when nothing else has one.

    Else pyproject.toml, where models and limits are configured.
    """
    name = target.rpartition(":")[0]
    if name.endswith(".py"):
        with suppress(OSError, ValueError):  # whatever a caller of `lint` takes for a name
            return source_at(name, 1)
    return SourceLocation("pyproject.toml", 1)


def is_relative(source: SourceLocation) -> bool:
    """Whether it lies below the current directory: other paths are absolute."""
    return not (
        PurePosixPath(source.path).is_absolute() or PureWindowsPath(source.path).is_absolute()
    )


def without_surrogates(text: str) -> str:
    """Without the lone surrogates of undecodable file names, which no file can hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def level(severity: Severity, info: str) -> str:
    """A severity in the words of GitHub and SARIF, which differ in what they call the mildest."""
    return info if severity is Severity.INFO else severity.value


def _labels(report: Report) -> Callable[[ModelReport], str]:
    """Names models only where there are several, and inputs where a model has several."""
    sizes: dict[str, set[str]] = {}
    for model in report.models:
        sizes.setdefault(model.title, set()).add(resolution(model))

    def label(model: ModelReport) -> str:
        if len(sizes[model.title]) > 1:
            return at_resolution(model) if len(sizes) > 1 else f"at {resolution(model)}"
        return model.title if len(sizes) > 1 else ""

    return label
