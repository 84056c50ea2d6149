"""Saturation, against matrices whose spectra are known, numpy, and the authors' own tool."""

from __future__ import annotations

import signal
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from rflint.measurement.running.covariance import (
    MOST_POSITIONS,
    RunningCovariance,
    directions_needed,
    rows_of,
    saturation,
)


def rotated(variances: list[float], seed: int = 0) -> Tensor:
    """A covariance with these variances along directions that are no axes."""
    torch.manual_seed(seed)
    basis = torch.linalg.qr(torch.randn(len(variances), len(variances), dtype=torch.float64))[0]
    return basis @ torch.diag(torch.tensor(variances, dtype=torch.float64)) @ basis.T


@pytest.mark.parametrize(
    ("variances", "delta", "needed"),
    [
        ([1, 0, 0, 0], 0.99, 1),
        ([1, 1, 1, 1], 0.99, 4),
        ([1, 1, 1, 1], 0.75, 3),
        ([1, 1, 1, 1], 0.7501, 4),
        ([98, 1, 1], 0.98, 1),
        ([98, 1, 1], 0.99, 2),
        ([98, 1, 1], 0.991, 3),
        ([98, 1, 1], 1.0, 3),
        ([0, 0, 0], 0.99, 0),
    ],
)
def test_as_many_directions_as_explain_delta(
    variances: list[float], delta: float, needed: int
) -> None:
    assert directions_needed(rotated(variances), delta) == needed
    assert saturation(rotated(variances), delta) == needed / len(variances)


@given(
    st.lists(st.integers(1, 7), min_size=1, max_size=6),
    st.integers(1, 5),
    st.sampled_from([0.0, 1e6]),
    st.integers(0, 99),
)
def test_one_pass_equals_two_passes(
    batches: list[int], channels: int, offset: float, seed: int
) -> None:
    torch.manual_seed(seed)
    rows = [torch.randn(number, channels, dtype=torch.float64) + offset for number in batches]
    running = RunningCovariance(channels)
    for part in rows:
        running.add(part)
    whole = torch.cat(rows)
    assert running.count == len(whole)
    torch.testing.assert_close(running.mean, whole.mean(0))
    centred = whole - whole.mean(0)
    torch.testing.assert_close(
        running.covariance, centred.T @ centred / len(whole), atol=1e-9, rtol=1e-7
    )


def test_wide_layers_are_gathered_in_blocks() -> None:
    torch.manual_seed(0)
    rows = torch.randn(60, 700, dtype=torch.float64) + 3
    running = RunningCovariance(700)
    for part in rows.split(25):
        running.add(part)
    expected = torch.cov(rows.T, correction=0)
    torch.testing.assert_close(running.covariance, expected, atol=1e-12, rtol=1e-9)


def test_an_interruption_waits_for_the_end_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a matrix of which a part has seen the batch would be taken for a covariance."""
    rows = torch.randn(40, 600, dtype=torch.float64)
    running = RunningCovariance(600)
    addmm = Tensor.addmm_

    def interrupted(*given: Any) -> Tensor:
        signal.raise_signal(signal.SIGINT)
        return addmm(*given)

    monkeypatch.setattr(Tensor, "addmm_", interrupted)
    with pytest.raises(KeyboardInterrupt):
        running.add(rows)
    assert running.count == 40
    expected = torch.cov(rows.T, correction=0)
    torch.testing.assert_close(running.covariance, expected, atol=1e-12, rtol=1e-9)


def test_channels_are_dimensions_and_positions_are_samples() -> None:
    output = torch.arange(2 * 3 * 2 * 2.0).view(2, 3, 2, 2)
    rows = rows_of(output, torch.Generator())
    assert rows.shape == (8, 3)
    assert torch.equal(rows[0], output[0, :, 0, 0])
    assert torch.equal(rows[-1], output[1, :, 1, 1])
    assert rows_of(torch.ones(5, 7), torch.Generator()).shape == (5, 7)
    large = torch.arange(2 * 3 * 20 * 20.0).view(2, 3, 20, 20)
    drawn = rows_of(large, torch.Generator())
    assert drawn.shape == (2 * MOST_POSITIONS, 3)
    assert len(drawn.unique(dim=0)) == len(drawn), "no position twice"
    assert torch.equal(drawn[:, 1] - drawn[:, 0], torch.full((512,), 400.0))


def test_what_is_drawn_of_large_maps_is_unbiased() -> None:
    torch.manual_seed(0)
    output = torch.randn(4, 3, 16, 16) * torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1)
    every = RunningCovariance(3)
    every.add(rows_of(output, torch.Generator()))
    drawn = RunningCovariance(3)
    generator = torch.Generator().manual_seed(0)
    means = []
    for _ in range(400):
        rows = rows_of(output, generator, most=64)
        assert len(rows) == 64
        drawn.add(rows)
        means.append(rows.mean(0))
    spread = torch.stack(means).std(0) / 400**0.5
    assert ((torch.stack(means).mean(0) - every.mean).abs() < 4 * spread).all()
    torch.testing.assert_close(drawn.covariance, every.covariance, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("delta", [0.9, 0.99, 0.999])
def test_it_is_that_of_the_authors_tool_but_for_one_direction(delta: float) -> None:
    """delve drops the direction that crosses delta, unless it is far below it."""
    metrics = pytest.importorskip("delve.metrics", reason="delve is not installed")
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(3, 24, 3), nn.ReLU(), nn.Conv2d(24, 32, 3), nn.ReLU(), nn.Conv2d(32, 16, 3)
    )
    x = torch.randn(16, 3, 12, 12)
    for layer in model:
        x = layer(x)
        running = RunningCovariance(x.shape[1])
        running.add(rows_of(x.detach(), torch.Generator()))
        ours = directions_needed(running.covariance, delta)
        theirs = metrics.compute_intrinsic_dimensionality(running.covariance.clone(), delta)
        assert ours - theirs in (0, 1)
