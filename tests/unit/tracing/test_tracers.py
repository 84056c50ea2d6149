"""Two ways of following a model, its own code and torch.export, see the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import rflint
from rflint.analysis.analyse import analyse
from rflint.inputs.tracing_options import TracingOptions
from rflint.report.model_report import ModelReport
from rflint.tracing.example_inputs.build import example_inputs
from rflint.tracing.model.build import build as built
from rflint.tracing.trace import trace
from tests.helpers.tracers import layers, linted
from tests.models.small import (
    Assigned,
    Attended,
    Contexts,
    DataclassOutput,
    Dropping,
    Hooked,
    Indexed,
    InPlace,
    MadeOnTheWay,
    Outputs,
    OwnConvolution,
    OwnGradient,
    Parametrised,
    Recurrent,
    Resized,
    SeveralInputs,
    SharedModules,
    Siamese,
    Small,
    Unregistered,
)
from tests.models.spellings import MODES, Functional, Spellings
from zoo.paper.attention import cbam
from zoo.paper.mpnet import mpnet18
from zoo.paper.resnet import resnet18
from zoo.torchvision_import import import_torchvision


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
        ModelReport(name, analyse(trace(model, inputs, TracingOptions(train, tracer))), ())
        for tracer in ("symbolic", "export")
    )
    assert symbolic.layers
    assert export.to_dict() == {**symbolic.to_dict(), "tracer": "export"}
    assert export.analysis.architecture.layers == symbolic.analysis.architecture.layers


def test_both_tracers_lead_to_the_same_repairs() -> None:
    assert linted(mpnet18, "symbolic").repairs
    assert_both_tracers_agree(mpnet18)


# -- small models, each with something of its own


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
    "parameters that are not registered": (Unregistered, {}),
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


class Masked(nn.Module):
    """Asks whether its mask hides anything, unless it is exported: as libraries do."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(100, 8)
        self.mix = nn.Linear(8, 8)

    def forward(self, words: Tensor, mask: Tensor) -> Tensor:
        x: Tensor = self.words(words)
        if torch.compiler.is_exporting() or not mask.all():
            x = x * mask[..., None]
        out: Tensor = self.mix(x)
        return out


def test_what_asks_for_values_may_be_followed_by_export() -> None:
    (found,) = rflint.lint(Masked, input=["1x16:int64", "1x16:int64"]).models
    assert found.analysis.complete
    assert found.analysis.architecture.tracer == "export"
