"""What a rule is.

A rule is a Python file named after its code, like rf101_unproductive_layer.py. Its docstring is the
rule's documentation (what, why with the source, how to fix, when to ignore), and it holds one

    RULE = Rule("RF101", "unproductive-layer", Severity.WARNING, check=check, ...)

`rule_files.py` finds such files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any, TypeAlias

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis
from rflint.analysis.options import AnalysisOptions
from rflint.errors import UsageError
from rflint.graph.source_location import SourceLocation
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.text.suggest import did_you_mean_aside, similar


@dataclass(frozen=True, slots=True)
class Settings(Mapping[str, Any]):
    """What a check is told: the settings of its rule by name, and options of the run."""

    values_by_name: Mapping[str, Any] = field(default_factory=dict)
    allow_unknown: tuple[str, ...] = ()
    """The operators that --allow-unknown names."""

    def __getitem__(self, name: str) -> Any:
        """`settings["largest"]`: what the user has set, else the default."""
        return self.values_by_name[name]

    def __iter__(self) -> Iterator[str]:
        """The names of the settings."""
        return iter(self.values_by_name)

    def __len__(self) -> int:
        """Their number."""
        return len(self.values_by_name)


Check: TypeAlias = Callable[[Analysis, Settings], Iterable[Finding]]
SuppressionCheck: TypeAlias = "Callable[[Sequence[UnusedSuppression]], Iterable[Finding]]"
Summary: TypeAlias = Callable[[Analysis, Sequence[Finding]], str]


@dataclass(frozen=True, slots=True)
class Example:
    """A builder that a rule must find something in, or nothing, at a resolution."""

    build: Callable[[], Any]
    res: int | tuple[int, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the rule, if not the defaults."""
    layout: str = ""
    """The value of --layout, if any."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a user can set of a rule under `[tool.rflint.rules.CODE]`."""

    default: Any
    help: str
    choices: tuple[str, ...] = ()
    """The texts that are allowed. Without choices, values are of the default's type."""
    analysis_options: Mapping[Any, AnalysisOptions] = field(default_factory=dict)
    """By value, what it asks of the analysis: verdicts, totals and repairs follow."""

    def complaint(self, value: Any) -> str:
        """What is wrong with a value, if something is."""
        if self.choices:
            if value in self.choices:
                return ""
            did = did_you_mean_aside(list(map(repr, similar(str(value), self.choices))))
            return f"is {value!r}, and can be {' or '.join(map(repr, self.choices))}{did}"
        wanted = tuple if isinstance(self.default, tuple) else type(self.default)
        given = tuple(value) if isinstance(value, list) else value
        if type(given) is wanted or (wanted is float and type(given) is int):
            return ""
        names = {tuple: "a list", str: "text", int: "a whole number", bool: "true or false"}
        return f"is {value!r}, and should be {names.get(wanted, 'a number')}"


@dataclass(frozen=True, slots=True)
class UnusedSuppression:
    """A comment `# rflint: ignore[...]` that suppressed nothing."""

    layer: str
    """The first layer on its lines; empty where there is none."""
    message: str
    source: SourceLocation


