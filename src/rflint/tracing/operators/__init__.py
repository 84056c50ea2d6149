"""The operator table: all that rflint knows about operators, one row a family.

Importing this package fills the table. Adding an operator is adding a row and its test.
"""

from rflint.tracing.operators import (
    aten,
    attention,
    convolution,
    einsum,
    elementwise,
    matmul,
    patches,
    pooling,
    reduction,
    resampling,
    sequence,
    spectral,
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
    "attention",
    "convolution",
    "einsum",
    "elementwise",
    "find",
    "matmul",
    "patches",
    "pooling",
    "reduction",
    "resampling",
    "sequence",
    "spectral",
    "views",
]
