"""What is said of how real networks are wired is what PyTorch does with them.

Thirty networks at their native size, in training and in evaluation, with weights at random (a few
of them, unless `make fuzz` runs all). Training on one sample raises where RF501 says so, and
nowhere else; in evaluation a sample of NaNs leaves the others alone, and two runs agree, unless
RF503 or RF505 says otherwise; and what RF507 calls one linear map adds up.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor, nn

import rflint
from rflint.linting.finding import Finding, Severity
from zoo.models import ZooModel

TORCHVISION = """
    alexnet googlenet regnet_y_400mf resnet18 shufflenet_v2_x0_5 squeezenet1_1 vit_b_32
    deeplabv3_mobilenet_v3_large lraspp_mobilenet_v3_large r3d_18
"""
TIMM = """
    bat_resnext26ts botnet26t_256 convnext_atto deit_tiny_patch16_224 edgenext_xx_small
    efficientnet_b0 efficientnet_cc_b0_4e efficientvit_b0 gcresnext26ts ghostnet_050
    inception_next_atto levit_128s mixnet_s mobilevit_xxs nf_ecaresnet26 poolformer_s12 repvgg_a0
    resnest14d skresnet18 xcit_nano_12_p16_224
"""
THIRTY = [
    *(f"torchvision/{name}" for name in TORCHVISION.split()),
    *(f"timm/{name}" for name in TIMM.split()),
]
FEW = [
    "torchvision/lraspp_mobilenet_v3_large",
    "timm/levit_128s",
    "timm/resnest14d",
    "timm/xcit_nano_12_p16_224",
]
NETWORKS = THIRTY if "FUZZ_EXAMPLES" in os.environ else FEW
ONE_SAMPLE = "Expected more than 1 value per channel when training"


@pytest.mark.parametrize("title", NETWORKS)
def test_what_is_said_of_it_is_what_it_does(title: str, zoo: dict[str, ZooModel]) -> None:
    model = zoo[title].builder()
    shape = zoo[title].inputs[0]
    findings = {
        training: rflint.lint(model, input=(2, *shape[1:]), train=training, select="RF5")
        .models[0]
        .findings
        for training in (True, False)
    }
    for training, found in findings.items():
        codes = {finding.code for finding in found}
        single = single_values(model, shape)
        assert refuses_one_sample(model, shape) is bool(single), training
        assert said_of_single_values(found) == len(single), training
        assert reaches_others(model, shape) is ("RF503" in codes), training
        assert varies(model, shape) is ("RF505" in codes), training
        for finding in found:
            if finding.code == "RF507":
                assert adds_up(model, finding, shape)


def said_of_single_values(findings: tuple[Finding, ...]) -> int:
    """Of how many batch normalisations RF501 tells that they need several samples."""
    for finding in findings:
        if finding.code == "RF501" and finding.severity is Severity.INFO:
            others = re.search(r"like (\d+) other", finding.message)
            return 1 + int(others[1] if others else 0)
    return 0


def single_values(model: nn.Module, shape: tuple[int, ...]) -> list[nn.Module]:
    """The batch normalisations that get one value for each channel and sample."""
    found = []

    def look(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        if given[0].numel() == 2 * given[0].shape[1]:
            found.append(module)

    norms = [x for x in model.modules() if isinstance(x, nn.modules.batchnorm._BatchNorm)]
    hooks = [norm.register_forward_pre_hook(look) for norm in norms]
    model.train()
    run(model, torch.rand(2, *shape[1:]))
    for hook in hooks:
        hook.remove()
    return found


def run(model: nn.Module, x: Tensor) -> Tensor:
    """The first result."""
    with torch.no_grad():
        found = model(x)
    while not isinstance(found, Tensor):
        found = next(iter(found.values())) if isinstance(found, dict) else found[0]
    return found


def refuses_one_sample(model: nn.Module, shape: tuple[int, ...]) -> bool:
    """Whether torch will not train on a batch of one."""
    model.train()
    try:
        run(model, torch.rand(1, *shape[1:]))
    except ValueError as error:
        if ONE_SAMPLE not in str(error):
            raise
        return True
    finally:
        model.eval()
    return False


def reaches_others(model: nn.Module, shape: tuple[int, ...]) -> bool:
    """Whether a sample of NaNs changes the one in front of it."""
    x = torch.rand(2, *shape[1:])
    x[1] = torch.nan
    model.eval()
    return bool(run(model, x)[0].isnan().any())


def varies(model: nn.Module, shape: tuple[int, ...]) -> bool:
    """Whether two runs in evaluation differ."""
    x = torch.rand(1, *shape[1:])
    model.eval()
    return not torch.equal(run(model, x), run(model, x))


def adds_up(model: nn.Module, finding: Finding, shape: tuple[int, ...]) -> bool:
    """Whether the layer is given what the one it is said to read makes, and the pair is linear."""
    second = model.get_submodule(finding.layer)
    first = model.get_submodule(finding.message.split()[1])
    with seen(first, second) as tensors:
        run(model, torch.rand(1, *shape[1:]))
    (x, between), (given, _) = tensors
    assert torch.equal(between, given)

    def pair(x: Tensor) -> Tensor:
        with torch.no_grad():
            found: Tensor = second.double()(first.double()(x))
        return found

    x, y = torch.rand_like(x, dtype=torch.double), torch.rand_like(x, dtype=torch.double)
    return torch.allclose(pair(x + y), pair(x) + pair(y) - pair(torch.zeros_like(x)))


@contextmanager
def seen(*modules: nn.Module) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """What modules are given and make, in the order of their calls."""
    found: list[tuple[Tensor, Tensor]] = []
    hooks = [
        x.register_forward_hook(lambda _, given, made: found.append((given[0], made)))
        for x in modules
    ]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def test_several_of_them_refuse_one_sample(zoo: dict[str, ZooModel]) -> None:
    """So that the tests above cannot pass by silence."""
    title = "torchvision/deeplabv3_mobilenet_v3_large"
    assert refuses_one_sample(zoo[title].builder(), zoo[title].inputs[0])
