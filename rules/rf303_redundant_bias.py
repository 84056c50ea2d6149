"""A bias directly in front of a normalisation that subtracts it.

What it is
    A convolution or linear layer adds a bias to each channel, and the next layer subtracts each
    channel's mean: batch normalisation, instance normalisation, or group normalisation with one
    channel per group. Whatever the bias is, the result is the same.

Why it matters
    The bias can be left out, "since its effect will be canceled by the subsequent mean subtraction"
    (Ioffe and Szegedy, "Batch Normalization", 2015, section 3.2). Its gradient is zero but for
    rounding, so weight decay and optimiser noise move it around.

How to fix it
    bias=False. The normalisation has a bias of its own.

When to ignore it
    Where the normalisation will be frozen or folded into the convolution, where it always uses
    running statistics (fine-tuning detectors), or where pretrained weights have the bias.

How it is computed
    The layer's only readers are normalisations over the same channels, with nothing in between, not
    even a view. For batch normalisation the claim is about training: in evaluation the running
    mean has taken in what the bias was. So a pass in training is followed, too: there the
    normalisation has to use the statistics of the batch, and nothing else may read the bias. Where
    training cannot be followed, or is left to chance, there are no findings. Batch normalisations
    of modules that override train(), as those do that freeze them, do not count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.analysis.passes import Validity, validity
from rflint.graph.architecture import Architecture
from rflint.graph.layer import Kind, Layer
from rflint.graph.relations import users_of_parameters
from rflint.graph.traits import Trait
from rflint.linting.finding import Evidence, Finding, Severity, layers_of
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import plural


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each bias that all readers of the layer subtract, at the first call."""
    reported: set[tuple[str, ...]] = set()
    for index, norms in _subtracted(analysis.architecture):
        layer = analysis.layers[index]
        bias = layer.bias
        if bias not in reported and _in_training(analysis, bias):
            reported.add(bias)
            yield RULE.finding(
                layer,
                f"its bias is subtracted again by {norms[0].described}, directly behind it: "
                f"trained with bias=False, it computes the same with {_fewer(_size(layer.layer))}",
            )


def _in_training(analysis: Analysis, bias: tuple[str, ...]) -> bool:
    """Whether training subtracts it, too, with the statistics of the batch."""
    found = validity(analysis, lambda there: _is_subtracted(there.architecture, bias))
    trained = analysis.architecture.training and found is Validity.THIS_MODE
    return trained or found is Validity.BOTH_MODES


def _is_subtracted(architecture: Architecture, bias: tuple[str, ...]) -> bool:
    layers = architecture.layers
    return any(layers[index].bias == bias for index, _ in _subtracted(architecture))


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """How many biases, and how many parameters they are."""
    sizes = {x.bias: _size(x.layer) for x in layers_of(analysis, findings)}
    subject = f"{len(findings)} layers add biases" if len(findings) > 1 else "A layer adds a bias"
    them = "them" if len(findings) > 1 else "it"
    return (
        f"{subject} that the normalisation directly behind {them} subtracts again: trained with "
        f"bias=False, the model computes the same with {_fewer(sum(sizes.values()))}."
    )


def _subtracted(architecture: Architecture) -> Iterator[tuple[int, list[Layer]]]:
    """Layers with a bias that nothing but normalisations reads, and these."""
    readers = {
        value: [architecture.layers[index] for index in indices]
        for value, indices in architecture.relations.readers.items()
    }
    calls: dict[tuple[str, ...], list[int]] = {}
    for index, layer in enumerate(architecture.layers):
        if layer.bias:
            calls.setdefault(layer.bias, []).append(index)
    users = users_of_parameters(architecture.layers, {name for bias in calls for name in bias})
    outputs = set(architecture.outputs)
    for bias, indices in calls.items():
        weights = {name for index in indices for name in architecture.layers[index].weight}
        if not weights.isdisjoint(bias) or not architecture.read_outside_layers.isdisjoint(bias):
            continue
        if not all(users[name] <= set(indices) for name in bias):
            continue  # something else uses it too
        # a bias that several calls share is redundant if it is in all of them
        if all(
            index not in outputs
            and readers[index]
            and all(_subtracts(norm, architecture.layers[index]) for norm in readers[index])
            for index in indices
        ):
            yield indices[0], readers[indices[0]]


def _subtracts(norm: Layer, layer: Layer) -> bool:
    """Whether a layer's channels are those whose means a normalisation subtracts."""
    same = norm.in_shape == layer.out_shape
    dimensions = len(layer.out_shape)
    if layer.kind is Kind.LINEAR:
        # instance normalisation takes (batch, features) for (channels, positions)
        channels_second = dimensions == 2 and Trait.UNBATCHED not in norm.traits
    else:
        channels_second = dimensions == len(layer.taps) + 2 or not layer.taps
    return norm.subtracts_mean and len(norm.inputs) == 1 and same and channels_second


def _fewer(parameters: int) -> str:
    return f"{plural(parameters, 'parameter', ',')} fewer"


def _size(layer: Layer) -> int:
    return sum(size for name, size in layer.parameters if name in layer.bias)


def with_bias() -> Any:
    """Each convolution's bias is subtracted by the batch normalisation behind it."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.BatchNorm2d(8),
    )


def without_bias() -> Any:
    """The same, without."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
    )


def several_channels_a_group() -> Any:
    """Group normalisation over several channels subtracts their common mean only."""
    from torch import nn

    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.ReLU())


RULE = Rule(
    "RF303",
    "redundant-bias",
    Severity.INFO,
    check=check,
    summarise=summarise,
    evidence=Evidence.PROVED,
    fails=[Example(with_bias, 16)],
    passes=[Example(without_bias, 16), Example(several_channels_a_group, 16)],
)
