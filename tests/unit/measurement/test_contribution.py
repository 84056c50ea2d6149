"""The map of what the input contributes to the middle of a layer's output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

import rflint
from rflint.errors import UsageError
from rflint.measurement.contribution import ContributionMap
from rflint.measurement.identity import Identity
from rflint.measurement.results import Measured, MeasuredLayer
from rflint.measurement.running.contribution_map import centre_of, contribution_map
from rflint.measurement.saved import as_text, read

NOTHING_KNOWN = Identity((), (), whole=False, arguments={})


def made(*values: Tensor, centre: tuple[float, ...] = (0.0, 0.0)) -> ContributionMap:
    (contribution,) = values
    found = contribution_map(contribution.double(), centre)
    assert found is not None
    return found


def only_layer(model: nn.Module, *shape: int, name: str = "0") -> MeasuredLayer:
    """What is measured of a layer of a model, on noise of a shape with two classes."""
    labels = torch.arange(8) % 2
    noise = TensorDataset(torch.rand(8, *shape), labels)
    report = rflint.measure(
        model, noise, noise, input=(1, *shape), erf=name, layers=name, probes=False, device="cpu"
    )
    measured = report.models[0].measured
    assert measured is not None
    return measured.layers[0]


def positive(model: nn.Module) -> nn.Module:
    """With weights of one: nothing cancels out."""
    for parameter in model.parameters():
        nn.init.ones_(parameter)
    return model


def test_of_a_window_of_three_exactly_its_nine_pixels_contribute() -> None:
    layer = only_layer(positive(nn.Sequential(nn.Conv2d(2, 4, 3, padding=1))), 2, 16, 12)
    assert layer.field is not None
    assert layer.field.map is not None
    rows = torch.tensor(layer.field.map.rows)
    expected = torch.zeros(16, 12)
    expected[7:10, 5:8] = 1
    assert torch.equal(rows, expected)
    assert layer.field.map.centre == (8.5, 6.5), "of pixels that begin at 8 and at 6"
    assert [layer.field.map.interval(3, axis) for axis in (0, 1)] == [(7, 10), (5, 8)]


@pytest.mark.parametrize(
    ("conv", "size"),
    [
        (nn.Conv2d(1, 1, 4, stride=4), 16),
        (nn.Conv2d(1, 1, 5, stride=2, padding=0), 21),
        (nn.Conv2d(1, 1, 3, dilation=3, padding=3), 15),
        (nn.Conv2d(1, 1, 2, padding=1), 9),
    ],
)
def test_the_receptive_field_lies_where_the_gradient_does(conv: nn.Conv2d, size: int) -> None:
    """Wherever strides and paddings put the middle of the output."""
    field = only_layer(positive(nn.Sequential(conv)), 1, size, size).field
    assert field is not None
    assert field.map is not None
    seen = torch.tensor(field.map.rows).nonzero()
    reach = 1 + conv.dilation[0] * (conv.kernel_size[0] - 1)
    for axis in (0, 1):
        low, high = int(seen[:, axis].min()), int(seen[:, axis].max())
        assert field.map.interval(reach, axis) == (low, high + 1)


def test_large_inputs_are_averaged_over_blocks_of_whole_pixels() -> None:
    contribution = torch.rand(130, 64)
    found = made(contribution)
    assert (found.block, found.size) == ((3, 1), (130, 64))
    assert (len(found.rows), len(found.rows[0])) == (44, 64)
    means = torch.stack([part.mean(0) for part in contribution.double().split(3)])
    assert torch.allclose(
        torch.tensor(found.rows, dtype=torch.float64), means / means.max(), atol=5e-5
    )
    assert max(map(max, found.rows)) == 1
    assert {round(x, 4) for row in found.rows for x in row} == {
        x for row in found.rows for x in row
    }


@pytest.mark.parametrize("side", [1, 63, 64, 65, 224, 225, 1000])
def test_no_side_has_more_than_64_blocks(side: int) -> None:
    found = made(torch.ones(side, 2))
    (block, _), count = found.block, len(found.rows)
    assert count <= 64
    assert (count - 1) * block < side <= count * block
    assert {x for row in found.rows for x in row} == {1.0}, "the last block is no sum over nothing"


def test_a_series_is_a_row_and_a_volume_the_plane_in_its_middle() -> None:
    series = made(torch.arange(100.0), centre=(50.5,))
    assert (len(series.rows), len(series.rows[0]), series.block) == (1, 50, (2,))
    assert (series.size, series.centre) == ((100,), (50.5,))
    volume = torch.zeros(4, 8, 6)
    volume[2, 3, 1] = 7
    plane = made(volume, centre=(2.5, 4.5, 3.5))
    assert plane.rows[3][1] == 1
    assert sum(map(sum, plane.rows)) == 1
    assert (plane.size, plane.centre) == ((8, 6), (4.5, 3.5))


def test_where_nothing_contributes_there_is_no_map() -> None:
    assert contribution_map(torch.zeros(8, 8).double(), (4, 4)) is None


def test_a_receptive_field_is_clipped_to_the_input_and_may_be_all_of_it() -> None:
    found = ContributionMap(((1.0,),), (8, 8), (8, 8), (4.5, 7.5))
    assert found.interval(3, 0) == (3, 6)
    assert found.interval(3, 1) == (6, 8)
    assert found.interval(99, 0) == (0, 8)
    assert found.interval(None, 1) == (0, 8)


def test_what_sees_all_looks_at_the_middle() -> None:
    layers = rflint.lint(nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.AdaptiveAvgPool2d(1)), 16)
    last = layers.models[0].analysis.layers[-1]
    assert centre_of(last.output_field, (1, 1), (16, 10)) == (8, 5)


@pytest.fixture
def measured() -> Measured:
    layer = only_layer(positive(nn.Sequential(nn.Conv2d(2, 4, 3, padding=1))), 2, 16, 12)
    return Measured(8, 8, 2, None, 0.99, (layer,))


def test_a_file_keeps_it_in_the_line_of_its_layer(measured: Measured, tmp_path: Path) -> None:
    text = as_text(measured, "net.py:build", (16, 12), NOTHING_KNOWN)
    (tmp_path / "m.json").write_text(text)
    assert read(tmp_path / "m.json").measured == measured
    assert text.count("\n") < 25
    assert text.endswith("}\n")


def test_files_of_before_have_none(measured: Measured, tmp_path: Path) -> None:
    entry = json.loads(as_text(measured, "net.py:build", (16, 12), NOTHING_KNOWN))
    del entry["layers"][0]["erf_map"]
    (tmp_path / "m.json").write_text(json.dumps(entry))
    field = read(tmp_path / "m.json").measured.layers[0].field
    assert field is not None
    assert field.map is None
    assert field.deviation == measured.layers[0].field.deviation  # type: ignore[union-attr]


def test_a_damaged_map_is_told_so(measured: Measured, tmp_path: Path) -> None:
    entry = json.loads(as_text(measured, "net.py:build", (16, 12), NOTHING_KNOWN))
    del entry["layers"][0]["erf_map"]["rows"]
    (tmp_path / "m.json").write_text(json.dumps(entry))
    with pytest.raises(UsageError, match=r"m\.json is damaged: 'rows'"):
        read(tmp_path / "m.json")
