"""What the user sets of rules, held against what they can be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rflint.errors import UsageError
from rflint.linting.rule import Rule, Settings
from rflint.linting.selection import check_code, named
from rflint.text.suggest import did_you_mean, similar


def told(rules: Sequence[Rule], settings: Mapping[str, Settings]) -> dict[str, Settings]:
    """Settings by the codes of rules, lists as tuples; those of no rule are left out."""
    return {
        rule.code: {key: tuple(x) if isinstance(x, list) else x for key, x in values.items()}
        for code, values in settings.items()
        if (rule := named(rules, code))
    }


def check_settings(rules: Sequence[Rule], code: str, settings: Settings) -> None:
    """Raises UsageError where a rule has no such setting, or it cannot have that value."""
    rule = named(rules, code)
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
