"""The files that rflint looks for without being told."""

from __future__ import annotations

CONFIGURATIONS = ("rflint.toml", "pyproject.toml")
BASELINE = "rflint-baseline.json"
"""In the folder of the configuration."""
