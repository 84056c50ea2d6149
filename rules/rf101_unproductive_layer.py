"""A convolution whose input already has a receptive field larger than the image.

What it is
    What the layer reads has a receptive field larger than the input along every axis, even on the
    shortest path (r_{l-1,min} > i: the receptive field r of the layer in front, against the input
    size i). It is the size of the window that counts, not what a single unit finds in it: in the
    middle of the map the window covers the whole input, towards the border, and in causal
    networks, a part of it lies in the padding. The first such layer in execution order is the
    border layer.

Why it matters
    Trained networks do not use these layers. Probes fitted to every layer of VGG, ResNet and
    multi-path networks show that the accuracy stops improving at the border layer, and skip
    connections simply bypass what lies behind it; cutting the network there improved the test
    accuracy of every model in the study (Richter et al., "Should You Go Deeper?", sections IV and
    V, Fig. 11). This is a prediction from theory and experiment, not a proof for your data.

How to fix it
    Truncate the network before the border layer, or let the receptive field grow more slowly by
    removing early downsampling (a ResNet's stem: stride 1 and no pooling), or train on larger
    inputs. The report shows what each of these costs, and `rflint fix` writes it as code.

When to ignore it
    Where the pretrained weights of a larger input size are kept on purpose, or where layers are
    wanted for their capacity (1x1 convolutions as feature mixers) and not for their context.

How it is computed
    Eq. 1 of the paper along every path and axis; the smallest receptive field over all paths counts
    (r_min). Attention gates are no paths. Not judged are layers on such gates, and layers that only
    global paths lead to (heads).
    Nor are convolutions that draw: behind an upsampling, receptive fields only grow, so that the
    layers of every decoder without skip connections would be findings. A convolution draws where
    every path to it has gone through an upsampling behind a downsampling, and the map is still
    finer than it was at its coarsest; where every path has made the input itself finer, and nothing
    makes it coarser again (super-resolution); and, as far as it lies past the border, at the
    coarsest map of an encoder and its decoder, where nothing tells which of the two it belongs to,
    and in a decoder that skip connections join (a U-Net's). A resize in front of the first
    downsampling is no decoder, nor is upsampling that something makes coarser again. Convolutions
    that upsample, by transposition or through a pixel shuffle, draw as well.
    A 1x1 convolution is held against the input size like any other, but where nothing else is past
    the border there is no finding: mixing channels is not what the theory is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import Any

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.analysis.analysis import Analysis
from rflint.analysis.options import AnalysisOptions
from rflint.analysis.totals import useful_parameters, wasted_parameters
from rflint.linting.finding import Evidence, Finding, Severity, layers_of
from rflint.linting.rule import Example, Rule, Setting, Settings
from rflint.text.numbers import abbreviated_count, percent, size


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each unproductive convolution; none where all of them are 1x1."""
    mixing_only = all(set(x.geometry.kernel) == {1} for x in analysis.unproductive)
    if mixing_only and settings["pointwise"] != "judge":
        return
    useful = useful_parameters(analysis.layers)
    for layer in analysis.unproductive:
        sees = size((x.r_min for x in layer.compared_axes), unbounded="all")
        whole = size(x.input_size for x in layer.compared_axes)
        macs = abbreviated_count(layer.macs, "MAC")
        params = sum(number for _, number in layer.parameters)
        work = f"{abbreviated_count(params, 'parameter')} and {macs}" if params else macs
        yield RULE.finding(
            layer,
            f"the receptive field of what it reads is larger than the {whole} input ({sees} pixels "
            "on the shortest path): "
            + (
                f"here its {macs} are predicted to contribute nothing, while other calls of the "
                "same weights lie in front of the border"
                if _works_elsewhere(layer, useful)
                else f"its {work} are predicted to contribute nothing"
            ),
        )


def _works_elsewhere(layer: AnalysedLayer, useful: Set[str]) -> bool:
    names = {name for name, _ in layer.parameters}
    return bool(names) and names <= useful


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """Where the border runs, and what works behind it."""
    totals = analysis.totals
    listed = layers_of(analysis, findings)
    params = wasted_parameters(analysis.layers, listed)
    macs = sum(x.macs for x in listed)
    border = findings[0].title
    sizes = {size(axis.input_size for axis in x.compared_axes): None for x in listed}
    whole = " or ".join(sizes)
    behind, what = (
        (f"From {border} on, {len(findings)} convolutions of {totals.convs} are", "they read")
        if len(findings) > 1
        else (f"{border} is", "it reads")
    )
    of_all = f"{percent(params, totals.params)} of the parameters ({params:,}) and "
    return (
        f"{behind} predicted to contribute nothing: the receptive field of what {what} is larger "
        f"than the {whole} input. {of_all if params else ''}"
        f"{percent(macs, totals.macs)} of the MACs work past the border."
    )


def deep_plain_network() -> Any:
    """Three poolings, then convolutions: at 16 px, what the last one reads has r = 18."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )


def truncated_network() -> Any:
    """The same without the convolution that could not contribute."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )


def late_mixing() -> Any:
    """Behind the border, a 1x1 convolution that is there to mix channels."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 7, padding=3),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 7, padding=3),
        nn.Conv2d(16, 32, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


RULE = Rule(
    "RF101",
    "unproductive-layer",
    Severity.WARNING,
    check=check,
    summarise=summarise,
    evidence=Evidence.PREDICTED,
    settings={
        "pointwise": Setting(
            "beside-others",
            "1x1 convolutions integrate no context at any input size, and depthwise convolutions "
            "need one behind them. By default they are reported only where larger kernels are "
            'unproductive too; with `"judge"` always. With `"ignore"` they are not judged: border '
            "layer, totals and repairs follow.",
            choices=("beside-others", "judge", "ignore"),
            analysis_options={"ignore": AnalysisOptions(judges_pointwise=False)},
        )
    },
    fails=[Example(deep_plain_network, 16), Example(late_mixing, 16, {"pointwise": "judge"})],
    passes=[
        Example(truncated_network, 16),
        Example(deep_plain_network, 32),
        Example(late_mixing, 16),
        Example(late_mixing, 16, {"pointwise": "ignore"}),
    ],
)
