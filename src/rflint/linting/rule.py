"""What a rule is, as a rule's module says it.

A rule is a module named after its code, like rf101_unproductive_layer.py, that holds

    CODE, NAME          "RF101", "unproductive-layer"
    SEVERITY            a Severity
    DEFAULT             whether it runs unless asked for
    __doc__             its documentation: what, why with the source, how to fix, when to ignore
    check(analysis, settings)   yields Findings
    FAILS, PASSES       Examples: they are its tests and part of its documentation
    EVIDENCE            optional: an Evidence, whether its findings are proved or predicted
    SETTINGS            optional: what a configuration can tell it, by name
    summarise(analysis, findings)   optional: many findings of this rule as one paragraph

`rule_files.py` finds such modules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis
from rflint.graph.source_location import SourceLocation
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.text.suggest import did_you_mean_aside, similar

Settings: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """A builder that a rule must find something in, or nothing, at a resolution."""

    build: Callable[[], Any]
    res: int | tuple[int, ...]
    settings: Settings = field(default_factory=dict)
    """What the rule is told, if that is not the default."""
    layout: str = ""
    """What is said of the input's dimensions, in letters, if anything."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a rule can be told under `[tool.rflint.rules.CODE]`."""

    default: Any
    help: str
    choices: tuple[str, ...] = ()
    """Of a text: what it can be. Without them, values are of the default's type."""

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
class Rule:
    """A rule file, read."""

    code: str
    name: str
    severity: Severity
    default: bool
    doc: str
    check: Callable[[Analysis, Settings], Iterable[Finding]]
    fails: tuple[Example, ...] = ()
    passes: tuple[Example, ...] = ()
    settings: Mapping[str, Setting] = field(default_factory=dict)
    summarise: Callable[[Analysis, Sequence[Finding]], str] | None = None
    evidence: Evidence | None = None
    file: str = ""
    """Where it is written."""

    @property
    def summary(self) -> str:
        """The first line of its documentation."""
        return self.doc.split("\n", 1)[0]


def finding(
    module_globals: Mapping[str, Any], layer: AnalysedLayer, message: str, detail: str = ""
) -> Finding:
    """A finding of the rule whose `globals()` are given, at a layer and its place in the source.

    `detail` is what reports say of it, in short, where `summarise` tells the rest of all of them.
    """
    found = model_finding(module_globals, layer.layer.name, message, layer.layer.source)
    return replace(
        found,
        places=layer.layer.places,
        detail=detail,
        call=layer.layer.call,
        caller=layer.layer.caller,
    )


def model_finding(
    module_globals: Mapping[str, Any], name: str, message: str, source: SourceLocation | None
) -> Finding:
    """A finding about the model as a whole, or about one of its modules."""
    return Finding(
        module_globals["CODE"],
        module_globals["NAME"],
        module_globals["SEVERITY"],
        name,
        message,
        source,
        (source,) if source else (),
        module_globals.get("EVIDENCE"),
    )
