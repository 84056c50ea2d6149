"""No unit of the output sees the whole image, or the one unit that is read does not.

What it is
    Even over the longest path, the receptive field of an output is smaller than the input, and
    nothing global (pooling over the map, flatten + linear, attention) comes in between.

    Where the output reads one position of a map only (`x[:, :, -1]` of a temporal network, the
    middle of a patch), what that one does not see never reaches the output at all. That is said by
    default, and a warning.

Why it matters
    What lies further away than the receptive field can not influence a decision, however long the
    network is trained. In practice it is worse: the effective receptive field is only a part of the
    theoretical one (Luo et al., "Understanding the Effective Receptive Field in Deep Convolutional
    Neural Networks", NeurIPS 2016).

    A causal network of kernels k sees R = 1 + (k - 1) * (the sum of all dilations) steps. The
    blocks of a TCN (Bai et al., "An Empirical Evaluation of Generic Convolutional and Recurrent
    Networks for Sequence Modeling", 2018) have two convolutions of each dilation: with n levels,
    R = 1 + 2 * (k - 1) * (2^n - 1). A network that pads both ends looks back only half as far at
    its last step; the other half of its window lies in the padding.

How to fix it
    Dilate, downsample earlier, add layers, or add a branch that pools globally (as in PSPNet's and
    DeepLab's heads). Or lint at the size of what has to be recognised, instead of the whole image.

    Where one position is read, the message says how many layers more would do, if the network goes
    on as it is built. Or pool over all positions, or feed shorter sequences: they cost less, and
    give the same.

When to ignore it
    Where decisions are local: denoising, super-resolution, texture, PatchGAN discriminators. That
    is common, so the rule is off by default where all positions of a map are read. Where one is:
    if what is further away is not needed.

How it is computed
    The largest receptive field over all paths (Eq. 1), attention gates included, and, where
    branches are shifted against each other, the distance between the outermost pixels that any of
    them sees. Where maps are resized, or positions work in windows of a partition, units at the
    seams see more than others: what rounding can add is added. There is no finding where a map
    meets its mirror image.
    Statistics that a normalisation takes over the map (InstanceNorm, GroupNorm) carry no features
    and do not count as seeing; the message says where there are any.

    Where every path to the outputs picks the same position of a map, it is followed back to the
    input, tap by tap. Whatever reads everything (pooling, attention, recurrence, such statistics)
    then sees everything. Layers that would do are added to the graph and followed in the same way.
    By default nothing is said where training reads more than that position, and where the model
    has optional inputs, with which it may do so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from math import ceil, prod
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.analysis.passes import Validity, validity
from rflint.analysis.proofs.longer_look_back import (
    Growth,
    Longer,
    beyond_the_end,
    longer_networks,
    receptive_field,
    sufficient_kernel,
)
from rflint.analysis.proofs.picked_position import PickedPosition, picked_positions
from rflint.analysis.proofs.regions import runs
from rflint.analysis.receptive_field import AxisField, propagate
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import along_axes, axis_names, percent, plural, size

_LARGEST_KERNEL = 31
"""Nobody is advised to take a larger one."""

_VALID = (Validity.BOTH_MODES, Validity.THIS_MODE)
"""Where training reads more than one position, it teaches all of them."""


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding, at the output that sees most, if that does not see everything."""
    found = list(check_picked(analysis, settings))
    yield from found or _check_whole_maps(analysis)


