"""Which tiles there are, and which sizes they and images may have."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

import rflint
from rflint.analysis.tiling.obstacles import NotTileable
from rflint.analysis.tiling.tiling import Tiling
from rflint.errors import UsageError
from tests.helpers.tiled import ROUNDING, tiling_of
from tests.models import dense


def test_a_unet_says_its_halo_and_the_grid_on_which_tiles_begin() -> None:
    tiling = tiling_of(dense.UNet(), 128)
    assert tiling.halo == ((22, 22), (22, 22))
    assert tiling.stride == (4, 4)
    assert tiling.remainder == (0, 0)
    assert tiling.smallest == (48, 48)
    assert tiling.step(64) == (20, 20)


def test_a_causal_network_needs_nothing_behind_a_tile() -> None:
    assert tiling_of(dense.CausalLike(), 400).halo == ((31, 0),)


def test_without_padding_the_halo_is_the_margin_that_windows_lose() -> None:
    tiling = tiling_of(dense.srcnn(), 64)
    assert tiling.halo == ((6, 6), (6, 6))
    assert tiling.output_size(64) == (52, 52)


def test_of_several_outputs_each_has_its_own_places() -> None:
    tiling = tiling_of(dense.TwoScales(), 128)
    first, *_ = tiling.tiles(128, 64)
    fine, coarse = first.outputs
    assert fine.keep[2:] == (slice(0, 42),) * 2
    assert coarse.keep[2:] == (slice(0, 22),) * 2
    assert tiling.output_size(128, 1) == (64, 64)


def test_tiles_begin_on_the_grid_and_end_where_the_image_does() -> None:
    tiles = tiling_of(dense.UNet(), 128).tiles((128, 64), 64)
    begins = [tile.input[2] for tile in tiles]
    assert [part.start for part in begins] == [0, 20, 40, 60, 64]
    assert {part.stop - part.start for part in begins} == {64}
    assert all(tile.input[3] == slice(0, 64) for tile in tiles)
    assert [tile.place[2].stop for tile in tiles] == [42, 62, 82, 102, 128]
    assert all(a.place[2].stop == b.place[2].start for a, b in pairwise(tiles))


def test_a_tile_larger_than_the_image_is_the_image() -> None:
    tiling = tiling_of(dense.dncnn(), 64)
    (tile,) = tiling.tiles(48, 128)
    assert tile.input == (slice(None), slice(None), slice(0, 48), slice(0, 48))
    assert tile.keep == tile.place == tile.input


@pytest.mark.parametrize(
    ("image", "tile", "said"),
    [
        (130, 64, "an image of 130x130 is not a multiple of 4 (the next is 132x132)"),
        (128, 63, "a tile of 63x63 is not a multiple of 4 (the next is 64x64)"),
        (128, 44, "tiles of 44x44 are too small; the smallest are 48x48"),
        ((128, 128, 128), 64, "128x128x128 has 3 axes, the model's input 2"),
    ],
)
def test_sizes_that_do_not_go_are_refused_with_those_that_do(
    image: int | tuple[int, ...], tile: int, said: str
) -> None:
    tiling = tiling_of(dense.UNet(), 128)
    with pytest.raises(rflint.RflintError) as refused:
        tiling.tiles(image, tile)
    assert refused.value.message == said


def test_where_the_code_asks_for_sizes_it_holds_at_those_that_were_tried() -> None:
    class Asks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.other = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 5, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = self.other(x) if x.shape[2] == 77 else self.conv(x)
            return result

    tiling = tiling_of(Asks(), 128, tile=96)
    assert not tiling.any_size
    assert len(tiling.tiles(128, 96)) == 4
    with pytest.raises(rflint.RflintError, match="was not followed at 77x77"):
        tiling.tiles(128, 77)
    tried = rflint.tiling(Asks(), 128, tile=77)
    assert isinstance(tried, Tiling)
    assert (77, 77) not in tried.checked


def test_maps_resized_to_each_other_ask_for_images_that_are_padded() -> None:
    tiling = tiling_of(dense.UNet(up="to the size of the skip"), 126)
    assert tiling.remainder == (0, 0)
    assert tiling.padded(126) == (128, 128)
    assert (128, 128) in tiling.checked


def test_what_a_model_asserts_of_its_input_is_part_of_the_grid() -> None:
    class Strict(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            assert x.shape[2] % 32 == 0
            assert x.shape[3] % 32 == 0
            result: Tensor = self.conv(x)
            return result

    assert tiling_of(Strict(), 128).stride == (32, 32)


def test_a_window_over_the_whole_of_a_small_map_is_a_window_of_larger_ones() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.AvgPool2d(8))
    assert tiling_of(model, 8).stride == (8, 8)


def test_advice_says_what_tiles_cost() -> None:
    found = {x.tile: x for x in tiling_of(dense.dncnn(), 1000).advice}
    assert list(found) == [(256, 256), (512, 512), (1024, 1024)]
    assert found[256, 256].step == (238, 238)
    assert found[256, 256].tiles == 25
    assert found[256, 256].overhead == pytest.approx((256 / 238) ** 2)
    assert found[1024, 1024].tiles is None


class Guided(nn.Module):
    """Two images of one size, and a number of steps for all positions."""

    def __init__(self) -> None:
        super().__init__()
        self.image, self.guide = nn.Conv2d(3, 4, 5, padding=2), nn.Conv2d(1, 4, 3, 2, 1)
        self.step, self.last = nn.Linear(6, 4), nn.Conv2d(4, 2, 3, padding=1)

    def forward(self, image: Tensor, guide: Tensor, step: Tensor) -> Tensor:
        guide = nn.functional.interpolate(self.guide(guide), scale_factor=2)
        result: Tensor = self.last(self.image(image) + guide + self.step(step)[:, :, None, None])
        return result


def test_of_several_inputs_those_are_cut_that_are_images() -> None:
    model = Guided().double().eval()
    size, tile = (40, 44), (20, 24)
    given = [(1, 3, *size), (1, 1, *size), (1, 6)]
    tiling = tiling_of(model, None, input=given, tile=tile)
    image, guide, step = (torch.rand(*shape, dtype=torch.float64) for shape in given)
    result = torch.full((1, 2, *tiling.output_size(size)), torch.nan, dtype=torch.float64)
    with torch.no_grad():
        for part in tiling.tiles(size, tile):
            cut = [x[index] for x, index in zip((image, guide, step), part.inputs, strict=True)]
            result[part.place] = model(*cut)[part.keep]
        assert (result - model(image, guide, step)).abs().max() < ROUNDING


def test_images_that_end_in_their_channels_are_cut_along_their_axes() -> None:
    class ChannelsLast(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = self.conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
            return result

    tiling = tiling_of(ChannelsLast(), None, input=(1, 32, 40, 3))
    first, *_ = tiling.tiles((32, 40), 20)
    assert first.input == (slice(None), slice(0, 20), slice(0, 20), slice(None))
    assert first.keep == (slice(None), slice(0, 19), slice(0, 19), slice(None))


def test_where_maxima_lie_in_a_tile_is_not_where_they_lie_in_the_image() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2, return_indices=True))
    found = rflint.tiling(model, 64)
    assert isinstance(found, NotTileable)
    assert found.why == "the model returns where maxima lie in the whole map"


def test_the_tiling_is_the_same_when_the_model_is_followed_by_export() -> None:
    one, other = (tiling_of(dense.UNet(), 128, tracer=way) for way in ("symbolic", "export"))
    assert (one.halo, one.stride, one.smallest) == (other.halo, other.stride, other.smallest)
    assert not other.any_size


@pytest.mark.parametrize(("tile", "says"), [(50, "too small"), (65, "multiple of")])
def test_a_size_that_tiles_cannot_have_is_refused_with_one_that_they_can(
    tile: int, says: str
) -> None:
    model = nn.Sequential(
        *(nn.Conv2d(3 if i == 0 else 4, 4, 3, padding=1) for i in range(26)),
        nn.MaxPool2d(2), nn.Upsample(scale_factor=2),
    )  # fmt: skip
    with pytest.raises(UsageError, match=says):
        rflint.tiling(model, 256, tile=tile)
