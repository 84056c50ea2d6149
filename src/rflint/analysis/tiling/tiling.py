"""How an image is cut into tiles, and where what the model makes of each of them goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import ceil, floor, prod
from typing import TypeAlias

from rflint.analysis.sizes.facts import Size
from rflint.errors import UsageError
from rflint.graph.exact import Number
from rflint.text.numbers import compact_size, size

Index: TypeAlias = tuple[slice, ...]
"""One slice per dimension of a tensor."""


@dataclass(frozen=True, slots=True)
class AlongAxis:
    """What a model makes of a tile, for one of its outputs and along one axis."""

    jump: Number
    """Positions of the input from one position of the output to the next: 4 for a map at a quarter
    of the image's size, 1/2 for one of twice its size."""
    extra: Number
    """How many positions there are beyond size / jump: below zero where windows lose some."""
    before: int
    """Positions at the first end of a tile that are spoilt where the image goes on before it."""
    after: int
    """Those at the last end, where it goes on behind it."""
    begins: int
    """The position of the input at which the part begins that the output shows: above zero where
    windows lose positions at the ends."""

    @property
    def overlap(self) -> Number:
        """By how much tiles overlap, in positions of the input, at the least."""
        return (self.before + self.after - self.extra) * self.jump

    @property
    def halo(self) -> tuple[int, int]:
        """What a tile needs beyond what is kept of it, at both ends, in positions of the input."""
        before = self.before * self.jump + self.begins
        return ceil(before), ceil(self.overlap - before)

    def made(self, length: int) -> int:
        """How many positions are made of so many of the input."""
        return int(length / Fraction(self.jump) + self.extra)


@dataclass(frozen=True, slots=True)
class OutputMap:
    """One of the model's outputs."""

    axes: tuple[AlongAxis, ...]
    dimensions: tuple[int, ...]
    """By axis, the dimension of the tensor along which it lies."""
    rank: int
    """How many dimensions the tensor has."""

    def index(self, parts: Sequence[slice]) -> Index:
        """Slices of these dimensions, and all of every other."""
        return _index(self.dimensions, self.rank, parts)


@dataclass(frozen=True, slots=True)
class InputTensor:
    """One of the tensors that the model is given."""

    dimensions: tuple[int, ...]
    """By axis, the dimension along which it lies; none of a tensor that is not cut."""
    rank: int


@dataclass(frozen=True, slots=True)
class OutputPart:
    """What is kept of an output for a tile, and where it goes in that of the whole image."""

    keep: Index
    place: Index


@dataclass(frozen=True, slots=True)
class Tile:
    """One tile of an image: what to cut out, and what to do with what comes of it."""

    inputs: tuple[Index, ...]
    """By input of the model (of those that are cut), the part that the tile is."""
    outputs: tuple[OutputPart, ...]
    """By output of the model."""

    @property
    def input(self) -> Index:
        """The part of the first input."""
        return self.inputs[0]

    @property
    def keep(self) -> Index:
        """What is kept of the first output."""
        return self.outputs[0].keep

    @property
    def place(self) -> Index:
        """Where that goes in the output of the whole image."""
        return self.outputs[0].place


@dataclass(frozen=True, slots=True)
class TileAdvice:
    """A size of tiles at which the model was traced."""

    tile: Size
    step: Size
    """By how much tiles are apart."""
    tiles: int | None
    """How many there are of the image; None where it is smaller than one."""

    @property
    def overhead(self) -> float:
        """Positions computed for each that is kept, of a tile inside the image."""
        return prod(self.tile) / prod(self.step)


