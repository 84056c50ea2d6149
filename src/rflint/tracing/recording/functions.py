"""What torch functions do, as far as their names tell."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

VIEW_PROPERTIES = frozenset({"T", "mT", "H", "mH", "data", "real", "imag"})
"""Properties of tensors that are views of them."""
_VALUE_READS = frozenset(
    {"item", "tolist", "numpy", "nonzero", "argwhere", "equal", "allclose", "is_nonzero"}
    | {"masked_select", "unique", "__bool__", "__int__", "__float__", "__index__", "__complex__"}
    | {"__contains__", "__array__", "bincount"}
)
"""Functions whose results depend on the numbers in a tensor, or are these numbers."""
FACTORIES = frozenset(
    {"empty", "zeros", "ones", "full", "rand", "randn", "eye", "arange", "linspace", "tensor"}
    | {"as_tensor", "randperm", "randint", "logspace", "tril_indices", "triu_indices"}
)
"""Functions that make new tensors."""
FACTORIES_LIKE = frozenset(
    {"empty_like", "zeros_like", "ones_like", "full_like", "rand_like", "randn_like"}
    | {"new_empty", "new_zeros", "new_ones", "new_full", "new_tensor"}
)
"""Functions that make new tensors of the shape or the type of another."""
RANDOM_FUNCTIONS = frozenset(
    {"rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like"}
    | {"bernoulli", "binomial", "multinomial", "normal", "poisson", "uniform", "random"}
    | {"exponential", "geometric", "cauchy", "log_normal", "standard_gamma", "sample_dirichlet"}
    | {"dropout", "gumbel_softmax", "rrelu"}
)
"""Functions whose results are random numbers."""
RICH_COMPARISONS = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})
"""Functions behind the operators of Python that compare."""
SIZE_READS = frozenset({"size", "numel", "nelement", "len", "stride", "shape_as_tensor"})
"""Functions that answer with the size of a tensor, along all dimensions or along one."""
TEXTS = frozenset({"__format__", "__repr__", "__str__"})
"""Methods that print a tensor."""
VIEWS_IN_PLACE = frozenset(
    {"squeeze_", "unsqueeze_", "t_", "transpose_", "swapaxes_", "swapdims_", "as_strided_"}
    | {"resize_", "resize_as_"}
)
"""Methods that change how a tensor is laid out, and no number in it."""


def reads_values(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether what a function returns depends on the numbers in a tensor for more than numbers.

    `torch.where` with nothing but a condition says where it holds, as nonzero() does.
    """
    return name in _VALUE_READS or (name == "where" and len(args) + len(kwargs) == 1)


def in_place(name: str, kwargs: Mapping[str, Any]) -> bool:
    """Whether a function writes its result over its first argument."""
    if kwargs.get("inplace") is True:
        return True
    if name in VIEWS_IN_PLACE or name in ("requires_grad_", "detach_", "share_memory_", "rename_"):
        return False
    inplace_operator = name.startswith("__i") and name not in ("__invert__", "__index__", "__int__")
    return inplace_operator or (name.endswith("_") and not name.endswith("__"))


def name_of(func: Any) -> str:
    """A function's name; that of a library's operator has its namespace in front: mylib::blur."""
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


@dataclass(frozen=True, slots=True)
class TorchCall:
    """A call of a torch function, as the code makes it."""

    function: Any
    name: str
    spelling: str
    """Under which the operator table knows the function."""
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    op: str = ""
    """The function's name in the code, if that is another."""
