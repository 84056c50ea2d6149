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


def test_inputs_have_names() -> None:
    image, part, step, width, flag, nothing, batch = read_shapes(
        [
            *("image=1x3x8x8:BCHW", "batch.crops.0=1x3x8x8", "t=500:int64", "width=-0.5"),
            *("flag=false", "mask=none", "t=1:int64:B"),
        ]
    )
    assert (image.name, tuple(image), image.layout) == ("image", (1, 3, 8, 8), "BCHW")
    assert (part.name, tuple(part)) == ("batch.crops.0", (1, 3, 8, 8))
    assert (step.name, tuple(step), step.dtype, step.value) == ("t", (), "int64", 500)
    assert step.is_scalar
    assert step.is_tensor
    assert [x.value for x in (width, flag, nothing)] == [-0.5, False, None]
    assert not any(x.is_tensor for x in (width, flag, nothing))
    assert (tuple(batch), batch.dtype, batch.layout) == ((1,), "int64", "B")
    assert read_shape("3:int64").value == 3  # by position
    for text in ("batch.crops.0=1x3x8x8:BCHW", "t=500:int64", "w=-0.5", "f=false", "m=none"):
        assert repr(read_shape(text)) == text
    for wrong in ("=1x3x8x8", "1=1x3x8x8", "a b=1x3x8x8", "a.=1x3", "a=b=1x3x8x8"):
        with pytest.raises(ValueError, match="is no name of an argument"):
            read_shape(wrong)
    for wrong in ("a=", "a=word", "a=:int64", "3", "a=1x0"):
        with pytest.raises(ValueError, match="a shape is batch, channels, sizes"):
            read_shape(wrong)


def test_a_table_has_inputs_by_name() -> None:
    table = {
        "image": "1x3x8x8",
        "batch": {"ids": "1x20:int64", "crops": ["1x3x4x4", "1x3x2x2"]},
        "t": "500:int64",
        "scale": 0.5,
        "flag": True,
    }
    assert list(map(repr, read_shapes(table))) == [
        *("image=1x3x8x8", "batch.ids=1x20:int64", "batch.crops.0=1x3x4x4"),
        *("batch.crops.1=1x3x2x2", "t=500:int64", "scale=0.5", "flag=true"),
    ]
    for wrong in ({"a": {}}, {"a": []}, {"a": "b=1x3"}, {"a b": 3}, {}):
        with pytest.raises(ValueError, match=r"is no shape|no name|at least one input"):
            read_shapes(wrong)


def test_lists_of_names() -> None:
    assert read_names("RF101, RF2,,") == read_names(["RF101", "RF2"]) == ("RF101", "RF2")
    assert read_names([]) == read_names("") == ()
    for wrong in (1, True, [1], {"a": 1}, [["RF1"]]):
        with pytest.raises(ValueError, match="a list of texts"):
            read_names(wrong)