@dataclass(frozen=True)
class Tiling:
    """How images are cut into tiles, so that what is kept of all is what the whole would give.

    All tiles have one size, and begin at multiples of `stride`. Sizes of tiles and of images are
    multiples of the stride plus `remainder`.
    """

    stride: Size
    remainder: Size
    smallest: Size
    """The smallest tile of which anything may be kept."""
    image: Size
    """The size of the images that was asked for."""
    inputs: tuple[InputTensor, ...]
    outputs: tuple[OutputMap, ...]
    checked: frozenset[Size]
    """The sizes at which the model was traced, and did what is said here."""
    any_size: bool
    """Whether it holds at all others too; else only at those that were checked: the model's code
    asks how large its maps are, and may do something else."""
    advice: tuple[TileAdvice, ...] = ()

    @cached_property
    def halo(self) -> tuple[tuple[int, int], ...]:
        """Per axis, what a tile needs beyond what is kept of it, before and behind."""
        per_output = [[along.halo for along in output.axes] for output in self.outputs]
        return tuple(
            (max(before for before, _ in along), max(after for _, after in along))
            for along in zip(*per_output, strict=True)
        )

    def step(self, tile: int | Size) -> Size:
        """By how much tiles of this size may be apart: a multiple of the stride; 0: too small."""
        return tuple(
            max(0, floor((length - self._overlap(axis)) / stride) * stride)
            for axis, (length, stride) in enumerate(zip(self._each(tile), self.stride, strict=True))
        )

    def output_size(self, image: int | Size, output: int = 0) -> Size:
        """How many positions an output has for an image of this size, per axis."""
        sizes = self._each(image)
        axes = self.outputs[output].axes
        return tuple(along.made(length) for along, length in zip(axes, sizes, strict=True))

    def padded(self, image: int | Size) -> Size:
        """The next larger size that images can have: pad to it."""
        lengths = zip(self._each(image), self.stride, self.remainder, strict=True)
        return tuple(n + (rest - n) % stride for n, stride, rest in lengths)

    def tiles(self, image: int | Size, tile: int | Size) -> tuple[Tile, ...]:
        """The tiles of an image: every position of the outputs is kept of exactly one of them.

        Along an axis along which the image is smaller than a tile, the tile is the image.
        Raises UsageError where images or tiles cannot have this size, and says which can.
        """
        image = self._each(image)
        tile = tuple(map(min, self._each(tile), image))
        self._check(image, "an image")
        self._check(tile, "a tile")
        step = self.step(tile)
        if any(n > t < least for n, t, least in zip(image, tile, self.smallest, strict=True)):
            raise UsageError(
                f"tiles of {size(tile)} are too small; the smallest are {size(self.smallest)}"
            )
        along = [list(_begins(*lengths)) for lengths in zip(image, tile, step, strict=True)]
        places = product(*(range(len(begins)) for begins in along))
        return tuple(self._tile(along, place, tile) for place in places)

    def _tile(self, begins: Sequence[Sequence[int]], place: Sequence[int], tile: Size) -> Tile:
        axes = range(len(tile))
        cut = [slice(begins[a][place[a]], begins[a][place[a]] + tile[a]) for a in axes]
        outputs = []
        for output in self.outputs:
            parts = [_kept(output.axes[a], begins[a], place[a], tile[a]) for a in axes]
            keep, goes = ([part[side] for part in parts] for side in (0, 1))
            outputs.append(OutputPart(output.index(keep), output.index(goes)))
        inputs = tuple(
            _index(x.dimensions, x.rank, cut if x.dimensions else ()) for x in self.inputs
        )
        return Tile(inputs, tuple(outputs))

    def _check(self, lengths: Size, what: str) -> None:
        if lengths != self.padded(lengths):
            raise UsageError(
                f"{what} of {size(lengths)} is not a multiple of {compact_size(self.stride)}"
                + (f" plus {compact_size(self.remainder)}" if any(self.remainder) else "")
                + f" (the next is {size(self.padded(lengths))})"
            )
        if not self.any_size and lengths not in self.checked:
            raise UsageError(
                f"the model's code asks how large its maps are, and was not followed at "
                f"{size(lengths)}; name that size when you ask for the tiling"
            )

    def _overlap(self, axis: int) -> Number:
        return max(output.axes[axis].overlap for output in self.outputs)

    def _each(self, lengths: int | Size) -> Size:
        axes = len(self.stride)
        found = (lengths,) * axes if isinstance(lengths, int) else tuple(lengths)
        if len(found) != axes:
            raise UsageError(f"{size(found)} has {len(found)} axes, the model's input {axes}")
        return found


def _begins(image: int, tile: int, step: int) -> Iterator[int]:
    """Where tiles begin along an axis; the last one ends where the image does."""
    begin = 0
    while begin + tile < image:
        yield begin
        begin += step
    yield image - tile


def _kept(along: AlongAxis, begins: Sequence[int], number: int, tile: int) -> tuple[slice, slice]:
    """What is kept of a tile along an axis, and where it goes: on from where the one before ends.

    Each gives all that is sound in it at its last end.
    """

    def end(which: int) -> int:
        spoilt = along.after if which < len(begins) - 1 else 0
        return int(begins[which] / Fraction(along.jump)) + along.made(tile) - spoilt

    first, last = end(number - 1) if number else 0, end(number)
    offset = int(begins[number] / Fraction(along.jump))
    return slice(first - offset, last - offset), slice(first, last)


def _index(dimensions: Sequence[int], rank: int, parts: Sequence[slice]) -> Index:
    found = [slice(None)] * rank
    for dimension, part in zip(dimensions, parts, strict=True):
        found[dimension] = part
    return tuple(found)
