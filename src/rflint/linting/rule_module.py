"""A rule from its module."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from collections.abc import Container
from inspect import cleandoc
from types import ModuleType

from rflint.errors import UsageError
from rflint.linting.finding import Evidence, Severity
from rflint.linting.rule import Example, Rule, Setting


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
        (not isinstance(rule.severity, Severity), "SEVERITY is no rflint.linting.finding.Severity"),
        (
            not (rule.evidence is None or isinstance(rule.evidence, Evidence)),
            "EVIDENCE is no rflint.linting.finding.Evidence",
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
