"""The report as a table: the entries of the JSON report, as numbers."""

from __future__ import annotations

import math
import sys
from functools import partial
from typing import Any

import pytest
from torch import nn

import rflint
from rflint.errors import UsageError
from rflint.report.report import Report
from zoo.paper.mpnet import mpnet18
from zoo.paper.resnet import resnet18


@pytest.mark.parametrize("build", [resnet18, mpnet18])
def test_a_row_for_each_layer_with_what_the_json_report_says(build: Any) -> None:
    report = rflint.lint(build, res=[32, 64], name="mymodel:build")
    frame = report.to_dataframe()
    layers = [layer for model in report.to_dict()["models"] for layer in model["layers"]]
    assert len(frame) == len(layers)
    for (_, row), layer in zip(frame.iterrows(), layers, strict=True):
        for name in ("name", "call", "kind", "op", "role", "params", "macs", "dead_weights"):
            assert row[name] == layer[name]
        for name in ("kernel", "stride", "r_in_min", "r_in_max", "r_out_min", "r_out_max", "jump"):
            (length,) = {math.inf if x is None else x for x in layer[name]}
            assert row[name] == length
        assert row["in_shape"] == tuple(layer["in_shape"])
        source = layer["source"] or {"path": None, "line": None}
        assert row["path"] == source["path"]
    assert frame["target"].unique().tolist() == ["mymodel:build"]
    assert frame["resolution"].unique().tolist() == ["32x32", "64x64"]
    totals = [model.analysis.totals for model in report.models]
    wasted = frame[frame["verdict"] == "unproductive"].groupby("resolution").size()
    assert wasted.tolist() == [x.unproductive for x in totals if x.unproductive]
    macs = frame.groupby("resolution")["macs"].sum()
    assert macs.tolist() == [x.macs for x in totals]


def test_lengths_are_numbers_that_compare() -> None:
    frame = rflint.lint(resnet18, res=32).to_dataframe()
    judged = frame[frame["verdict"] != "not judged"]
    assert judged[judged["r_in_min"] > 32]["name"].tolist() == [
        "layer3.1.conv2",
        "layer4.0.conv2",
        "layer4.1.conv2",
    ]
    assert frame["r_in_min"].iloc[-1] == math.inf  # the classifier sees all
    assert frame["r_in_min"].dtype.kind == "f"


def test_where_axes_differ_there_is_a_number_for_each() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, (1, 9)), nn.Conv2d(4, 4, 3))
    frame = rflint.lint(model, res=(16, 64)).to_dataframe()
    assert frame["kernel"].tolist() == [(1, 9), 3]
    assert frame["r_in_min"].tolist() == [1, (1, 9)]
    assert frame["resolution"].tolist() == ["16x64"] * 2


def test_a_model_without_axes_has_no_lengths() -> None:
    frame = rflint.lint(partial(nn.Linear, 3, 4), input=(1, 3)).to_dataframe()
    assert frame["kernel"].isna().all()
    assert frame["params"].tolist() == [16]


def test_a_report_without_models_is_an_empty_table() -> None:
    assert Report().to_dataframe().empty


def test_without_pandas_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    report = rflint.lint(nn.Conv2d(3, 4, 3), res=8)
    with pytest.raises(UsageError, match="needs pandas") as caught:
        report.to_dataframe()
    assert "pip install pandas" in caught.value.hint
