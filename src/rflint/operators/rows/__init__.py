"""The rows of the operator table, a module a family; importing this package fills the table.

Adding an operator is adding a row and its test.
"""

from rflint.operators.rows import (
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

__all__ = [
    "attention",
    "convolution",
    "einsum",
    "elementwise",
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
