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

HOW_TO = (
    'A rule file has a docstring and ends with RULE = Rule("ACME001", "large-kernel", '
    "Severity.WARNING, check=check, fails=[...], passes=[...]): see docs/writing-rules.md."
)


class IncompleteRuleFile(UsageError):
    """A rule file has not everything that a rule file needs."""

    def __init__(self, file: str, lacking: str) -> None:
        super().__init__(f"the rule file {file} lacks {lacking}", hint=HOW_TO)
        self.lacking = lacking


def read_rule(module: ModuleType) -> Rule:
    """The RULE of a module. Raises IncompleteRuleFile where there is none, or no docstring."""
    rule = getattr(module, "RULE", None)
    if not isinstance(rule, Rule):
        raise IncompleteRuleFile(str(module.__file__), "RULE = Rule(...)")
    return documented(rule, _docstring(module), str(module.__file__ or ""))


def documented(rule: Rule, docstring: str, file: str) -> Rule:
    """The rule with the docstring of its file. Raises IncompleteRuleFile where it is empty."""
    if not docstring:
        raise IncompleteRuleFile(file, "a docstring")
    return replace(rule, doc=cleandoc(docstring), file=file)


def _docstring(module: ModuleType) -> str:
    """A module's docstring; `python -OO` leaves it out of the module, but not out of the source."""
    if module.__doc__ is None and sys.flags.optimize > 1:
        try:
            return ast.get_docstring(ast.parse(inspect.getsource(module)), clean=False) or ""
        except OSError:  # installed without its source
            return "Without documentation (python -OO)."
    return module.__doc__ or ""
