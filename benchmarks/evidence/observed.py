"""The convolutions of trained networks: what was measured of each, and what was predicted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import rflint
from benchmarks.evidence.measuring import file_of
from benchmarks.evidence.networks import ThinNetwork
from benchmarks.evidence.trainings import Training
from rflint.analysis.analysed_layer import AnalysedLayer, Verdict
from rflint.analysis.border import from_border_on
from rflint.graph.exact import Number
from rflint.measurement.comparison import LEAST_GAIN, gains
from rflint.measurement.results import Measured
from rflint.measurement.saved import read
from rflint.report.model_report import ModelReport


@dataclass(frozen=True)
class ObservedConv:
    """One convolution of one trained network."""

    network: str
    name: str
    gain: float
    """Of its probe, over the best of all layers that it depends on."""
    in_tail: bool
    """Whether it belongs to the tail of saturation."""
    unproductive: bool
    """The verdict: r_{l-1,min} > i along every axis."""
    behind: bool
    """Whether it is the border layer b_min, or depends on it."""
    r_min: float
    """r_{l-1,min} in sizes of the input, along the axis where it is the smaller part."""
    r_max: float
    """r_{l-1,max}, the same."""
    erf: float
    """The deviation of the effective receptive field at initialisation, the same."""
    depth: float
    """Its place among the convolutions of its network, from 0 to 1."""

    @property
    def gains_nothing(self) -> bool:
        """Whether its probe is not better than those before it."""
        return self.gain <= LEAST_GAIN


@dataclass(frozen=True)
class ObservedNetwork:
    """A trained network with its report, in which is what was measured."""

    network: ThinNetwork
    report: ModelReport
    convs: tuple[ObservedConv, ...]

    @property
    def title(self) -> str:
        """Its name, and the size of its images."""
        return f"{self.network.name}, {self.network.res} px"

    @property
    def measured(self) -> Measured:
        """What was measured of it."""
        assert self.report.measured is not None
        return self.report.measured


def observed(trainings: Iterable[Training]) -> Iterator[ObservedNetwork]:
    """The networks that were measured, analysed as they are now."""
    for training in trainings:
        if file_of(training).exists():
            yield _observed(training)


def _observed(training: Training) -> ObservedNetwork:
    network = training.network
    measured = read(file_of(training)).measured
    (report,) = rflint.lint(network.build, res=network.res, name=network.name).models
    return ObservedNetwork(
        network, replace(report, measured=measured), tuple(_convs(network, report, measured))
    )


def _convs(network: ThinNetwork, report: ModelReport, measured: Measured) -> Iterator[ObservedConv]:
    """The judged convolutions that have a layer before them."""
    analysis = report.analysis
    gained = gains(analysis, measured)
    tail = {layer.key for layer in measured.tail}
    behind = {id(x) for x in from_border_on(analysis.layers)}
    judged = [x for x in analysis.layers if x.is_judged]
    for place, x in enumerate(judged):
        key = (x.name, x.call)
        if key not in gained:
            continue
        yield ObservedConv(
            network=f"{network.name}, {network.res} px",
            name=x.name,
            gain=gained[key],
            in_tail=key in tail,
            unproductive=x.verdict is Verdict.UNPRODUCTIVE,
            behind=id(x) in behind,
            r_min=_sizes(x, [axis.r_min for axis in x.input_field]),
            r_max=_sizes(x, [axis.r_max for axis in x.input_field]),
            erf=_sizes(x, x.erf),
            depth=place / (len(judged) - 1),
        )


def _sizes(x: AnalysedLayer, lengths: Sequence[Number | float | None]) -> float:
    """Lengths per axis in sizes of the input: the smallest of them."""
    return min(
        float(length) / size
        for length, size in zip(lengths, x.input_sizes, strict=True)
        if length is not None
    )
