"""The samples of a batch are mixed with each other, or cut into several.

What it is
    Attention or recurrence that runs along the batch, since `batch_first` was left out: torch.nn
    takes (time, batch, features) unless it is told otherwise. A softmax over dimension 0. A linear
    layer behind a flatten, or a view, that has taken in the batch. Or `x.view(-1, 512)` cuts each
    sample into several rows, since the map is larger than expected.

Why it matters
    Nothing fails, and the loss falls. But what the model says of an image depends on which other
    images lie in the batch, in evaluation as well; with a batch of one it says something else than
    in training. And what should be mixed is not: time steps never meet. Samples that were cut meet
    the labels of others: "Expected input batch_size (128) to match target batch_size (32)".

How to fix it
    `batch_first=True`, and masks and states to fit. `x.flatten(1)` in place of `x.flatten()`. The
    last hidden state is (layers, batch, features) with `batch_first`, too: `h[-1]`, or
    `h.transpose(0, 1).flatten(1)`. `softmax(dim=-1)`.

When to ignore it
    Where samples are meant to see each other: attention between data points, few-shot learning
    with the support set in the batch. Write the comment where the layer is built.

How it is computed
    A pass of evaluation with three samples is followed with the batch as the only axis, as any
    axis of an image is followed otherwise: through permutes, views, windows and heads. Reported are
    layers that certainly read other samples, where the first dimension certainly is the batch: a
    convolution or pooling takes it for one, a layer is told `batch_first`, or the second dimension
    is dropped as time is. Products
    of two computed tensors, means over a batch and normalisation in training mix samples on
    purpose.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.analysis.proofs.mixed_samples import Mixing, mixed_samples, parted_samples
from rflint.graph.architecture import Architecture
from rflint.graph.layer import Kind
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.rule import Example, Rule, Settings

_MESSAGES = {
    Mixing.SEQUENCE: (
        "runs along the batch: each sample is mixed with the others, and time steps never meet; "
        "it takes (time, batch, features) unless it is told batch_first=True"
    ),
    Mixing.SOFTMAX: ("runs over the batch: samples share a whole; softmax(dim=-1)"),
    Mixing.SUM: (
        "sums over samples: the dimension that it reads has taken in the batch; flatten(1), or "
        "transpose what does not begin with the batch"
    ),
}
_MAY_MIX = frozenset({Kind.ATTENTION, Kind.RECURRENT})


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each layer that mixes samples."""
    for parted in parted_samples(analysis.architecture):
        message = (
            f"is given {parted.rows} rows of each sample, cut across channels and positions: at "
            f"this input size {parted.rows} times as many results leave the model as samples enter "
            f"it; flatten(1) would give {parted.features} features"
        )
        yield RULE.finding(analysis.layers[parted.index], message, message)
    if not _may_mix(analysis.architecture):
        return
    along_batch = analysis.retracer.along_batch()
    if along_batch is None:
        return
    layers = {(x.name, x.call): x for x in analysis.layers}
    for mixed in mixed_samples(along_batch):
        layer = layers.get((mixed.name, mixed.call))
        if layer is not None:
            message = _MESSAGES[mixed.mixing]
            yield RULE.finding(layer, message, message)


def _may_mix(architecture: Architecture) -> bool:
    """Whether it is worth following the batch: most convolutional networks keep samples apart.

    They do where every layer has a batch of one in front, and nothing works along dimensions.
    """
    live = architecture.relations.live_layers
    batch = architecture.inputs[0][:1] if architecture.inputs else ()
    return any(
        layer.kind in _MAY_MIX
        or (layer.kind is Kind.ACTIVATION and layer.normalised_over == layer.in_shape[0])
        or layer.in_shape[:1] != batch
        for index, layer in enumerate(architecture.layers)
        if index in live
    )


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """How many layers, and what that means."""
    subject = f"{len(findings)} layers do" if len(findings) > 1 else "A layer does"
    return f"{subject} not keep the samples of a batch apart."


def along_the_batch() -> Any:
    """An LSTM that takes images for time steps."""
    from torch import Tensor, nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)
            self.rows = nn.LSTM(8 * 16, 32)
            self.head = nn.Linear(32, 2)

        def forward(self, x: Tensor) -> Tensor:
            rows = self.conv(x).permute(0, 2, 1, 3).flatten(2)
            out: Tensor = self.head(self.rows(rows)[0][:, -1])
            return out

    return Net()


def along_the_rows() -> Any:
    """The same, told that the batch comes first."""
    from torch import Tensor, nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)
            self.rows = nn.LSTM(8 * 16, 32, batch_first=True)
            self.head = nn.Linear(32, 2)

        def forward(self, x: Tensor) -> Tensor:
            rows = self.conv(x).permute(0, 2, 1, 3).flatten(2)
            out: Tensor = self.head(self.rows(rows)[0][:, -1])
            return out

    return Net()


RULE = Rule(
    "RF503",
    "mixed-samples",
    Severity.WARNING,
    check=check,
    summarise=summarise,
    evidence=Evidence.PROVED,
    fails=[Example(along_the_batch, 16)],
    passes=[Example(along_the_rows, 16)],
)
