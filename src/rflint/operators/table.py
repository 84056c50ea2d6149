"""The operator table: what a row says of an operator, and how it is entered.

A row answers two questions about a call: which shape comes out (while the model is being
recorded), and what of each input every output position reads (when the recording is lowered to an
architecture). It names the spellings it covers, modules and functions alike, and declares what is
asked of such an operator later:

    @operator("avg_pool2d", "AvgPool2d", kind=Kind.POOL, shape=pool_shape, traits=[Trait.AVERAGES])
    def pool(call: Call) -> Effect: ...

Shapes are computed here, and not by running the operator on meta tensors, because the first such
run costs more than everything else rflint does together: it loads PyTorch's Python
decompositions, half a second to two seconds and some eighty megabytes. Operators without a shape
function (views, which are cheap, and whatever is in no table) do run on meta tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from rflint.graph.layer import Kind, Rearrangement
from rflint.graph.traits import Trait
from rflint.operators.call import Call
from rflint.operators.effect import Effect
from rflint.operators.shapes import Shapes


@dataclass(frozen=True, slots=True)
class Row:
    """What the table says of an operator."""

    name: str
    """One word for all spellings of the operator."""
    kind: Kind
    effect: Callable[[Call], Effect]
    shape: Callable[[Call], Shapes] | None
    """None where PyTorch is asked."""
    traits: frozenset[Trait] = frozenset()
    rearranges: Callable[[Call], Rearrangement] | None = None
    """How the numbers of its input lie in its result, if it holds each of them once."""
    bias_at: int = 2
    """Where functions take their bias, counted from zero."""


_TABLE: dict[str, Row] = {}


def operator(
    *spellings: str,
    kind: Kind,
    shape: Callable[[Call], Shapes] | None = None,
    traits: Collection[Trait] = (),
    rearranges: Callable[[Call], Rearrangement] | None = None,
    bias_at: int = 2,
) -> Callable[[Callable[[Call], Effect]], Callable[[Call], Effect]]:
    """Enter a row into the table, under function names and class names of torch.nn."""

    def register(effect: Callable[[Call], Effect]) -> Callable[[Call], Effect]:
        for spelling in spellings:
            if spelling in _TABLE:
                raise ValueError(f"operator {spelling!r} is in the table twice")
            name = _function_name(spelling, spellings)
            own = frozenset(traits)
            _TABLE[spelling] = Row(name, kind, effect, shape, own, rearranges, bias_at)
        return effect

    return register


def known_row(spelling: str) -> Row | None:
    """The row for a function's or a module class's name."""
    return _TABLE.get(spelling)


def spellings() -> frozenset[str]:
    """All names that the table knows."""
    return frozenset(_TABLE)


def _function_name(spelling: str, row: Sequence[str]) -> str:
    """The row's word for a module class, where it spells out one: Conv2d -> conv2d."""
    folded = spelling.replace("_", "").lower()
    return next(
        (name for name in row if name.islower() and name.replace("_", "") == folded), spelling
    )
