"""Limits on what a model may be: `--max-macs 1.2G`. Exact at the boundary, silenced by nothing."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rflint.analysis.totals import Totals
from rflint.graph.source_location import SourceLocation
from rflint.linting.finding import Severity
from rflint.linting.rule_files import load_rules
from rflint.report.baseline import Baseline
from rflint.report.limit import read_limit
from rflint.report.limits import Limits, exceeded_limits
from rflint.report.model_report import ModelReport
from rflint.report.policy import Policy, apply_policies
from rflint.report.problems import problems
from rflint.report.report import Report
from tests.helpers.handmade_reports import conv, report

TOTALS = Totals(
    params=1000,
    macs=1_200_000_000,
    layers=9,
    convs=8,
    unproductive=2,
    unproductive_params=300,
    unproductive_macs=400,
    dead_weights=50,
    from_border=3,
    from_border_params=300,
    from_border_macs=3000,
)


def over(totals: Totals = TOTALS, **limits: Any) -> list[str]:
    """The limits, as they are written, that a model exceeds."""
    shares = ("max_unproductive", "max_dead_weights")
    read = {name: read_limit(value, share=name in shares) for name, value in limits.items()}
    return [x.option for x in exceeded_limits(Limits(**read), totals, None)]


# -- exact


@pytest.mark.parametrize(
    ("name", "allowed", "exceeded"),
    [
        ("max_macs", "1.2G", "1.199999999G"),
        ("max_macs", 1_200_000_000, 1_199_999_999),
        ("max_params", "1k", 999),
        ("max_params", "0.001M", "0.000999M"),
        ("max_unproductive", 2, 1),
        ("max_unproductive", "25%", "24.999999999999999999999%"),  # 2 of 8 convolutions
        ("max_dead_weights", 50, 49),
        ("max_dead_weights", "5%", "4.9%"),  # 50 of 1000 parameters
    ],
)
def test_a_limit_is_the_most_that_is_allowed(name: str, allowed: Any, exceeded: Any) -> None:
    assert over(**{name: allowed}) == []
    assert over(**{name: exceeded}) == [name.replace("_", "-")]


def test_none_at_all_may_be_allowed() -> None:
    assert over(max_unproductive=0) == ["max-unproductive"]
    assert over(replace(TOTALS, unproductive=0), max_unproductive=0) == []


def test_a_share_of_nothing_is_nothing() -> None:
    empty = replace(TOTALS, convs=0, unproductive=0, params=0, dead_weights=0)
    assert over(empty, max_unproductive="0%", max_dead_weights="0%") == []


@given(st.integers(1, 10**15), st.integers(0, 10**15), st.integers(0, 10**6))
def test_no_rounding_is_between_a_share_and_the_whole(whole: int, part: int, digits: int) -> None:
    """Floats have not enough digits for this."""
    percent = f"{digits // 10**4}.{digits % 10**4:04}%"
    allowed = Fraction(digits, 10**6) >= Fraction(part, whole)
    assert read_limit(percent, share=True).allows(part, whole) == allowed


def test_every_limit_is_told_apart() -> None:
    limits = Limits(read_limit(1), read_limit(49), read_limit("1.1G"), read_limit("0.9k"))
    place = SourceLocation("net.py", 3)
    found = exceeded_limits(limits, TOTALS, place)
    assert [x.message for x in found] == [
        "2 unproductive convolutions: more than the 1 that are allowed",
        "50 dead weights: more than the 49 that are allowed",
        "1.20 G (1,200,000,000) MACs: more than the 1.1G that are allowed",
        "1,000 parameters: more than the 0.9k that are allowed",
    ]
    assert {x.source for x in found} == {place}


def test_a_share_names_the_whole() -> None:
    (found,) = exceeded_limits(Limits(max_unproductive=read_limit("20%", share=True)), TOTALS, None)
    assert found.message == (
        "2 unproductive convolutions, 25 % of 8: more than the 20% that are allowed"
    )


# -- silenced by nothing


@pytest.fixture(scope="module")
def too_large() -> ModelReport:
    """Without a finding; a comment above it ignores everything."""
    model = report([conv("only", SourceLocation(__file__, 1))])
    policy = Policy(load_rules(), limits=Limits(max_params=read_limit(999)))
    (done,) = apply_policies([(model, policy)], policy.rules)
    return done


def test_a_limit_is_no_finding(too_large: ModelReport) -> None:
    assert too_large.findings == too_large.suppressed == ()
    (over,) = too_large.exceeded_limits
    assert over.option == "max-params"
    (problem,) = problems(Report((too_large,)))
    assert (problem.code, problem.severity, problem.fails_run) == (
        *("max-params", Severity.ERROR, True),
    )


@pytest.mark.parametrize("gate", [None, *Severity])
def test_no_gate_lets_it_pass(too_large: ModelReport, gate: Severity | None) -> None:
    assert Report((too_large,)).exit_status(gate) == 1
    assert Report((replace(too_large, exceeded_limits=()),)).exit_status(gate) == 0


def test_no_baseline_holds_it(too_large: ModelReport) -> None:
    held = Baseline({}).updated([too_large])
    assert len(held) == 0
    (after,), use = held.accept([too_large], "baseline.json")
    assert after.exceeded_limits == too_large.exceeded_limits
    assert (use.accepted, use.fixed) == (0, ())
