"""Select and configure the rules that ship with rflint, for a call from Python."""

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
    """The rules to run, all existing rules, and their options."""

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
    """The selected rules. Raises UsageError for a code of no rule, and for an invalid setting."""
    known = load_rules()
    for code, values in (settings or {}).items():
        check_settings(known, code, values)
    rules = select_rules(known, names(select), names(ignore), names(extend_select))
    return Checks(rules, known, rule_options(known, settings or {}, names(allow_unknown)))


def names(given: str | Sequence[str]) -> Sequence[str]:
    """A list of names, which may be given as one text with commas."""
    return [name.strip() for name in given.split(",")] if isinstance(given, str) else given
