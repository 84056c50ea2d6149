"""Padding that is read at one end of a map more than at the other.

What it is
    A layer with a stride pads both ends of a map alike, and its last window ends before the padding
    does: a stride of 2 over an even number of rows, with a kernel of 3 and padding 1, reads the row
    of zeros at the top, and never the one at the bottom.

Why it matters
    "This mechanism can apply the padding unevenly, leading to asymmetries in the learned weights"
    (Alsallakh et al., "Mind the Pad: CNNs Can Develop Blind Spots", 2021): kernels meet zeros at
    one side only, and so do the maps behind. Their remedy is the size of the input. Most networks
    are trained at sizes like 224 or 256, at which all of their downsamplings are uneven, and work;
    this rule is therefore off unless it is asked for.

How to fix it
    Feed one of the sizes that the message names: 225 in place of 224 for most ResNets. Or let
    convolutions pad with values of the map: `padding_mode="circular"` or `"reflect"`.

When to ignore it
    Where weights were trained at this size, and where accuracy does not depend on what lies near
    the border.

How it is computed
    For each convolution and pooling with a stride and padding of its own, the positions of padding
    that its windows read in front of the map and behind it are counted. Sizes between half and
    twice as much at which all of them are even are tried: the model is followed once more at each,
    and none is named at which it does not run or at which rows of some map are left unread. A map
    that is padded by a function or a module in front of the layer is taken as meant, and so is
    `ceil_mode=True`. Where not only padding but rows of the map itself are left out, RF203 says it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.analysis.proofs.fitting_sizes import first_confirmed, sizes_around
from rflint.analysis.proofs.uneven_padding import PaddingRead, is_even, uneven_padding
from rflint.graph.architecture import Architecture
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import axis_names, first_few, size

_ENDS = {
    "height": ("row", "at the top", "at the bottom"),
    "width": ("column", "on the left", "on the right"),
    "depth": ("frame", "at the front", "at the back"),
    "length": ("position", "in front of the map", "behind it"),
}
"""By axis, what lies along it and where it begins and ends."""

_MOST_NAMED = 4
"""At most so many further layers are named."""

_MOST_TRIED = 2
"""At most so many sizes are tried, larger ones and smaller ones each."""


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for the whole model, at the first layer whose padding is uneven."""
    architecture = analysis.architecture
    axes = [axis for axis in range(architecture.axes) if architecture.input_has(axis)]
    uneven = {axis: found for axis in axes if (found := uneven_padding(architecture, axis))}
    indices = sorted({x.layer for found in uneven.values() for x in found})
    if not indices:
        return
    first = analysis.layers[indices[0]]
    counts = {axis: x for axis, found in uneven.items() for x in found if x.layer == indices[0]}
    others = list(dict.fromkeys(analysis.layers[index].described for index in indices[1:]))
    so = f"; the padding of {first_few(others, _MOST_NAMED)} is uneven too" if others else ""
    read = _padding(architecture, axes, counts)
    detail = f"at {size(architecture.resolution)} its windows read {read}{so}"
    yield RULE.finding(first, f"{detail}{_remedy(analysis, set(uneven))}", detail)


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """Which sizes would do."""
    first = findings[0]
    remedy = first.message.removeprefix(first.detail)
    return (
        f"At {size(analysis.architecture.resolution)}, strides do not divide sizes: padding is "
        f"read at one end more than at the other{remedy}."
    )


def _padding(architecture: Architecture, axes: list[int], counts: dict[int, PaddingRead]) -> str:
    """How much of it is read where, for each axis with other numbers or all in one."""
    names = dict(zip(axes, axis_names(len(axes)), strict=True))
    alike: dict[tuple[int, int], list[tuple[str, str, str]]] = {}
    for axis, found in counts.items():
        alike.setdefault((found.before, found.behind), []).append(_ENDS[names[axis]])
    said = []
    for (before, behind), along in alike.items():
        lines, starts, ends = zip(*along, strict=True)
        what = " and ".join(line if before == 1 else f"{line}s" for line in lines)
        said.append(
            f"{before or 'no'} {what} of padding {' and '.join(starts)}, and "
            f"{behind or 'none'} {' and '.join(ends)}"
        )
    return "; ".join(said)


def _remedy(analysis: Analysis, axes: set[int]) -> str:
    """Sizes near that are even throughout, as messages name them; each was tried."""
    architecture = analysis.architecture
    likely = [
        sizes_around(architecture, axis, partial(is_even, architecture, axis), _MOST_TRIED)
        if axis in axes
        else ([given], [given])
        for axis, given in enumerate(architecture.resolution)
    ]
    ways = ([sizes[way] for sizes in likely] for way in (0, 1))
    found = [first_confirmed(analysis, way, _is_even_throughout) for way in ways]
    sizes = [size(x) for x in found if x is not None]
    return f"; inputs of {' or '.join(sizes)} are even throughout" if sizes else ""


def _is_even_throughout(there: Architecture) -> bool:
    return all(is_even(there, axis) for axis in range(there.axes) if there.input_has(axis))


def downsampling() -> Any:
    """Three downsamplings of the kind that most networks have: even at 8 m + 1 pixels."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 7, stride=2, padding=3),
        nn.ReLU(),
        nn.MaxPool2d(3, stride=2, padding=1),
        nn.Conv2d(8, 8, 3, stride=2, padding=1),
    )


def even_kernels() -> Any:
    """A kernel of 4 with padding 1 is even at even sizes, as discriminators have it."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 4, stride=2, padding=1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(8, 8, 4, stride=2, padding=1),
    )


RULE = Rule(
    "RF510",
    "uneven-padding",
    Severity.INFO,
    check=check,
    summarise=summarise,
    evidence=Evidence.PROVED,
    on_by_default=False,
    fails=[Example(downsampling, 32)],
    passes=[Example(downsampling, 33), Example(even_kernels, 32)],
)
