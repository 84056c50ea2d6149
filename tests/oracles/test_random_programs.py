"""Random programs of operators, views and permutes: rflint against a NaN probe of what runs.

Along every axis of the input, rflint says one of three things about the output of a program.

- Position p sees jump * p + first to jump * p + last. The outermost positions whose NaNs reach p
  are exactly these, for every p that reads nothing beyond a border on its way. Where a step works
  on a partition, or upsamples, its starts are nominal (`Slack`): what p sees may then begin and end
  elsewhere, by at most the slacks of the steps times their jumps. No position, also at the border,
  sees anything outside of these bounds (unless a step winds round at the border, or mirrors).
- Everything. Then there is an output position that sees everything that the first step without
  bounds still had to see.
- That it does not know. This must be rare.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor
from typing import Any, TypeAlias

import pytest
import torch
from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from rflint.analysis.receptive_field import PIXEL, AxisField
from tests.helpers.on_meta import analysed
from tests.helpers.random_steps import EXACT, JOINS, KINDS, Number, Slack, Step, StepModule

CHANNELS = 4
SMALLEST, LARGEST = 8, 48
"""Sizes that maps may have along the way: positions in the middle are wanted, and speed."""

END = Step("crop", (("crop", (1, 1)),))
"""Every program ends like this: channels that views moved between positions are an upsampling from
the first operator on that works along them (`mixing.shuffled`)."""

Shape: TypeAlias = tuple[int, ...]


# -- programs


@dataclass(frozen=True)
class Program:
    """Steps on a map of a given shape."""

    shape: Shape
    steps: tuple[Step, ...]

    def __repr__(self) -> str:
        return f"{'x'.join(map(str, self.shape))} | " + " | ".join(map(repr, self.steps))


class Running(nn.Module):
    """A program with its steps as submodules."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.steps = nn.Sequential(*(module(step) for step in program.steps))

    def forward(self, x: Tensor) -> Tensor:
        return self.steps(x)


@lru_cache(maxsize=4096)
def module(step: Step) -> StepModule:
    """Its weights do not matter: whatever is read counts."""
    return step.build(CHANNELS).eval()


@lru_cache(maxsize=4096)
def size_after(step: Step, shape: Shape) -> Shape:
    with torch.no_grad():
        return tuple(module(step)(torch.zeros(shape)).shape)


@st.composite
def steps(draw: st.DrawFn, shape: Shape) -> Step | None:
    """A step that fits, or nothing where the one that was drawn does not."""
    name = draw(st.sampled_from(sorted(KINDS)))
    height, width = shape[2:]
    options = [(key, option((height, width))) for key, option in KINDS[name].options.items()]
    fitting = [(key, strategy) for key, strategy in options if strategy is not None]
    if len(fitting) < len(options):
        return None
    plain = Step(name, tuple((key, draw(strategy)) for key, strategy in fitting))
    if size_after(plain, shape) != shape or module(plain).transposes:
        return plain
    around = draw(st.sampled_from(["", "", *JOINS]))
    return Step(name, plain.options, around)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    height, width = draw(st.sampled_from([(24, 36), (36, 24), (32, 40), (40, 32), (24, 30)]))
    shape: Shape = (draw(st.sampled_from([1, 1, 2])), CHANNELS, height, width)
    first, chosen = shape, []
    for _ in range(draw(st.integers(2, 6))):
        step = draw(steps(shape))
        if step is None:
            continue
        after = size_after(step, shape)
        if min(after[2:]) >= SMALLEST and max(after[2:]) <= LARGEST:
            chosen.append(step)
            shape = after
    return Program(first, (*chosen, END))


# -- what rflint says


def said(model: nn.Module, shape: Shape) -> tuple[AxisField, ...]:
    """What the output sees of both axes."""
    analysis = analysed(model, shape)
    outputs = analysis.architecture.outputs
    return analysis.layers[outputs[0]].output_field if outputs else (PIXEL, PIXEL)


@lru_cache(maxsize=4096)
def said_of_step(step: Step, shape: Shape) -> tuple[AxisField, ...]:
    return said(nn.Sequential(module(step), module(END)), shape)


def window(field: AxisField) -> tuple[Number, Number, Number]:
    """Jump, first and last of a field with bounds."""
    ((jump, span),) = field.spans.items()
    return jump, span.first, span.last


