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

import ast
import difflib
import inspect
import re
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from inspect import cleandoc
from types import ModuleType
from typing import Any, TypeAlias

from rflint.analysis.analysis import AnalysedLayer, Analysis
from rflint.analysis.passes import Standing, standing
from rflint.errors import UsageError
from rflint.graph.architecture import Source, titled

Settings: TypeAlias = Mapping[str, Any]


class Severity(str, Enum):
    """How bad a finding is; `rank` orders them for the gate."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for the mildest."""
        return list(Severity).index(self)


class Evidence(str, Enum):
    """What a rule's findings rest on."""

    PROVED = "proved"
    """They follow from the graph and the input size, whatever the weights and the data are."""
    PREDICTED = "predicted"
    """Theory and experiments say so; another data set may behave differently."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule has to say about one layer."""

    code: str
    name: str
    severity: Severity
    layer: str
    message: str
    source: Source | None = None
    places: tuple[Source, ...] = ()
    """Every line of the user's that has to do with it: where a comment can suppress it."""
    evidence: Evidence | None = None
    """What it rests on, where the rule says so."""
    detail: str = ""
    """What to say of it, in short, where many are told together (`summarise`)."""
    call: int = 0
    """Which call of the layer it is about, where the model calls it several times."""
    caller: str = ""
    """Of a function that is called: path of the module in whose forward that is."""

    @property
    def title(self) -> str:
        """What people are told of its layer."""
        return titled(self.layer, self.call, self.caller) if self.layer else ""


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
            near = difflib.get_close_matches(str(value), self.choices, n=1)
            did = f" (did you mean {near[0]!r}?)" if near else ""
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


def layers_of(analysis: Analysis, findings: Iterable[Finding]) -> tuple[AnalysedLayer, ...]:
    """The layers that findings are about, in execution order.

    A summary counts with these, and not with all that a rule finds: it is told of those that are
    listed, without what a comment suppresses or a baseline holds.
    """
    told_of = {(finding.layer, finding.call) for finding in findings}
    return tuple(x for x in analysis.layers if (x.layer.name, x.layer.call) in told_of)


