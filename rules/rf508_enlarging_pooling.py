"""An adaptive pooling that enlarges its map, in front of a linear layer.

What it is
    Adaptive pooling brings maps of any size to one, smaller maps too: those it enlarges, by
    repeating values. The linear layer behind it has a weight for each copy.

Why it matters
    VGG and AlexNet end in a map of 7x7 or 6x6 for images of 224 pixels. At 32 pixels one position
    is left, and 49 copies of it are flattened: most of the parameters of the network then multiply
    numbers that are there already, and could be added up to one weight.

How to fix it
    Pool to the size that the map has, `nn.AdaptiveAvgPool2d(1)`, and give the linear layer as many
    inputs: it computes the same. Or downsample less, so that the positions are there. Where
    pretrained weights of the linear layer are kept, enlarge the images.

When to ignore it
    Where the model is linted at a smaller size than it is made for.

How it is computed
    Outputs of the pooling with equal windows are equal. They are counted per axis, and the linear
    layers that read the flattened map have a weight for each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis
from rflint.graph.layer import Kind, Layer
from rflint.graph.traits import Trait
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import size


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each pooling that makes copies which linear layers read."""
    for index, layer in enumerate(analysis.layers):
        if index not in analysis.architecture.relations.live_layers or not _enlarges(layer.layer):
            continue
        readers = list(_readers(analysis, index))
        wide = [x for x in readers if x.in_shape[-1] == prod(layer.out_shape[1:])]
        if not wide or len(wide) < len(readers):
            continue
        before, behind = layer.in_shape[2:], layer.out_shape[2:]
        made, distinct = prod(behind), prod(map(_distinct, before, behind))
        weights = sum(x.in_shape[-1] * x.out_shape[-1] for x in wide)
        merged = weights * (made - distinct) // made
        several = f"the layers that read it, {wide[0].described} first," if len(wide) > 1 else ""
        message = (
            f"enlarges a map of {size(before)} to {size(behind)} at this input size: "
            f"{made - distinct} of the {made} positions are copies, and {merged:,} of the "
            f"{weights:,} weights of {several or wide[0].described} could be added to others"
        )
        yield RULE.finding(layer, message, message)


def _enlarges(layer: Layer) -> bool:
    """Whether it is an adaptive pooling of maps that makes copies of what it reads."""
    if layer.kind is not Kind.POOL or Trait.READS_EVERYTHING not in layer.traits:
        return False
    before, behind = layer.in_shape[2:], layer.out_shape[2:]
    return len(before) == len(behind) > 0 and any(
        _distinct(n, m) < m for n, m in zip(before, behind, strict=True)
    )


def _distinct(n: int, m: int) -> int:
    """How many different windows adaptive pooling from n to m positions has."""
    return len({(p * n // m, -(-(p + 1) * n // m)) for p in range(m)})


def _readers(analysis: Analysis, index: int) -> Iterator[AnalysedLayer]:
    """The layers that read it, views and dropout left out."""
    for reader in analysis.architecture.relations.live_readers[index]:
        layer = analysis.layers[reader]
        if layer.kind is Kind.RESHAPE:
            yield from _readers(analysis, reader)
        else:
            yield layer


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """How many, and what to do."""
    subject = f"{len(findings)} poolings repeat" if len(findings) > 1 else "A pooling repeats"
    return (
        f"{subject} values, and linear layers have a weight for each copy: pool to the size of the "
        "map, or feed larger inputs."
    )


def vgg_head() -> Any:
    """The head of VGG behind a map of one position."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(16),
        nn.AdaptiveAvgPool2d((7, 7)),
        nn.Flatten(),
        nn.Linear(8 * 7 * 7, 10),
    )


def head_of_the_map() -> Any:
    """As many inputs as there are values."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(16),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 10),
    )


RULE = Rule(
    "RF508",
    "enlarging-pooling",
    Severity.WARNING,
    check=check,
    summarise=summarise,
    evidence=Evidence.PROVED,
    fails=[Example(vgg_head, 16)],
    passes=[Example(head_of_the_map, 16), Example(vgg_head, 112)],
)
