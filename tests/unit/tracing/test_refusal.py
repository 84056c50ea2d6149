"""Whether a model refuses an input before it computes anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rflint.errors import RflintError
from rflint.graph.source_location import SourceLocation
from rflint.inputs.forward_call import BY_POSITION
from rflint.tracing.recording.refusal import refusals
from rflint.tracing.trace import trace


class Guarded(nn.Module):
    """Looks at its input before it convolves."""

    def __init__(self, look: Callable[[Tensor], None]) -> None:
        super().__init__()
        self.look = look
        self.calls = 0
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Any:
        self.calls += 1
        self.look(x)
        return self.conv(x)


def asserts(x: Tensor) -> None:
    _, _, height, width = x.shape
    assert height == 32, "wrong height"
    assert width == x.size(2), "wrong width"


def asserts_by_torch(x: Tensor) -> None:
    torch._assert(x.shape[2] == 32, "wrong height")


def raises_another(x: Tensor) -> None:
    if x.shape[2] == 16:
        raise ValueError("wrong size")
    raise KeyError("no such mode")


def computes(x: Tensor) -> None:
    assert x.mean(1).shape[1] == 32, "wrong height"


def image(height: int, width: int) -> list[Tensor]:
    return [torch.empty(1, 3, height, width, device="meta")]


def place_of_failure(model: nn.Module) -> SourceLocation | None:
    with pytest.raises(RflintError) as raised:
        trace(model, image(16, 16))
    return raised.value.source


@pytest.mark.parametrize("look", [asserts, asserts_by_torch])
def test_sizes_that_are_asserted_at_once_are_refused_without_a_trace(look: Any) -> None:
    model = Guarded(look)
    source = place_of_failure(model)
    with refusals(model, image(16, 16), BY_POSITION, source, train=False) as refuses:
        assert refuses is not None
        assert refuses(image(8, 64))
        assert not refuses(image(32, 32))
    assert model.calls == 0  # it is left as it was


def test_another_line_of_the_same_kind_refuses_too() -> None:
    model = Guarded(asserts)
    with refusals(model, image(16, 16), BY_POSITION, place_of_failure(model), train=False) as x:
        assert x is not None
        assert x(image(32, 64))


def test_another_exception_is_another_matter() -> None:
    model = Guarded(raises_another)
    with refusals(model, image(16, 16), BY_POSITION, place_of_failure(model), train=False) as x:
        assert x is not None
        assert not x(image(8, 8))


@pytest.mark.parametrize("look", [computes, lambda x: None])
def test_what_is_computed_first_has_to_be_followed(look: Any) -> None:
    model = Guarded(look)
    source = SourceLocation(__file__, 1)
    with refusals(model, image(16, 16), BY_POSITION, source, train=False) as refuses:
        assert refuses is None


def test_what_failed_at_another_line_did_not_fail_so() -> None:
    model = Guarded(asserts)
    source = SourceLocation(__file__, 1)
    with refusals(model, image(16, 16), BY_POSITION, source, train=False) as refuses:
        assert refuses is None
