"""Receptive fields against the running network: a NaN in the input, and which outputs it reaches.

Output position p along an axis sees the input positions jump * p + first to jump * p + last. A NaN
spreads to every output that reads it, so the positions of the NaNs that reach p have exactly these
extremes, wherever p is far enough from the borders. (Between them there may be holes: a dilated
convolution skips positions.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import ceil, floor

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rflint.analysis.analyse import analyse
from rflint.analysis.analysis import Analysis
from rflint.analysis.receptive_field import AxisField
from rflint.graph.exact import Number
from rflint.graph.layer import INPUT
from rflint.graph.windows import Window
from rflint.tracing.trace import trace
from tests.helpers import probe
from tests.helpers.layers import AVG_POOL, CONV, MAX_POOL, NORM, ZERO_PAD, Network, per_axis

CHANNELS = 2

Ints = tuple[int, ...]


# -- probing


def seen_by(
    model: nn.Module, size: Sequence[int], axis: int, names: Sequence[str] = ()
) -> dict[str, torch.Tensor]:
    """Which input positions along an axis reach which output positions, as (input, output).

    Also for the submodules in `names`; the model's own output is under the empty name. One batch
    entry for every input position, with a NaN all across the other axes.
    """
    model = model.double().eval()
    images = torch.rand(size[axis], CHANNELS, *size, dtype=torch.double)
    for position in range(size[axis]):
        images[position].select(1 + axis, position)[...] = torch.nan
    return probe.reached(model, images, axis, names)


def hull(reached: torch.Tensor, position: int) -> tuple[int, int]:
    """The outermost input positions that an output position sees."""
    positions = reached[:, position].nonzero().flatten()
    return int(positions.min()), int(positions.max())


def analysed(model: nn.Module, size: Sequence[int]) -> Analysis:
    return analyse(trace(model, [torch.empty(1, CHANNELS, *size, device="meta")]))


def only(values: Sequence[Number]) -> int:
    """The single value, where all paths agree on it."""
    (value,) = values
    assert value == int(value)
    return int(value)


def interior(field: AxisField, size: int) -> Iterator[tuple[int, int, int]]:
    """Output positions that see nothing beyond the borders, and what they should see."""
    jump, span = only(list(field.spans)), next(iter(field.spans.values()))
    position = ceil(-span.first / jump) if span.first < 0 else 0
    while position * jump + span.last < size:
        yield position, int(position * jump + span.first), int(position * jump + span.last)
        position += 1


def large_enough(analysis: Analysis, axes: int) -> Ints:
    """A size with a few interior positions; the fields themselves do not depend on the size."""
    sizes = []
    for axis in range(axes):
        field = analysis.layers[-1].output_field[axis]
        span = next(iter(field.spans.values()))
        sizes.append(int(span.last - span.first + 1 + 3 * only(list(field.spans))))
    return tuple(sizes)


def assert_as_probed(model: nn.Module, axes: int) -> Analysis:
    """Every layer that is a module, and the output, see exactly what a NaN shows."""
    size = large_enough(analysed(model, (200,) * axes), axes)
    analysis = analysed(model, size)
    modules = dict(model.named_modules())
    fields = {x.layer.name: x.output_field for x in analysis.layers if x.layer.name in modules}
    output = analysis.architecture.outputs[0]
    for axis in range(axes):
        reached = seen_by(model, size, axis, list(fields))
        seen = {name: field[axis] for name, field in fields.items()}
        seen[""] = analysis.layers[output].output_field[axis]
        for name, field in seen.items():
            expected = list(interior(field, size[axis]))
            assert len(expected) >= 3, name
            for position, first, last in expected:
                assert hull(reached[name], position) == (first, last), (name, axis, position)
    return analysis


# -- random networks


class Residual(nn.Module):
    def __init__(self, body: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


class Parallel(nn.Module):
    """Several paths from one value, added or concatenated."""

    def __init__(self, *paths: nn.Module, concatenate: bool) -> None:
        super().__init__()
        self.paths = nn.ModuleList(paths)
        self.concatenate = concatenate

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        results = [path(x) for path in self.paths]
        if self.concatenate:
            return torch.cat(results, dim=1)
        return torch.stack(results).sum(0) if len(results) > 2 else sum(results[1:], results[0])


def conv(
    kernel: Ints, stride: Ints, dilation: Ints, padding: Ints, inputs: int = CHANNELS
) -> nn.Module:
    return CONV[len(kernel)](
        inputs, CHANNELS, kernel, stride=stride, dilation=dilation, padding=padding
    )


def halves(kernel: Ints, dilation: Ints) -> Ints:
    """The padding that keeps an odd kernel centred."""
    return tuple(d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))


odd = st.sampled_from([1, 3, 3, 5])
factors = st.sampled_from([1, 1, 2])


@st.composite
def centred_convolutions(draw: st.DrawFn, axes: int, stride: Ints | None = None) -> nn.Module:
    """Odd and same-padded, so that all paths through a block have one centre."""
    kernel, dilation = draw(per_axis(axes, odd)), draw(per_axis(axes, factors))
    return conv(kernel, stride or (1,) * axes, dilation, halves(kernel, dilation))


@st.composite
def shifted_convolutions(draw: st.DrawFn, axes: int) -> nn.Module:
    """Any kernel, padded unevenly by hand so that the map keeps its size."""
    kernel, dilation = draw(per_axis(axes, st.integers(1, 4))), draw(per_axis(axes, factors))
    pads: list[int] = []
    for k, d in reversed(list(zip(kernel, dilation, strict=True))):
        before = draw(st.integers(0, d * (k - 1)))
        pads += [before, d * (k - 1) - before]
    ones = (1,) * axes
    return nn.Sequential(ZERO_PAD[axes](tuple(pads)), conv(kernel, ones, dilation, (0,) * axes))


@st.composite
def same_convolutions(draw: st.DrawFn, axes: int) -> nn.Module:
    """padding="same", which pads even kernels unevenly."""
    kernel, dilation = draw(per_axis(axes, st.integers(1, 4))), draw(per_axis(axes, factors))
    return CONV[axes](CHANNELS, CHANNELS, kernel, dilation=dilation, padding="same")


@st.composite
def plain_layers(draw: st.DrawFn, axes: int) -> nn.Module:
    """A convolution or pooling with hyper-parameters as they come."""
    stride = draw(per_axis(axes, factors))
    if draw(st.booleans()):
        kernel, dilation = draw(per_axis(axes, st.integers(1, 4))), draw(per_axis(axes, factors))
        padding = tuple(
            draw(st.integers(0, d * (k - 1))) for k, d in zip(kernel, dilation, strict=True)
        )
        return conv(kernel, stride, dilation, padding)
    kernel = draw(per_axis(axes, st.integers(1, 3)))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    if draw(st.booleans()):
        return AVG_POOL[axes](kernel, stride, padding)
    return MAX_POOL[axes](kernel, stride, padding, dilation=draw(per_axis(axes, factors)))


@st.composite
def residual_blocks(draw: st.DrawFn, axes: int) -> nn.Module:
    stride = draw(per_axis(axes, factors))
    first = draw(centred_convolutions(axes, stride))
    rest = draw(st.lists(centred_convolutions(axes), max_size=1))
    shortcut: nn.Module = nn.Identity()
    if max(stride) > 1 or draw(st.booleans()):
        shortcut = conv((1,) * axes, stride, (1,) * axes, (0,) * axes)
    return Residual(nn.Sequential(first, NORM[axes](CHANNELS), nn.ReLU(), *rest), shortcut)


@st.composite
def parallel_blocks(
    draw: st.DrawFn, axes: int, branch: Callable[[int], st.SearchStrategy[nn.Module]]
) -> nn.Module:
    branches = draw(st.lists(branch(axes), min_size=2, max_size=3))
    concatenate = draw(st.booleans())
    block = Parallel(*branches, concatenate=concatenate)
    if not concatenate:
        return block
    ones, zeros = (1,) * axes, (0,) * axes
    return nn.Sequential(block, conv(ones, ones, ones, zeros, inputs=CHANNELS * len(branches)))


def networks(
    axes: int, *blocks: Callable[[int], st.SearchStrategy[nn.Module]], max_blocks: int = 3
) -> st.SearchStrategy[Network]:
    block = st.one_of(*(strategy(axes) for strategy in blocks))
    return st.lists(block, min_size=1, max_size=max_blocks).map(
        lambda drawn: Network(axes, nn.Sequential(*drawn))
    )


def centred_parallel(axes: int) -> st.SearchStrategy[nn.Module]:
    return parallel_blocks(axes, centred_convolutions)


def shifted_parallel(axes: int) -> st.SearchStrategy[nn.Module]:
    return parallel_blocks(axes, shifted_convolutions)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_a_sequence_sees_what_a_nan_shows(axes: int) -> None:
    @settings(max_examples={1: 100, 2: 60, 3: 20}[axes], deadline=None)
    @given(networks(axes, plain_layers, max_blocks={1: 4, 2: 3, 3: 2}[axes]))
    def check(network: Network) -> None:
        for axis in assert_as_probed(network.model, axes).layers[-1].output_field:
            (span,) = axis.spans.values()
            assert axis.r_min == axis.r_max == span.last - span.first + 1

    check()


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_centred_branches_see_as_much_as_the_largest_path(axes: int) -> None:
    @settings(max_examples={1: 80, 2: 40, 3: 12}[axes], deadline=None)
    @given(
        networks(
            axes,
            residual_blocks,
            centred_parallel,
            plain_layers,
            max_blocks={1: 3, 2: 2, 3: 1}[axes],
        )
    )
    def check(network: Network) -> None:
        for x in assert_as_probed(network.model, axes).layers:
            for axis in x.output_field:
                (span,) = axis.spans.values()
                assert axis.r_max == span.last - span.first + 1

    check()


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("axes", [1, 2])
def test_misaligned_branches_see_what_a_nan_shows(axes: int) -> None:
    @settings(max_examples={1: 80, 2: 40}[axes], deadline=None)
    @given(networks(axes, shifted_parallel, same_convolutions, max_blocks=2))
    def check(network: Network) -> None:
        for x in assert_as_probed(network.model, axes).layers:
            for axis in x.output_field:
                (span,) = axis.spans.values()
                assert axis.r_min <= axis.r_max <= span.last - span.first + 1

    check()


# -- the smallest field


def paths_through(blocks: Sequence[nn.Module]) -> Iterator[nn.Module]:
    """Every path through residual and parallel blocks as a network of its own."""
    choices: list[Sequence[nn.Module]] = []
    for block in blocks:
        if isinstance(block, Residual):
            choices.append([block.body, block.shortcut])
        elif isinstance(block, Parallel):
            choices.append(list(block.paths))
        else:
            choices.append([block])
    for path in product(*choices):
        yield nn.Sequential(nn.Identity(), *path)


def extent(model: nn.Module, size: int) -> int:
    """How many input positions the middle output position spans, on the running network."""
    reached = seen_by(model, (size,), 0)[""]
    first, last = hull(reached, reached.shape[1] // 2)
    return last - first + 1


def added(axes: int) -> st.SearchStrategy[nn.Module]:
    """Parallel paths that are added: blocks that `paths_through` can take apart."""
    return st.lists(centred_convolutions(axes), min_size=2, max_size=3).map(
        lambda paths: Parallel(*paths, concatenate=False)
    )


@settings(max_examples=30, deadline=None)
@given(networks(1, residual_blocks, added, centred_convolutions))
def test_r_min_and_r_max_are_those_of_the_narrowest_and_the_widest_path_alone(
    network: Network,
) -> None:
    seen = analysed(network.model, (256,)).layers[-1].output_field[0]
    assert isinstance(network.model, nn.Sequential)
    extents = [extent(path, 256) for path in paths_through(list(network.model))]
    assert (seen.r_min, seen.r_max) == (min(extents), max(extents))


@settings(max_examples=30, deadline=None)
@given(networks(2, residual_blocks, centred_parallel, shifted_parallel, plain_layers, max_blocks=4))
def test_r_min_and_r_max_are_the_extremes_over_the_paths_of_the_traced_graph(
    network: Network,
) -> None:
    analysis = analysed(network.model, (200, 200))
    layers = analysis.architecture.layers

    def paths(index: int, axis: int) -> Iterator[tuple[Number, Number]]:
        """The field and the jump at the end of each path (Eq. 1)."""
        if index == INPUT:
            yield 1, 1
            return
        for edge in layers[index].inputs:
            reach = edge.reach[axis]
            assert isinstance(reach, Window)
            for r, jump in paths(edge.source, axis):
                yield r + (reach.size - 1) * jump, jump * reach.stride

    for axis in range(2):
        lengths = [r for r, _ in paths(len(layers) - 1, axis)]
        assert analysis.layers[-1].output_field[axis].r_min == min(lengths)
        assert analysis.layers[-1].output_field[axis].r_max == max(lengths)


# -- upsampling: positions between inputs see different numbers of them, at most r_max


@settings(max_examples=60, deadline=None)
@given(
    kernel=st.integers(1, 6),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    padding=st.integers(0, 3),
)
def test_a_transposed_convolution_sees_at_most_as_many_inputs_as_it_says(
    kernel: int, stride: int, dilation: int, padding: int
) -> None:
    model = nn.Sequential(
        nn.ConvTranspose1d(
            CHANNELS, CHANNELS, kernel, stride=stride, dilation=dilation, padding=padding
        )
    )
    (field,) = analysed(model, (16,)).layers[-1].output_field
    assert field.jump == pytest.approx(1 / stride)
    reached = seen_by(model, (16,), 0)[""]
    middle = range(4 * stride, reached.shape[1] - 4 * stride)
    seen = [hull(reached, p) for p in middle if reached[:, p].any()]
    assert field.r_max == max(last - first + 1 for first, last in seen)


@pytest.mark.parametrize(
    ("mode", "dims"),
    [("nearest", 2), ("bilinear", 2), ("bicubic", 2), ("linear", 1), ("trilinear", 3)],
)
@pytest.mark.parametrize("factor", [2, 3])
def test_an_interpolation_reads_as_many_neighbours_as_it_says(
    mode: str, dims: int, factor: int
) -> None:
    model = nn.Sequential(nn.Upsample(scale_factor=factor, mode=mode))
    field = analysed(model, (9,) * dims).layers[-1].output_field[0]
    reached = seen_by(model, (9,) * dims, 0)[""]
    seen = [hull(reached, p) for p in range(3 * factor, 6 * factor)]
    assert field.jump == pytest.approx(1 / factor)
    assert field.r_max == max(last - first + 1 for first, last in seen)


def assert_covered(model: nn.Module, size: int) -> None:
    """No position in the middle sees anything beyond what it should, rounded to whole inputs."""
    (field,) = analysed(model, (size,)).layers[-1].output_field
    ((jump, span),) = field.spans.items()
    reached = seen_by(model, (size,), 0)[""]
    length = reached.shape[1]
    for position in range(length // 3, 2 * length // 3):
        if reached[:, position].any():
            first, last = hull(reached, position)
            assert first >= floor(position * jump + span.first)
            assert last <= ceil(position * jump + span.last)


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_an_interpolation_reads_around_the_position_that_it_writes(mode: str, factor: int) -> None:
    assert_covered(nn.Sequential(nn.Upsample(scale_factor=factor, mode=mode)), 24)


@settings(max_examples=60, deadline=None)
@given(kernel=st.integers(1, 6), stride=st.integers(1, 4), padding=st.integers(0, 3))
def test_a_transposed_convolution_reads_around_the_position_that_it_writes(
    kernel: int, stride: int, padding: int
) -> None:
    assert_covered(
        nn.Sequential(
            nn.ConvTranspose1d(CHANNELS, CHANNELS, kernel, stride=stride, padding=padding)
        ),
        24,
    )


@settings(max_examples=30, deadline=None)
@given(factor=st.integers(2, 4), kernels=st.lists(odd, min_size=1, max_size=3))
def test_convolutions_on_an_upsampled_map_see_at_most_r_max_rounded_up(
    factor: int, kernels: list[int]
) -> None:
    convolutions = [conv((k,), (1,), (1,), (k // 2,)) for k in kernels]
    model = nn.Sequential(nn.Upsample(scale_factor=factor), *convolutions)
    (field,) = analysed(model, (24,)).layers[-1].output_field
    reached = seen_by(model, (24,), 0)[""]
    seen = [hull(reached, p) for p in range(10 * factor, 14 * factor)]
    assert field.r_max is not None
    assert ceil(field.r_max) == max(last - first + 1 for first, last in seen)
