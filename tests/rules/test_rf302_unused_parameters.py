"""RF302: parameters are called unused exactly where they get no gradient, whatever is returned.

The oracle is autograd: the network runs, in evaluation and in training, the sum of all that it
returns runs backward, and parameters without a gradient are unused. For the models of the zoos it
runs on the meta device: the graph that autograd builds there is the same, and numbers do not
matter for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import rflint
from rflint.report.model_report import ModelReport
from zoo.models import ZooModel

TORCHVISION = """
    alexnet convnext_tiny deeplabv3_mobilenet_v3_large googlenet mnasnet0_5 r3d_18 squeezenet1_1
    swin_t vgg11 vit_b_32
"""
TIMM = """
    botnet26t_256 deit_tiny_distilled_patch16_224 dla46_c efficientformer_l1
    eva02_tiny_patch14_224 hiera_tiny_224 levit_128s mixer_s32_224 nf_regnet_b0
    pit_ti_distilled_224 resmlp_12_224 resnest14d selecsls42 skresnet18 test_byobnet test_resnet
    test_vit test_vit2 visformer_tiny vit_tiny_patch16_224
"""
SAMPLE = [
    *(f"torchvision/{name}" for name in TORCHVISION.split()),
    *(f"timm/{name}" for name in TIMM.split()),
]
"""Small, and varied: auxiliary heads, distilled tokens, tables of positions, standardised weights,
attention over windows, gates."""


# -- the oracle, and what rflint says


def tensors_of(result: Any) -> Iterator[Tensor]:
    """All tensors of what a model returns."""
    if isinstance(result, Tensor):
        yield result
    elif isinstance(result, dict):
        for item in result.values():
            yield from tensors_of(item)
    elif isinstance(result, (tuple, list)):
        for item in result:
            yield from tensors_of(item)


def without_gradient(
    model: nn.Module, inputs: Sequence[Tensor], modes: Sequence[bool] = (False, True)
) -> set[str]:
    """The parameters that no output depends on in any of these modes (training or not)."""
    unused = {name for name, _ in model.named_parameters()}
    model.requires_grad_(True)
    for training in modes:
        model.train(training)
        model.zero_grad(set_to_none=True)
        outputs = [x for x in tensors_of(model(*inputs)) if x.requires_grad]
        if outputs:
            torch.stack([x.sum() for x in outputs]).sum().backward()
        unused &= {name for name, p in model.named_parameters() if p.grad is None}
    return unused


def reported(model: nn.Module, report: ModelReport) -> set[str]:
    """The parameters that findings are about; a finding about a module stands for all of its."""
    found = [finding.layer for finding in report.findings]
    return {
        name
        for name, _ in model.named_parameters()
        if any(name == x or name.startswith(f"{x}.") for x in found)
    }


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("title", SAMPLE)
def test_a_model_of_a_zoo(title: str, zoo: dict[str, ZooModel]) -> None:
    entry = zoo[title]
    with torch.device("meta"):
        model: nn.Module = entry.builder()
    inputs = [torch.empty((2, *shape[1:]), device="meta") for shape in entry.inputs]
    expected = without_gradient(model, inputs)
    report = rflint.lint(model, input=list(entry.inputs), select="RF302").models[0]
    assert reported(model, report) == expected


def test_the_sample_is_as_large_as_it_claims() -> None:
    assert len(set(SAMPLE)) == 30


# -- models made for the purpose

IMAGE = (1, 3, 8, 8)


def parameter(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.rand(shape))


def pointwise(out: int = 3) -> nn.Conv2d:
    return nn.Conv2d(3, out, 1)


class Steps(nn.Module):
    """Modules and parameters under their names, and a forward that is given."""

    def __init__(self, forward: Callable[..., Any], **parts: nn.Module | nn.Parameter) -> None:
        super().__init__()
        self.run = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: Tensor) -> Any:
        return self.run(self, x)


class Tied(nn.Module):
    """Two layers with one weight, of which forward calls one."""

    def __init__(self) -> None:
        super().__init__()
        self.forgotten, self.called = pointwise(), pointwise()
        self.called.weight = self.forgotten.weight

    def forward(self, x: Tensor) -> Any:
        return self.called(x)


class Doubled(nn.Module):
    """It has a parameter and a forward, in which that is not used."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = parameter(1)

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x


@dataclass
class Prediction:
    """What a model returns, in a class of its own."""

    scores: Tensor
    features: Tensor


def writes_into_a_view(model: Any, x: Tensor) -> Tensor:
    y = model.conv(x).clone()
    y[:, 0].add_(model.used)
    y[:, 1:] = model.more * y[:, 1:].clone()
    return y


