"""Rules run on an analysis. A rule that fails is one error; the others still run."""

from __future__ import annotations

from collections.abc import Sequence

from rflint.analysis import Analysis
from rflint.architecture import Source
from rflint.errors import RflintError, said
from rflint.options import Options
from rflint.places import lines_of, source_at
from rflint.rule import Finding, Rule
from rflint.rule_files import RuleFailed


def findings(
    rules: Sequence[Rule], analysis: Analysis, options: Options
) -> tuple[tuple[Finding, ...], tuple[RflintError, ...]]:
    """What the rules have to say, and an error for each that could not say it."""
    found: list[Finding] = []
    broken: list[RflintError] = []
    for rule in rules:
        try:
            said_by_rule = list(rule.check(analysis, options.settings(rule)))
            strange = next((x for x in said_by_rule if not isinstance(x, Finding)), None)
            if strange is not None:
                raise RuleFailed(f"check yields a {type(strange).__name__}, which is no Finding")
        except Exception as error:
            broken.append(_failed(rule, error))
        else:
            found += said_by_rule
    return tuple(found), tuple(broken)


def _failed(rule: Rule, error: Exception) -> RuleFailed:
    what = error.message if isinstance(error, RuleFailed) else f"check raised {said(error)}"
    failed = RuleFailed(
        f"rule {rule.code} failed: {what}",
        hint=f"The rule is {rule.file}; the other rules ran.",
        source=_line_in(rule.file, error),
    )
    failed.__cause__ = error
    return failed


def _line_in(file: str, error: Exception) -> Source | None:
    """The innermost line of the rule's file that an exception passed through."""
    lines = [line for name, line in lines_of(error) if name == file]
    return source_at(file, lines[-1]) if lines else None
