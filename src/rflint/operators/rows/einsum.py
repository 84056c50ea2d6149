"""einsum: a tensor product written in letters."""

from __future__ import annotations

from math import prod
from typing import Any

from rflint.graph.layer import Kind
from rflint.graph.windows import Reach
from rflint.operators.call import Call
from rflint.operators.dimensions import Dimension, Factor, axes_of
from rflint.operators.effect import Effect, reach_per_axis
from rflint.operators.reaches import mixing_geometry, mixing_reaches, without_inner_part
from rflint.operators.shapes import Shape, ShapeError, shape_of, shape_text
from rflint.operators.table import operator

_ELLIPSIS = "."


def _letters(call: Call) -> tuple[list[list[str]], list[str], list[Any]]:
    """One letter per dimension of every operand and of the result, and the operands.

    Dimensions under an ellipsis are called .0, .1, ... counted from the right.
    """
    equation = call.args[0] if call.args else call.kwargs["equation"]
    if not isinstance(equation, str):
        return _numbered(call.args)
    operands = call.tensors
    left, arrow, right = equation.replace(" ", "").replace("...", _ELLIPSIS).partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ShapeError(f"einsum {equation!r} wants {len(terms)} operands, got {len(operands)}")
    inputs = [
        _spelled(term, len(shape_of(operand)))
        for term, operand in zip(terms, operands, strict=True)
    ]
    hidden = max(
        ([name for name in names if name[0] == _ELLIPSIS] for names in inputs), key=len, default=[]
    )
    if arrow:
        output = [
            name for letter in right for name in (hidden if letter == _ELLIPSIS else [letter])
        ]
    else:
        seen = [name for names in inputs for name in names if name[0] != _ELLIPSIS]
        output = hidden + sorted(name for name in set(seen) if seen.count(name) == 1)
    return inputs, output, operands


def _numbered(args: tuple[Any, ...]) -> tuple[list[list[str]], list[str], list[Any]]:
    """The same from operands each followed by its dimensions, as numbers, and perhaps the result's.

    An ellipsis among them is not supported.
    """
    operands, terms = [*args[: len(args) // 2 * 2 : 2]], [*args[1::2]]
    inputs = [[str(number) for number in term] for term in terms]
    if any(... in term for term in terms):
        raise ShapeError("einsum with an ellipsis among numbers is not supported")
    if len(args) % 2:
        return inputs, [str(number) for number in args[-1]], operands
    seen = [name for names in inputs for name in names]
    return inputs, sorted((n for n in set(seen) if seen.count(n) == 1), key=int), operands


def _spelled(term: str, rank: int) -> list[str]:
    hidden = rank - len(term.replace(_ELLIPSIS, ""))
    if hidden < 0 or (hidden and _ELLIPSIS not in term):
        raise ShapeError(f"einsum term {term!r} does not fit a tensor of {rank} dimensions")
    names = [f"{_ELLIPSIS}{hidden - 1 - i}" for i in range(hidden)]
    return [name for letter in term for name in (names if letter == _ELLIPSIS else [letter])]


def _sizes(inputs: list[list[str]], operands: list[Any]) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for names, operand in zip(inputs, operands, strict=True):
        for name, size in zip(names, shape_of(operand), strict=True):
            if sizes.setdefault(name, size) in (1, size):
                sizes[name] = size
            elif size != 1:
                shapes = " and ".join(shape_text(shape_of(tensor)) for tensor in operands)
                raise ShapeError(f"shapes {shapes} do not fit together in {name!r}")
    return sizes


def einsum_shape(call: Call) -> Shape:
    """The result's shape: the sizes of its letters."""
    inputs, output, operands = _letters(call)
    sizes = _sizes(inputs, operands)
    return tuple(sizes[name] for name in output)


@operator("einsum", kind=Kind.ATTENTION, shape=einsum_shape)
def einsum(call: Call) -> Effect:
    """Mixes whatever letters are summed over."""
    inputs, output, operands = _letters(call)
    shapes = [
        dict(zip(names, shape_of(v), strict=True))
        for names, v in zip(inputs, operands, strict=True)
    ]
    return contracted(call, inputs, output, operands, _pairwise_macs(shapes, output))


def contracted(
    call: Call, inputs: list[list[str]], output: list[str], operands: list[Any], macs: int
) -> Effect:
    """A product of tensors: one letter per dimension of each operand and of the result."""
    sizes = _sizes(inputs, operands)
    dimensions: list[Dimension] = []
    for name in output:
        carried = [
            value.dimensions[names.index(name)]
            for names, value in zip(inputs, operands, strict=True)
            if name in names and value.shape[names.index(name)] == sizes[name]
        ]
        spatial = [dimension for dimension in carried if axes_of(dimension)]
        dimensions.append((spatial or carried or [(Factor(sizes[name]),)])[0])
    reaches: list[dict[int, Reach]] = []
    everything: dict[int, Reach] = {}
    for names, value in zip(inputs, operands, strict=True):
        if value.source is not None:
            summed = [dim for dim, name in enumerate(names) if name not in output]
            read = mixing_reaches(value.dimensions, summed, tuple(dimensions))
            reaches.append(read)
            everything |= read
    return Effect(
        tuple(without_inner_part(carried, everything) for carried in dimensions),
        tuple(reach_per_axis(call.axes, read) for read in reaches),
        mixing_geometry(call.axes, everything),
        macs=macs,
    )


def _pairwise_macs(operands: list[dict[str, int]], output: list[str]) -> int:
    """PyTorch multiplies two tensors at a time, from left to right, and sums as early as it can.

    What it only multiplies, without a sum, is no matrix product. `operands` are the sizes of the
    dimensions of each, by letter.
    """
    macs = 0
    left, *rest = operands
    for i, right in enumerate(rest):
        later = rest[i + 1 :]
        last = {
            name
            for name in {**left, **right}
            if name not in output and all(shape.get(name, 1) == 1 for shape in later)
        }
        both = {name for name in left if min(left[name], right.get(name, 1)) > 1}
        left = {name: n for name, n in left.items() if name in both or name not in last}
        right = {name: n for name, n in right.items() if name in both or name not in last}
        merged = {name: max(left.get(name, 1), right.get(name, 1)) for name in {**left, **right}}
        if both & last:
            macs += prod(merged.values())
        left = {name: n for name, n in merged.items() if name not in last}
    return macs