def drops_its_results(model: Any, x: Tensor) -> Tensor:
    y: Tensor = model.conv(x)
    model.head(y).mean()
    y * model.scale
    return y


def trains_a_head(model: Any, x: Tensor) -> Any:
    features = model.conv(x)
    if model.training:
        return features, model.auxiliary(features)
    return model.evaluated(features)


def looks_up(model: Any, x: Tensor) -> Tensor:
    indices = model.conv(x).argmax(1)
    picked = model.table[indices] + model.embedding(indices)
    selected = torch.index_select(model.selected, 0, indices.flatten())
    gathered = torch.gather(model.gathered.expand(3, indices.numel()), 0, indices.reshape(1, -1))
    return torch.cat([picked.flatten(), selected.flatten(), gathered.flatten()])


MODELS: dict[str, tuple[Callable[[], nn.Module], set[str]]] = {
    "everything is used": (lambda: nn.Sequential(pointwise(), nn.BatchNorm2d(3)), set()),
    "lists": (
        lambda: Steps(
            lambda m, x: m.convs[0](x) * m.scales[1],
            convs=nn.ModuleList([pointwise(), pointwise()]),
            scales=nn.ParameterList([parameter(1), parameter(1), parameter(1)]),
        ),
        {"convs.1.weight", "convs.1.bias", "scales.0", "scales.2"},
    ),
    "dictionaries": (
        lambda: Steps(
            lambda m, x: m.convs["a"](x) * m.scales["b"],
            convs=nn.ModuleDict({"a": pointwise(), "b": pointwise()}),
            scales=nn.ParameterDict({"a": parameter(1), "b": parameter(1)}),
        ),
        {"convs.b.weight", "convs.b.bias", "scales.a"},
    ),
    "tied weights": (Tied, {"forgotten.bias"}),
    "weights that are normalised": (
        lambda: Steps(
            lambda m, x: m.used(x),
            used=nn.utils.parametrizations.weight_norm(pointwise()),
            unused=nn.utils.parametrizations.weight_norm(pointwise()),
        ),
        {
            "unused.bias",
            "unused.parametrizations.weight.original0",
            "unused.parametrizations.weight.original1",
        },
    ),
    "only the shape is used": (
        lambda: Steps(
            lambda m, x: m.conv(x)[:, : m.shape.shape[0]].expand_as(m.other),
            conv=pointwise(),
            shape=parameter(1),
            other=parameter(2, 3, 8, 8),
        ),
        {"shape", "other"},
    ),
    "dropped results": (
        lambda: Steps(drops_its_results, conv=pointwise(), head=pointwise(), scale=parameter(1)),
        {"head.weight", "head.bias", "scale"},
    ),
    "returned as they are": (
        lambda: Steps(
            lambda m, x: {"y": m.conv(x), "all": [m.a, m.b.exp()], "none": None},
            conv=pointwise(),
            a=parameter(2),
            b=parameter(2),
            c=parameter(2),
        ),
        {"c"},
    ),
    "returned as it is, and used for nothing": (
        lambda: Steps(
            lambda m, x: ((m.scale * x).sum(), m.conv(x), m.scale)[1:],
            conv=pointwise(),
            scale=parameter(1),
        ),
        set(),
    ),
    "heads for training and for evaluation": (
        lambda: Steps(
            trains_a_head,
            conv=pointwise(),
            auxiliary=pointwise(),
            evaluated=pointwise(),
            forgotten=pointwise(),
        ),
        {"forgotten.weight", "forgotten.bias"},
    ),
    "in-place use": (
        lambda: Steps(
            writes_into_a_view,
            conv=pointwise(),
            used=parameter(1),
            more=parameter(1),
            unused=parameter(1),
        ),
        {"unused"},
    ),
    "overwritten": (
        lambda: Steps(
            lambda m, x: m.conv(x).mul_(m.scale).add_(m.shift),
            conv=pointwise(),
            scale=parameter(1),
            shift=parameter(1),
        ),
        set(),
    ),
    "tables that are computed": (
        lambda: Steps(
            lambda m, x: m.conv(x) + m.norm(m.linear(m.table.sin())).unsqueeze(-1),
            conv=pointwise(),
            table=parameter(3, 4),
            linear=nn.Sequential(nn.Linear(4, 8), nn.PReLU(), nn.Linear(8, 8)),
            norm=nn.LayerNorm(8),
        ),
        set(),
    ),
    "tables that are looked up": (
        lambda: Steps(
            looks_up,
            conv=pointwise(),
            table=parameter(3, 5),
            embedding=nn.Embedding(3, 5),
            selected=parameter(3, 5),
            gathered=parameter(3, 1),
        ),
        {"conv.weight", "conv.bias"},
    ),
    "masks": (
        lambda: Steps(
            lambda m, x: torch.where(x > 0.5, m.token, m.conv(x)),
            conv=pointwise(),
            token=parameter(1),
        ),
        set(),
    ),
    "a module that does not use its own": (
        lambda: Steps(lambda m, x: m.doubled(m.conv(x)), conv=pointwise(), doubled=Doubled()),
        {"doubled.scale"},
    ),
    "recurrent and attending": (
        lambda: Steps(
            lambda m, x: m.attention(*[m.lstm(x.flatten(2).transpose(1, 2))[0]] * 3)[0],
            lstm=nn.LSTM(3, 4, bidirectional=True, batch_first=True),
            attention=nn.MultiheadAttention(8, 2, batch_first=True),
            forgotten=nn.GRU(3, 4),
        ),
        {f"forgotten.{kind}_{of}_l0" for kind in ("weight", "bias") for of in ("ih", "hh")},
    ),
    "a layer norm called as a function": (
        lambda: Steps(
            lambda m, x: F.layer_norm(m.conv(x), (8, 8), m.norm.weight),
            conv=pointwise(),
            norm=nn.LayerNorm((8, 8)),
        ),
        {"norm.bias"},
    ),
}

