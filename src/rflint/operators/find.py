"""Find an operator's row: what a user has taught goes before what rflint knows."""

from __future__ import annotations

from rflint.operators import rows as _fill_the_table  # noqa: F401
from rflint.operators.table import Row, known_row
from rflint.operators.taught_rows import taught_row


def find(spelling: str) -> Row | None:
    """The row for a function's or a module class's name; None where nobody knows it."""
    return taught_row(spelling) or known_row(spelling)
