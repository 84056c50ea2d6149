"""A convolution whose input has a receptive field larger than the image along some axes.

What it is
    Along some axes what it reads has a receptive field larger than the input (r_{l-1,min} > i),
    along others it has not, and the kernel extends along the first. That happens with inputs that
    are not square (spectrograms, text lines) and with kernels that are not (1x7 and 7x1).

Why it matters
    Along the axes that are done, the part of the kernel that extends there costs weights and
    multiplications, and is predicted to contribute nothing. It is the argument of RF101 (Richter
    et al., "Should You Go Deeper?", section III), axis by axis; the experiments of the paper are on
    square inputs, so this is information only.

How to fix it
    Give the kernel size 1 along the axes that are done (3x3 becomes 1x3), or downsample less along
    them. Where the kernel extends along those axes only, the layer can go.

When to ignore it
    Where square kernels are kept for pretrained weights, or for speed: some back ends have fast
    code for 3x3 only.

How it is computed
    Receptive fields and input sizes are compared axis by axis; see RF101.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rflint.analysis.analysed_layer import AnalysedLayer, Verdict
from rflint.analysis.analysis import Analysis
from rflint.graph.layer import Layer
from rflint.linting.finding import Evidence, Finding, Severity, layers_of
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import along_axes, decimal, plural, size


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each convolution whose kernel extends along an axis that is done."""
    for layer in _wasted_in_part(analysis):
        yield RULE.finding(layer, *_message(layer))


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """How many, and along which axes."""
    listed = layers_of(analysis, findings)
    done = sorted({axis for x in listed for axis in x.exceeded_axes})
    whole = " or ".join({size(x.input_sizes): None for x in listed})
    where = along_axes(done, analysis.architecture.axes) or "along one axis or another"
    subject = (
        f"{plural(len(findings), 'convolution')} read"
        if len(findings) > 1
        else f"{findings[0].title} reads"
    )
    return (
        f"{subject} receptive fields larger than the {whole} input "
        f"{where}, and no larger than it along the rest. A kernel of 1 along the axes that "
        "are done is predicted to do as well."
    )


def _wasted_in_part(analysis: Analysis) -> list[AnalysedLayer]:
    """Partial convolutions; not those whose kernel is 1 along what is done, which waste nothing."""
    return [
        layer
        for layer in analysis.layers
        if layer.verdict is Verdict.PARTIAL
        and any(layer.geometry.kernel[axis] != 1 for axis in layer.exceeded_axes)
    ]


def _message(layer: AnalysedLayer) -> tuple[str, str]:
    """What there is to say of a layer, and the end of it: what would do."""
    resolution, done = layer.input_sizes, layer.exceeded_axes
    sees = " and ".join(
        f"{'all' if x.r_min is None else decimal(x.r_min)} of {x.input_size} pixels"
        for x in (layer.comparisons[axis] for axis in done)
    )
    kernel = layer.geometry.kernel
    thinner = [1 if axis in done else k for axis, k in enumerate(kernel)]
    where = along_axes(done, len(resolution))
    if not all(_keeps_size(layer.layer, axis) for axis in done):
        remedy = f"what its {size(kernel)} kernel extends there is predicted to contribute nothing"
    elif set(thinner) == {1}:
        remedy = (
            f"its {size(kernel)} kernel extends there only, and is predicted to contribute nothing"
        )
    else:
        remedy = f"a {size(thinner)} kernel is predicted to do as well as its {size(kernel)} one"
    return (
        f"{where} the receptive field of what it reads is larger than the input ({sees}): {remedy}",
        remedy,
    )


def _keeps_size(layer: Layer, axis: int) -> bool:
    """Whether a kernel of 1 without padding would leave as many positions along an axis."""
    taps = layer.taps_along(axis)
    return taps is not None and 2 * taps.before == taps.extent - 1


def square_kernels() -> Any:
    """On a wide image the height is seen after two layers, the width is not."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 8, 9, padding=4),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 10),
    )


RULE = Rule(
    "RF103",
    "partly-unproductive-layer",
    Severity.INFO,
    check=check,
    summarise=summarise,
    evidence=Evidence.PREDICTED,
    fails=[Example(square_kernels, (8, 64))],
    passes=[Example(square_kernels, (16, 64)), Example(square_kernels, 64)],
)
