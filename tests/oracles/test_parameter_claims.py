"""What is claimed of the parameters of random networks is true, in evaluation and in training."""

from __future__ import annotations

import pytest
import torch

from tests.helpers import kernel_claims
from tests.helpers.parameter_claims import Drawn, linted, refuted, runs


@pytest.mark.parametrize("seed", range(0, 24, 4))
def test_no_claim_about_parameters_is_refuted(seed: int) -> None:
    """Gradients of four networks each; `make fuzz` tries thousands."""
    assert [claim for number in range(seed, seed + 4) for claim in refuted(number)] == []


def test_the_networks_that_are_drawn_run_and_have_findings() -> None:
    torch.manual_seed(0)
    models = [model for seed in range(24) if runs(model := Drawn(seed).double())]
    assert len(models) >= 8
    codes = {finding.code for model in models for finding in linted(model).findings}
    assert codes >= {"RF301", "RF302"}


@pytest.mark.parametrize("seed", range(0, 24, 4))
def test_no_kernel_is_called_dead_that_is_not(seed: int) -> None:
    """In one to three dimensions, behind zeros of all kinds, in front of what crops."""
    claims = [claim for number in range(seed, seed + 4) for claim in kernel_claims.refuted(number)]
    assert claims == []


def test_most_kernels_that_are_dead_in_part_are_told() -> None:
    kernels = [kernel for seed in range(40, 80) for kernel in kernel_claims.counted(seed)]
    dead = [(called, count) for _, called, count in kernels if count]
    assert len(dead) > 5
    assert sum(called == count for called, count in dead) > len(dead) / 2
