"""The data types of results, told by the names of the functions that return them."""

from __future__ import annotations

import torch

from rflint.graph.layer import Kind
from rflint.operators.call import Call
from rflint.operators.table import Row
from rflint.tracing.model.tree import parameters

_BOOLEAN = frozenset(
    {"eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_not", "isnan"}
    | {"logical_xor", "isclose", "isfinite", "isinf", "signbit", "all", "any", "isin"}
    | {"isneginf", "isposinf", "isreal"}
)
"""Functions that return truth values."""
_OF_COMPLEX = frozenset({"real", "imag", "abs", "angle", "istft"})
"""Functions that make real numbers of complex ones."""

_CONVERSIONS = {
    "float": torch.float32,
    "double": torch.float64,
    "half": torch.float16,
    "bfloat16": torch.bfloat16,
    "cdouble": torch.complex128,
    "cfloat": torch.complex64,
    "chalf": torch.complex32,
    "byte": torch.uint8,
    "char": torch.int8,
    "short": torch.int16,
    "long": torch.int64,
    "int": torch.int32,
    "bool": torch.bool,
}
"""Methods that are called like the type that they convert to."""

_INDICES = frozenset({"argmax", "argmin", "argsort", "count_nonzero", "bucketize", "searchsorted"})
"""Functions that return places, or counts."""


_QUANTISED = (torch.quint8, torch.qint8, torch.qint32, torch.quint4x2)


def result_dtype(call: Call, row: Row) -> torch.dtype:
    """The result's type, closely enough: floating point wins, comparisons give booleans."""
    if call.name in _BOOLEAN:
        return torch.bool
    dtypes = [t.dtype for t in call.tensors if t.dtype.is_floating_point]
    if row.kind is Kind.EMBEDDING:
        return _looked_up_dtype(call, dtypes)
    for argument in (*call.args[1:], *call.kwargs.values()):
        if isinstance(argument, torch.dtype):
            # quantised numbers stand for real ones
            return torch.float32 if argument in _QUANTISED else argument
    if call.name in _CONVERSIONS:
        return _CONVERSIONS[call.name]
    if call.name in _INDICES:
        return torch.int64
    if call.name in ("complex", "polar"):
        return torch.complex64
    numbers = [t.dtype for t in call.tensors if t.dtype.is_complex]
    if numbers:
        return torch.float32 if call.name in _OF_COMPLEX else numbers[0]
    first: torch.dtype = call.input.dtype
    return dtypes[0] if dtypes and row.kind is not Kind.RESHAPE else first


def _looked_up_dtype(call: Call, dtypes: list[torch.dtype]) -> torch.dtype:
    """The type of what is looked up in a table: that of the table, or an integer for its places."""
    if call.name in _INDICES:
        return torch.int32 if call.arg("out_int32", None, False) else torch.int64
    if call.module is not None:
        dtypes = [p.dtype for p in parameters(call.module) if p.dtype.is_floating_point]
    return dtypes[0] if dtypes else torch.get_default_dtype()
