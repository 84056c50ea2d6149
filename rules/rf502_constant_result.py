"""A softmax, or attention, over a single element.

What it is
    Softmax shares a whole out among the elements of a dimension, and there is one: the result is 1,
    and that of log_softmax 0, whatever the input. Attention over a single position gives that one
    all the weight.

Why it matters
    No gradient comes through a constant: training leaves everything before it as it is, and the
    loss may still fall, by what comes after. Of attention over one position the value gets
    through; queries and keys are computed for nothing, and never trained.

How to fix it
    One score for two classes: a sigmoid, with BCEWithLogitsLoss; or two scores and
    CrossEntropyLoss, which takes them without a softmax. Attention pooling: the softmax belongs
    over the dimension that is summed over afterwards, often dim=1 of (batch, time, 1). Attention
    over one position: leave it out, or give it more positions.

When to ignore it
    Where the number of elements is one in this configuration, or at this input size, and larger in
    others: one expert, one source, the last stage of a network made for larger images.

How it is computed
    The length of the dimension follows from shapes, of the model with one sample and with two, in
    evaluation and in training. Parameters get no gradient if all their ways to outputs lead through
    such a softmax.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.analysis.passes import Validity, validity
from rflint.analysis.proofs.constant_results import (
    is_constant_softmax,
    is_lone_attention,
    takes_part,
    without_gradient,
)
from rflint.graph.layer import Layer
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.rule import Example, Rule, Settings


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each softmax, and for information for each attention."""
    architecture = analysis.architecture
    for index, layer in enumerate(analysis.layers):
        if not takes_part(architecture, index):
            continue
        if is_constant_softmax(layer.layer) and _always(analysis, layer.layer, is_constant_softmax):
            lost = without_gradient(architecture, index)
            message = f"over a dimension of one element: the result is always the same{lost}"
            yield RULE.finding(layer, message, message)
        if is_lone_attention(layer.layer) and _always(analysis, layer.layer, is_lone_attention):
            message = (
                "every query is compared with a single key at this input size: the weight is "
                "always 1, so that queries and keys are computed for nothing, and get no gradient"
            )
            yield replace(RULE.finding(layer, message, message), severity=Severity.INFO)


def _always(analysis: Analysis, layer: Layer, is_so: Callable[[Layer], bool]) -> bool:
    """Whether it is so in both modes; with other batches, too: training is traced with two."""

    def holds(there: Analysis) -> bool:
        same = [x for x in there.layers if (x.name, x.call) == (layer.name, layer.call)]
        return bool(same) and all(is_so(x.layer) for x in same)

    found = validity(analysis, holds)
    return found is Validity.BOTH_MODES or (
        analysis.architecture.training and found is Validity.THIS_MODE
    )


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """How many, and what that is."""
    subject = f"{len(findings)} layers weigh" if len(findings) > 1 else "A layer weighs"
    return f"{subject} a single element, which always gets all of the weight."


def one_score() -> Any:
    """Softmax of one score."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 1),
        nn.Softmax(dim=1),
    )


def two_scores() -> Any:
    """One score for each class."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 2),
        nn.Softmax(dim=1),
    )


RULE = Rule(
    "RF502",
    "constant-result",
    Severity.WARNING,
    check=check,
    summarise=summarise,
    evidence=Evidence.PROVED,
    fails=[Example(one_score, 16)],
    passes=[Example(two_scores, 16)],
)
