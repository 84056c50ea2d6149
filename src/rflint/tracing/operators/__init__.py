"""The operator table: all that rflint knows about operators, one row a family.

Importing this package fills the table. Adding an operator is adding a row and its test.
"""

from rflint.tracing.operators import (
    aten,
    convolution,
    elementwise,
    matmul,
    pooling,
    reduction,
    resampling,
    views,
)
from rflint.tracing.operators.table import Call, Effect, Row, ShapeError, Value, find

__all__ = [
    "Call",
    "Effect",
    "Row",
    "ShapeError",
    "Value",
    "aten",
    "convolution",
    "elementwise",
    "find",
    "matmul",
    "pooling",
    "reduction",
    "resampling",
    "views",
]
