"""Try a model on tiles: nothing is proposed that was not traced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from math import prod
from time import process_time
from typing import TypeAlias

from rflint.analysis.analysis import Analysis
from rflint.analysis.sizes.facts import Size
from rflint.analysis.tiling.comparison import difference
from rflint.analysis.tiling.follow import Course
from rflint.analysis.tiling.obstacles import NotTileable, Obstacle
from rflint.analysis.tiling.outputs import input_tensors, output_maps
from rflint.analysis.tiling.tile_sizes import (
    remainder_of,
    smallest_tile,
    usual_tiles,
    with_other_lengths,
)
from rflint.analysis.tiling.tiling import TileAdvice, Tiling
from rflint.errors import RflintError
from rflint.text.numbers import size

Attempt: TypeAlias = Callable[[Size], Analysis | RflintError | None]
"""Traces the model at a size: the analysis, why it does not run, or None where nobody can say."""

_COARSER = (1, 2, 4, 8, 16, 32)
"""By how much more than the layers ask for sizes may have to be divisible: the model says so."""
_LARGER_BY = (0, 2, 8, 32)
"""By how many strides tiles are made larger until the model runs on them."""
_SECONDS = 4.0
"""Of computing, after which no further sizes are tried."""


class Trial:
    """A model without obstacles at the size at which it was followed, tried on tiles."""

    def __init__(
        self, base: Analysis, courses: Sequence[Course], attempt: Attempt, image: Size
    ) -> None:
        self._base = base
        self._attempt = attempt
        self._courses = courses
        self._image = image
        self._own = base.architecture.resolution
        self._checked = {self._own}

    def tiling(self, tiles: Sequence[Size]) -> Tiling | NotTileable:
        """The tiling, if the model does on tiles what it does on its own size."""
        refused: NotTileable | None = None
        until = process_time() + _SECONDS
        for times, larger_by in product(_COARSER, _LARGER_BY):
            strides = tuple(course.stride * times for course in self._courses)
            least = smallest_tile(self._base.architecture, self._courses, strides)
            tile = tuple(n + larger_by * s for n, s in zip(least, strides, strict=True))
            there = self._tried(with_other_lengths(tile, strides, self._own))
            if isinstance(there, Analysis):
                return self._found(there, tile, strides, tiles)
            refused = refused or there
            if there.is_certain or process_time() > until:
                break
        assert refused is not None
        return refused

    def _found(
        self, there: Analysis, smallest: Size, strides: Size, tiles: Sequence[Size]
    ) -> Tiling | NotTileable:
        architecture = self._base.architecture
        outputs = output_maps(self._base, there, self._courses)
        if isinstance(outputs, NotTileable):
            return outputs
        known = Tiling(
            stride=strides,
            remainder=remainder_of(architecture, strides),
            smallest=smallest,
            image=self._image,
            inputs=input_tensors(architecture),
            outputs=outputs,
            checked=frozenset(),
            any_size=not architecture.reads_sizes and architecture.tracer == "symbolic",
        )
        advice = tuple(self._advice(known, tiles))
        return replace(known, advice=advice, checked=frozenset(self._checked))

    def _tried(self, tile: Size) -> Analysis | NotTileable:
        """The model at a size, if it does there what it does at its own."""
        if tile == self._own:
            return self._base
        there = self._attempt(tile)
        if there is None:
            return NotTileable(why="its inputs cannot be given another size")
        if isinstance(there, RflintError):
            return NotTileable(why=f"it does not run on a tile of {size(tile)}: {there.message}")
        found = difference(self._base, there, self._courses)
        if found is None:
            self._checked.add(tile)
            return there
        if isinstance(found, Obstacle):
            return NotTileable((found,))
        return NotTileable(why=found)

    def _advice(self, known: Tiling, tiles: Sequence[Size]) -> Iterator[TileAdvice]:
        """Tiles of usual sizes, and of those that were asked for, on which the model runs."""
        until = process_time() + _SECONDS
        image = known.padded(self._image)
        self._tried(image)
        asked = [tile for tile in tiles if tile == known.padded(tile)]
        for tile in dict.fromkeys([*asked, *usual_tiles(known)]):
            step = known.step(tile)
            late = process_time() > until and tile not in asked
            if late or not all(step) or not isinstance(self._tried(tile), Analysis):
                continue
            lengths = list(zip(image, tile, step, strict=True))
            count = prod(1 + max(0, -((t - n) // s)) for n, t, s in lengths)
            yield TileAdvice(tile, step, count if all(n >= t for n, t, _ in lengths) else None)
