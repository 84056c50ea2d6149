"""The larger input that is recommended is one at which the model was seen to run."""

from __future__ import annotations

import pytest
from torch import Tensor, nn

import rflint
from rflint.report.remedies import LargerInput
from tests.models.unet import UNet


class Windows(nn.Module):
    """Cuts its map into windows of seven: it runs at multiples of 28 only."""

    def __init__(self, depth: int = 6) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, 4)
        self.deep = nn.Sequential(*(nn.Conv2d(8, 8, 3, padding=1) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        batch, channels, height, width = x.shape
        cut = x.view(batch, channels, height // 7, 7, width // 7, 7)
        return self.deep(cut.reshape(batch, channels, height, width))


def of_one_size() -> nn.Module:
    """Runs at 16x16 and nowhere else."""
    deep = [nn.Conv2d(3 if i == 0 else 4, 4, 3, padding=1) for i in range(12)]
    return nn.Sequential(*deep, nn.Flatten(), nn.Linear(4 * 16 * 16, 10))


def larger_input(model: object, res: int) -> LargerInput | None:
    found = rflint.lint(model, res=res).models[0]
    assert found.analysis.unproductive
    return found.larger_input


@pytest.mark.parametrize("depth", [3, 4])
def test_a_size_that_does_not_divide_is_rounded_up_to_the_next_that_does(depth: int) -> None:
    def build() -> nn.Module:
        return UNet(depth)

    step = 2**depth
    wanted = rflint.lint(build, res=step).models[0].analysis.feasible_min[0]
    assert wanted % step
    larger = larger_input(build, step)
    assert larger is not None
    expected = -(-wanted // step) * step
    assert larger.resolution == (expected, expected)
    there = rflint.lint(build, res=expected).models[0].analysis.totals
    assert (there.unproductive, there.macs) == (0, larger.macs)


def test_of_a_model_that_cuts_windows_it_is_a_multiple_of_the_given_size() -> None:
    larger = larger_input(Windows, 28)
    assert larger is not None
    assert larger.resolution == (56, 56)


def test_a_model_that_runs_at_no_other_size_is_told_none_after_three_tries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from rflint.tracing.traced_model import TracedModel

    tried = []
    resized = TracedModel.resized
    monkeypatch.setattr(
        TracedModel, "resized", lambda self, size: tried.append(size) or resized(self, size)
    )
    assert larger_input(of_one_size, 16) is None
    assert 0 < len(tried) <= 3
