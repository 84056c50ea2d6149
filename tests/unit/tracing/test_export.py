"""What only torch.export can follow, and which tracer is taken."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, fx, nn

import rflint
from rflint.errors import InputMismatch, TraceFailed, UnsupportedByTracer, UsageError
from rflint.graph.layer import Layer
from rflint.tracing.example_inputs.build import example_inputs
from rflint.tracing.model.temporary import temporarily_on_meta
from tests.helpers.tracers import layers, linted
from tests.models.small import (
    Activated,
    Hooked,
    Indexed,
    SharedModules,
    Siamese,
    Small,
    scripted,
    unscripted,
)
from zoo.paper.resnet import resnet18


def without_lines(found: list[Layer]) -> list[Any]:
    return [(x.name, x.kind, x.inputs, x.geometry, x.out_shape, x.params, x.macs) for x in found]


def test_a_scripted_function_goes_to_export_by_itself() -> None:
    report = rflint.lint(lambda: Activated(scripted), res=32)
    assert report.to_dict()["models"][0]["tracer"] == "export"
    found = list(report.models[0].analysis.architecture.layers)
    assert without_lines(found) == without_lines(layers(lambda: Activated(unscripted), "symbolic"))


def test_a_model_that_can_be_followed_does_not_go_to_export() -> None:
    assert rflint.lint(SharedModules, res=32).to_dict()["models"][0]["tracer"] == "symbolic"
    code = "import rflint, sys, torch; rflint.lint(torch.nn.Conv2d(3, 8, 3), res=8)"
    code += "; assert 'rflint.tracing.recording.export.record' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def block() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(8, 16, 3, 2, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(16, 8, 4, 2, 1),
        nn.Upsample(scale_factor=2, mode="bilinear"),
        nn.AdaptiveMaxPool2d(9),
        nn.Hardswish(),
    )


def traced_block() -> Any:
    return torch.jit.trace(block().eval(), torch.rand(1, 8, 14, 14))


@pytest.mark.parametrize("script", [lambda: torch.jit.script(block()), traced_block])
@pytest.mark.filterwarnings("ignore")
def test_torchscript_modules_are_seen_through(script: Callable[[], Any]) -> None:
    def build(inner: Any) -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 8, 3), inner, nn.Conv2d(8, 8, 3))

    found = rflint.lint(lambda: build(script()), res=16).models[0]
    expected = rflint.lint(lambda: build(block()), res=16).models[0]
    assert found.analysis.architecture.tracer == "export"
    assert found.analysis.complete
    assert found.analysis.totals == expected.analysis.totals

    def measured(report: Any) -> list[Any]:
        return [
            (
                x.layer.kind,
                x.layer.geometry,
                x.layer.out_shape,
                x.layer.params,
                x.input_field,
                x.output_field,
            )
            for x in report.layers
        ]

    assert measured(found) == measured(expected)


@pytest.mark.parametrize("whole", [False, True])
def test_a_torchscript_module_comes_back_unchanged(whole: bool) -> None:
    model: nn.Module = nn.Sequential(nn.Conv2d(3, 8, 3), torch.jit.script(block()))
    model = torch.jit.script(model) if whole else model
    x = torch.rand(1, 3, 16, 16)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    pointers = {name: tensor.data_ptr() for name, tensor in model.state_dict().items()}
    assert rflint.lint(model, res=16).to_dict()["models"][0]["tracer"] == "export"
    assert all(module.training for module in model.modules())
    assert {name: t.data_ptr() for name, t in model.state_dict().items()} == pointers
    assert all(torch.equal(before[name], t) for name, t in model.state_dict().items())
    assert model.eval()(x).shape == (1, 8, 9, 9)


def test_a_module_comes_back_from_export_unchanged() -> None:
    model = Hooked()
    attributes = {name: set(vars(module)) for name, module in model.named_modules()}
    identities = {name: id(p) for name, p in model.named_parameters()}
    rflint.lint(model, res=16, tracer="export")
    assert {name: set(vars(module)) for name, module in model.named_modules()} == attributes
    assert {name: id(p) for name, p in model.named_parameters()} == identities
    assert all(p.device.type == "cpu" for p in model.parameters())


def test_repairs_are_applied_and_measured_under_export_too() -> None:
    def build() -> nn.Module:
        model = resnet18()
        model.relu = Activation()
        return model

    report = rflint.lint(build, res=32).models[0]
    assert report.analysis.architecture.tracer == "export"
    expected = rflint.lint(resnet18, res=32).models[0]
    assert [(r.title, r.after, r.verified) for r in report.repairs] == [
        (r.title, r.after, r.verified) for r in expected.repairs
    ]
    assert report.repairs


class Activation(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        rectified: Tensor = scripted_relu(x)
        return rectified


@torch.jit.script
def scripted_relu(x: Tensor) -> Tensor:
    return torch.relu(x)


def test_an_exported_recording_is_a_graph_that_runs() -> None:
    export = importlib.import_module("rflint.tracing.recording.export.record")
    inner = nn.Sequential(nn.Conv2d(8, 4, 3), Activation(), nn.MaxPool2d(2))
    model = nn.Sequential(Indexed(), inner, nn.Flatten()).eval()
    with temporarily_on_meta(model, train=False):
        recording = export.record_exported(model, example_inputs(model, (16,), ()))
        for name, tensor in recording.constants.items():
            model.register_buffer(name, tensor)
        for path, module in model.named_modules():
            assert model.get_submodule(path) is module
    graph = fx.GraphModule(model, recording.graph)
    x = torch.rand(1, 3, 16, 16)
    (output,) = fx.Interpreter(graph).run(x.clone())
    assert torch.equal(output, model(x.clone()))


# -- which tracer, and what is said when none can follow


class Unfollowable(Activated):
    """Neither: TorchScript for one, a number that depends on data for the other."""

    def __init__(self) -> None:
        super().__init__(scripted)

    def forward(self, x: Tensor) -> Tensor:
        x = super().forward(x)
        return x if x.sum() > 0 else -x


def test_if_both_fail_the_first_is_heard_and_the_second_is_its_cause() -> None:
    with pytest.raises(UnsupportedByTracer, match="TorchScript") as caught:
        rflint.lint(Unfollowable, res=32)
    assert caught.value.source is not None
    assert caught.value.source.path.endswith("small.py")
    assert "Nor can torch.export" in caught.value.hint
    assert "torch.export fails" in str(caught.value.__cause__)


def test_a_forced_tracer_is_the_only_one() -> None:
    with pytest.raises(UnsupportedByTracer, match="TorchScript"):
        rflint.lint(lambda: Activated(scripted), res=32, tracer="symbolic")
    assert linted(lambda: Activated(scripted), "export").analysis.complete
    with pytest.raises(TraceFailed, match=r"torch\.export fails"):
        rflint.lint(Unfollowable, res=32, tracer="export")


def test_there_are_three_choices() -> None:
    with pytest.raises(UsageError, match="no tracer 'dynamo'"):
        rflint.lint(Small, res=32, tracer="dynamo")


@pytest.mark.parametrize("tracer", ["symbolic", "export"])
def test_a_layer_that_does_not_fit_is_named_by_either(tracer: str) -> None:
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.MaxPool2d(4))
    with pytest.raises(InputMismatch, match=r"1 \(MaxPool2d\) cannot run on 1x8x3x3"):
        rflint.lint(model, res=5, tracer=tracer)


class Reads(Small):
    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x if x.sum().item() > 0 else -x


class Raises(Small):
    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1] % 7:
            raise ValueError("values come in weeks")
        return self.conv(x)


class Misfits(Small):
    def forward(self, x: Tensor) -> Tensor:
        return self.other(x).view(7, 7)


@pytest.mark.parametrize("model", [Raises, Misfits, Siamese])
def test_what_the_code_itself_does_wrong_is_not_tried_again(
    model: Any, monkeypatch: pytest.MonkeyPatch
) -> None:

    def unwanted(*args: Any) -> Any:
        raise AssertionError("torch.export is not asked")

    import rflint.tracing.recording.export.record

    monkeypatch.setattr(rflint.tracing.recording.export.record, "record_exported", unwanted)
    with pytest.raises((TraceFailed, InputMismatch)):
        rflint.lint(model, res=32)


def test_what_reads_data_is_analysed_that_far_without_export() -> None:
    (report,) = rflint.lint(Reads, res=32).models
    assert report.analysis.architecture.tracer == "symbolic"
    assert report.analysis.architecture.left_out is not None


def test_the_command_line_chooses_a_tracer(tmp_path: Any) -> None:
    (tmp_path / "net.py").write_text(
        "import torch\n"
        "@torch.jit.script\n"
        "def act(x):\n"
        "    return x.sigmoid()\n"
        "class Net(torch.nn.Conv2d):\n"
        "    def __init__(self):\n"
        "        super().__init__(3, 8, 3)\n"
        "    def forward(self, x):\n"
        "        return act(super().forward(x))\n"
        "class Data(Net):\n"
        "    def forward(self, x):\n"
        "        x = super().forward(x)\n"
        "        return x if x.sum() > 0 else -x\n"
    )

    def run(target: str, *options: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "rflint", target, "--res", "8", *options]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert '"tracer": "export"' in run("net.py:Net", "--format", "json").stdout
    for target, options in (("net.py:Net", ["--tracer", "symbolic"]), ("net.py:Data", [])):
        refused = run(target, *options)
        assert refused.returncode == 2
        error, hint = refused.stderr.splitlines()
        assert error.startswith("rflint: error: net.py:9: net.py:")
        assert "torch.export" in hint
