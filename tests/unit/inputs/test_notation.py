"""Amounts, sizes, shapes and lists, as people write them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from rflint.inputs.notation import read_names, read_resolutions, read_shape, read_shapes
from rflint.report.limit import read_limit


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        (0, 0),
        ("0", 0),
        (12_000_000, 12_000_000),
        ("12_000_000", 12_000_000),
        ("12M", 12_000_000),
        ("1.2G", 1_200_000_000),
        (" 1.2 G ", 1_200_000_000),
        ("3k", 3000),
        ("3K", 3000),
        ("2T", 2 * 10**12),
        ("0.1k", 100),
    ],
)
def test_amounts(written: Any, amount: int) -> None:
    read = read_limit(written)
    assert (read.amount, read.is_share) == (amount, False)


@pytest.mark.parametrize(
    "written", ["", "-1", -1, "12m", "M", "1.2.3", "1e9", 1.2, True, [12], {}, "5%", ".5", "1 000"]
)
def test_what_is_no_amount(written: Any) -> None:
    with pytest.raises(ValueError, match="limit"):
        read_limit(written)


def test_shares_where_there_is_a_whole() -> None:
    for written in ("5%", "5 %", "5.0%"):
        assert read_limit(written, share=True).amount == Fraction(1, 20)
    with pytest.raises(ValueError, match="an amount, not a share"):
        read_limit("5%")


@pytest.mark.parametrize(
    ("written", "sizes"),
    [
        (32, ((32,),)),
        ("32", ((32,),)),
        ("32x64", ((32, 64),)),
        ("32\u00d764", ((32, 64),)),
        (" 32 , 64X48 ", ((32,), (64, 48))),
        ([32, "64x48", "8,9"], ((32,), (64, 48), (8,), (9,))),
        ("8x8x8", ((8, 8, 8),)),
    ],
)
def test_resolutions(written: Any, sizes: Any) -> None:
    assert read_resolutions(written) == sizes


@pytest.mark.parametrize(
    "written",
    [
        *(0, -3, 3.5, 32.0, True, [], [[32]], [True], [3.5], {"a": 1}),
        *("", "0", "32x", "x", "32,", "32x0", "-3", "\u0663", "\u00b2", "1_0", "32 64"),
    ],
)
def test_what_is_no_resolution(written: Any) -> None:
    with pytest.raises(ValueError, match="sizes are positive whole numbers"):
        read_resolutions(written)


def test_shapes() -> None:
    assert read_shapes("1x3x32x32") == ((1, 3, 32, 32),)
    assert read_shapes(["1x3x32", "1x8"]) == ((1, 3, 32), (1, 8))
    for wrong in (32, "32", "1x3x0", [1, 3, 32], [], None, True):
        with pytest.raises(ValueError, match="1x3x32x32"):
            read_shapes(wrong)
    with pytest.raises(ValueError, match="a shape is batch, channels, sizes"):
        read_shape(["1x3x32x32"])


def test_types_and_layouts_stand_behind_shapes() -> None:
    clip, tokens = read_shapes(["1x8x3x64x64:btchw", "1x20:int64"])
    assert (tuple(clip), clip.layout, clip.dtype) == ((1, 8, 3, 64, 64), "BTCHW", "")
    assert (tuple(tokens), tokens.layout, tokens.dtype) == ((1, 20), "", "int64")
    assert str(read_shape("1x20:int64:BT")) == "1x20:int64:BT"
    for wrong, complaint in (
        ("1x20:BTC", "the layout BTC has 3 letters"),
        ("1x20:BX", "'X' is none of B, C, T, D, H, W"),
        ("1x20:BB", "B stands there twice"),
        ("1x20:int64:BT:BT", "once each"),
    ):
        with pytest.raises(ValueError, match=complaint):
            read_shape(wrong)


def test_lists_of_names() -> None:
    assert read_names("RF101, RF2,,") == read_names(["RF101", "RF2"]) == ("RF101", "RF2")
    assert read_names([]) == read_names("") == ()
    for wrong in (1, True, [1], {"a": 1}, [["RF1"]]):
        with pytest.raises(ValueError, match="a list of texts"):
            read_names(wrong)
