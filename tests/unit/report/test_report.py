"""The report as data: schema version 1, field by field."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import rflint
from tests.helpers.schema import checked
from zoo.paper.attention import SqueezeExcitation
from zoo.paper.resnet import resnet18
from zoo.paper.vgg import vgg


@pytest.mark.parametrize(
    ("build", "res"),
    [
        (resnet18, 32),
        (resnet18, 224),
        (partial(resnet18, attention=SqueezeExcitation), (32, 64)),
        (partial(vgg, 16), [32, 64]),
        (lambda: nn.Sequential(nn.Conv1d(2, 4, 3), nn.ConvTranspose1d(4, 2, 4, 2)), 50),
        (lambda: nn.Sequential(nn.Conv3d(2, 4, 3), nn.Upsample(scale_factor=2)), 8),
        (lambda: nn.Sequential(nn.ReLU()), 8),
    ],
)
def test_every_report_keeps_the_schema(build: Any, res: Any) -> None:
    document = checked(rflint.lint(build, res=res).to_dict())
    assert document["rflint"] == rflint.__version__
    assert json.loads(json.dumps(document, allow_nan=False)) == document


@pytest.fixture(scope="module")
def model() -> dict[str, Any]:
    found: dict[str, Any] = rflint.lint(resnet18, res=32, name="mymodel:build").to_dict()["models"][
        0
    ]
    return found


def layer(model: dict[str, Any], name: str, call: int = 0) -> dict[str, Any]:
    (found,) = [x for x in model["layers"] if (x["name"], x["call"]) == (name, call)]
    return dict(found)


def test_a_layer_as_the_design_shows_it(model: dict[str, Any]) -> None:
    found = layer(model, "layer3.1.conv2")
    source = found.pop("source")
    assert source["path"].endswith("zoo/paper/resnet.py")
    spread = found.pop("erf")
    assert spread == pytest.approx([23.35, 23.35], abs=0.01), "tests/oracles holds it against runs"
    assert found == {
        "name": "layer3.1.conv2",
        "call": 0,
        "kind": "conv",
        "op": "Conv2d",
        "role": "trunk",
        "kernel": [3, 3],
        "stride": [1, 1],
        "dilation": [1, 1],
        "padding": [1, 1],
        "in_shape": [1, 256, 2, 2],
        "out_shape": [1, 256, 2, 2],
        "r_in_min": [43, 43],
        "r_in_max": [179, 179],
        "r_out_min": [75, 75],
        "r_out_max": [211, 211],
        "jump": [16, 16],
        "params": 589824,
        "macs": 2359296,
        "dead_weights": 0,
        "verdict": "unproductive",
        "unjudged_because": None,
    }


def test_what_sees_everything_has_null_for_a_length(model: dict[str, Any]) -> None:
    pool, fc = layer(model, "avgpool"), layer(model, "fc")
    assert pool["kernel"] == pool["r_out_min"] == pool["r_out_max"] == pool["jump"] == [None, None]
    assert fc["r_in_min"] == [None, None]
    assert (fc["role"], fc["verdict"]) == ("head", "not judged")


def test_totals_add_up(model: dict[str, Any]) -> None:
    totals = model["totals"]
    judged = [x for x in model["layers"] if x["verdict"] != "not judged"]
    wasted = [x for x in model["layers"] if x["verdict"] == "unproductive"]
    assert totals["params"] == sum(x["params"] for x in model["layers"]) == 11_181_642
    assert totals["macs"] == sum(x["macs"] for x in model["layers"])
    assert totals["layers"] == len(model["layers"])
    assert totals["convs"] == len(judged) == 20
    predicted = [x for x in model["findings"] if x["code"] == "RF101"]
    assert totals["unproductive"] == len(wasted) == len(predicted) == 3
    assert totals["unproductive_params"] == sum(x["params"] for x in wasted) == 5_308_416
    assert totals["unproductive_macs"] == sum(x["macs"] for x in wasted)
    assert totals["dead_weights"] == sum(x["dead_weights"] for x in model["layers"]) == 6_946_816


def test_a_finding_says_what_it_rests_on(model: dict[str, Any]) -> None:
    evidence = {x["code"]: x["evidence"] for x in model["findings"]}
    assert evidence == {
        "RF101": "predicted",
        "RF201": "proved",
        "RF301": "proved",
        "RF501": "proved",
    }


def test_border_and_feasible_resolution(model: dict[str, Any]) -> None:
    assert model["border"] == {"min": "layer3.1.conv2", "max": "layer1.1.conv2"}
    assert model["feasible_resolution"] == {"min": [75, 75], "max": [435, 435]}


def test_the_input_that_would_do_comes_with_its_costs(model: dict[str, Any]) -> None:
    there = rflint.lint(resnet18, res=75).models[0].analysis.totals
    assert there.unproductive == 0
    assert model["larger_input"] == {"resolution": [75, 75], "macs": there.macs}


def test_a_sound_model_has_no_border_no_findings_and_no_repairs() -> None:
    found = rflint.lint(resnet18, res=224).to_dict()["models"][0]
    assert found["border"]["min"] is found["larger_input"] is None
    assert found["findings"] == found["repairs"] == found["not_offered"] == []


def test_a_gated_network_has_no_border_of_its_own_making() -> None:
    found = rflint.lint(partial(resnet18, attention=SqueezeExcitation), res=32).to_dict()
    gates = [x for x in found["models"][0]["layers"] if x["role"] == "attention"]
    assert {x["verdict"] for x in gates} == {"not judged"}
    assert len([x for x in gates if x["op"] == "Linear"]) == 16


def test_several_resolutions_give_one_entry_each() -> None:
    report = rflint.lint(resnet18, res=[32, (64, 48)])
    assert [x["resolution"] for x in report.to_dict()["models"]] == [[32, 32], [64, 48]]
    assert len(report.layers) == 2 * len(report.models[0].layers)
    assert len(report.findings) == sum(len(x.findings) for x in report.models)


def test_macs_are_for_a_batch_of_one() -> None:
    one = rflint.lint(resnet18, res=32).models[0].analysis.totals
    four = rflint.lint(resnet18, input=(4, 3, 32, 32)).models[0].analysis.totals
    assert one.macs == four.macs


def test_fractional_jumps_are_numbers() -> None:
    def build() -> nn.Module:
        return nn.Sequential(nn.ConvTranspose2d(3, 8, 2, 2), nn.Conv2d(8, 8, 3, padding=1))

    layers = rflint.lint(build, res=8).to_dict()["models"][0]["layers"]
    assert [x["jump"] for x in layers] == [[0.5, 0.5], [0.5, 0.5]]
    assert [x["r_out_max"] for x in layers] == [[1, 1], [2, 2]]


class Shared(nn.Module):
    """One convolution, at the start and far behind the border."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.Conv2d(8, 8, 3, padding=1)
        self.pool = nn.MaxPool2d(4)

    def forward(self, x: Tensor) -> Tensor:
        return self.shared(self.pool(self.pool(self.shared(x))))


def test_parameters_that_a_productive_layer_shares_are_not_wasted() -> None:
    found = rflint.lint(Shared, input=(1, 8, 16, 16)).models[0].analysis
    assert found.totals.unproductive == 1
    assert found.totals.unproductive_params == 0
    assert found.totals.unproductive_macs > 0


def test_parameters_that_nothing_uses_are_part_of_the_total() -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3))
    model.register_parameter("unused", nn.Parameter(torch.zeros(100)))
    assert rflint.lint(model, res=8).models[0].analysis.totals.params == 100 + 8 * 27 + 8


@pytest.mark.parametrize("res", [0, -3, (32, 0), "32", 3.5, (), True])
def test_a_resolution_is_made_of_positive_numbers(res: Any) -> None:
    with pytest.raises(rflint.RflintError):
        rflint.lint(resnet18, res=res)
