"""What rules are told, and what the run as a whole takes from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rflint.linting.rule import Rule

FAIL_ON = ("info", "warning", "error", "never")
"""What --fail-on takes: severities, and none of them."""


@dataclass(frozen=True, slots=True)
class Options:
    """What holds for all rules of a run."""

    allow_unknown: tuple[str, ...] = ()
    """Operators that may be unknown without a finding."""
    rule_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By the rule's code; what is not set has the rule's default."""

    def settings(self, rule: Rule) -> Mapping[str, Any]:
        """What a rule is told."""
        told = {name: setting.default for name, setting in rule.settings.items()}
        told |= self.rule_settings.get(rule.code, {})
        return {**told, "allow-unknown": self.allow_unknown} if rule.code == "RF901" else told

    @property
    def judges_pointwise(self) -> bool:
        """What RF101 is told of 1x1 convolutions: verdicts, totals and repairs follow it."""
        return self.rule_settings.get("RF101", {}).get("pointwise") != "ignore"
