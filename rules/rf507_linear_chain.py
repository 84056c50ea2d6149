"""Linear layers in a row, with no activation between them.

What it is
    A linear layer or a convolution whose result is read by another one, and by nothing else:
    without a non-linearity between them the two are one linear map.

Why it matters
    Two linear layers in a row compute what one computes, with more parameters and work. PyTorch's
    layers have no activation of their own, as those of other libraries may have; most often one was
    forgotten.

How to fix it
    Put an activation between them, or leave one of them out.

When to ignore it
    Where the product is meant: a factorisation, more parameters than the map needs so that it
    trains otherwise, weights that are merged later. Super-resolution networks often have none
    around their upsampling.

How it is computed
    The first layer has one reader, which reads nothing else, and at least as many features lie
    between them as before or behind: with fewer, the pair is a map of low rank, which one layer is
    not. Convolutions in groups (depthwise separable ones) and those that slide along different axes
    are left out, and so are pairs of convolutions that have fewer parameters than the one that
    computes the same. Where the second one pads with zeros, the two differ from that one at the
    border; linear they are all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis
from rflint.graph.layer import INPUT, Kind, Layer
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import plural

_LINEAR = (Kind.LINEAR, Kind.CONV)


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each pair, at the second layer."""
    reported: set[tuple[str, str]] = set()
    for index, second in enumerate(analysis.layers):
        first = _only_source(analysis, index)
        if first is None or not _is_one_map(first.layer, second.layer):
            continue
        if (first.name, second.name) in reported:
            continue  # of modules that are called again
        reported.add((first.name, second.name))
        size = f"{_features(first.layer)[0]} to {_features(second.layer)[1]} features"
        saved = _parameters(first.layer) + _parameters(second.layer) - _merged(first, second)
        fewer = f", with {plural(saved, 'parameter', ',')} fewer" if saved > 0 else ""
        message = (
            f"reads {first.described} with no activation in between: together they are one linear "
            f"map from {size}{fewer}"
        )
        yield RULE.finding(second, message, message)


def _only_source(analysis: Analysis, index: int) -> AnalysedLayer | None:
    """The linear layer that this one reads, if it reads no other, and nothing else reads that."""
    architecture = analysis.architecture
    edges = architecture.layers[index].inputs
    if len(edges) != 1 or edges[0].source == INPUT or edges[0].is_gate:
        return None
    source = edges[0].source
    if index not in architecture.relations.live_layers or source in architecture.outputs:
        return None
    if architecture.relations.readers[source] != (index,):
        return None
    return analysis.layers[source]


def _is_one_map(first: Layer, second: Layer) -> bool:
    """Whether two layers are a linear map of full rank, and not one that is cheaper in two."""
    if first.kind not in _LINEAR or second.kind is not first.kind:
        return False
    if not _is_plain(first) or not _is_plain(second) or first.out_shape != second.in_shape:
        return False
    (before, between), (_, behind) = _features(first), _features(second)
    if between < min(before, behind):
        return False
    if first.kind is Kind.LINEAR:
        return between not in first.out_shape[1:-1]  # positions may have taken their place
    along = [{axis for axis, k in enumerate(x.geometry.kernel) if k != 1} for x in (first, second)]
    if along[0] and along[1] and along[0] != along[1]:
        return False
    return _parameters(first) + _parameters(second) >= _merged(first, second)


def _is_plain(layer: Layer) -> bool:
    """Whether it has a weight for each pair of features and each tap of its window."""
    inside, outside = _features(layer)
    return _parameters(layer) == inside * outside * _taps(layer) and len(layer.inputs) == 1


def _features(layer: Layer) -> tuple[int, int]:
    at = -1 if layer.kind is Kind.LINEAR else 1
    return layer.in_shape[at], layer.out_shape[at]


def _parameters(layer: Layer) -> int:
    """The scalars of its weight, without the bias."""
    sizes = dict(layer.parameters)
    return sum(size for name, size in sizes.items() if name not in layer.bias)


def _taps(layer: Layer) -> int:
    return prod(int(k or 0) for k in layer.geometry.kernel) if layer.kind is Kind.CONV else 1


def _merged(first: Layer | AnalysedLayer, second: Layer | AnalysedLayer) -> int:
    """The scalars of the weight of the one layer that computes the same."""
    one, two = (x.layer if isinstance(x, AnalysedLayer) else x for x in (first, second))
    features = _features(one)[0] * _features(two)[1]
    if one.kind is Kind.LINEAR:
        return features
    kernels = zip(
        *(one.geometry.kernel, one.geometry.dilation, one.geometry.stride),
        *(two.geometry.kernel, two.geometry.dilation),
        strict=True,
    )
    extents = (
        int(d1 * (int(k1 or 1) - 1) + int(s1 or 1) * d2 * (int(k2 or 1) - 1) + 1)
        for k1, d1, s1, k2, d2 in kernels
    )
    return features * prod(extents)


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """How many pairs."""
    if len(findings) == 1:
        return "Two layers are one linear map: there is no activation between them."
    return f"{len(findings)} pairs of layers are one linear map each: there is no activation."


def forgotten() -> Any:
    """Two linear layers in a row."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 32),
        nn.Linear(32, 2),
    )


def activated() -> Any:
    """An activation between them."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 32),
        nn.ReLU(),
        nn.Linear(32, 2),
    )


RULE = Rule(
    "RF507",
    "linear-chain",
    Severity.INFO,
    check=check,
    summarise=summarise,
    evidence=Evidence.PROVED,
    fails=[Example(forgotten, 16)],
    passes=[Example(activated, 16)],
)
