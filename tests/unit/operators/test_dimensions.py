"""Which dimension carries which spatial axis, against the positions themselves."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rflint.operators.dimensions import (
    Dimensions,
    Factor,
    all_axes,
    axes_of,
    image_dimensions,
    plain_dimensions,
    sole_axis,
)
from rflint.operators.regrouping import permuted, reshaped, resized, tangled

B, C, H, W = 2, 6, 8, 12

Shape = tuple[int, ...]


def carried(dimensions: Dimensions) -> list[set[int]]:
    """The axes that each dimension carries."""
    return [set(axes_of(dimension)) for dimension in dimensions]


def sole_axes(dimensions: Dimensions) -> list[int | None]:
    return [sole_axis(dimension) for dimension in dimensions]


def sizes(dimensions: Dimensions) -> Shape:
    return tuple(prod(factor.size for factor in dimension) for dimension in dimensions)


# -- strategies


@cache
def divisors(number: int) -> list[int]:
    return [n for n in range(1, number + 1) if number % n == 0]


@st.composite
def factorisations(draw: st.DrawFn, number: int) -> list[int]:
    """Lists of numbers whose product is the number, ones among them."""
    parts = []
    while number > 1:
        parts.append(draw(st.sampled_from(divisors(number))))
        number //= parts[-1]
    return parts or [1]


image_shapes = st.tuples(
    st.integers(1, 2), st.sampled_from([1, 2, 3, 4, 6]), *[st.sampled_from([1, 2, 4, 5, 6, 9])] * 2
)


@st.composite
def splits(draw: st.DrawFn, shape: Shape) -> Shape:
    """Every dimension split on its own."""
    return tuple(part for size in shape for part in draw(factorisations(size)))


@st.composite
def merges(draw: st.DrawFn, shape: Shape) -> Shape:
    """Runs of neighbouring dimensions merged."""
    merged = [shape[0]]
    for size in shape[1:]:
        if draw(st.booleans()):
            merged[-1] *= size
        else:
            merged.append(size)
    return tuple(merged)


@st.composite
def regroupings(draw: st.DrawFn, shape: Shape) -> Shape:
    """Any shape with as many elements."""
    return tuple(draw(factorisations(prod(shape))))


@st.composite
def rearrangements(draw: st.DrawFn) -> tuple[Shape, list[Sequence[int]]]:
    """An image and views of it, in turn to a shape and to an order of its dimensions."""
    shape = draw(image_shapes)
    views: list[Sequence[int]] = []
    current = shape
    for _ in range(draw(st.integers(1, 3))):
        current = draw(st.one_of(splits(current), merges(current), regroupings(current)))
        views.append(current)
        order = draw(st.permutations(range(len(current))))
        views.append(order)
        current = tuple(current[dim] for dim in order)
    return shape, views


def after(dimensions: Dimensions, views: Sequence[Sequence[int]]) -> Dimensions:
    for index, view in enumerate(views):
        dimensions = permuted(dimensions, view) if index % 2 else reshaped(dimensions, tuple(view))
    return dimensions


def positions(shape: Shape, views: Sequence[Sequence[int]]) -> list[np.ndarray]:
    """For each axis, where on it each element comes from, after the same views."""
    results = []
    for position in np.indices(shape)[2:]:
        for index, view in enumerate(views):
            position = position.transpose(view) if index % 2 else position.reshape(view)
        results.append(position)
    return results


def varies(position: np.ndarray, dim: int) -> bool:
    return bool((position != position.take([0], axis=dim)).any())


# -- properties


@settings(max_examples=150, deadline=None)
@given(rearrangements())
def test_the_factors_of_a_dimension_multiply_to_its_size(
    case: tuple[Shape, list[Sequence[int]]],
) -> None:
    shape, views = case
    dimensions = image_dimensions(shape)
    current = shape
    for index, view in enumerate(views):
        dimensions = permuted(dimensions, view) if index % 2 else reshaped(dimensions, tuple(view))
        current = tuple(current[dim] for dim in view) if index % 2 else tuple(view)
        assert sizes(dimensions) == current


@settings(max_examples=150, deadline=None)
@given(rearrangements())
def test_a_dimension_carries_every_axis_that_varies_along_it(
    case: tuple[Shape, list[Sequence[int]]],
) -> None:
    shape, views = case
    dimensions = after(image_dimensions(shape), views)
    for axis, position in enumerate(positions(shape, views)):
        for dim, axes in enumerate(carried(dimensions)):
            assert axis in axes or not varies(position, dim)


@settings(max_examples=150, deadline=None)
@given(rearrangements())
def test_the_positions_of_a_sole_axis_are_neighbours_in_order(
    case: tuple[Shape, list[Sequence[int]]],
) -> None:
    shape, views = case
    dimensions = after(image_dimensions(shape), views)
    where = positions(shape, views)
    for dim, axis in enumerate(sole_axes(dimensions)):
        if axis is None:
            continue
        steps = np.diff(where[axis], axis=dim)
        assert (steps == 1).all()
        others = [position for other, position in enumerate(where) if other != axis]
        assert not any(varies(position, dim) for position in others)


@settings(max_examples=150, deadline=None)
@given(st.data(), image_shapes)
def test_a_reshape_there_and_back_restores_the_axes(data: st.DataObject, shape: Shape) -> None:
    dimensions = image_dimensions(shape)
    there = data.draw(st.one_of(splits(shape), merges(shape)))
    back = reshaped(reshaped(dimensions, there), shape)
    for dim, size in enumerate(shape):
        if size > 1:
            assert axes_of(back[dim]) == axes_of(dimensions[dim])
            assert sole_axis(back[dim]) == sole_axis(dimensions[dim])
    assert all_axes(back) == all_axes(dimensions)


@settings(max_examples=150, deadline=None)
@given(st.data(), image_shapes)
def test_merging_and_splitting_loses_no_axis(data: st.DataObject, shape: Shape) -> None:
    dimensions = image_dimensions(shape)
    for _ in range(3):
        current = sizes(dimensions)
        dimensions = reshaped(dimensions, data.draw(st.one_of(splits(current), merges(current))))
        assert all_axes(dimensions) == {0, 1}


@settings(max_examples=50, deadline=None)
@given(st.data(), image_shapes)
def test_a_permutation_and_its_inverse_change_nothing(data: st.DataObject, shape: Shape) -> None:
    dimensions = image_dimensions(shape)
    order = data.draw(st.permutations(range(4)))
    inverse = sorted(range(4), key=order.__getitem__)
    assert permuted(permuted(dimensions, order), inverse) == dimensions


@settings(max_examples=100, deadline=None)
@given(image_shapes)
def test_a_reshape_to_the_same_shape_changes_nothing(shape: Shape) -> None:
    dimensions = image_dimensions(shape)
    again = reshaped(dimensions, shape)
    assert carried(again) == carried(dimensions)
    assert sole_axes(again) == sole_axes(dimensions)


# -- what models do


def test_an_image_carries_its_axes_behind_batch_and_channels() -> None:
    assert carried(image_dimensions((B, C, H, W))) == [set(), set(), {0}, {1}]
    assert sole_axes(image_dimensions((B, C, H, W))) == [None, None, 0, 1]
    assert sole_axes(image_dimensions((B, C, H))) == [None, None, 0]
    assert sole_axes(image_dimensions((B, C, H, W, 4))) == [None, None, 0, 1, 2]


def test_what_is_no_image_carries_nothing() -> None:
    assert carried(plain_dimensions((B, C))) == [set(), set()]
    assert all_axes(plain_dimensions((B, C))) == set()


def test_flattened_positions_are_told_apart_again() -> None:
    tokens = reshaped(image_dimensions((B, C, H, W)), (B, C, H * W))
    assert carried(tokens) == [set(), set(), {0, 1}]
    assert sole_axes(tokens) == [None, None, None]
    assert reshaped(tokens, (B, C, H, W)) == image_dimensions((B, C, H, W))


def test_tokens_of_a_vision_transformer_become_a_map_again() -> None:
    image = image_dimensions((B, C, H, W))
    tokens = permuted(reshaped(image, (B, C, H * W)), (0, 2, 1))
    assert carried(tokens) == [set(), {0, 1}, set()]
    image_again = reshaped(permuted(tokens, (0, 2, 1)), (B, C, H, W))
    assert sole_axes(image_again) == [None, None, 0, 1]


def test_flattening_everything_mixes_channels_and_positions() -> None:
    flat = reshaped(image_dimensions((B, C, H, W)), (B, C * H * W))
    assert carried(flat) == [set(), {0, 1}]
    assert sole_axes(flat) == [None, None]
    assert sole_axes(reshaped(flat, (B, C, H, W))) == [None, None, 0, 1]


def test_channels_last_keeps_the_axes_whole() -> None:
    last = permuted(image_dimensions((B, C, H, W)), (0, 2, 3, 1))
    assert sole_axes(last) == [None, 0, 1, None]


def test_a_window_partition_splits_both_axes_and_its_inverse_joins_them() -> None:
    w = 4
    image = permuted(image_dimensions((B, C, H, W)), (0, 2, 3, 1))
    split = reshaped(image, (B, H // w, w, W // w, w, C))
    assert carried(split) == [set(), {0}, {0}, {1}, {1}, set()]
    assert split[1] == (Factor(H // w, (0,), w),)
    assert split[2] == (Factor(w, (0,), 1),)
    windows = reshaped(permuted(split, (0, 1, 3, 2, 4, 5)), (B * H * W // w**2, w * w, C))
    assert carried(windows) == [{0, 1}, {0, 1}, set()]
    apart = reshaped(windows, (B, H // w, W // w, w, w, C))
    joined = reshaped(permuted(apart, (0, 1, 3, 2, 4, 5)), (B, H, W, C))
    assert joined == image


def test_the_outer_part_of_a_split_axis_skips_positions() -> None:
    coarse, fine = reshaped(image_dimensions((1, 1, H)), (1, 1, 4, 2))[2:]
    assert sole_axis(coarse) is None
    assert axes_of(coarse) == axes_of(fine) == {0}


def test_parts_of_an_axis_in_another_order_are_not_rejoined() -> None:
    parts = reshaped(image_dimensions((1, 1, H)), (1, 1, 2, 2, 2))
    swapped = reshaped(permuted(parts, (0, 1, 3, 2, 4)), (1, 1, H))
    assert carried(swapped) == [set(), set(), {0}]
    assert sole_axes(swapped) == [None, None, None]
    assert sole_axes(reshaped(parts, (1, 1, H))) == [None, None, 0]


def test_split_channels_carry_nothing() -> None:
    groups = reshaped(image_dimensions((B, C, H, W)), (B, 2, C // 2, H, W))
    assert carried(groups) == [set(), set(), set(), {0}, {1}]
    shuffled = reshaped(permuted(groups, (0, 2, 1, 3, 4)), (B, C, H, W))
    assert sole_axes(shuffled) == [None, None, 0, 1]


def test_a_single_position_still_counts_as_a_map() -> None:
    pooled = image_dimensions((B, C, 1, 1))
    vector = reshaped(pooled, (B, C))
    assert all_axes(vector) == {0, 1}
    assert sizes(vector) == (B, C)
    assert sole_axes(reshaped(vector, (B, C, 1, 1))) == [None, None, 0, 1]
    assert sole_axes(reshaped(pooled, (B, C, 1, 1))) == [None, None, 0, 1]


def test_new_dimensions_of_size_one_carry_nothing() -> None:
    stretched = reshaped(image_dimensions((B, C, H)), (B, C, 1, H, 1))
    assert carried(stretched) == [set(), set(), set(), {0}, set()]


@pytest.mark.parametrize("shape", [(9, 128), (9, 4, 32)])
def test_what_cannot_be_split_evenly_may_carry_any_axis(shape: Shape) -> None:
    mixed = reshaped(image_dimensions((B, C, H, W)), shape)
    assert sizes(mixed) == shape
    assert carried(mixed) == [{0, 1}] * len(shape)
    assert set(sole_axes(mixed)) == {None}


def test_dimensions_beside_those_stay_as_they_are() -> None:
    image = image_dimensions((B, C, H, W))
    assert carried(reshaped(image, (B, 9, 64))) == [set(), {0, 1}, {0, 1}]
    turned = reshaped(image, (B, H, C, W))
    assert carried(turned) == [set(), {0}, {0}, {1}]
    assert sole_axes(turned) == [None, None, None, 1]


def test_positions_that_a_view_cut_across_are_in_no_order() -> None:
    turned = reshaped(image_dimensions((B, C, 5)), (B, 5, C))
    assert carried(turned) == [set(), {0}, {0}]
    assert sole_axes(turned) == [None, None, None]
    assert sole_axes(tuple(resized(dimension, 3) for dimension in turned)) == [None, None, None]


@pytest.mark.parametrize("steps", [[(B, 9, 64)], [(B, 9, 64), (B, 576)], [(B, 1, 9, 1, 64)]])
def test_a_view_that_undoes_a_cut_finds_what_was_there(steps: list[Shape]) -> None:
    image = image_dimensions((B, C, H, W))
    dimensions = image
    for shape in steps:
        dimensions = reshaped(dimensions, shape)
    assert reshaped(dimensions, (B, C, H, W)) == image


def test_a_cut_that_was_turned_is_not_undone() -> None:
    cut = reshaped(image_dimensions((B, C, H, W)), (B, 9, 64))
    turned = reshaped(permuted(cut, (0, 2, 1)), (B, C, H, W))
    assert carried(turned) == [set(), {0, 1}, {0, 1}, {0, 1}]


def test_tangling_spares_dimensions_of_size_one() -> None:
    assert carried(tangled(image_dimensions((B, C, H, W)), (1, 7, 3))) == [set(), {0, 1}, {0, 1}]


def test_a_resized_dimension_keeps_its_axis() -> None:
    (dimension,) = image_dimensions((B, C, H))[2:]
    assert sole_axis(resized(dimension, 5)) == 0
    assert sizes((resized(dimension, 5),)) == (5,)