def check_picked(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding, where one position of a map is read that does not see everything."""
    architecture = analysis.architecture
    alone = len(architecture.inputs) == 1 and not architecture.omitted_inputs
    if not alone or not analysis.complete:
        return
    picked = [x for x in picked_positions(architecture) if x.unseen]
    if not picked or validity(analysis, partial(_holds, picked)) not in _VALID:
        return
    reader = analysis.layers[picked[-1].reader]
    yield replace(
        RULE.finding(
            reader,
            f"{_what_is_read(analysis, picked)}, which sees {_what_it_sees(analysis, picked)}"
            f"{_beyond(analysis, picked)}{_remedy(analysis, picked)}",
        ),
        severity=Severity.WARNING,
    )


def _holds(picked: Sequence[PickedPosition], there: Analysis) -> bool:
    """Whether another pass does not see either what this one does not."""
    unseen = {x.axis: x.unseen for x in picked_positions(there.architecture)}
    return all(x.unseen & ~unseen.get(x.axis, 0) == 0 for x in picked)


def _what_is_read(analysis: Analysis, picked: Sequence[PickedPosition]) -> str:
    """'reads only the last of the 500 steps that conv makes'."""
    maker = analysis.layers[picked[0].source].described
    if len(picked) == 1:
        ((which, one),) = (_named(analysis, x, x.place, x.size) for x in picked)
        return f"reads only {which} of the {picked[0].size} {one}s that {maker} makes"
    place = ", ".join(str(x.place) for x in picked)
    of = size(x.size for x in picked)
    return f"reads only position ({place}) of the {of} map that {maker} makes"


def _named(analysis: Analysis, picked: PickedPosition, place: int, of: int) -> tuple[str, str]:
    """'the last' or 'number 3', counted from 0, and what it is one of: a step, a row, a column."""
    lines = {"height": "row", "width": "column", "depth": "frame", "length": "step"}
    names = dict(enumerate(axis_names(analysis.architecture.axes)))
    which = "the first" if place == 0 else "the last" if place == of - 1 else f"number {place}"
    return which, lines.get(names.get(picked.axis, ""), "position")


def _what_it_sees(analysis: Analysis, picked: Sequence[PickedPosition]) -> str:
    """'the last 61 of the 500 steps of the input: the first 439 never reach the output'."""
    architecture = analysis.architecture
    given = architecture.resolution
    if len(picked) > 1:
        whole = prod(n for axis, n in enumerate(given) if architecture.input_has(axis))
        seen = [x.seen.bit_count() for x in picked]
        rest = whole - prod(seen) * whole // prod(given[x.axis] for x in picked)
        return (
            f"{size(seen)} of the {size(given[x.axis] for x in picked)} input: the other {rest:,} "
            f"positions ({percent(rest, whole)}) never reach the output"
        )
    (only,) = picked
    _, one = _named(analysis, only, 0, 1)
    whole, seen_ones, unseen = given[only.axis], runs(only.seen), runs(only.unseen)
    sees = _part(seen_ones, only.seen.bit_count(), whole, "")
    left = _part(unseen, only.unseen.bit_count(), whole, "the other ")
    reach = "reach" if only.unseen.bit_count() > 1 else "reaches"
    return f"{sees} of the {whole} {one}s of the input: {left} never {reach} the output"


def _part(found: Sequence[tuple[int, int]], count: int, whole: int, otherwise: str) -> str:
    """'the last 61'."""
    if len(found) == 1 and found[0][0] == 0:
        return f"the first {count}"
    if len(found) == 1 and found[0][1] == whole - 1:
        return f"the last {count}"
    return f"{otherwise}{count}"


def _beyond(analysis: Analysis, picked: Sequence[PickedPosition]) -> str:
    """What of the window lies in the padding, where it is a good part."""
    if len(picked) > 1:
        return ""
    outside, whole = beyond_the_end(analysis, picked[0]), receptive_field(analysis, picked[0])
    if 4 * outside <= whole:
        return ""
    end = "start" if picked[0].place == 0 else "end"
    return f" (of its receptive field of {whole}, {outside} lie beyond the {end}, in the padding)"


def _remedy(analysis: Analysis, picked: Sequence[PickedPosition]) -> str:
    longer = longer_networks(analysis, picked)
    larger = sufficient_kernel(analysis, picked[0]) if len(picked) == 1 else None
    ways = [_added(longer)] if longer else []
    if larger and larger[1] <= _LARGEST_KERNEL:
        ways.append(f"kernels of {larger[1]} in place of {larger[0]}")
    return f"; {' or '.join(ways)} would see all" if ways else ""


def _added(longer: Sequence[Longer]) -> str:
    """'4 more levels of 2 convolutions (kernel 3, dilations 16 to 128; with one, it sees 125)'."""
    *fewer, enough = longer
    number = len(enough.levels)
    dilations = list(dict.fromkeys(x for level in enough.levels for x in level))
    each = len(enough.levels[0])
    spaced = _dilations(dilations)
    one = f"; with one, it sees {fewer[0].seen}" if fewer else ""
    about = f"(kernel {enough.kernel}, {spaced}{one})"
    match enough.growth:
        case Growth.LEVELS:
            of = f" of {plural(each, 'convolution')}" if each > 1 else ""
            return f"{plural(number, 'more level')}{of} {about}"
        case Growth.STACKS:
            return f"{plural(number, 'more stack')} of {plural(each, 'convolution')} {about}"
        case _:
            return f"{plural(number, 'more convolution')} {about}"


def _dilations(dilations: Sequence[int]) -> str:
    if len(dilations) == 1:
        return f"dilation {dilations[0]}"
    if len(dilations) > 4:
        return f"dilations {dilations[0]}, {dilations[1]} and so on to {dilations[-1]}"
    *others, last = map(str, dilations)
    return f"dilations {', '.join(others)} and {last}"


def _check_whole_maps(analysis: Analysis) -> Iterator[Finding]:
    architecture = analysis.architecture
    outputs = architecture.outputs
    if not outputs or not analysis.complete or len(architecture.inputs) > 1:
        return
    reached = architecture.relations.live_layers
    if any(architecture.layers[index].reorders_positions for index in reached if index >= 0):
        return  # beside a mirrored map a unit sees both of its ends
    # what goes through a gate influences the output as well
    fields = propagate(architecture, through_gates=True)
    lengths = [
        [
            _sees(field, size)
            for field, size in zip(
                fields[index].output_field, architecture.layers[index].positions, strict=True
            )
        ]
        for index in outputs
    ]
    short = [
        [
            axis
            for axis, (r, i) in enumerate(zip(x, architecture.resolution, strict=True))
            if r and r < i
        ]
        for x in lengths
    ]
    if not all(short):
        return
    fewest = min(range(len(outputs)), key=lambda i: len(short[i]))
    axes, sees = short[fewest], lengths[fewest]
    where = f" {along_axes(axes, architecture.axes)}" if len(axes) < architecture.axes else ""
    rounded = any(
        span.slack for x in fields[outputs[fewest]].output_field for span in x.spans.values()
    )
    at_most = "at most " if rounded else ""
    yield RULE.finding(
        analysis.layers[outputs[fewest]],
        f"no position of the output sees the whole {size(architecture.resolution)} input{where}: "
        f"the largest receptive field is {at_most}{size(sees, unbounded='all')}"
        f"{_but_for(analysis)}",
    )


def _sees(field: AxisField, positions: int) -> int | None:
    """The most pixels between the outermost ones that any of so many positions sees; None: all.

    Paths of different jumps drift apart along the map, linearly, so an end of it sees most.
    """
    if field.unbounded or field.unknown or not field.spans:
        return None
    spans = field.spans.items()
    return max(
        ceil(
            max(at * jump + span.last + span.slack for jump, span in spans)
            - min(at * jump + span.first - span.slack for jump, span in spans)
            + 1
        )
        for at in (0, positions - 1)
    )


def _but_for(analysis: Analysis) -> str:
    architecture = analysis.architecture
    reached = architecture.relations.live_layers
    if any(architecture.layers[index].statistics for index in reached if index >= 0):
        return ", but for the statistics that normalisation layers take over the map"
    return ""


def fully_convolutional() -> Any:
    """Three 3x3 convolutions see 7 pixels."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 2, 3, padding=1),
    )


