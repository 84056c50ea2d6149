"""RF504: one module in several places of a container, applied to its own result.

The oracle is the model: how many parameters it has, and whether the weight of one place is that of
another.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import rflint

Build = Callable[[], nn.Module]


def block() -> nn.Module:
    return nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU())


class Loop(nn.Module):
    """The blocks of a list, one behind the other."""

    def __init__(self, blocks: nn.ModuleList) -> None:
        super().__init__()
        self.blocks = blocks

    def forward(self, x: Tensor) -> Tensor:
        for one in self.blocks:
            x = one(x)
        return x


class Branches(nn.Module):
    """A head shared by branches, as RetinaNet has it."""

    def __init__(self) -> None:
        super().__init__()
        self.stems = nn.ModuleList(nn.Conv2d(4, 4, 3, stride=s, padding=1) for s in (1, 2, 4))
        self.heads = nn.ModuleList([block()] * 3)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [head(stem(x)) for stem, head in zip(self.stems, self.heads, strict=True)]


class Refined(nn.Module):
    """One module that a loop calls: it is registered once."""

    def __init__(self) -> None:
        super().__init__()
        self.step = block()

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(3):
            x = x + self.step(x)
        return x


def keyed() -> nn.Module:
    one = block()
    named = nn.ModuleDict({"a": one, "b": one})

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.named = named

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.named["b"](self.named["a"](x))
            return out

    return Net()


REPEATED: dict[str, tuple[Build, str, int]] = {
    "a sequence": (lambda: nn.Sequential(*[block()] * 4), "0", 4),
    "a list": (lambda: Loop(nn.ModuleList([block()] * 3)), "blocks.0", 3),
    "a list with another in between": (
        lambda: Loop(nn.ModuleList([(one := block()), block(), one])),
        "blocks.0",
        2,
    ),
    "a single layer": (lambda: nn.Sequential(*[nn.Conv2d(4, 4, 1)] * 2), "0", 2),
    "names": (keyed, "named.a", 2),
}
APART: dict[str, Build] = {
    "a block for each place": lambda: nn.Sequential(*[block() for _ in range(4)]),
    "copies": lambda: Loop(nn.ModuleList([copy.deepcopy(block()) for _ in range(3)])),
    "a head of branches": Branches,
    "a loop around one module": Refined,
    "an activation": lambda: nn.Sequential(
        (act := nn.ReLU()), nn.Conv2d(4, 4, 1), act, nn.Conv2d(4, 4, 1), act
    ),
    "one that is never called": lambda: nn.Sequential(
        nn.Conv2d(4, 4, 1), Unused(nn.ModuleList([block()] * 2))
    ),
}


class Unused(nn.Module):
    def __init__(self, blocks: nn.ModuleList) -> None:
        super().__init__()
        self.blocks = blocks

    def forward(self, x: Tensor) -> Tensor:
        return x


def findings(model: nn.Module) -> list[rflint.Finding]:
    report = rflint.lint(model, input=(1, 4, 8, 8), select="RF504")
    return list(report.models[0].findings)


@pytest.mark.parametrize("name", REPEATED)
def test_what_is_repeated_is_reported(name: str) -> None:
    build, path, number = REPEATED[name]
    model = build()
    shared = sum(p.numel() for p in model.get_submodule(path).parameters())
    (found,) = findings(model)
    assert found.layer == path
    assert f"used {number} times" in found.message
    assert f"would have {number * shared:,}" in found.message


@pytest.mark.parametrize("name", APART)
def test_what_is_not_or_is_meant_is_not(name: str) -> None:
    assert findings(APART[name]()) == []


def test_training_one_place_trains_all_of_them() -> None:
    model = nn.Sequential(*[block()] * 3)
    weight = model.get_parameter("0.0.weight")
    before = model[2](torch.ones(1, 4, 8, 8))
    with torch.no_grad():
        weight.add_(1)
    assert not torch.equal(model[2](torch.ones(1, 4, 8, 8)), before)


def test_a_batch_normalisation_in_it_is_told() -> None:
    with_norm = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4))
    (found,) = findings(nn.Sequential(*[with_norm] * 2))
    assert found.message.endswith("its batch normalisation averages statistics of all places")
