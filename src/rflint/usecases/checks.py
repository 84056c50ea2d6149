"""The rules that ship with rflint, chosen and configured by whoever calls from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rflint.linting.rule import Rule
from rflint.linting.rule_files import load_rules
from rflint.linting.selection import select_rules
from rflint.linting.settings import RuleOptions, check_settings, rule_options


@dataclass(frozen=True, slots=True)
class Checks:
    """The rules to run, those that there are, and what they are told."""

    rules: tuple[Rule, ...]
    known: tuple[Rule, ...]
    options: RuleOptions


def chosen_checks(
    select: str | Sequence[str] = (),
    ignore: str | Sequence[str] = (),
    extend_select: str | Sequence[str] = (),
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    allow_unknown: str | Sequence[str] = (),
) -> Checks:
    """Raises UsageError for codes of no rule, and for settings that a rule does not have."""
    known = load_rules()
    for code, values in (settings or {}).items():
        check_settings(known, code, values)
    rules = select_rules(known, names(select), names(ignore), names(extend_select))
    return Checks(rules, known, rule_options(known, settings or {}, names(allow_unknown)))


def names(given: str | Sequence[str]) -> Sequence[str]:
    """Names as a list, also where they come as one string with commas."""
    return [name.strip() for name in given.split(",")] if isinstance(given, str) else given
