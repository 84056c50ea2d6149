"""The operator table: all that rflint knows about operators, one row a family.

Importing this package fills the table. Adding an operator is adding a row and its test.
"""

from rflint.tracing.operators import (
    aten,
    attention,
    convolution,
    einsum,
    elementwise,
    linear_algebra,
    lookup,
    losses,
    matmul,
    patches,
    pooling,
    products,
    quantised,
    reduction,
    resampling,
    sequence,
    spectral,
    views,
)
from rflint.tracing.operators.table import Call, Effect, Row, ShapeError, Value
from rflint.tracing.operators.table import find as find_known
from rflint.tracing.operators.user import user_row

__all__ = [
    "Call",
    "Effect",
    "Row",
    "ShapeError",
    "Value",
    "aten",
    "attention",
    "convolution",
    "einsum",
    "elementwise",
    "find",
    "linear_algebra",
    "lookup",
    "losses",
    "matmul",
    "patches",
    "pooling",
    "products",
    "quantised",
    "reduction",
    "resampling",
    "sequence",
    "spectral",
    "views",
]


def find(spelling: str) -> Row | None:
    """The row for a function's or a module class's name: what a user has taught goes first."""
    return user_row(spelling) or find_known(spelling)
