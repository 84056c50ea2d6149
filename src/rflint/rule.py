"""What a rule is, and how the rules in a folder are found.

A rule is a module named rfNNN_short_name.py that holds

    CODE, NAME          "RF101", "unproductive-layer"
    SEVERITY            a Severity
    DEFAULT             whether it runs unless asked for
    __doc__             its documentation: what, why with the source, how to fix, when to ignore
    check(analysis, settings)   yields Findings
    FAILS, PASSES       Examples: they are its tests and part of its documentation
    summarise(analysis, findings)   optional: many findings of this rule as one paragraph
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from inspect import cleandoc
from types import ModuleType
from typing import Any, TypeAlias

from rflint.analysis import AnalysedLayer, Analysis
from rflint.architecture import Source
from rflint.errors import UsageError

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


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a rule has to say about one layer."""

    code: str
    name: str
    severity: Severity
    layer: str
    message: str
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A builder that a rule must find something in, or nothing, at a resolution."""

    build: Callable[[], Any]
    res: int | tuple[int, ...]


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
    summarise: Callable[[Analysis, Sequence[Finding]], str] | None = None

    @property
    def summary(self) -> str:
        """The first line of its documentation."""
        return self.doc.split("\n", 1)[0]


def finding(module_globals: Mapping[str, Any], layer: AnalysedLayer, message: str) -> Finding:
    """A finding of the rule whose `globals()` are given, at a layer and its place in the source."""
    return model_finding(module_globals, layer.layer.name, message, layer.layer.source)


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
    )


def load_rules() -> tuple[Rule, ...]:
    """The rules that ship with rflint, by code."""
    package = importlib.import_module("rflint.rules")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return tuple(
        read_rule(importlib.import_module(f"rflint.rules.{name}"))
        for name in names
        if re.fullmatch(r"rf\d{3}_\w+", name)
    )


def read_rule(module: ModuleType) -> Rule:
    """A rule from its module. Raises UsageError where the module lacks what a rule needs."""
    missing = [
        name
        for name in ("CODE", "NAME", "SEVERITY", "DEFAULT", "check", "FAILS", "PASSES")
        if not hasattr(module, name)
    ]
    if missing or not module.__doc__:
        lacks = ", ".join([*missing, *([] if module.__doc__ else ["a docstring"])])
        raise UsageError(f"the rule file {module.__file__} lacks {lacks}")
    return Rule(
        module.CODE,
        module.NAME,
        module.SEVERITY,
        module.DEFAULT,
        cleandoc(module.__doc__),
        module.check,
        tuple(module.FAILS),
        tuple(module.PASSES),
        getattr(module, "summarise", None),
    )


def selected(
    rules: Sequence[Rule], select: Sequence[str] = (), ignore: Sequence[str] = ()
) -> tuple[Rule, ...]:
    """The rules to run. Codes may be prefixes (RF1) or ALL; without `select`, the default rules.

    Raises UsageError for a code that matches no rule.
    """
    for code in (*select, *ignore):
        if not any(_matches(rule, code) for rule in rules):
            known = ", ".join(rule.code for rule in rules)
            raise UsageError(f"no rule {code!r}", hint=f"The rules: {known}.")
    return tuple(
        rule
        for rule in rules
        if (any(_matches(rule, code) for code in select) if select else rule.default)
        and not any(_matches(rule, code) for code in ignore)
    )


def _matches(rule: Rule, code: str) -> bool:
    return code.upper() == "ALL" or rule.code.startswith(code.upper()) or rule.name == code
