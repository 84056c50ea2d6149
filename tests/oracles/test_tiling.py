"""Tiles put together are the whole, and the halo is not a position wider than that takes.

The networks run in float64, with weights that let no influence cancel out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import rflint
from rflint.analysis.tiling.obstacles import NotTileable
from rflint.analysis.tiling.tiling import Tiling
from tests.helpers.random_maps import NETWORKS as DRAWN
from tests.helpers.random_maps import Deep, Resize, Spec, built
from tests.helpers.tiled import (
    ROUNDING,
    deviation,
    deviation_beyond,
    image,
    made_sensitive,
    tiling_of,
)
from tests.models import dense

_SEEDS = range(3)

NETWORKS: dict[str, tuple[Callable[[], nn.Module], Sequence[int], Sequence[int]]] = {
    "U-Net with transposed convolutions": (dense.UNet, (96, 104), (64, 60)),
    "U-Net with bilinear upsampling": (partial(dense.UNet, up="bilinear"), (104, 96), (64, 72)),
    "U-Net with nearest upsampling": (partial(dense.UNet, up="nearest"), (96, 96), (64, 64)),
    "U-Net whose maps are resized to their skips": (
        partial(dense.UNet, up="to the size of the skip"),
        (104, 96),
        (64, 72),
    ),
    "U-Net without padding": (partial(dense.UNet, padding=0), (112, 112), (64, 72)),
    "U-Net with two outputs": (dense.TwoScales, (96, 104), (64, 60)),
    "U-Net in 1-D": (partial(dense.UNet, axes=1), (160,), (64,)),
    "U-Net in 3-D": (partial(dense.UNet, axes=3), (56, 56, 56), (48, 48, 48)),
    "DnCNN": (dense.dncnn, (50, 47), (31, 29)),
    "SRCNN": (dense.srcnn, (50, 47), (21, 20)),
    "ESPCN x2": (dense.espcn, (50, 47), (21, 20)),
    "ESPCN x3": (partial(dense.espcn, 3), (50, 47), (21, 20)),
    "dilated context": (dense.context, (70, 77), (41, 40)),
    "FCN at an eighth": (dense.fcn, (96, 104), (48, 56)),
    "FCN at an eighth of odd sizes": (dense.fcn, (99, 101), (51, 53)),
    "ENet-like": (dense.ENetLike, (40, 44), (20, 22)),
    "ConvNeXt-like": (dense.ConvNeXtLike, (96, 104), (48, 44)),
    "causal": (dense.CausalLike, (160,), (50,)),
    "mirrored padding": (dense.mirrored, (50, 48), (26, 28)),
    "space to depth": (dense.SpaceToDepth, (48, 56), (24, 28)),
    "nearest by three halves": (dense.resized("nearest", 1.5), (40, 44), (18, 20)),
    "bilinear by three halves": (dense.resized("bilinear", 1.5), (40, 44), (18, 20)),
    "bicubic by two": (dense.resized("bicubic", 2), (40, 44), (18, 20)),
    "bilinear by four": (dense.resized("bilinear", 4), (40, 44), (18, 20)),
    "exactly nearest by a half": (dense.resized("nearest-exact", 0.5), (40, 44), (18, 20)),
    "area by a third": (dense.resized("area", 1 / 3), (45, 48), (24, 21)),
    "smoothed bilinear by a half": (
        dense.resized("bilinear", 0.5, antialias=True),
        (48, 52),
        (24, 28),
    ),
    "transposed, four by two": (dense.transposed(4, 2, 1), (40, 44), (18, 20)),
    "transposed, three by two": (dense.transposed(3, 2, 1, 1), (40, 44), (18, 20)),
    "transposed, two by three": (dense.transposed(2, 3, 0), (40, 44), (18, 20)),
    "transposed, dilated": (dense.transposed(3, 2, 2, 1, 2), (40, 44), (18, 20)),
}


def _seeds(size: Sequence[int]) -> range:
    """A volume has so many positions that one draw of weights is seconds of work, and enough."""
    return _SEEDS[:1] if len(size) == 3 else _SEEDS


@pytest.mark.parametrize("name", NETWORKS)
def test_tiles_put_together_are_the_whole(name: str) -> None:
    build, size, tile = NETWORKS[name]
    tiling = tiling_of(build(), tuple(size), tile=tuple(tile))
    for seed in _seeds(size):
        model = made_sensitive(build(), seed)
        assert deviation(model, tiling, image(size, 3, seed), tile) < ROUNDING


@pytest.mark.parametrize("name", NETWORKS)
def test_the_first_position_that_is_not_kept_is_spoilt(name: str) -> None:
    build, size, tile = NETWORKS[name]
    tiling = tiling_of(build(), tuple(size), tile=tuple(tile))
    for axis in range(len(size)):
        for side in (0, 1):
            found = [
                deviation_beyond(
                    made_sensitive(build(), seed), tiling, image(size, 3, seed), tile, axis, side
                )
                for seed in _seeds(size)
            ]
            known = [one for one in found if one is not None]
            at_end = [(x.axes[axis].before, x.axes[axis].after)[side] for x in tiling.outputs]
            assert bool(known) == any(at_end)
            assert not known or max(known) > 10 * ROUNDING


def test_areas_that_depend_on_the_size_of_the_whole_are_not_tiled() -> None:
    """Of 399 positions 598 are made, in steps of 399 / 598, and of a tile's in other ones."""
    specs = [Spec(Deep, (3, 2, 0)), Spec(Resize, (1.5, "area"))]
    tiling = rflint.tiling(built(specs), 400)
    assert isinstance(tiling, NotTileable)
    assert "interpolate makes 598 positions" in str(tiling)


@settings(max_examples=60)
@given(DRAWN, st.integers(400, 420), st.integers(0, 3))
def test_so_it_is_with_drawn_networks(specs: list[Spec], size: int, larger: int) -> None:
    tiling = rflint.tiling(built(specs), size)
    assert isinstance(tiling, Tiling), tiling
    tile = (tiling.smallest[0] + larger * tiling.stride[0],)
    size = max(tiling.padded(size)[0], tile[0] + 3 * tiling.stride[0])
    tiling = tiling_of(built(specs), size, tile=tile)
    for seed in _SEEDS:
        model, x = made_sensitive(built(specs), seed), image((size,), 3, seed)
        assert deviation(model, tiling, x, tile) < ROUNDING
    for side in (0, 1):
        assert any(_shows(specs, tiling, size, tile, side, seed) for seed in range(20))


def _shows(
    specs: list[Spec], tiling: Tiling, size: int, tile: Sequence[int], side: int, seed: int
) -> bool:
    """Whether the first position beyond is spoilt, or there is none; a maximum may hide it."""
    model, x = made_sensitive(built(specs), seed), image((size,), 3, seed)
    found = deviation_beyond(model, tiling, x, tile, 0, side)
    return found is None or found > 10 * ROUNDING
