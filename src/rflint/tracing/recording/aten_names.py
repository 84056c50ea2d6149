"""What the operator table calls ATen's operators: most go by the names of torch's functions."""

from __future__ import annotations

from typing import Any

import torch

from rflint.operators.find import find

_ALIASES = {
    **{f"arc{name}": f"a{name}" for name in ("cos", "cosh", "sin", "sinh", "tan", "tanh", "tan2")},
    "bitwise_left_shift": "lshift",
    "bitwise_right_shift": "rshift",
    "column_stack": "hstack",
    "fix": "trunc",
    "greater": "gt",
    "greater_equal": "ge",
    "grid_sampler_2d": "grid_sampler",
    "grid_sampler_3d": "grid_sampler",
    "less": "lt",
    "less_equal": "le",
    "not_equal": "ne",
    "special_psi": "digamma",
    "special_gammaln": "lgamma",
    "special_multigammaln": "mvlgamma",
}
"""Other names of functions that the table knows."""


def spelling_of(name: str, args: tuple[Any, ...]) -> str:
    """What the table calls a function of this name with these arguments.

    Underscores do not count. `convolution` goes both ways and is two rows here, and an embedding
    takes its table first, where torch.nn.functional takes its indices first.
    """
    spelling = name.strip("_")
    spelling = _ALIASES.get(spelling, spelling)
    if find(spelling) is None:
        # torch.special says once more what torch has, and copies are what views are
        other = spelling.removeprefix("special_").removesuffix("_copy")
        spelling = other if find(other) is not None else spelling
    if spelling == "convolution" and len(args) > 6 and args[6]:
        return "transposed_convolution"
    if spelling in ("embedding", "embedding_bag") and args and _is_table(args[0]):
        return f"table_{spelling}"
    return spelling


def _is_table(argument: Any) -> bool:
    """Whether an argument is a tensor of real numbers, which no index is."""
    return isinstance(argument, torch.Tensor) and argument.dtype.is_floating_point


_PAIRS = tuple(f"adaptive_max_pool{n}d_with_indices" for n in (1, 2, 3))
"""What ATen calls adaptive_max_pool1d and so on always returns positions too."""


def with_results(spelling: str, results: int) -> str:
    """The table's word for an operator that returns this many tensors."""
    pair = f"{spelling}_with_indices"
    return pair if results == 2 and pair in _PAIRS else spelling
