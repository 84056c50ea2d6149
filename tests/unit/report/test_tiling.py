"""What is said of tiles, in words and in JSON."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from torch import nn

import rflint
from rflint.report.sizes.tiling import tiling_entry
from rflint.report.sizes.tiling_words import tiling_rows, tiling_sentences, tiling_titles
from tests.helpers.tiled import tiling_of
from tests.models import dense


def said(model: nn.Module, res: Any, **options: Any) -> list[str]:
    return list(tiling_sentences(rflint.tiling(model, res, **options), "px"))


def test_the_halo_and_the_grid_are_said() -> None:
    assert said(dense.UNet(), 128) == [
        "Tiles put together are the whole, with a halo of 22 px on each side.",
        "They begin at multiples of 4; their sizes, and those of images, are multiples of that.",
    ]


def test_sides_and_axes_that_differ_are_said_apart() -> None:
    assert said(dense.CausalLike(), 400)[0].endswith("halo of 31 px before and 0 after.")
    flat = nn.Sequential(nn.Conv2d(3, 4, (3, 5), padding=(1, 2)))
    assert said(flat, 64)[0].endswith(
        "halo of 1 px on each side along height, 2 px on each side along width."
    )


def test_sizes_that_have_to_be_padded_are_said() -> None:
    resized = dense.UNet(up="to the size of the skip")
    assert "An image of 126x126 is to be padded to 128x128." in said(resized, 126)
    assert said(dense.fcn(), 99)[1].endswith("are multiples of that plus 3.")


def test_layers_that_do_the_same_on_one_line_are_named_together() -> None:
    def block() -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 3, 3), nn.InstanceNorm2d(3))

    def build() -> nn.Module:
        return nn.Sequential(*(block() for _ in range(5)), nn.GroupNorm(1, 3))

    first, five, one = said(build, 64)
    assert first == "Tiles put together are not the whole, whatever the halo:"
    assert five.startswith("  0.1, 1.1, 2.1 and 2 more (tests/unit/report/test_tiling.py:")
    assert five.endswith("each normalises by statistics of all positions")
    assert one.startswith("  5 (tests/unit/report/test_tiling.py:")
    assert one.endswith(") normalises by statistics of all positions")


def test_what_is_not_known_is_no_claim() -> None:
    class Rows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: Any) -> Any:
            return self.conv(x).flip(2)

    first, flip = said(Rows(), 64)
    assert first == "Whether tiles put together are the whole is not known:"
    assert flip.startswith("  flip (tests/unit/report/test_tiling.py:")
    assert flip.endswith(" may move positions elsewhere")


def test_a_table_says_what_tiles_cost() -> None:
    tiling = tiling_of(dense.dncnn(), 600)
    assert tiling_titles(tiling) == ("tile", "kept of each", "computed / kept", "tiles of 600x600")
    assert list(tiling_rows(tiling)) == [
        ("256x256", "238x238", "1.16", "9"),
        ("512x512", "494x494", "1.07", "4"),
        ("1024x1024", "1006x1006", "1.04", "larger"),
    ]
    small = tiling_of(dense.dncnn(), 64)
    assert len(tiling_titles(small)) == len(next(tiling_rows(small))) == 3


def test_json_has_all_of_it() -> None:
    found = tiling_entry(tiling_of(dense.espcn(), 300))
    assert json.loads(json.dumps(found)) == found
    assert found["possible"] is True
    assert found["halo"] == [[3, 3], [3, 3]]
    assert found["outputs"] == [
        {
            "size": [600, 600],
            "dimensions": [2, 3],
            "jump": [[1, 2], [1, 2]],
            "spoilt": [[6, 6], [6, 6]],
        }
    ]
    assert found["tiles"][0] == {
        "tile": [256, 256],
        "step": [250, 250],
        "overhead": 1.0486,
        "count": 4,
    }


def test_json_of_what_is_impossible_has_the_layers_and_their_lines() -> None:
    build = partial(nn.Sequential, nn.Conv2d(3, 4, 3), nn.InstanceNorm2d(4))
    found = tiling_entry(rflint.tiling(build, 64))
    assert found["possible"] is False
    (norm,) = found["because"]
    assert (norm["layer"], norm["op"], norm["certain"]) == ("1", "InstanceNorm2d", True)
    assert norm["what"] == "normalises by statistics of all positions"
