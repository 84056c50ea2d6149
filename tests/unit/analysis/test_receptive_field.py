"""The receptive-field algebra against Eq. 1 by hand and against every path, without torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rflint.analysis.receptive_field import AxisField, LayerField, Span, propagate
from rflint.graph.architecture import Architecture
from rflint.graph.exact import Number
from rflint.graph.layer import INPUT, Edge, Geometry, Kind, Layer
from rflint.graph.windows import POINTWISE, Extent, Reach, Window

# -- architectures by hand


def layer(*inputs: tuple[int, Sequence[Reach]], kind: Kind = Kind.CONV) -> Layer:
    """A layer of which only the edges matter: (source, what is read of it per axis)."""
    axes = len(inputs[0][1])
    return Layer(
        name="layer",
        call=0,
        kind=kind,
        op="Layer",
        operation="layer",
        inputs=tuple(Edge(source, tuple(reach)) for source, reach in inputs),
        geometry=Geometry((1,) * axes, (1,) * axes, (1,) * axes, (0,) * axes),
        in_shape=(1, 1, *(8,) * axes),
        out_shape=(1, 1, *(8,) * axes),
    )


def architecture(layers: Sequence[Layer], axes: int = 1) -> Architecture:
    return Architecture(
        inputs=((1, 1, *(8,) * axes),),
        resolution=(8,) * axes,
        layers=tuple(layers),
        outputs=(len(layers) - 1,),
        output_shapes=((1, 1, *(8,) * axes),),
        params=0,
    )


def conv(kernel: int, stride: Number = 1, dilation: int = 1, padding: int = 0) -> Window:
    return Window(dilation * (kernel - 1) + 1, stride, -padding)


def chain(*reaches: Reach) -> Architecture:
    """One axis, one layer after the other."""
    return architecture([layer((index - 1, (reach,))) for index, reach in enumerate(reaches)])


def outputs(graph: Architecture, axis: int = 0) -> list[AxisField]:
    return [field.output_field[axis] for field in propagate(graph)]


def last(graph: Architecture, axis: int = 0) -> AxisField:
    return outputs(graph, axis)[-1]


# -- every path by brute force


@dataclass(frozen=True)
class Path:
    """What the end of one path sees along one axis; no r where it sees everything."""

    r: Number | None = 1
    jump: Number = 1
    first: Number = 0
    last: Number = 0

    def then(self, reach: Reach) -> Path:
        if self.r is None or reach is Extent.GLOBAL:
            return Path(None)
        assert isinstance(reach, Window)
        return Path(
            self.r + (reach.size - 1) * self.jump,
            self.jump * reach.stride,
            self.first + reach.start * self.jump,
            self.last + (reach.start + reach.size - 1) * self.jump,
        )


def paths_to(graph: Architecture, index: int, axis: int) -> Iterator[Path]:
    """One entry per path from the input to the output of a layer."""
    if index == INPUT:
        yield Path()
        return
    for edge in graph.layers[index].inputs:
        for path in paths_to(graph, edge.source, axis):
            yield path.then(edge.reach[axis])


def paths_into(graph: Architecture, index: int, axis: int) -> Iterator[Path]:
    """One entry per path from the input to the input of a layer."""
    for edge in graph.layers[index].inputs:
        yield from paths_to(graph, edge.source, axis)


def enumerated(paths: Sequence[Path]) -> AxisField:
    bounded = [path for path in paths if path.r is not None]
    spans = {}
    for jump in {path.jump for path in bounded}:
        alike = [path for path in bounded if path.jump == jump]
        lengths = [path.r for path in alike if path.r is not None]
        spans[jump] = Span(
            min(lengths),
            max(lengths),
            min(path.first for path in alike),
            max(path.last for path in alike),
        )
    return AxisField(spans, unbounded=len(bounded) < len(paths))


# -- strategies

strides = st.sampled_from([1, 1, 1, 2, 2, 3, Fraction(1, 2), Fraction(1, 3), Fraction(3, 2)])
windows = st.builds(Window, st.integers(1, 9), strides, st.integers(-4, 3))
bounded_reaches = st.one_of(st.just(POINTWISE), windows)
reaches = st.one_of(st.just(POINTWISE), windows, windows, windows, windows, st.just(Extent.GLOBAL))


@st.composite
def graphs(
    draw: st.DrawFn, reaches: st.SearchStrategy[Reach] = reaches, max_layers: int = 8
) -> Architecture:
    """Layers with one to three parents each, anywhere before them."""
    axes = draw(st.integers(1, 3))
    layers = []
    for index in range(draw(st.integers(1, max_layers))):
        parents = draw(st.lists(st.integers(INPUT, index - 1), min_size=1, max_size=3))
        edges = [(parent, [draw(reaches) for _ in range(axes)]) for parent in parents]
        layers.append(layer(*edges))
    return architecture(layers, axes)


# -- Eq. 1


def test_the_input_sees_one_pixel() -> None:
    assert last(chain(POINTWISE)) == AxisField({1: Span(1, 1, 0, 0)})


def test_a_convolution_adds_its_kernel_less_one_times_the_jump() -> None:
    seen = outputs(chain(conv(3), conv(3, stride=2), conv(3), conv(5, stride=2)))
    assert [field.r_min for field in seen] == [3, 5, 9, 17]
    assert [field.r_max for field in seen] == [3, 5, 9, 17]
    assert [field.jump for field in seen] == [1, 2, 2, 4]


def test_dilation_stretches_the_kernel() -> None:
    assert last(chain(conv(3, dilation=3))).r_max == 7
    assert last(chain(conv(3, stride=2), conv(3, dilation=4))).r_max == 3 + 8 * 2


def test_padding_shifts_what_is_seen_and_changes_no_size() -> None:
    unpadded = last(chain(conv(3), conv(3, stride=2), conv(5)))
    padded = last(chain(conv(3, padding=1), conv(3, stride=2, padding=1), conv(5, padding=2)))
    assert unpadded == AxisField({2: Span(13, 13, 0, 12)})
    assert padded == AxisField({2: Span(13, 13, -6, 6)})


def test_upsampling_divides_the_jump_exactly() -> None:
    seen = last(chain(conv(3, stride=2), Window(1, Fraction(1, 3)), conv(2)))
    assert seen.jump == Fraction(2, 3)
    assert seen.r_min == 3 + Fraction(2, 3)


def test_alexnet_sees_195_pixels_and_vgg16_sees_212() -> None:
    three, pool = conv(3), conv(3, stride=2)
    alexnet = chain(conv(11, stride=4), pool, conv(5), pool, three, three, three, pool)
    assert (last(alexnet).r_max, last(alexnet).jump) == (195, 32)
    halve = conv(2, stride=2)
    two, more = [three] * 2 + [halve], [three] * 3 + [halve]
    vgg16 = chain(*two, *two, *more, *more, *more)
    assert (last(vgg16).r_max, last(vgg16).jump) == (212, 32)


def test_a_layers_input_sees_what_the_layer_before_it_sees() -> None:
    fields = propagate(chain(conv(3), conv(5, stride=2), conv(3)))
    assert [field.input_field[0].r_min for field in fields] == [1, 3, 7]
    assert [field.output_field[0].r_min for field in fields] == [3, 7, 11]


def test_axes_are_independent() -> None:
    graph = architecture(
        [
            layer((INPUT, (conv(3), conv(1), conv(7, stride=2)))),
            layer((0, (conv(1, stride=2), Extent.GLOBAL, conv(3)))),
        ],
        axes=3,
    )
    field = propagate(graph)[-1].output_field
    assert [axis.r_min for axis in field] == [3, None, 11]
    assert [axis.r_max for axis in field] == [3, None, 11]
    assert [axis.jump for axis in field] == [2, None, 2]


def test_an_architecture_without_layers_has_no_fields() -> None:
    assert propagate(architecture([])) == ()


# -- several paths


def test_a_skip_connection_keeps_the_smallest_field() -> None:
    three, merge = (conv(3, padding=1),), (POINTWISE,)
    graph = architecture(
        [
            layer((INPUT, three)),
            layer((0, three)),
            layer((1, three)),
            layer((2, merge), (0, merge)),
            layer((3, three)),
        ]
    )
    seen = last(graph)
    assert (seen.r_min, seen.r_max) == (5, 9)


def test_parallel_paths_keep_the_smallest_and_the_largest_field() -> None:
    graph = architecture(
        [
            layer((INPUT, (conv(3, padding=1),))),
            layer((INPUT, (conv(7, padding=3),))),
            layer((INPUT, (conv(5, padding=2),))),
            layer((0, (POINTWISE,)), (1, (POINTWISE,)), (2, (POINTWISE,))),
        ]
    )
    assert last(graph) == AxisField({1: Span(3, 7, -3, 3)})


def test_misaligned_paths_see_more_together_than_the_largest_of_them() -> None:
    graph = architecture(
        [
            layer((INPUT, (conv(3, padding=2),))),
            layer((INPUT, (conv(3, padding=0),))),
            layer((0, (POINTWISE,)), (1, (POINTWISE,))),
        ]
    )
    assert last(graph) == AxisField({1: Span(3, 3, -2, 2)})


def test_the_path_that_is_largest_now_need_not_be_largest_later() -> None:
    graph = architecture(
        [
            layer((INPUT, (conv(9),))),
            layer((INPUT, (conv(2, stride=8),))),
            layer((0, (POINTWISE,)), (1, (POINTWISE,))),
            layer((2, (conv(3),))),
        ]
    )
    assert outputs(graph)[2].r_max == 9
    assert outputs(graph)[3].r_max == 2 + 2 * 8
    assert outputs(graph)[3].r_min == 9 + 2 * 1


def test_a_path_around_global_pooling_keeps_the_smallest_field_and_loses_the_largest() -> None:
    graph = architecture(
        [
            layer((INPUT, (conv(3),))),
            layer((0, (Extent.GLOBAL,))),
            layer((0, (POINTWISE,)), (1, (POINTWISE,))),
        ]
    )
    seen = last(graph)
    assert seen.unbounded
    assert (seen.r_min, seen.r_max, seen.jump) == (3, None, 1)


def test_behind_global_pooling_everything_is_unbounded() -> None:
    seen = last(chain(conv(3), Extent.GLOBAL, conv(3), conv(5, stride=2)))
    assert seen.unbounded
    assert (seen.r_min, seen.r_max, seen.jump) == (None, None, None)


@pytest.mark.parametrize("later", [POINTWISE, conv(3), Extent.GLOBAL])
def test_what_nobody_knows_stays_unknown(later: Reach) -> None:
    seen = outputs(chain(conv(3), Extent.UNKNOWN, later))
    assert [field.unknown for field in seen] == [False, True, True]
    assert seen[-1].spans == {}


def test_what_reads_only_unbounded_values_is_unbounded_itself() -> None:
    seen = last(chain(conv(3), Extent.GLOBAL, Extent.UNKNOWN))
    assert seen.unbounded
    assert not seen.unknown


def test_an_unknown_path_does_not_hide_the_known_ones() -> None:
    graph = architecture(
        [
            layer((INPUT, (conv(3),))),
            layer((0, (Extent.UNKNOWN,))),
            layer((0, (POINTWISE,)), (1, (POINTWISE,))),
        ]
    )
    seen = last(graph)
    assert seen.unknown
    assert seen.r_min == 3


def test_a_gate_is_no_feature_path() -> None:
    product = layer((0, (POINTWISE,)), (1, (POINTWISE,)), kind=Kind.ARITHMETIC)
    trunk, gate = product.inputs
    product = replace(product, inputs=(trunk, replace(gate, is_gate=True)))
    graph = architecture([layer((INPUT, (conv(3),))), layer((0, (Extent.GLOBAL,))), product])
    with_gate = propagate(graph, through_gates=True)[-1]
    without = propagate(graph)[-1]
    assert with_gate.output_field[0].r_max is None
    sees = (AxisField({1: Span(3, 3, 0, 2)}),)
    assert without == LayerField(sees, sees)


# -- against every path


@settings(max_examples=300, deadline=None)
@given(graphs())
def test_every_field_is_as_enumerating_all_paths_says(graph: Architecture) -> None:
    for index, field in enumerate(propagate(graph)):
        for axis in range(graph.axes):
            assert field.output_field[axis] == enumerated(list(paths_to(graph, index, axis)))
            assert field.input_field[axis] == enumerated(list(paths_into(graph, index, axis)))


@settings(max_examples=200, deadline=None)
@given(graphs(bounded_reaches))
def test_r_min_and_r_max_are_the_extremes_over_all_paths(graph: Architecture) -> None:
    for index, field in enumerate(propagate(graph)):
        for axis in range(graph.axes):
            lengths = [path.r for path in paths_to(graph, index, axis) if path.r is not None]
            assert field.output_field[axis].r_min == min(lengths)
            assert field.output_field[axis].r_max == max(lengths)


@settings(max_examples=200, deadline=None)
@given(graphs(st.one_of(reaches, st.just(Extent.UNKNOWN))))
def test_a_value_is_unknown_where_a_bounded_path_met_an_unknown_operator(
    graph: Architecture,
) -> None:
    def bounded(index: int, axis: int) -> bool:
        return index == INPUT or any(
            isinstance(edge.reach[axis], Window) and bounded(edge.source, axis)
            for edge in graph.layers[index].inputs
        )

    def unknown(index: int, axis: int) -> bool:
        return index != INPUT and any(
            unknown(edge.source, axis)
            or (edge.reach[axis] is Extent.UNKNOWN and bounded(edge.source, axis))
            for edge in graph.layers[index].inputs
        )

    for index, field in enumerate(propagate(graph)):
        for axis in range(graph.axes):
            assert field.output_field[axis].unknown == unknown(index, axis)
            assert bool(field.output_field[axis].spans) == bounded(index, axis)


# -- large graphs


def test_two_to_the_thousand_paths() -> None:
    layers: list[Layer] = []
    for _ in range(1000):
        start = len(layers) - 1
        layers += [
            layer((start, (conv(3, padding=1), conv(1)))),
            layer((start, (conv(5, padding=2), POINTWISE))),
            layer((start + 1, (POINTWISE,) * 2), (start + 2, (POINTWISE,) * 2)),
        ]
    vertical, horizontal = propagate(architecture(layers, axes=2))[-1].output_field
    assert vertical == AxisField({1: Span(2001, 4001, -2000, 2000)})
    assert horizontal == AxisField({1: Span(1, 1, 0, 0)})


def test_paths_of_different_strides_stay_apart_however_many() -> None:
    layers: list[Layer] = []
    for _ in range(60):
        start = len(layers) - 1
        layers += [
            layer((start, (conv(3),))),
            layer((start, (conv(2, stride=2),))),
            layer((start + 1, (POINTWISE,)), (start + 2, (POINTWISE,))),
        ]
    seen = last(architecture(layers))
    assert sorted(seen.spans) == [2**k for k in range(61)]
    assert seen.spans[1].r_min == seen.spans[1].r_max == 1 + 60 * 2
    assert seen.spans[2**60].r_min == seen.spans[2**60].r_max == 2**60
    # 60 = down k times and 60 - k times along: largest when all downsampling comes first
    for k in range(61):
        assert seen.spans[2**k].r_max == 2**k + (60 - k) * 2 * 2**k
        assert seen.spans[2**k].r_min == 1 + (60 - k) * 2 + 2**k - 1


def test_ten_thousand_convolutions_in_a_row() -> None:
    fields = propagate(chain(*[conv(3, padding=1)] * 10_000))
    assert [field.output_field[0].r_min for field in fields] == [
        1 + 2 * n for n in range(1, 10_001)
    ]
    assert fields[-1].output_field[0] == AxisField({1: Span(20_001, 20_001, -10_000, 10_000)})


def test_a_thousand_downsamplings_are_exact() -> None:
    seen = last(chain(*[conv(2, stride=2)] * 1000))
    assert seen == AxisField({2**1000: Span(2**1000, 2**1000, 0, 2**1000 - 1)})
    back = last(chain(*[conv(2, stride=2)] * 1000, *[Window(1, Fraction(1, 2))] * 1000))
    assert back.jump == 1
