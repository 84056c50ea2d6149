"""`out=` of a function is a write into that tensor, as an assignment is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import rflint

Write = Callable[[Tensor, Tensor], Tensor]
"""Of the results of two convolutions, of 3x3 and of 7x7."""


def added(y: Tensor, z: Tensor) -> Tensor:
    torch.add(y, z, out=y)
    return y


def into_a_buffer(y: Tensor, z: Tensor) -> Tensor:
    buffer = torch.empty(y.shape)
    torch.mul(y, z, out=buffer)
    return buffer


def into_nothing_yet(y: Tensor, z: Tensor) -> Tensor:
    joined = torch.empty(0)
    torch.cat([y, z], 1, out=joined)
    return joined


def into_a_view(y: Tensor, z: Tensor) -> Tensor:
    torch.sub(y[:, :1], z[:, :1], out=y[:, :1])
    return y


def what_is_returned(y: Tensor, z: Tensor) -> Tensor:
    return torch.maximum(y, z, out=torch.empty_like(y))


def several(y: Tensor, z: Tensor) -> Tensor:
    values, indices = torch.empty(0), torch.empty(0, dtype=torch.int64)
    torch.max(torch.cat([y, z], 1), 1, keepdim=True, out=(values, indices))
    return values


def of_a_library(y: Tensor, z: Tensor) -> Tensor:
    result = torch.empty_like(y)
    torch.special.xlog1py(y, z, out=result)
    return result


class Written(nn.Module):
    def __init__(self, write: Write) -> None:
        super().__init__()
        self.a = nn.Conv2d(3, 3, 3, padding=1)
        self.b = nn.Conv2d(3, 3, 7, padding=3)
        self.write = write

    def forward(self, x: Tensor) -> Tensor:
        return self.write(self.a(x), self.b(x))


WRITES = [
    *(added, into_a_buffer, into_nothing_yet, into_a_view, what_is_returned),
    *(several, of_a_library),
]


@pytest.mark.filterwarnings("ignore:An output with one or more elements was resized")
@pytest.mark.parametrize("write", WRITES)
def test_what_is_written_out_depends_on_what_was_computed(write: Write) -> None:
    with torch.no_grad():
        model, x = Written(write), torch.rand(1, 3, 16, 16)
        before = model(x).clone()
        model.b.weight.add_(1)
        after = model(x)
        assert not torch.equal(before, after)
    (report,) = rflint.lint(lambda: Written(write), res=16).models
    assert report.analysis.complete
    assert report.analysis.architecture.output_shapes == (tuple(after.shape),)
    assert [axis.r_max for axis in report.layers[-1].output_field] == [7, 7]
    assert report.analysis.architecture.used_parameters == {
        "a.weight",
        "a.bias",
        "b.weight",
        "b.bias",
    }
    assert "RF302" not in {finding.code for finding in report.findings}


def test_what_is_overwritten_may_still_be_unused() -> None:
    class Alone(Written):
        def forward(self, x: Tensor) -> Tensor:
            torch.add(self.a(x), 1, out=torch.empty(0))
            return self.b(x)

    (finding,) = [
        f for f in rflint.lint(lambda: Alone(added), res=16).findings if f.code == "RF302"
    ]
    assert finding.layer == "a"
