"""ATen's spellings of operators mean what torch's functions mean."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from rflint.analysis.analyse import analyse
from rflint.graph.architecture import Architecture
from rflint.operators.table import known_row, spellings
from tests.helpers.against_torch import assert_refused, run, traced
from tests.helpers.aten_calls import EQUIVALENTS, aten
from tests.helpers.operator_examples import axes_in, image

_HERE = "rflint.operators.rows.aten"


def rows_of_this_file() -> set[str]:
    """What operators/rows/aten.py enters, be it under an effect of its own or another file's."""

    from rflint.operators.rows.aten import __dict__ as names

    effects = {id(value) for value in names.values() if getattr(value, "__module__", "") == _HERE}
    borrowed = {"unsafe_view", "reshape_alias", "view_copy"}
    borrowed |= {"unsafe_split", "unsafe_chunk", "unsafe_split_with_sizes"}
    entered = {
        name for name in spellings() if (row := known_row(name)) and id(row.effect) in effects
    }
    return borrowed | entered


def test_every_spelling_has_an_equivalent() -> None:
    assert rows_of_this_file() == set(EQUIVALENTS)


def anonymous(architecture: Architecture) -> list[Any]:
    """What layers do, whatever they are called."""
    return [
        replace(layer, name="", call=0, kind="", op="", operation="", called=None)  # type: ignore[arg-type]
        for layer in architecture.layers
    ]


@pytest.mark.parametrize("spelling", sorted(EQUIVALENTS))
def test_it_does_what_the_function_does(spelling: str) -> None:
    call, function = EQUIVALENTS[spelling]
    x = image(axes_in(spelling))
    found, expected = traced(call, x), traced(function, x)
    assert found.output_shapes == expected.output_shapes == run(function, x)
    assert anonymous(found) == anonymous(expected)
    assert analyse(found).complete == analyse(expected).complete


def test_a_transposed_convolution_is_one_under_any_name() -> None:
    architecture = traced(EQUIVALENTS["transposed_convolution"][0], image(2))
    assert [layer.kind.value for layer in architecture.layers] == ["conv_transpose"]


@pytest.mark.parametrize(
    "call",
    [
        lambda x: aten.reflection_pad2d(x, [6, 0, 0, 0]),
        lambda x: aten.convolution(x, torch.rand(8, 3, 3, 3), None, [1], [0], [1], False, [0], 1),
    ],
    ids=["a reflection beyond the map", "wrong channels"],
)
def test_what_torch_refuses_is_refused(call: Any) -> None:
    assert run(call, image(2)) is None
    assert_refused(call, image(2))