def window_of_step(field: AxisField) -> tuple[Number, Number, Number]:
    """The same before the end of a program, which moves everything by one position."""
    jump, first, last = window(field)
    return jump, first - jump, last - jump


# -- what a NaN shows


def reached(model: Running, shape: Shape, axis: int) -> list[Tensor]:
    """Which input positions along an axis reach which positions, before and after every step.

    As (input, output) along the dimension that carries the axis.
    """
    size = shape[2 + axis]
    x = torch.rand(size, *shape[1:])
    for position in range(size):
        x[position].select(1 + axis, position)[...] = torch.nan
    dim = 2 + axis
    found = [torch.eye(size, dtype=torch.bool)]
    with torch.no_grad():
        for step in model.steps:
            x = step(x)
            dim = 5 - dim if step.transposes else dim
            found.append(x.isnan().any(1).any(4 - dim))
    return found


def hull(reach: Tensor, position: int) -> tuple[int, int]:
    """The outermost input positions that an output position sees."""
    positions = reach[:, position].nonzero().flatten()
    return int(positions.min()), int(positions.max())


# -- one against the other


@dataclass(frozen=True)
class Expected:
    """What the steps, each on its own, add up to along an axis."""

    jump: Number
    slack: Slack
    interior: range
    """Output positions that read nothing beyond a border on their way."""


def added_up(program: Program, axis: int) -> Expected | None:
    """None where a step has no bounds."""
    shape, dim = program.shape, 2 + axis
    jump: Number = 1
    slack, interior = EXACT, range(shape[dim])
    for step in program.steps:
        field = said_of_step(step, shape)[dim - 2]
        if field.unbounded or field.unknown:
            return None
        stride, first, last = window_of_step(field)
        own = module(step).slack[dim - 2]
        shape = size_after(step, shape)
        dim = 5 - dim if module(step).transposes else dim
        interior = range(
            max(0, ceil((interior.start - first - own.first[0]) / stride)),
            min(shape[dim], floor((interior.stop - 1 - last - own.last[1]) / stride) + 1),
        )
        slack = Slack(
            (slack.first[0] + jump * own.first[0], slack.first[1] + jump * own.first[1]),
            (slack.last[0] + jump * own.last[0], slack.last[1] + jump * own.last[1]),
        )
        jump *= stride
    return Expected(jump, slack, interior)


def assert_bounded(program: Program, field: AxisField, axis: int, reach: Tensor) -> int:
    """Every position sees what it should, and none sees more; how many are in the interior."""
    expected = added_up(program, axis)
    assert expected is not None, "a step on its own has no bounds"
    jump, first, last = window(field)
    slack = expected.slack
    assert jump == expected.jump
    for position in range(reach.shape[1]):
        if not reach[:, position].any():
            assert position not in expected.interior
            continue
        low, high = hull(reach, position)
        low, high = low - jump * position - first, high - jump * position - last
        if position in expected.interior:
            assert slack.first[0] <= low <= slack.first[1], (position, low, slack)
            assert slack.last[0] <= high <= slack.last[1], (position, high, slack)
        elif not any(module(step).wraps for step in program.steps):
            assert low >= slack.first[0], (position, low, slack)
            assert high <= slack.last[1], (position, high, slack)
    return len(expected.interior)


