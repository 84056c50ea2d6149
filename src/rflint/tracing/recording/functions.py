"""What torch functions are, as far as their names tell, and small functions for the graph."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import torch
from torch import nn

from rflint.graph.layer import Kind
from rflint.operators.call import Call
from rflint.operators.find import find
from rflint.operators.table import Row
from rflint.operators.taught import taught
from rflint.tracing.model.tree import parameters
from rflint.tracing.recording.unbacked import UnbackedNumber

VIEW_PROPERTIES = frozenset({"T", "mT", "H", "mH", "data", "real", "imag"})
VALUE_READS = frozenset(
    {"item", "tolist", "numpy", "nonzero", "argwhere", "equal", "allclose", "is_nonzero"}
    | {"masked_select", "unique", "__bool__", "__int__", "__float__", "__index__", "__complex__"}
    | {"__contains__", "__array__", "bincount"}
)
FACTORIES = frozenset(
    {"empty", "zeros", "ones", "full", "rand", "randn", "eye", "arange", "linspace", "tensor"}
    | {"as_tensor", "randperm", "randint", "logspace", "tril_indices", "triu_indices"}
)
LIKE = frozenset(
    {"empty_like", "zeros_like", "ones_like", "full_like", "rand_like", "randn_like"}
    | {"new_empty", "new_zeros", "new_ones", "new_full", "new_tensor"}
)
DRAWS = frozenset(
    {"rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like"}
    | {"bernoulli", "binomial", "multinomial", "normal", "poisson", "uniform", "random"}
    | {"exponential", "geometric", "cauchy", "log_normal", "standard_gamma", "sample_dirichlet"}
    | {"dropout", "gumbel_softmax", "rrelu"}
)
"""Functions whose results are left to chance."""
VIEWS_IN_PLACE = frozenset(
    {"squeeze_", "unsqueeze_", "t_", "transpose_", "swapaxes_", "swapdims_", "as_strided_"}
    | {"resize_", "resize_as_"}
)
"""Methods that change how a tensor is laid out, and no number in it."""
COMPARISONS = frozenset(
    {"eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_not", "isnan"}
    | {"logical_xor", "isclose", "isfinite", "isinf", "signbit", "all", "any", "isin"}
    | {"isneginf", "isposinf", "isreal"}
)
_OF_COMPLEX = frozenset({"real", "imag", "abs", "angle", "istft"})
"""What makes real numbers of complex ones."""
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
_INDICES = frozenset({"argmax", "argmin", "argsort", "count_nonzero", "bucketize", "searchsorted"})


_LIBRARIES = ("torch.", "torchvision.ops.deform_conv")
"""Where the modules that the table knows by their class's name come from."""


_QUANTISED = (torch.quint8, torch.qint8, torch.qint32, torch.quint4x2)


def leaf_row(module: nn.Module) -> tuple[str, Row | None]:
    """The table's row for a torch.nn module, found by the class that defines its forward.

    A subclass that keeps the forward is the same operator; one with its own is followed into, and
    so is a module whose own attribute stands for its forward. A parametrised module (weight_norm,
    spectral_norm) is a subclass that keeps the forward.
    """
    if "forward" in vars(module):
        return type(module).__name__, None
    for name in (type(module).__name__, f"{type(module).__module__}.{type(module).__qualname__}"):
        if taught(name) is not None:
            return name, find(name)
    lineage = type(module).__mro__
    if type(module).__module__.startswith("torch.ao.nn.intrinsic.quantized"):
        # fused modules: a convolution with its activation
        return type(module).__name__, find(f"Quantized{type(module).__name__}")
    for depth, cls in enumerate(lineage):
        if "forward" in vars(cls) or "_conv_forward" in vars(cls):
            for candidate in lineage[: depth + 1]:
                if candidate.__module__.startswith(_LIBRARIES) and find(candidate.__name__):
                    ours = cls.__module__.startswith(_LIBRARIES)
                    return candidate.__name__, find(candidate.__name__) if ours else None
            break
    return type(module).__name__, None