def with_global_pooling() -> Any:
    """The same in front of global pooling, which sees everything."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 2),
    )


def last_step_of_a_tcn() -> Any:
    """Two causal convolutions of dilations 1 and 2 see 7 steps, and the last one alone is read."""
    from torch import nn

    class LastStep(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convs = nn.Sequential(
                nn.ConstantPad1d((2, 0), 0.0),
                nn.Conv1d(2, 8, 3),
                nn.ReLU(),
                nn.ConstantPad1d((4, 0), 0.0),
                nn.Conv1d(8, 8, 3, dilation=2),
                nn.ReLU(),
            )
            self.head = nn.Linear(8, 3)

        def forward(self, x: Any) -> Any:
            return self.head(self.convs(x)[:, :, -1])

    return LastStep()


RULE = Rule(
    "RF104",
    "unseen-context",
    Severity.INFO,
    check=check,
    on_by_default=False,
    default_check=check_picked,
    default_cases="where the output reads one position of a map (a warning)",
    evidence=Evidence.PROVED,
    fails=[Example(fully_convolutional, 16), Example(last_step_of_a_tcn, (32,))],
    passes=[
        Example(with_global_pooling, 16),
        Example(fully_convolutional, 7),
        Example(last_step_of_a_tcn, (7,)),
    ],
)