LEADS_NOWHERE = {"tables that are looked up"}
"""An index has no gradient, but the output depends on it: rflint says nothing of those."""


@pytest.mark.parametrize("tracer", ["symbolic", "export"])
@pytest.mark.parametrize("name", MODELS)
def test_a_model_made_for_the_purpose(name: str, tracer: str) -> None:
    build, unused = MODELS[name]
    model = build()
    assert without_gradient(model, [torch.rand(2, *IMAGE[1:])]) == unused
    report = rflint.lint(model, input=IMAGE, select="RF302", tracer=tracer).models[0]
    assert reported(model, report) == (set() if name in LEADS_NOWHERE else unused)


def findings(model: nn.Module) -> dict[str, str]:
    report = rflint.lint(model, input=IMAGE, select="RF302").models[0]
    return {finding.layer: finding.message for finding in report.findings}


def test_in_training_only_what_training_uses_counts() -> None:
    build, _ = MODELS["heads for training and for evaluation"]
    model = build()
    report = rflint.lint(model, input=(2, *IMAGE[1:]), select="RF302", train=True).models[0]
    expected = without_gradient(model, [torch.rand(2, *IMAGE[1:])], [True])
    assert reported(model, report) == expected
    assert {name.split(".")[0] for name in expected} == {"evaluated", "forgotten"}


def test_nothing_is_said_where_training_cannot_be_followed() -> None:
    """It wants labels, say, and may use any parameter then."""

    def forward(model: Any, x: Tensor) -> Any:
        if model.training:
            raise ValueError("labels are missing")
        return model.conv(x)

    assert findings(Steps(forward, conv=pointwise(), auxiliary=pointwise())) == {}


def test_nothing_is_said_where_no_output_is_known() -> None:
    class Result:
        def __init__(self, scores: Tensor) -> None:
            self.scores = scores

    assert findings(Steps(lambda m, x: Result(m.conv(x)), conv=pointwise())) == {}


def test_a_dataclass_is_a_result_like_any_other() -> None:
    model = Steps(
        lambda m, x: Prediction(m.conv(x), m.features(x)), conv=pointwise(), features=pointwise()
    )
    assert findings(model) == {}


def test_a_detached_parameter_is_used() -> None:
    """It may be meant: rflint says nothing, though there is no gradient."""
    model = Steps(lambda m, x: m.conv(x) * m.scale.detach(), conv=pointwise(), scale=parameter(1))
    assert without_gradient(model, [torch.rand(2, *IMAGE[1:])]) == {"scale"}
    assert findings(model) == {}


def test_a_module_is_one_finding_and_a_message_says_what_to_do() -> None:
    model = Steps(
        lambda m, x: m.doubled(m.conv(x)),
        conv=pointwise(),
        branch=nn.Sequential(pointwise(), nn.ReLU(), pointwise(8)),
        doubled=Doubled(),
    )
    found = findings(model)
    assert set(found) == {"branch", "doubled.scale"}
    assert found["branch"] == (
        "44 parameters in 4 tensors: forward never uses them; call it, or do not build it"
    )
    assert "do not register it" in found["doubled.scale"], "the module is called"


def test_what_is_computed_and_dropped_is_told_from_what_is_never_used() -> None:
    build, _ = MODELS["dropped results"]
    assert "no output depends on it; use its result" in findings(build())["head"]
