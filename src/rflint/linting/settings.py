"""Settings of rules: what the user gives, checked and completed with the defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rflint.analysis.options import DEFAULT_OPTIONS, AnalysisOptions
from rflint.errors import UsageError
from rflint.linting.rule import Rule, Settings
from rflint.linting.selection import check_code, find_rule
from rflint.text.suggest import did_you_mean, similar


@dataclass(frozen=True, slots=True)
class RuleOptions:
    """What a run tells its rules, and what their settings ask of the analysis."""

    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By the code of the rule; what is left out has the default of the rule."""
    allow_unknown: tuple[str, ...] = ()
    """Operators that may be unknown without a finding."""
    analysis: AnalysisOptions = DEFAULT_OPTIONS

    def of(self, rule: Rule) -> Settings:
        """The settings that the check of a rule gets."""
        defaults = {name: setting.default for name, setting in rule.settings.items()}
        return Settings({**defaults, **self.settings.get(rule.code, {})}, self.allow_unknown)


def rule_options(
    rules: Sequence[Rule],
    settings: Mapping[str, Mapping[str, Any]],
    allow_unknown: Sequence[str] = (),
) -> RuleOptions:
    """Options from settings by the codes or names of rules; those of no rule are left out."""
    by_code = {
        rule.code: {key: tuple(x) if isinstance(x, list) else x for key, x in values.items()}
        for code, values in settings.items()
        if (rule := find_rule(rules, code))
    }
    options = RuleOptions(by_code, tuple(allow_unknown))
    analysis = DEFAULT_OPTIONS
    for rule in rules:
        values = options.of(rule)
        for name, setting in rule.settings.items():
            if setting.analysis_options and values[name] in setting.analysis_options:
                analysis = analysis.changed_by(setting.analysis_options[values[name]])
    return RuleOptions(by_code, tuple(allow_unknown), analysis)


def check_settings(rules: Sequence[Rule], code: str, settings: Mapping[str, Any]) -> None:
    """Raises UsageError where a rule has no such setting, or it cannot have that value."""
    rule = find_rule(rules, code)
    if rule is None:
        check_code(rules, code)
        raise UsageError(f"{code!r} names several rules: settings are of one")
    for name, value in settings.items():
        if name not in rule.settings:
            known = ", ".join(rule.settings) or "none"
            hint = did_you_mean(similar(name, rule.settings)) or f"Its settings: {known}."
            raise UsageError(f"{rule.code} has no setting {name!r}", hint=hint)
        complaint = rule.settings[name].complaint(value)
        if complaint:
            raise UsageError(f"{name} of {rule.code} {complaint}")
