"""Two ways of following a model, one result: its own code, and torch.export."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.utils.checkpoint import checkpoint

import rflint
from rflint.analysis.analyse import analyse
from rflint.errors import InputMismatch, TraceFailed, UnsupportedByTracer, UsageError
from rflint.graph.layer import Layer
from rflint.report.report import ModelReport
from rflint.tracing.example_inputs.build import example_inputs
from rflint.tracing.model.build import build as built
from rflint.tracing.model.temporary import temporarily_on_meta
from rflint.tracing.trace import trace
from tests.models.attention import cbam
from tests.models.mpnet import mpnet18
from tests.models.resnet import resnet18
from tests.models.spellings import MODES, Functional, Spellings
from zoo.torchvision_import import import_torchvision


def linted(model: Any, tracer: str, res: Any = 32, **options: Any) -> ModelReport:
    (report,) = rflint.lint(model, res=res, tracer=tracer, **options).models
    assert report.analysis.architecture.tracer == tracer
    return report


def layers(model: Any, tracer: str, res: Any = 32, **options: Any) -> list[Layer]:
    return list(linted(model, tracer, res, **options).analysis.architecture.layers)


def assert_both_tracers_agree(model: Any, res: Any = 32, **options: Any) -> None:
    """The same report, and what it does not tell: edges, scopes, lines of calls."""
    symbolic, export = (linted(model, tracer, res, **options) for tracer in ("symbolic", "export"))
    assert symbolic.layers
    assert export.to_dict() == {**symbolic.to_dict(), "tracer": "export"}
    assert export.analysis.architecture.layers == symbolic.analysis.architecture.layers


# -- real networks


def torchvision_model(name: str, **options: Any) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        models = import_torchvision().models
        found = getattr(models, name, None) or getattr(models.segmentation, name)
        model: nn.Module = found(**options)
        return model

    return build


def timm_model(name: str) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        import_torchvision()
        timm = pytest.importorskip("timm")
        model: nn.Module = timm.create_model(name, pretrained=False)
        return model

    return build


NETWORKS: dict[str, tuple[Any, int, bool]] = {
    "resnet18": (torchvision_model("resnet18"), 32, False),
    "densenet121": (torchvision_model("densenet121"), 224, False),
    "googlenet, in training": (torchvision_model("googlenet", init_weights=False), 224, True),
    "inception_v3": (torchvision_model("inception_v3", init_weights=False), 299, False),
    "mobilenet_v3_small": (torchvision_model("mobilenet_v3_small"), 224, False),
    "efficientnet_b0": (torchvision_model("efficientnet_b0"), 224, False),
    "regnet_y_400mf": (torchvision_model("regnet_y_400mf"), 224, False),
    "convnext_tiny": (torchvision_model("convnext_tiny"), 224, False),
    "vit_b_16": (torchvision_model("vit_b_16"), 224, False),
    "swin_t": (torchvision_model("swin_t"), 224, False),
    "fcn_resnet50": (torchvision_model("fcn_resnet50", weights_backbone=None), 224, False),
    "timm's resnest14d": (timm_model("resnest14d"), 224, False),
    "timm's edgenext_xx_small": (timm_model("edgenext_xx_small"), 224, False),
    "timm's xcit_nano_12_p16_224": (timm_model("xcit_nano_12_p16_224"), 224, False),
    "the paper's ResNet18": (resnet18, 64, False),
    "the paper's ResNet18 with CBAM": (lambda: resnet18(attention=cbam), 64, False),
    "the paper's MPNet18": (mpnet18, 64, True),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_both_tracers_see_the_same_network(name: str) -> None:
    build, res, train = NETWORKS[name]
    model = built(build, {}, name).model
    inputs = example_inputs(model, (res,), (), batch=2 if train else 1)
    symbolic, export = (
        ModelReport(name, analyse(trace(model, inputs, train=train, tracer=tracer)), (), ())
        for tracer in ("symbolic", "export")
    )
    assert symbolic.layers
    assert export.to_dict() == {**symbolic.to_dict(), "tracer": "export"}
    assert export.analysis.architecture.layers == symbolic.analysis.architecture.layers


def test_both_tracers_lead_to_the_same_repairs() -> None:
    assert linted(mpnet18, "symbolic").repairs
    assert_both_tracers_agree(mpnet18)


# -- small models, each with something of its own


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.other = nn.Conv2d(8, 8, 3, padding=1)
        self.bn = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(8, 10)


class SharedModules(Small):
    def __init__(self) -> None:
        super().__init__()
        self.alias = self.other

    def forward(self, x: Tensor) -> Tensor:
        x = self.other(self.relu(self.conv(x)))
        return self.alias(F.max_pool2d(self.relu(x), 2))


class InPlace(Small):
    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x += self.other(x)
        x.mul_(2).clamp_(0, 1)
        x[:, :4].add_(1)
        return F.relu(x, inplace=True)


class Assigned(Small):
    def forward(self, x: Tensor) -> Tensor:
        out = torch.zeros(x.shape[0], 8, *x.shape[2:])
        out[:, :4] = self.conv(x)[:, 4:]
        out[:, 4:, ::2] = 1.0
        return self.other(out)


class Resized(Small):
    def forward(self, x: Tensor) -> Tensor:
        y = F.interpolate(self.conv(F.avg_pool2d(x, 2)), size=x.shape[2:], mode="bilinear")
        y = F.interpolate(y, scale_factor=0.5, mode="area")
        return F.normalize(F.pad(F.lp_pool2d(self.other(y), 2, 2), (1, 2, 0, 1)), dim=1)


class Hooked(Small):
    def __init__(self) -> None:
        super().__init__()
        self.conv.register_forward_pre_hook(lambda module, args: (F.avg_pool2d(args[0], 2),))
        self.other.register_forward_hook(lambda module, args, out: out + args[0])

    def forward(self, x: Tensor) -> Tensor:
        return self.other(self.conv(x))


class SeveralInputs(Small):
    def forward(self, x: Tensor, *, scale: Tensor | None = None, **_: Any) -> Tensor:
        return self.conv(x)


class Siamese(Small):
    def forward(self, x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, list[Tensor]]:
        return self.conv(x) - self.conv(y), [self.other(self.conv(z)).mean((2, 3)) * 2]


class Outputs(Small):
    def forward(self, x: Tensor) -> dict[str, Any]:
        x = self.conv(x)
        head = self.fc(x.mean((2, 3)))
        return OrderedDict(z=x, a={"deep": [self.other(x), None]}, logits=head, number=3)


@dataclass
class Pair:
    first: Tensor
    second: Tensor


class DataclassOutput(Small):
    def forward(self, x: Tensor) -> Pair:
        x = self.conv(x)
        return Pair(x, self.other(x))


class Indexed(Small):
    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = torch.cat([x[..., ::2, ::2], x[:, :, 1::2, 1::2]], 1)
        first, second = x.chunk(2, 1)
        gated = first * second[:, None, 0].sigmoid()
        return self.other(gated) + x[:, 8:].flip(1)


class Attended(Small):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.LayerNorm(8)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.conv(x).flatten(2).transpose(1, 2)
        mixed, _ = self.attention(tokens, tokens, tokens, need_weights=False)
        tokens = self.norm(tokens + mixed)
        query, key = tokens.split(4, -1)
        weights = torch.softmax(query @ key.transpose(1, 2) * 0.5, -1)
        return self.fc((weights @ tokens).mean(1))


class Parametrised(Small):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.utils.parametrizations.weight_norm(self.conv)
        self.scale = nn.Parameter(torch.ones(8, 1, 1))
        self.register_buffer("mask", torch.ones(1, 8, 1, 1))
        self.plain = torch.ones(8, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.other.weight - self.other.weight.mean((1, 2, 3), keepdim=True)
        return F.conv2d(self.conv(x) * self.scale * self.mask, weight) + self.plain


class OwnConvolution(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(F.pad(x, (1, 1, 1, 1)), self.weight, self.bias, self.stride)


class Contexts(Small):
    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            x = self.conv(x)
        with torch.autocast("cpu", enabled=False):
            x = self.other(x.float())
        return checkpoint(self.other, x, use_reentrant=False)


class Negated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return -x

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        return -gradients[0]


class OwnGradient(Small):
    def forward(self, x: Tensor) -> Tensor:
        return self.other(Negated.apply(self.conv(x)))


class MadeOnTheWay(Small):
    def forward(self, x: Tensor) -> Tensor:
        x = nn.Conv2d(8, 8, 1, bias=False)(self.conv(x))
        return nn.Softmax(1)(self.other(x))


class Recurrent(Small):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 4, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        tokens, (hidden, _) = self.lstm(self.conv(x).flatten(2).transpose(1, 2))
        return tokens, hidden


class Dropping(Small):
    def forward(self, x: Tensor) -> Tensor:
        x = self.dropout(self.bn(self.conv(x)))
        return self.fc(F.dropout(x, 0.1, self.training).amax((2, 3)))


MODELS: dict[str, tuple[Any, dict[str, Any]]] = {
    "modules under two names": (SharedModules, {}),
    "in place": (InPlace, {}),
    "item assignment": (Assigned, {}),
    "interpolation and padding": (Resized, {}),
    "hooks": (Hooked, {}),
    "optional inputs": (SeveralInputs, {}),
    "several inputs and outputs": (Siamese, {"input": [(1, 3, 16, 16)] * 3, "res": None}),
    "a dictionary": (Outputs, {}),
    "a dataclass": (DataclassOutput, {}),
    "slices": (Indexed, {}),
    "attention": (Attended, {"res": 8}),
    "weights that are computed": (Parametrised, {}),
    "a convolution of one's own": (
        lambda: nn.Sequential(OwnConvolution(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3)),
        {},
    ),
    "no_grad, autocast, checkpoint": (Contexts, {}),
    "a gradient of one's own": (OwnGradient, {}),
    "modules made in forward": (MadeOnTheWay, {}),
    "several results in a tuple": (Recurrent, {"res": 8}),
    "training": (Dropping, {"train": True}),
    "functions": (Functional, {}),
    "in one dimension": (
        lambda: nn.Sequential(nn.Conv1d(2, 4, 5, 2), nn.MaxPool1d(3, 2, 1), nn.Conv1d(4, 4, 3)),
        {"res": None, "input": (1, 2, 100)},
    ),
    "half precision": (lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.GELU()).half(), {}),
}


@pytest.mark.parametrize("name", MODELS)
def test_both_tracers_see_the_same_model(name: str) -> None:
    build, options = MODELS[name]
    assert_both_tracers_agree(build, **options)


@pytest.mark.parametrize("mode", MODES)
def test_both_tracers_see_the_same_idiom(mode: str) -> None:
    assert_both_tracers_agree(lambda: Spellings(mode))


LIBRARIES: list[Any] = []


def test_both_tracers_follow_operators_of_ones_own() -> None:
    library = torch.library.Library("rflint_test_tracers", "DEF")
    # torch remembers operators by identity, also those of a library that is gone: TorchScript would
    # take what comes to lie there for one ("builtin cannot be used as a value")
    LIBRARIES.append(library)
    library.define("halved(Tensor x) -> Tensor")
    library.impl("halved", lambda x: x / 2, "CompositeExplicitAutograd")
    torch.library.register_fake("rflint_test_tracers::halved", torch.empty_like, lib=library)

    class Model(Small):
        def forward(self, x: Tensor) -> Tensor:
            return self.other(torch.ops.rflint_test_tracers.halved(self.conv(x)))

    _, halved, other = layers(Model, "symbolic")
    assert [edge.source for edge in (*halved.inputs, *other.inputs)] == [0, 1]
    assert_both_tracers_agree(Model)


def test_both_tracers_follow_einops() -> None:
    einops = pytest.importorskip("einops")

    class Model(Small):
        def forward(self, x: Tensor) -> Tensor:
            x = einops.rearrange(self.conv(x), "b c (h i) (w j) -> b (c i j) h w", i=2, j=2)
            return einops.reduce(x, "b c h w -> b c", "mean")

    assert_both_tracers_agree(Model)


class Compiled(Small):
    def __init__(self, wrap: Callable[[Any], Any]) -> None:
        super().__init__()
        self.block = nn.Sequential(self.other, self.relu)
        self.block = wrap(self.block)
        self.act = wrap(lambda x: x * x.sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.block(self.conv(x)))


@pytest.mark.parametrize("tracer", ["symbolic", "export"])
def test_compiled_code_is_followed_as_it_is_written(tracer: str) -> None:
    def compiled_in_place(what: Any) -> Any:
        if isinstance(what, nn.Module):
            what.compile()
        return what

    expected = [x.inputs for x in layers(lambda: Compiled(lambda what: what), "symbolic")]
    for wrap in (torch.compile, compiled_in_place):
        found = layers(lambda wrap=wrap: Compiled(wrap), tracer)
        assert [x.inputs for x in found] == expected
        assert [x.name for x in found][:2] == ["conv", "other"]


# -- what only torch.export can follow


@torch.jit.script
def scripted(x: Tensor) -> Tensor:
    return x * F.relu6(x + 3)


def unscripted(x: Tensor) -> Tensor:
    return x * F.relu6(x + 3)


class Activated(Small):
    def __init__(self, activation: Any) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return self.other(self.activation(self.conv(x)))


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
    record = importlib.import_module("rflint.tracing.recording.export.record").record
    inner = nn.Sequential(nn.Conv2d(8, 4, 3), Activation(), nn.MaxPool2d(2))
    model = nn.Sequential(Indexed(), inner, nn.Flatten()).eval()
    with temporarily_on_meta(model, train=False):
        recording = record(model, example_inputs(model, (16,), ()))
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
    assert caught.value.source.path.endswith("test_tracers.py")
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

    monkeypatch.setattr(rflint.tracing.recording.export.record, "record", unwanted)
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
