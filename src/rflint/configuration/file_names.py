"""The names of files that rflint looks for by itself."""

from __future__ import annotations

CONFIGURATIONS = ("rflint.toml", "pyproject.toml")
BASELINE = "rflint-baseline.json"
"""Beside the configuration."""
