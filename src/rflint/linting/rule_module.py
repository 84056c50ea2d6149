"""A rule from its module."""

from __future__ import annotations

import ast
import inspect
import sys
from dataclasses import replace
from inspect import cleandoc
from types import ModuleType

from rflint.errors import UsageError
from rflint.linting.rule import Rule

NO_RULE = "it has no RULE = Rule(...)"
HOW_TO = (
    'A rule file has a docstring and ends with RULE = Rule("ACME001", "large-kernel", '
    "Severity.WARNING, check=check, fails=[...], passes=[...]): see docs/writing-rules.md."
)


def read_rule(module: ModuleType) -> Rule:
    """The RULE of a module. Raises UsageError where there is none, or no docstring."""
    rule = getattr(module, "RULE", None)
    if not isinstance(rule, Rule):
        raise UsageError(NO_RULE, hint=HOW_TO)
    return documented(rule, _docstring(module), str(module.__file__ or ""))


def documented(rule: Rule, docstring: str, file: str) -> Rule:
    """The rule with the docstring of its file. Raises UsageError where it is empty."""
    if not docstring:
        raise UsageError("it has no docstring", hint=HOW_TO)
    return replace(rule, doc=cleandoc(docstring), file=file)


def _docstring(module: ModuleType) -> str:
    """A module's docstring; `python -OO` leaves it out of the module, but not out of the source."""
    if module.__doc__ is None and sys.flags.optimize > 1:
        try:
            return ast.get_docstring(ast.parse(inspect.getsource(module)), clean=False) or ""
        except OSError:  # installed without its source
            return "Without documentation (python -OO)."
    return module.__doc__ or ""
