"""rflint: a static architecture linter for PyTorch model definitions.

    >>> import rflint
    >>> report = rflint.lint(build_my_model, res=32)
    >>> report.findings, report.layers, report.to_dict()
    >>> rflint.repairs(build_my_model, res=32)[0].apply(my_model)

Importing rflint does not import torch; the first call of `lint` does.
"""

from __future__ import annotations

import sys

if sys.argv[:1] == ["-m"] and not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
    # Python is still looking for a program, and has put the current folder in front of the path. If
    # the program is `python -m rflint`, no file there is what rflint and its dependencies import.
    _options = " ".join(sys.orig_argv[1:]).partition("rflint")
    if _options[0][-2:].strip()[-1:] == "m" and _options[2][:1] in ("", " ", "."):
        del sys.path[0]

from typing import TYPE_CHECKING, Any

from rflint._version import __version__
from rflint.errors import RflintError
from rflint.graph.windows import Window
from rflint.operators.taught import operator

if TYPE_CHECKING:
    from rflint.api import (
        diff,
        lint,
        lint_architecture,
        lint_project,
        measure,
        repairs,
        sizes,
        tiling,
    )
    from rflint.repair.repair import Repair
    from rflint.report.report import Report

__all__ = [
    "Repair",
    "Report",
    "RflintError",
    "Window",
    "__version__",
    "diff",
    "lint",
    "lint_architecture",
    "lint_project",
    "measure",
    "operator",
    "repairs",
    "sizes",
    "tiling",
]

_LAZY = {
    "diff": "rflint.api",
    "lint": "rflint.api",
    "lint_architecture": "rflint.api",
    "lint_project": "rflint.api",
    "measure": "rflint.api",
    "repairs": "rflint.api",
    "sizes": "rflint.api",
    "tiling": "rflint.api",
    "Repair": "rflint.repair.repair",
    "Report": "rflint.report.report",
}


def __getattr__(name: str) -> Any:
    """Import what takes a while when it is first used."""
    if name in _LAZY:
        from importlib import import_module

        from rflint.usecases.gc_pause import gc_paused

        with gc_paused():
            return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'rflint' has no attribute {name!r}")
