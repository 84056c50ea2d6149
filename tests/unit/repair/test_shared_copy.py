"""Changes that are made to one copy of a model, one after the other, do not know of each other."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rflint.errors import RepairFailed
from rflint.repair.edits.shared_copy import SharedCopy
from tests.helpers.candidates import bench
from zoo.paper.resnet import resnet18

NEW_FORWARD = """def forward(self, x):
    return self.last(x)
m.__class__ = type("Changed", (type(m),), {"forward": forward})"""

EDITS = (
    "m.deep[1].stride = (1, 1)",
    "m.deep[1] = nn.Identity()",
    "del m.deep[1:]",
    "for i in range(0, 2):\n    m.deep[i] = nn.Identity()",
    "del m.last\nm.last = None",
    "m.last = nn.Sequential(nn.Linear(8, 3))",
    "m.listed.append(nn.Identity())",
    "m.known['more'] = 1",
    "m = m.deep",
    NEW_FORWARD,
)


class Model(nn.Module):
    """All kinds of things that an edit may change."""

    def __init__(self) -> None:
        super().__init__()
        self.deep = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, 2), nn.BatchNorm2d(8))
        self.last: Any = nn.Linear(8, 10)
        self.listed = nn.ModuleList([nn.ReLU()])
        self.known = {"one": 1}
        self.register_buffer("count", torch.zeros(2))

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.last(self.deep(x).mean((2, 3)))
        return scores


def described(model: nn.Module) -> list[Any]:
    """All that an edit may change, as text, with the identities of what is held."""
    return [
        (name, type(module), {k: repr(v) for k, v in vars(module).items()}, *map(id, tensors))
        for name, module in model.named_modules()
        for tensors in [[*module._parameters.values(), *module._buffers.values()]]
    ]


@pytest.mark.parametrize("edit", EDITS)
def test_a_change_is_there_inside_of_the_block_and_gone_afterwards(edit: str) -> None:
    shared = SharedCopy(Model(), train=False)
    with shared.edited([]) as untouched:
        before = described(untouched)
    with shared.edited([edit]) as changed:
        assert described(changed) != before
    with shared.edited([]) as again:
        assert again is untouched
        assert described(again) == before


@pytest.mark.parametrize("edit", EDITS)
def test_the_model_itself_is_not_touched(edit: str) -> None:
    model = Model()
    before = described(model)
    with SharedCopy(model, train=True).edited([edit]):
        assert described(model) == before
    assert described(model) == before


def test_weights_are_nowhere_allocated() -> None:
    with SharedCopy(Model(), train=False).edited(["m.last = nn.Linear(10**6, 10**6)"]) as changed:
        assert {parameter.device.type for parameter in changed.parameters()} == {"meta"}


def test_an_edit_that_fails_half_way_is_taken_back_too() -> None:
    shared = SharedCopy(Model(), train=False)
    with shared.edited([]) as untouched:
        before = described(untouched)
    edits = ["m.last = nn.Identity()", "m.nowhere.stride = 1"]
    with pytest.raises(RepairFailed, match="nowhere"), shared.edited(edits):
        pass
    with shared.edited([]) as again:
        assert [x[:2] for x in described(again)] == [x[:2] for x in before]


def test_what_cannot_be_taken_back_is_done_to_a_copy_that_is_thrown_away() -> None:
    class Noted(Model):
        """Its state lies where nobody would look for it."""

        def __init__(self) -> None:
            super().__init__()
            self.script = torch.jit.script(nn.Linear(8, 8))

    shared = SharedCopy(Noted(), train=False)
    with shared.edited([]) as first, shared.edited([]) as second:
        assert first is not second
    with shared.edited([]) as third:
        assert third is not first
        assert third is not second


def test_candidates_are_verified_as_by_a_verifier_of_their_own() -> None:
    found = bench(resnet18, [(1, 3, 32, 32)])
    candidates = [x for preference in found.found.preferences for x in preference.candidates[:2]]
    assert len(candidates) > 3
    together = [found.verifier.verified(x) for x in candidates]
    alone = []
    for candidate in candidates:
        verifier = copy.copy(found.verifier)
        verifier._copy = SharedCopy(verifier.model, train=False)
        alone.append(verifier.verified(candidate))
    assert together == alone
