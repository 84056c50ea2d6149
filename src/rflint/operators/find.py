"""Find an operator's row: what a user has taught goes before what rflint knows."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from rflint.operators import rows
from rflint.operators.table import Row, known_row
from rflint.operators.taught_rows import taught_row

for _family in iter_modules(rows.__path__):
    import_module(f"{rows.__name__}.{_family.name}")  # enters its rows into the table


def find(spelling: str) -> Row | None:
    """The row for a function's or a module class's name; None where nobody knows it."""
    return taught_row(spelling) or known_row(spelling)
