"""A view in place of a transpose.

What it is
    `x.view(batch, heads, steps, features)` of what is (batch, steps, heads, features). A view, or a
    reshape, moves nothing: it cuts the numbers anew, in the order in which they lie. The shape is
    the wanted one, and every row holds pieces of several rows.

Why it matters
    Nothing fails. Each token, or each head, gets numbers of several positions, and what the layers
    behind it learn is to live with that: training works worse, or not at all. PyTorch's own message
    makes people write it: "view size is not compatible ... Use .reshape(...) instead".

How to fix it
    `x.transpose(1, 2)` in place of the view, and `.reshape` or `.flatten` behind it to merge what
    lies side by side then. Heads: `x.view(b, t, heads, -1).transpose(1, 2)`, and back
    `x.transpose(1, 2).reshape(b, t, -1)`. `einops.rearrange(x, "b c t -> b t c")` says it in words.
    Weights that were trained with the view need training again.

When to ignore it
    Where the numbers are to be shuffled, or weights that were trained with it are to be kept.

How it is computed
    A view that merges and splits neighbouring dimensions makes rows of whole rows. Reported is one
    whose rows begin in the middle of a row, if its sizes are those of the input in another order,
    with dimensions merged or split on the way. Where sizes divide each other, so that nothing is
    cut at the size that is linted, the model is followed at another size; dimensions of size one do
    not count. Views of parameters, views that another view undoes (a flatten in front of a linear
    layer, which learns any order) and those that shift rows against each other (they are padded in
    front, or sliced and viewed again: tables of relative positions) are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.analysis.proofs.permuting_views import (
    Reordering,
    meant,
    permuting_views,
    possibly_permuting_views,
    row_that_is_cut,
)
from rflint.graph.views import Shape, View
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import plural


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each line with a view that was meant to transpose."""
    found = [*permuting_views(analysis.architecture), *_elsewhere(analysis)]
    by_line: dict[object, list[View]] = {}
    for view in found:
        by_line.setdefault((view.called or view.scope, view.before, view.after), []).append(view)
    for views in by_line.values():
        scopes = list(dict.fromkeys(view.scope for view in views))
        others = f" (and in {plural(len(scopes) - 1, 'other module')})" if len(scopes) > 1 else ""
        message = f"{_message(views[0])}{others}"
        called = views[0].called
        yield RULE.module_finding(scopes[0], message, (called,) if called else ())


def _elsewhere(analysis: Analysis) -> Iterator[View]:
    """The views that cut nothing at this size, and do at a larger one."""
    possible = list(possibly_permuting_views(analysis.architecture))
    for size in _larger_sizes(analysis) if possible else ():
        there = analysis.retracer.at_size(size)
        if there is None:
            continue
        cutting = {_place(view) for view in permuting_views(there.architecture)}
        yield from (view for view in possible if _place(view) in cutting)
        possible = [view for view in possible if _place(view) not in cutting]


def _larger_sizes(analysis: Analysis) -> Iterator[Shape]:
    """Sizes at which the coarsest map, or the input itself, has one position more, or two.

    Steps larger than the input are those of windows that were taken apart, and of no map.
    """
    resolution = analysis.architecture.resolution
    jumps = [
        max(
            (jump for x in analysis.layers if (jump := int(x.output_field[axis].jump or 1)) <= n),
            default=1,
        )
        for axis, n in enumerate(resolution)
    ]
    for times in (1, 2):
        yield tuple(length + times * jump for length, jump in zip(resolution, jumps, strict=True))
    if set(jumps) != {1}:
        yield tuple(length + 1 for length in resolution)


def _place(view: View) -> tuple[object, ...]:
    return view.called, view.scope, view.op


def _message(view: View) -> str:
    row, first, last = row_that_is_cut(view.before, view.after)
    count = prod(view.after[len(row) :])
    reordering = meant(view.before, view.after)
    assert reordering is not None
    return (
        f"{view.op} of {view.before} to {view.after} moves nothing, and is no transpose: "
        f"[{_listed(row)}] of the result holds {count} numbers in a row, those from "
        f"[{_listed(first)}] to [{_listed(last)}]; if axes were to be swapped, "
        f"{spelled(view.before, reordering)}"
    )


def _listed(index: Shape) -> str:
    return ", ".join(map(str, index))


def spelled(before: Shape, reordering: Reordering) -> str:
    """The code that swaps axes: `x.view(1, 100, 8, 32).transpose(1, 2)`."""
    split = f".view({_listed(reordering.split)})" if reordering.split != before else ""
    swapped = reordering.swapped
    moved = (
        f".transpose({_listed(swapped)})" if swapped else f".permute({_listed(reordering.order)})"
    )
    merged = reordering.result != reordering.reordered
    return f"x{split}{moved}{f'.reshape({_listed(reordering.result)})' if merged else ''}"


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """How many."""
    subject = f"{len(findings)} views stand" if len(findings) > 1 else "A view stands"
    return (
        f"{subject} where a transpose was meant, it seems: the shape is right, and each row holds "
        "pieces of several rows. Weights that were trained with it need training again."
    )


def viewed_tokens() -> Any:
    """Each token is a piece of a channel: 24 pixels of it."""
    from torch import Tensor, nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 24, 3, padding=1)
            self.attention = nn.TransformerEncoderLayer(24, 4, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            features = self.conv(x)
            out: Tensor = self.attention(features.reshape(len(x), -1, 24))
            return out

    return Net()


def transposed_tokens() -> Any:
    """Each token holds one pixel of all 24 channels."""
    from torch import Tensor, nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 24, 3, padding=1)
            self.attention = nn.TransformerEncoderLayer(24, 4, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            features = self.conv(x)
            out: Tensor = self.attention(features.flatten(2).transpose(1, 2))
            return out

    return Net()


RULE = Rule(
    "RF509",
    "permuting-view",
    Severity.WARNING,
    check=check,
    summarise=summarise,
    evidence=Evidence.PREDICTED,
    fails=[Example(viewed_tokens, 16)],
    passes=[Example(transposed_tokens, 16)],
)
