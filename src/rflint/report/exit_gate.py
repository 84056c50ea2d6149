"""Which findings fail a run."""

from __future__ import annotations

FAIL_ON = ("info", "warning", "error", "never")
"""What --fail-on takes: severities, and none of them."""
