"""Run rules on an analysis. A rule that fails is one error; the others still run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rflint.analysis.analysis import Analysis
from rflint.errors import RflintError, error_text
from rflint.graph.source_location import SourceLocation
from rflint.linting.errors import RuleFailed
from rflint.linting.finding import Finding
from rflint.linting.rule import Rule, UnusedSuppression
from rflint.linting.settings import RuleOptions
from rflint.usercode.exits import exit_call
from rflint.usercode.interrupts import is_ctrl_c
from rflint.usercode.paths import short_path, source_at
from rflint.usercode.source_lines import lines_of


def run_rules(
    rules: Sequence[Rule], analysis: Analysis, options: RuleOptions
) -> tuple[tuple[Finding, ...], tuple[RflintError, ...]]:
    """The findings of the rules, and an error for each rule that failed."""
    found: list[Finding] = []
    errors: list[RflintError] = []
    for rule in rules:
        try:
            found_by_rule = _findings(rule, rule.check(analysis, options.of(rule)))
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            errors.append(_failed(rule, "check", error))
            continue
        found += found_by_rule
        try:
            _summary(rule, analysis, found_by_rule)
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            errors.append(_failed(rule, "summarise", error))
    return tuple(found), tuple(errors)


def summary(rule: Rule | None, analysis: Analysis, findings: Sequence[Finding]) -> str:
    """What the rule says of many findings; empty where it says nothing, or fails.

    Reports are no place for errors: `run_rules` has reported that the rule fails.
    """
    if rule is None:
        return ""
    try:
        return _summary(rule, analysis, findings)
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        return ""


def check_suppressions(rule: Rule, unused: Sequence[UnusedSuppression]) -> tuple[Finding, ...]:
    """The findings of a rule about suppressions. Raises RuleFailed where it fails."""
    if rule.check_suppressions is None:
        return ()
    try:
        return tuple(_findings(rule, rule.check_suppressions(unused)))
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        raise _failed(rule, "check_suppressions", error) from error


def _findings(rule: Rule, answer: Iterable[Finding] | None) -> list[Finding]:
    """What a check has yielded. Raises RuleFailed where that are not findings of the rule."""
    if answer is None:
        raise RuleFailed("check returns None: it should yield Findings, or return a list of them")
    found = list(answer)
    for x in found:
        if not isinstance(x, Finding):
            raise RuleFailed(
                f"check yields a {type(x).__name__}, which is no Finding",
                hint="Write `yield RULE.finding(layer, message)`.",
            )
        if x.code != rule.code:
            raise RuleFailed(f"check yields a finding of {x.code}")
    return found


def _summary(rule: Rule, analysis: Analysis, findings: Sequence[Finding]) -> str:
    if rule.summarise is None or not findings:
        return ""
    text = rule.summarise(analysis, findings)
    if not isinstance(text, str):
        raise RuleFailed(f"summarise returns a {type(text).__name__}, which is no text")
    return text


def _failed(rule: Rule, function: str, error: BaseException) -> RuleFailed:
    known = isinstance(error, RuleFailed)
    raised = (
        f"called {exit_call(error)}"
        if isinstance(error, SystemExit)
        else f"raised {error_text(error)}"
    )
    what = error.message if isinstance(error, RuleFailed) else f"{function} {raised}"
    advice = error.hint if isinstance(error, RuleFailed) else ""
    where = f"The rule is {short_path(Path(rule.file))}; the other rules ran."
    failed = RuleFailed(
        f"rule {rule.code} failed: {what}",
        hint=f"{advice} {where}".strip(),
        source=None if known else _line_in(rule.file, error),
        code=rule.code,
    )
    failed.__cause__ = error
    return failed


def _line_in(file: str, error: BaseException) -> SourceLocation | None:
    """The innermost line of the rule's file that an exception passed through."""
    lines = [line for name, line in lines_of(error) if name == file]
    return source_at(file, lines[-1]) if lines else None
