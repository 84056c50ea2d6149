"""What the page is given of a model: its graph, the headline, the lines of code, other sizes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import rflint
from rflint.errors import InputMismatch
from rflint.graph.source_location import SourceLocation
from rflint.linting.rule_files import load_rules
from rflint.report.page.page import page
from rflint.report.page.snippets import Snippets
from rflint.report.report import Failure, Report
from tests.models.unet import UNet
from zoo.paper.attention import SqueezeExcitation
from zoo.paper.resnet import resnet18


class Two(nn.Module):
    """Two inputs of different sizes; the second one is looked at by a branch of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.image, self.sketch = nn.Conv2d(3, 4, 3), nn.Conv2d(1, 4, 3)

    def forward(self, image: Tensor, sketch: Tensor) -> Tensor:
        return torch.cat([self.image(image).mean((2, 3)), self.sketch(sketch).mean((2, 3))], 1)


class ChannelsLast(nn.Module):
    """Its maps are laid out as a Swin transformer's; its tokens as a language model's."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.norm, self.mix = (
            nn.Conv2d(3, 32, 4, 4),
            nn.LayerNorm(32),
            nn.Linear(32, 32),
        )
        self.words, self.read = nn.Embedding(10, 8), nn.Conv1d(8, 8, 5, padding=2)

    def forward(self, x: Tensor, tokens: Tensor) -> Tensor:
        image = self.mix(self.norm(self.embed(x).permute(0, 2, 3, 1))).mean((1, 2))
        return torch.cat([image, self.read(self.words(tokens).transpose(1, 2)).mean(-1)], 1)


class Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.gate = nn.Conv2d(3, 16, 3), SqueezeExcitation(16)

    def forward(self, x: Tensor) -> Tensor:
        return self.gate(self.conv(x))


def entry(report: Report) -> Any:
    return page(replace(report, rules=load_rules()))["models"][0]


@pytest.fixture(scope="module")
def resnet() -> Any:
    return entry(rflint.lint(resnet18, res=32))


def test_layers_read_layers_in_front_of_them_or_inputs(resnet: Any) -> None:
    for index, layer in enumerate(resnet["layers"]):
        assert layer["inputs"]
        assert all(-len(resnet["inputs"]) <= x["from"] < index for x in layer["inputs"])
    assert resnet["layers"][0]["inputs"] == [{"from": -1, "gate": False, "shape": [1, 3, 32, 32]}]
    assert resnet["outputs"] == [len(resnet["layers"]) - 1]


def test_the_modules_around_a_layer_are_told_outermost_first(resnet: Any) -> None:
    by_title = {layer["title"]: layer for layer in resnet["layers"]}
    assert by_title["conv1"]["path"] == []
    assert by_title["layer1.0.conv1"]["path"] == ["layer1", "layer1.0"]


def test_further_inputs_have_numbers_of_their_own() -> None:
    there = entry(rflint.lint(Two(), input=[(1, 3, 32, 32), (1, 1, 16, 16)]))
    assert [x["label"] for x in there["inputs"]] == ["input 1x3x32x32", "input 1x1x16x16"]
    by_title = {layer["title"]: layer for layer in there["layers"]}
    assert [x["from"] for x in by_title["image"]["inputs"]] == [-1]
    assert [x["from"] for x in by_title["sketch"]["inputs"]] == [-2]
    assert by_title["sketch"]["inputs"][0]["shape"] == [1, 1, 16, 16]


def test_the_map_of_a_layer_is_its_positions_along_its_own_axes() -> None:
    tokens = torch.zeros(1, 77, dtype=torch.long)
    report = rflint.lint(ChannelsLast(), input=[(1, 3, 32, 32), tokens])
    names = [x["name"] for x in report.to_dict()["models"][0]["layers"]]
    layers = dict(zip(names, entry(report)["layers"], strict=True))
    assert [layers[x]["map"] for x in ("embed", "norm", "mix")] == [[8, 8]] * 3
    assert [layers[x]["channels"] for x in ("embed", "norm")] == [32, None]
    assert [layers[x]["map"] for x in ("words", "read")] == [[77]] * 2
    assert len(layers["read"]["axes"]) == 1
    assert layers["cat"]["map"] == []


def test_a_failure_has_its_hint_once() -> None:
    error = InputMismatch("it does not fit", hint="try 64", source=SourceLocation("net.py", 3))
    report = Report(failures=(Failure("net:build", error),))
    (failure,) = page(report)["failures"]
    assert failure == {
        "target": "net:build", "message": "net.py:3: it does not fit", "hint": "try 64"
    }  # fmt: skip


def test_attention_gates_are_marked() -> None:
    there = entry(rflint.lint(Gated, res=16))
    gates = [x["gate"] for layer in there["layers"] for x in layer["inputs"]]
    assert gates.count(True) == 1


def test_the_headline_says_what_is_wrong_what_it_costs_and_what_to_do(resnet: Any) -> None:
    headline = resnet["headline"]
    assert headline["wrong"].startswith("3 of 20 convolutions are unproductive at 32×32: ")
    assert headline["cost"].startswith("They hold 5.31 M of 11.2 M parameters (47 %)")
    assert headline["cost"].endswith("at least 75 px; the widest spans 435 px.")
    first = resnet["repairs"][0]
    assert first["title"] in headline["do"]


def test_of_a_sound_model_the_headline_says_so() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
    headline = entry(rflint.lint(net, res=32))["headline"]
    assert headline["wrong"] == "No convolution is unproductive at 32×32."
    assert headline["cost"].startswith("Receptive fields ask for at least 1 px; ")
    assert headline["do"] == "Nothing has to be changed."


@pytest.mark.parametrize("res", [8, 64])
def test_the_headline_says_how_many_convolutions_are_not_judged(res: int) -> None:
    report = rflint.lint(UNet, res=res)
    judged = report.models[0].analysis.totals.convs
    there = sum(x.kind.is_convolution for x in report.layers)
    assert entry(report)["headline"]["wrong"].endswith(f" {there - judged} more are not judged.")


def test_every_repair_comes_as_code_that_runs(resnet: Any) -> None:
    report = rflint.lint(resnet18, res=32)
    for number, (repair, said) in enumerate(
        zip(report.models[0].repairs, resnet["repairs"], strict=True), start=1
    ):
        namespace: dict[str, Any] = {}
        exec(said["code"], namespace)
        changed = namespace["changed"](resnet18())
        assert sum(x.numel() for x in changed.parameters()) == repair.after.params
        assert f"[{number - 1}].apply(model)" in said["command"]


def test_layers_come_with_the_lines_that_build_and_call_them(resnet: Any) -> None:
    layer = next(x for x in resnet["layers"] if x["title"] == "conv1")
    built, called = (resnet["snippets"][layer[name]] for name in ("snippet", "called"))
    for snippet, word in ((built, "self.conv1 = "), (called, "self.conv1(")):
        assert word in snippet["lines"][snippet["line"] - snippet["first"]]
    assert len({(x["path"], x["line"]) for x in resnet["snippets"]}) == len(resnet["snippets"])


def test_lines_are_quoted_around_their_place_and_cut_where_they_are_long(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text("\n".join(["x" * 1000, *(f"line{n}" for n in range(2, 20))]))
    snippets = Snippets()
    assert snippets.at(SourceLocation(str(file), 2)) == 0
    assert snippets.at(SourceLocation(str(file), 10)) == 1
    assert snippets.at(SourceLocation(str(file), 2)) == 0
    first, second = snippets.entries
    assert first["first"] == 1
    assert len(first["lines"][0]) == 240
    assert second["lines"] == [f"line{n}" for n in range(7, 14)]


@pytest.mark.parametrize("line", [0, 3, 10_000])
def test_lines_that_are_not_there_are_not_quoted(tmp_path: Path, line: int) -> None:
    file = tmp_path / "net.py"
    file.write_text("one\ntwo")
    assert Snippets().at(SourceLocation(str(file), line)) is None


def test_files_that_cannot_be_read_are_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "bytes.py").write_bytes(b"\xff\xfe\x00")
    for path in ("gone.py", "bytes.py", "."):
        assert Snippets().at(SourceLocation(str(tmp_path / path), 1)) is None
    assert Snippets().at(SourceLocation("<string>\0", 1)) is None


def test_the_slider_has_the_linted_size_and_its_verdicts(resnet: Any) -> None:
    sizes = resnet["sizes"]
    assert sizes["stops"][sizes["linted"]] == [32, 32]
    report = rflint.lint(resnet18, res=32).to_dict()["models"][0]
    said = {}
    for index, runs in sizes["verdicts"]:
        said[index] = [verdict for begins, verdict in runs if begins <= sizes["linted"]][-1]
    judged = {i: x["verdict"] for i, x in enumerate(report["layers"]) if x["kind"] == "conv"}
    assert said == judged
    assert sizes["macs"][sizes["linted"]] == report["totals"]["macs"]
