"""Repairs made for real: what `repair.apply(model)` returns, with weights, gradients and names."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import rflint
from rflint.repair.edits.names import Names
from rflint.repair.repair import Repair
from zoo.models import ZooModel
from zoo.paper.attention import cbam
from zoo.paper.mpnet import mpnet18
from zoo.paper.resnet import resnet18
from zoo.paper.vgg import vgg
from zoo.repaired import faults, random_inputs


class Tutorial(nn.Module):
    """Pooling and flattening in functions, dropout that knows whether it is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 5, padding=2)
        self.conv2 = nn.Conv2d(8, 12, 5, padding=2)
        self.conv3 = nn.Conv2d(12, 16, 5, padding=2)
        self.conv4 = nn.Conv2d(16, 16, 5, padding=2)
        self.fc1 = nn.Linear(16 * 2 * 2, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.max_pool2d(F.relu(self.conv3(x)), 2)
        x = F.max_pool2d(F.relu(self.conv4(x)), 2)
        x = F.relu(self.fc1(torch.flatten(x, 1)))
        return self.fc2(F.dropout(x, training=self.training))


class Auxiliary(nn.Module):
    """A second head that only training uses."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 4, 1)
        self.deep = nn.Sequential(*(nn.Conv2d(8 + i, 9 + i, 3, padding=1) for i in range(5)))
        self.aux: nn.Module | None = nn.Conv2d(13, 10, 1)
        self.fc = nn.Linear(13, 10)

    def forward(self, x: Tensor) -> Any:
        x = self.deep(self.stem(x))
        logits = self.fc(x.mean((2, 3)))
        if self.training and self.aux is not None:
            return logits, self.aux(x).mean((2, 3))
        return logits


class OddNames(nn.Module):
    """Modules under names that are no identifiers, and quoted ones."""

    def __init__(self) -> None:
        super().__init__()
        self.add_module("the-stem", nn.Conv2d(3, 8, 3, 8, 1))
        body = nn.Sequential()
        body.add_module('say "hi"', nn.Conv2d(8, 8, 3, padding=1))
        body.add_module("class", nn.Conv2d(8, 8, 3, padding=1))
        body.add_module("7", nn.Conv2d(8, 8, 3, padding=1))
        self.add_module("body", body)
        self.add_module("für alle", nn.Linear(8, 10))

    def forward(self, x: Tensor) -> Tensor:
        x = self.get_submodule("the-stem")(x)
        x = self.get_submodule("body")(x)
        y: Tensor = self.get_submodule("für alle")(x.mean((2, 3)))
        return y


OWN: dict[str, Any] = {
    "resnet18": resnet18,
    "resnet18 with CBAM": partial(resnet18, attention=cbam),
    "mpnet18": partial(mpnet18, width=0.25),
    "vgg11": partial(vgg, 11, width=0.25),
    "functions": Tutorial,
    "auxiliary head": Auxiliary,
    "odd names": OddNames,
}
ZOO = (
    *("torchvision/googlenet", "torchvision/mobilenet_v3_small", "torchvision/densenet121"),
    *("timm/tf_mobilenetv3_small_100", "timm/focalnet_tiny_srf", "timm/test_resnet"),
)


def repairs(build: Any, res: int = 32) -> tuple[Repair, ...]:
    return rflint.repairs(build, res=res)


def repair_of(build: Any, words: str, res: int = 32) -> Repair:
    return next(repair for repair in repairs(build, res) if repair.words == words)


@pytest.mark.parametrize("name", OWN)
def test_every_repair_runs_is_trained_and_keeps_weights(name: str) -> None:
    torch.manual_seed(0)
    original = OWN[name]()
    found = repairs(OWN[name])
    assert found
    for repair in found:
        wrong = faults(original, repair.apply(original), [torch.randn(2, 3, 32, 32)])
        assert wrong == [], repair.title


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("title", ZOO)
def test_repairs_of_the_zoo_run_are_trained_and_keep_weights(
    title: str, zoo: dict[str, ZooModel]
) -> None:
    builder = zoo[title].builder
    torch.manual_seed(0)
    original = builder()
    found = repairs(builder)
    assert found
    for repair in found:
        inputs = random_inputs([(2, 3, 32, 32)], original)
        assert faults(original, repair.apply(original), inputs) == [], repair.title


def test_faults_are_found() -> None:
    """What the tests above rest on."""
    original, inputs = resnet18(), [torch.randn(2, 3, 32, 32)]
    assert faults(original, copy.deepcopy(original), inputs) == []
    other = copy.deepcopy(original)
    other.fc = nn.Linear(512, 11)
    nn.init.zeros_(other.conv1.weight)
    other.register_parameter("idle", nn.Parameter(torch.zeros(1)))
    found = " ".join(faults(original, other, inputs))
    for part in ("conv1.weight has changed", "does not load", "returns", "no gradient for idle"):
        assert part in found


@pytest.mark.parametrize("name", ["resnet18", "functions", "odd names"])
def test_the_figures_are_those_of_the_model_that_apply_returns(name: str) -> None:
    original = OWN[name]()
    for repair in repairs(original):
        totals = rflint.lint(repair.apply(original), res=32).models[0].analysis.totals
        after = repair.after
        assert (totals.params, totals.macs, totals.unproductive) == (
            *(after.params, after.macs),
            after.unproductive,
        )


def test_the_original_is_untouched_and_shares_nothing() -> None:
    model = resnet18().train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    names = dict(model.named_modules()).keys()
    for repair in repairs(model):
        repaired = repair.apply(model)
        with torch.no_grad():
            for parameter in repaired.parameters():
                parameter.add_(1)
        assert repaired.training
    assert dict(model.named_modules()).keys() == names
    assert model.conv1.stride == (2, 2)
    assert isinstance(model.maxpool, nn.MaxPool2d)
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())


@pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")
@pytest.mark.parametrize("name", ["resnet18", "vgg11", "functions"])
def test_what_could_be_scripted_and_exported_still_can(name: str) -> None:
    class Scriptable(Tutorial):
        pass

    build = {"resnet18": scriptable_resnet, "vgg11": OWN["vgg11"], "functions": Scriptable}[name]
    original = build().eval()
    x = torch.randn(1, 3, 32, 32)
    torch.jit.script(original)
    for repair in repairs(build):
        repaired = repair.apply(original).eval()
        scripted = torch.jit.script(repaired)
        exported = torch.export.export(repaired, (x,)).module()
        expected = repaired(x)
        torch.testing.assert_close(scripted(x), expected)
        torch.testing.assert_close(exported(x), expected)


def scriptable_resnet() -> nn.Module:
    """A residual network whose forward TorchScript takes."""
    blocks: list[nn.Module] = [nn.Conv2d(3, 8, 7, 2, 3), nn.MaxPool2d(3, 2, 1)]
    for i in range(6):
        blocks.append(ScriptableBlock(8, 1 if i % 2 else 2))
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))


class ScriptableBlock(nn.Module):
    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride, 1)
        self.shortcut = nn.Conv2d(channels, channels, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.conv(x) + self.shortcut(x))


def test_heads_that_only_training_uses_go_where_they_cannot_stay() -> None:
    repair = repair_of(Auxiliary, "fewest computations")
    assert repair.edits[-1] == "del m.aux\nm.aux = None"
    repaired = repair.apply(Auxiliary().train())
    assert repaired(torch.randn(2, 3, 32, 32)).shape == (2, 10)


def test_a_rewritten_forward_still_knows_whether_it_is_trained() -> None:
    repair = repair_of(Tutorial, "keeps every layer")
    source = repair.edits[0]
    assert "training=self.training" in source
    torch.manual_seed(0)
    repaired = repair.apply(Tutorial())
    x = torch.randn(4, 3, 32, 32)
    assert torch.equal(repaired.eval()(x), repaired(x))
    assert not torch.equal(repaired.train()(x), repaired(x))


def test_new_layers_are_where_the_model_is_and_in_its_type() -> None:
    original = resnet18().double()
    for repair in repairs(original):
        repaired = repair.apply(original)
        assert {p.dtype for p in repaired.parameters()} == {torch.float64}
    meta = resnet18().to("meta")
    for repair in repairs(meta):
        assert {p.device.type for p in repair.apply(meta).parameters()} == {"meta"}


def test_a_repair_is_for_the_model_that_it_was_found_for() -> None:
    repair = repair_of(resnet18, "fewest computations")
    with pytest.raises(rflint.RflintError, match="cannot be edited"):
        repair.apply(vgg(11))


def test_a_model_that_cannot_be_copied_is_named() -> None:
    class Uncopied(nn.Conv2d):
        def __deepcopy__(self, memo: Any) -> Any:
            raise TypeError("no copies")

    model = resnet18()
    repair = repair_of(resnet18, "fewest computations")
    model.conv1 = Uncopied(3, 64, 7, 2, 3)
    with pytest.raises(rflint.RflintError, match="cannot be copied: TypeError: no copies"):
        repair.apply(model)


def test_wrapped_models_are_repaired_inside() -> None:
    model = nn.DataParallel(resnet18())
    repair = repair_of(model, "fewest computations")
    assert repair.apply(model)(torch.randn(1, 3, 32, 32)).shape == (1, 10)


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(rflint.RflintError, match="there is no repair 'prune'"):
        rflint.repairs(resnet18, res=32, kinds="prune")


@pytest.mark.parametrize(
    ("path", "expression"),
    [
        ("the-stem", 'getattr(m, "the-stem")'),
        ("body", "m.body"),
        ('body.say "hi"', 'getattr(m.body, "say \\"hi\\"")'),
        ("body.class", 'getattr(m.body, "class")'),
        ("body.7", 'getattr(m.body, "7")'),
    ],
)
def test_any_name_can_be_written(path: str, expression: str) -> None:
    model = OddNames()
    names = Names(model)
    assert names.expression(path) == expression
    assert eval(expression, {"m": model}) is model.get_submodule(path)
    exec(names.assigned(path, "new"), {"m": model, "new": nn.Identity()})
    assert isinstance(model.get_submodule(path), nn.Identity)