def assert_unbounded(program: Program, axis: int, stages: list[Tensor]) -> None:
    """Some position sees all that could be seen where the bounds were lost."""
    whole = stages[0]
    shape, dim = program.shape, 2 + axis
    one_sided = False
    for step, before in zip(program.steps, stages[:-1], strict=True):
        field = said_of_step(step, shape)[dim - 2]
        if field.unbounded:
            whole = before
            one_sided = module(step).one_sided
            break
        shape = size_after(step, shape)
        dim = 5 - dim if module(step).transposes else dim
    visible = whole.any(1).nonzero().flatten()
    seen = [hull(stages[-1], p) for p in range(stages[-1].shape[1]) if stages[-1][:, p].any()]
    most = max(last - first for first, last in seen)
    all_of_it = int(visible.max() - visible.min())
    # the one position that sees everything may be cut off later
    assert most >= (all_of_it // 2 if one_sided else all_of_it)


def assert_as_probed(program: Program) -> list[str]:
    """What rflint says of each axis, in a word, after it was held against a probe."""
    model = Running(program)
    words = []
    for axis, field in enumerate(said(model, program.shape)):
        if field.unknown:
            words.append("unknown")
            continue
        stages = reached(model, program.shape, axis)
        if field.unbounded:
            assert_unbounded(program, axis, stages)
            words.append("unbounded")
        else:
            interior = assert_bounded(program, field, axis, stages[-1])
            words.append("bounded" if interior else "all at the border")
    return words


def made(name: str, around: str = "", **options: Any) -> Step:
    return Step(name, tuple(options.items()), around)


TWO_SHUFFLES = Program(
    (1, CHANNELS, 24, 36),
    (
        made("mirrored_conv", kernel=(1, 1), mode="reflect"),
        made("pixel_unshuffle", factor=2),
        made("adaptive_pool", factor=(1, 2), largest=False),
        made("depth_to_space", factor=(1, 2)),
        made("depth_to_space", factor=(1, 2)),
        END,
    ),
)
"""It was drawn: channels are moved between positions twice, and nothing mixes those in between."""


@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_programs_see_what_a_nan_shows() -> None:
    said_so: Counter[str] = Counter()

    @settings(max_examples=150, deadline=None)
    @given(programs())
    @example(TWO_SHUFFLES)
    def check(program: Program) -> None:
        words = assert_as_probed(program)
        said_so.update(words)
        for word in words:
            event(word)

    check()
    assert said_so["unknown"] <= 0.05 * said_so.total(), said_so
    assert said_so["all at the border"] <= 0.05 * said_so.total(), said_so


# -- programs that rflint once had wrong, reduced


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(
            [made("windowed_einsum", window=(1, 2)), made("axial_conv", dim=3, kernel=3)],
            id="windows that einsum sums over leave one position each",
        ),
        pytest.param(
            [made("windowed_attention", window=(2, 4), fused=False)],
            id="window attention reads a window once, with the softmax spelled out as well",
        ),
        pytest.param(
            [made("windowed_extremes", window=(3, 2)), made("axial_conv", dim=2, kernel=3)],
            id="what is left of a window is broadcast over the window",
        ),
        pytest.param(
            [made("depth_to_space", factor=(1, 2)), made("narrowed", start=2, dim=3)],
            id="a crop moves the finer grid that a pixel shuffle in views makes",
        ),
        pytest.param(
            [made("depth_to_space", factor=(2, 2)), made("narrowed", start=0, dim=2)],
            id="also a crop at the end alone",
        ),
        pytest.param(
            [made("depth_to_space", factor=(3, 1)), made("windowed_mean", window=(2, 1))],
            id="and windows that do not fit into the shuffled channels",
        ),
        pytest.param(
            [
                made("depth_to_space", factor=(2, 1)),
                made("channels_in_batch", around="written", kernel=(3, 3)),
            ],
            id="what is written into the result of a pixel shuffle lies on the finer grid",
        ),
        pytest.param(
            [
                made("depth_to_space", factor=(2, 1)),
                made("channels_in_batch", around="half", kernel=(3, 3)),
            ],
            id="and what it is concatenated with",
        ),
        pytest.param(
            [
                made("depth_to_space", factor=(2, 1)),
                made("channels_in_batch", around="stacked", kernel=(3, 3)),
            ],
            id="or stacked with",
        ),
        pytest.param(
            [
                made("depth_to_space", factor=(2, 1)),
                made("channels_in_batch", around="residual", kernel=(3, 3)),
            ],
            id="or added to",
        ),
        pytest.param(
            [made("depth_to_space", factor=(1, 2)), made("pad", pads=(2, -1, 0, 0), mode="zero")],
            id="so does padding",
        ),
        pytest.param(
            [made("depth_to_space", factor=(2, 1)), made("roll", shifts=(1, -2))],
            id="and a roll",
        ),
        pytest.param(
            [
                made("depth_to_space", factor=(2, 1)),
                made("depth_to_space", factor=(3, 1)),
                made("channels_in_batch", around="residual", kernel=(3, 3)),
            ],
            id="and two shuffles, one behind the other",
        ),
    ],
)
def test_what_was_wrong_once(steps: list[Step]) -> None:
    words = assert_as_probed(Program((1, CHANNELS, 24, 36), (*steps, END)))
    assert words == ["bounded", "bounded"]
