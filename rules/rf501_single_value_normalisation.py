"""A normalisation that gets a single value to normalise.

What it is
    A normalisation takes the mean and the variance of what it is given, and there is one number in
    each group: instance normalisation of a 1x1 map, group normalisation of such a map with one
    channel in a group, layer normalisation of one feature. Batch normalisation of a 1x1 map has one
    number for each sample, and needs others in the batch.

Why it matters
    A number less its own mean is zero: the result is the bias, whatever the input, and no gradient
    reaches what comes before. PyTorch refuses some of these ("Expected more than 1 spatial
    element", "Expected more than 1 value per channel when training") and computes others without
    a word. It refuses batch normalisation of one sample only in training: most often that is the
    last, smaller batch of an epoch.

How to fix it
    Leave the normalisation out there, or take one downsampling less, so that positions are left
    to normalise over; or normalise over several channels: GroupNorm with larger groups. For batch
    normalisation, batches of two or more: DataLoader(..., drop_last=True).

When to ignore it
    Of batch normalisation, where no batch has one sample, as in most trainings. That is why it is
    told for information only.

How it is computed
    The numbers of one sample in each group follow from shapes. Batch normalisation is asked in a
    pass of training; modules that are kept in evaluation do not count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import prod
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.analysis.passes import Validity, architecture_in_mode, validity
from rflint.analysis.proofs.constant_results import is_constant_norm, without_gradient
from rflint.graph.architecture import Architecture
from rflint.graph.layer import Kind, Layer
from rflint.graph.traits import Trait
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import plural, size


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each normalisation whose result is constant, or needs several samples."""
    architecture = analysis.architecture
    constant = _constant(architecture)
    for index in constant:
        layer = analysis.layers[index]
        name = (layer.name, layer.call)

        def holds(there: Analysis, name: tuple[str, int] = name) -> bool:
            return any(
                (x.name, x.call) == name
                for x in map(there.architecture.layers.__getitem__, _constant(there.architecture))
            )

        if validity(analysis, holds) in (Validity.BOTH_MODES, Validity.THIS_MODE):
            lost = without_gradient(architecture, index)
            message = f"{_single(layer.layer)}: the result is its bias, whatever the input{lost}"
            yield RULE.finding(layer, message, message)
    yield from _needing_several_samples(analysis)


def _constant(architecture: Architecture) -> list[int]:
    """The layers that some output depends on, and that normalise single values of a sample."""
    live = architecture.relations.live_layers
    return [
        index
        for index, layer in enumerate(architecture.layers)
        if index in live
        and is_constant_norm(layer)
        and Trait.RUNNING_STATISTICS not in layer.traits
    ]


def _needing_several_samples(analysis: Analysis) -> Iterator[Finding]:
    """Batch normalisations that have one value for each sample in training, in one finding."""
    if not _has_single_values(analysis.architecture):
        return  # most models: a pass of training would take as long as all the rest
    training = architecture_in_mode(analysis, training=True)
    if training is None:
        return
    samples = {shape[:1] for shape in training.inputs}
    names = {
        (layer.name, layer.call)
        for index, layer in enumerate(training.layers)
        if index in training.relations.live_layers
        and is_constant_norm(layer)
        and Trait.RUNNING_STATISTICS in layer.traits
        and layer.in_shape[:1] in samples  # and no positions lie among them
    }
    found = [x for x in analysis.layers if (x.name, x.call) in names]
    if found:
        others = f", like {plural(len(found) - 1, 'other layer')}" if len(found) > 1 else ""
        message = (
            f"has one value per channel of each sample{others}: training on a batch of one sample "
            "raises; the last batch of an epoch may be one (drop_last=True)"
        )
        yield replace(RULE.finding(found[0], message, message), severity=Severity.INFO)


def _has_single_values(architecture: Architecture) -> bool:
    """Whether a normalisation that keeps statistics, in whichever mode, is given single values."""
    samples = {shape[0] for shape in architecture.inputs if shape}
    return any(
        layer.kind is Kind.NORM
        and Trait.RUNNING_STATISTICS in layer.traits
        and layer.in_shape[:1]
        and layer.in_shape[0] in samples
        and prod(layer.in_shape[2:]) == 1
        for layer in architecture.layers
    )


def _single(layer: Layer) -> str:
    where = f" of a map of {size(layer.positions)}" if layer.is_map else ""
    return f"normalises single values{where}"


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """How many results are constant, and what to do; what batch normalisation asks for."""
    said = []
    constant = sum(finding.severity is not Severity.INFO for finding in findings)
    if constant:
        several = constant > 1
        subject = f"{constant} normalisations get" if several else "A normalisation gets"
        it = "them" if several else "it"
        said.append(
            f"{subject} single values, of which nothing is left. Leave {it} out, downsample once "
            "less, or normalise over several channels."
        )
    if constant < len(findings):
        said.append("Batch normalisation of single values needs several samples in training.")
    return " ".join(said)


def groups_of_one_channel() -> Any:
    """Eight groups of one channel, at one position: PyTorch says nothing with two samples."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.GroupNorm(8, 8),
        nn.Conv2d(8, 2, 1),
    )


def groups_of_several_channels() -> Any:
    """Two groups of four channels."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.GroupNorm(2, 8),
        nn.Conv2d(8, 2, 1),
    )


RULE = Rule(
    "RF501",
    "single-value-normalisation",
    Severity.WARNING,
    check=check,
    summarise=summarise,
    evidence=Evidence.PROVED,
    fails=[Example(groups_of_one_channel, 16)],
    passes=[Example(groups_of_several_channels, 16)],
)
