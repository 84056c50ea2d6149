"""Codes as the user writes them: which rules they name, and which rules run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rflint.errors import UsageError
from rflint.linting.rule import Rule
from rflint.text.suggest import did_you_mean, similar


def select_rules(
    rules: Sequence[Rule],
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    extend: Sequence[str] = (),
) -> tuple[Rule, ...]:
    """The rules to run. Codes may be prefixes (RF1), names or ALL.

    Without `select`, the default rules; `extend` adds to either, `ignore` takes away. Where a code
    and its prefix disagree, the longer one counts: `ignore=["RF1"], select=["RF101"]` runs RF101.
    A rule that is on by default in some cases only is limited to these unless a code names it.

    Raises UsageError for a code that matches no rule.
    """
    for code in (*select, *ignore, *extend):
        check_code(rules, code)
    chosen = []
    for rule in rules:
        asked = max((precision(rule, code) for code in (*select, *extend)), default=0)
        ignored = max((precision(rule, code) for code in ignore), default=0)
        as_it_runs = None if select or ignored else rule.unasked
        if asked > ignored:
            as_it_runs = rule
        if as_it_runs is not None:
            chosen.append(as_it_runs)
    return tuple(chosen)


def check_code(rules: Sequence[Rule], code: str) -> None:
    """Raises UsageError where a code matches no rule."""
    if not any(precision(rule, code) for rule in rules):
        from rflint.linting.rule_files import GROUP
        from rflint.usercode.install_hints import plugin_missing

        names = [name for rule in rules for name in (rule.code, rule.name)]
        did = did_you_mean(similar(code, names) or similar(code.upper(), names))
        known = f"The rules: {', '.join(rule.code for rule in rules)}."
        hints = filter(None, [did, known, plugin_missing(GROUP, Path.cwd())])
        raise UsageError(f"no rule {code!r}", hint=" ".join(hints))


def find_rule(rules: Sequence[Rule], code: str) -> Rule | None:
    """The rule with this code or name."""
    return next((rule for rule in rules if code == rule.name or code.upper() == rule.code), None)


def precision(rule: Rule, code: str) -> int:
    """How precisely a code names a rule: 0 not at all, 2 for ALL, then the longer the more."""
    if code.upper() == "ALL":
        return 2
    if rule.name == code:
        return 2 + len(rule.code)
    return 2 + len(code) if code and rule.code.startswith(code.upper()) else 0
