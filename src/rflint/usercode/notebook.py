"""The notebook that the program runs in, if it is one: IPython says, where it is there anyway."""

from __future__ import annotations

import sys
from typing import Any


def running_shell() -> Any:
    """IPython's shell; None outside of it."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def cell_of(filename: str) -> str:
    """The cell whose code goes by the name of a file, as 'cell [3]'; empty for what is none.

    Notebooks compile cells under names of files that were never written.
    """
    name_of = getattr(getattr(running_shell(), "compile", None), "format_code_name", None)
    found = name_of(filename) if name_of is not None else None
    return f"cell {found[1].removeprefix('In')}" if found else ""
