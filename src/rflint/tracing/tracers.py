"""The ways to follow a model, by the names under which users choose between them."""

from __future__ import annotations

TRACERS = ("auto", "symbolic", "export")
"""What --tracer takes."""
