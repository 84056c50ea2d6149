"""What is claimed of the parameters of random networks is true, in evaluation and in training."""

from __future__ import annotations

import pytest
import torch

from tests.parameter_claims import Drawn, linted, refuted, runs


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