def _finds_nothing(analysis: Analysis, settings: Settings) -> Iterable[Finding]:
    return ()


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule checks, what it is called, and the examples that are its tests.

    Raises UsageError where something of it is not what it should be.
    """

    code: str
    """Capitals and three digits: RF101."""
    name: str
    """For people: unproductive-layer."""
    severity: Severity
    _: KW_ONLY
    check: Check = _finds_nothing
    """Yields the findings in a model."""
    check_suppressions: SuppressionCheck | None = None
    """Yields findings in comments, when all other rules have run on all models."""
    fails: Sequence[Example]
    """Models in which it must find something,"""
    passes: Sequence[Example]
    """and models in which it must not. They are part of the documentation too."""
    summarise: Summary | None = None
    """Many findings of this rule as one paragraph."""
    on_by_default: bool = True
    """Whether it runs although nobody asked for it."""
    default_check: Check | None = None
    """Of a rule that is off by default: the check that runs all the same, and finds some cases."""
    default_cases: str = ""
    """Which cases these are, in words that follow "on by default": 'where ...'."""
    evidence: Evidence | None = None
    """Whether its findings are proved or predicted."""
    settings: Mapping[str, Setting] = field(default_factory=dict)
    """By name."""
    doc: str = ""
    """The docstring of its file, set when the file is read,"""
    file: str = ""
    """and the path of the file."""

    def __post_init__(self) -> None:
        for wrong, complaint in (
            (not re.fullmatch(r"[A-Z]+\d{3}", str(self.code)), "its code is not like RF101"),
            (
                not re.fullmatch(r"[a-z0-9-]+", str(self.name)),
                "its name is not like unproductive-layer",
            ),
            (not isinstance(self.severity, Severity), _is_no("severity", Severity)),
            (
                not (self.evidence is None or isinstance(self.evidence, Evidence)),
                _is_no("evidence", Evidence),
            ),
            (not isinstance(self.on_by_default, bool), "on_by_default is neither True nor False"),
            (not callable(self.check), "its check is no function"),
            (
                not (self.default_check is None or callable(self.default_check)),
                "its default_check is no function",
            ),
            (
                bool(self.default_cases) != (self.default_check is not None),
                "default_check= and default_cases= go together",
            ),
            (
                self.on_by_default is True and self.default_check is not None,
                "default_check= is for rules with on_by_default=False",
            ),
            (
                (self.check is _finds_nothing) == (self.check_suppressions is None),
                "it needs one of check= and check_suppressions=",
            ),
            (
                not all(isinstance(x, Example) for x in (*self.fails, *self.passes)),
                f"fails and passes are not lists of {_path(Example)}",
            ),
            (
                not all(isinstance(x, Setting) for x in self.settings.values()),
                f"its settings do not map names to {_path(Setting)}",
            ),
        ):
            if wrong:
                raise UsageError(complaint)

    @property
    def unasked(self) -> Rule | None:
        """The rule as it runs where nobody asks for it: in all cases, in some, or not at all."""
        if self.on_by_default:
            return self
        return None if self.default_check is None else replace(self, check=self.default_check)

    @property
    def is_limited(self) -> bool:
        """Whether it is limited to its default cases, since nobody has asked for it."""
        return self.check is self.default_check

    @property
    def summary(self) -> str:
        """The first line of its documentation."""
        return self.doc.split("\n", 1)[0]

    def finding(self, layer: AnalysedLayer, message: str, detail: str = "") -> Finding:
        """A finding about a layer, at the lines of the user's code that build and call it.

        `detail` is what reports say of the layer, in short, below a summary of all findings.
        """
        found = self.model_finding(layer.name, message, layer.source)
        return replace(
            found, places=layer.places, detail=detail, call=layer.call, caller=layer.caller
        )

    def module_finding(
        self,
        module: str,
        message: str,
        places: Sequence[SourceLocation],
        severity: Severity | None = None,
    ) -> Finding:
        """A finding about a module or a tensor, at the lines of the user's code that make it.

        Reports tell it in full below a summary of all findings.
        """
        found = self.model_finding(module, message, next(iter(places), None))
        severity = severity or self.severity
        return replace(found, places=tuple(places), detail=message, severity=severity)

    def model_finding(
        self, module: str, message: str, source: SourceLocation | None = None
    ) -> Finding:
        """A finding about the model as a whole, or about one of its modules."""
        places = (source,) if source else ()
        return Finding(
            self.code, self.name, self.severity, module, message, source, places, self.evidence
        )


def _is_no(what: str, wanted: type) -> str:
    return f"its {what} is no {_path(wanted)}"


def _path(wanted: type) -> str:
    """Where it is imported from."""
    return f"{wanted.__module__}.{wanted.__name__}"
