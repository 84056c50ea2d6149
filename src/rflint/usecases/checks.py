"""Select and configure the rules that ship with rflint, for a call from Python."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rflint.linting.rule import Rule
from rflint.linting.rule_files import load_rules
from rflint.linting.selection import select_rules
from rflint.linting.settings import RuleOptions, check_settings, rule_options
from rflint.report.model_report import ModelReport
from rflint.report.policy import Policy, apply_policies
from rflint.report.report import Failure, Report


@dataclass(frozen=True, slots=True)
class Checks:
    """The rules to run, all existing rules, and their options."""

    rules: tuple[Rule, ...]
    known: tuple[Rule, ...]
    options: RuleOptions

    def report(self, models: Sequence[ModelReport], failures: Sequence[Failure]) -> Report:
        """The report on models that were linted by these rules.

        There may be other rules: those of a project are known to the program only. A rule that
        failed may find something, so no suppression is called unused then.
        """
        policy = Policy(self.rules)
        done = apply_policies(
            [(model, policy) for model in models],
            self.known,
            all_models=not failures,
            all_rules=False,
        )
        return Report(tuple(done), tuple(failures), rules=self.rules)


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
