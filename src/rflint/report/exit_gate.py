"""Which findings fail a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rflint.linting.finding import Severity

FAIL_ON = ("info", "warning", "error", "never")
"""What --fail-on takes: severities, and none of them."""


def least_severity(fail_on: str) -> Severity | None:
    """The mildest severity that fails the run; None: none does."""
    from rflint.linting.finding import Severity  # --help has no use for it

    return None if fail_on == "never" else Severity(fail_on)