def model_finding(
    module_globals: Mapping[str, Any], name: str, message: str, source: Source | None
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


def as_far_as_it_holds(
    found: Finding, analysis: Analysis, holds: Callable[[Analysis], bool]
) -> Iterator[Finding]:
    """A finding as it may be said of the model, and not only of the pass that was analysed.

    `holds` says of the analysis of another pass whether the claim is true there too. It stays as it
    is where it holds in evaluation and in training, becomes `in_one_mode` where training shows
    otherwise or cannot be followed, and is dropped where chance or turns decide.
    """
    match standing(analysis, holds):
        case Standing.EVERYWHERE:
            yield found
        case Standing.HERE | Standing.HERE_ONLY:
            yield in_one_mode(found, analysis)


def in_one_mode(found: Finding, analysis: Analysis) -> Finding:
    """The same said of the mode that was analysed, for information."""
    prefix = f"in {analysis.mode}, "
    return replace(
        found,
        severity=Severity.INFO,
        message=f"{prefix}{found.message}",
        detail=f"{prefix}{found.detail}" if found.detail else "",
    )


def read_rule(module: ModuleType) -> Rule:
    """A rule from its module. Raises UsageError where the module is not what a rule should be."""
    doc = documentation(module)
    lacking(str(module.__file__), vars(module), doc)
    rule = Rule(
        module.CODE,
        module.NAME,
        module.SEVERITY,
        module.DEFAULT,
        cleandoc(doc),
        module.check,
        tuple(module.FAILS),
        tuple(module.PASSES),
        dict(getattr(module, "SETTINGS", {})),
        getattr(module, "summarise", None),
        getattr(module, "EVIDENCE", None),
        str(module.__file__ or ""),
    )
    return validated(rule)


def lacking(file: str, names: Container[str], doc: str) -> None:
    """Raises UsageError where a rule file has not all that makes a rule."""
    needed = ("CODE", "NAME", "SEVERITY", "DEFAULT", "check", "FAILS", "PASSES")
    missing = [name for name in needed if name not in names]
    if missing or not doc:
        lacks = ", ".join([*missing, *([] if doc else ["a docstring"])])
        raise UsageError(f"the rule file {file} lacks {lacks}")


def validated(rule: Rule) -> Rule:
    """The same. Raises UsageError where something of it is not what it should be."""
    for wrong, says in (
        (not re.fullmatch(r"[A-Z]+\d{3}", str(rule.code)), "CODE is not like RF101"),
        (not re.fullmatch(r"[a-z0-9-]+", str(rule.name)), "NAME is not like unproductive-layer"),
        (not isinstance(rule.severity, Severity), "SEVERITY is no rflint.linting.rule.Severity"),
        (
            not (rule.evidence is None or isinstance(rule.evidence, Evidence)),
            "EVIDENCE is no rflint.linting.rule.Evidence",
        ),
        (not isinstance(rule.default, bool), "DEFAULT is neither True nor False"),
        (not callable(rule.check), "check is no function"),
        (
            not all(isinstance(x, Example) for x in (*rule.fails, *rule.passes)),
            "FAILS and PASSES are not lists of rflint.linting.rule.Example",
        ),
        (
            not all(isinstance(x, Setting) for x in rule.settings.values()),
            "SETTINGS does not map names to rflint.linting.rule.Setting",
        ),
    ):
        if wrong:
            raise UsageError(f"the rule file {rule.file} is no rule: {says}")
    return rule


def documentation(module: ModuleType) -> str:
    """A module's docstring; `python -OO` leaves it out of the module, but not out of the source."""
    if module.__doc__ is None and sys.flags.optimize > 1:
        try:
            return ast.get_docstring(ast.parse(inspect.getsource(module)), clean=False) or ""
        except OSError:  # installed without its source
            return "Without documentation (python -OO)."
    return module.__doc__ or ""


def selected(
    rules: Sequence[Rule],
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    extend: Sequence[str] = (),
) -> tuple[Rule, ...]:
    """The rules to run. Codes may be prefixes (RF1), names or ALL.

    Without `select`, the default rules; `extend` adds to either, `ignore` takes away. Where a code
    and its prefix disagree, the longer one counts: `ignore=["RF1"], select=["RF101"]` runs RF101.

    Raises UsageError for a code that matches no rule.
    """
    for code in (*select, *ignore, *extend):
        check_code(rules, code)
    return tuple(
        rule
        for rule in rules
        if max(
            max((precision(rule, code) for code in (*select, *extend)), default=0),
            0 if select else int(rule.default),
        )
        > max((precision(rule, code) for code in ignore), default=0)
    )


def check_code(rules: Sequence[Rule], code: str) -> None:
    """Raises UsageError where a code matches no rule."""
    if not any(precision(rule, code) for rule in rules):
        names = [name for rule in rules for name in (rule.code, rule.name)]
        near = difflib.get_close_matches(code, names, n=1) or difflib.get_close_matches(
            code.upper(), names, n=1
        )
        did = f"Did you mean {near[0]}? " if near else ""
        known = ", ".join(rule.code for rule in rules)
        raise UsageError(f"no rule {code!r}", hint=f"{did}The rules: {known}.")


def named(rules: Sequence[Rule], code: str) -> Rule | None:
    """The one rule that a whole code, or a name, stands for."""
    return next((rule for rule in rules if code == rule.name or code.upper() == rule.code), None)


def told(rules: Sequence[Rule], settings: Mapping[str, Settings]) -> dict[str, Settings]:
    """Settings by the codes of rules, lists as tuples; those of no rule are left out."""
    return {
        rule.code: {key: tuple(x) if isinstance(x, list) else x for key, x in values.items()}
        for code, values in settings.items()
        if (rule := named(rules, code))
    }


def check_settings(rules: Sequence[Rule], code: str, settings: Settings) -> None:
    """Raises UsageError where a rule has no such setting, or it cannot have that value."""
    rule = named(rules, code)
    if rule is None:
        check_code(rules, code)
        raise UsageError(f"{code!r} names several rules: settings are of one")
    for name, value in settings.items():
        if name not in rule.settings:
            near = difflib.get_close_matches(name, rule.settings, n=1)
            known = ", ".join(rule.settings) or "none"
            hint = f"Did you mean {near[0]}?" if near else f"Its settings: {known}."
            raise UsageError(f"{rule.code} has no setting {name!r}", hint=hint)
        complaint = rule.settings[name].complaint(value)
        if complaint:
            raise UsageError(f"{name} of {rule.code} {complaint}")


def precision(rule: Rule, code: str) -> int:
    """How precisely a code names a rule: 0 not at all, 2 for ALL, then the longer the more."""
    if code.upper() == "ALL":
        return 2
    if rule.name == code:
        return 2 + len(rule.code)
    return 2 + len(code) if code and rule.code.startswith(code.upper()) else 0