def is_usual_call(module: nn.Module, row: Row, args: tuple[Any, ...], kwargs: Any) -> bool:
    """Whether a known module is called as its forward is meant to be: with a tensor in front.

    Else torch's own forward is to say what it thinks of it: nn.Identity gives back what it gets,
    others refuse what is no tensor, and one argument too many.
    """
    if row.kind in (Kind.TAUGHT, Kind.RECURRENT):
        return True
    try:
        bound = _signature(type(module).forward).bind(module, *args, **kwargs)
    except TypeError:
        return False
    _, first, *_ = (*bound.arguments.values(), None)
    return isinstance(first, torch.Tensor)


@cache
def _signature(forward: Any) -> inspect.Signature:
    return inspect.signature(forward)


def result_dtype(call: Call, row: Row) -> torch.dtype:
    """The result's type, closely enough: floating point wins, comparisons give booleans."""
    if call.name in COMPARISONS:
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
    """That of the table; what tells places in one are integers."""
    if call.name in _INDICES:
        return torch.int32 if call.arg("out_int32", None, False) else torch.int64
    if call.module is not None:
        dtypes = [p.dtype for p in parameters(call.module) if p.dtype.is_floating_point]
    return dtypes[0] if dtypes else torch.get_default_dtype()


def in_place(name: str, kwargs: Mapping[str, Any]) -> bool:
    """Whether a function writes its result over its first argument."""
    if kwargs.get("inplace") is True:
        return True
    if name in VIEWS_IN_PLACE or name in ("requires_grad_", "detach_", "share_memory_", "rename_"):
        return False
    inplace_operator = name.startswith("__i") and name not in ("__invert__", "__index__", "__int__")
    return inplace_operator or (name.endswith("_") and not name.endswith("__"))


def name_of(func: Any) -> str:
    """A function's name, for an operator of a library with its namespace: mylib::blur."""
    if isinstance(func, torch._ops.OpOverload):
        func = func.overloadpacket
    if isinstance(func, torch._ops.OpOverloadPacket):
        namespace, _, name = str(func._qualified_op_name).partition("::")
        return name if namespace in ("aten", "prims") else f"{namespace}::{name}"
    name = func.__name__
    return str(name)


def is_library_operator(func: Any) -> bool:
    """Whether a function is an operator that some library has added to PyTorch."""
    return "::" in name_of(func)


def is_method(func: Any, name: str) -> bool:
    """Whether a function is a method of tensors, and goes by its name in the graph."""
    return getattr(torch.Tensor, name, None) is func or isinstance(
        func, types.MethodDescriptorType | types.WrapperDescriptorType
    )


def tensors_of(result: Any) -> Iterator[torch.Tensor]:
    """The tensors of a model's or an operator's result, whatever holds them."""
    if isinstance(result, torch.Tensor):
        yield result
    elif isinstance(result, UnbackedNumber):
        yield result.tensor
    elif isinstance(result, Mapping):
        for item in result.values():
            yield from tensors_of(item)
    elif isinstance(result, tuple | list):
        for item in result:
            yield from tensors_of(item)
    elif hasattr(result, "__dataclass_fields__"):
        for name in result.__dataclass_fields__:
            yield from tensors_of(getattr(result, name))
    else:
        # an object of the user's own
        yield from (
            x for x in getattr(result, "__dict__", {}).values() if isinstance(x, torch.Tensor)
        )


# functions that stand in the graph for what Python syntax does


def take(results: Any, index: int) -> torch.Tensor:
    """The index-th tensor of an operator with several results."""
    return list(tensors_of(results))[index]


def setitem(tensor: torch.Tensor, index: Any, value: Any) -> torch.Tensor:
    """`tensor[index] = value` as a function."""
    tensor[index] = value
    return tensor


def overlaid(base: torch.Tensor, written: torch.Tensor) -> torch.Tensor:
    """`base`, once a view of it has been written to in place."""
    return base


def property_getter(name: str) -> Callable[[torch.Tensor], Any]:
    """`tensor.T` and the like as a function."""
    return lambda tensor: getattr(tensor, name)
