"""What is said of a model at other sizes, against the model really traced there.

A size is either said to be unknown, or what is said of it is what a fresh analysis finds: that the
model runs, or does not; every verdict; the work; the receptive fields.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rflint.analysis.analyse import analyse
from rflint.analysis.analysis import Analysis
from rflint.analysis.sizes.behaviours import has_same_fields
from rflint.analysis.sizes.facts import SizeFacts, SizeState, held
from rflint.analysis.sizes.find import find_size_facts
from rflint.errors import RflintError
from rflint.inputs.tracing_options import TracingOptions
from rflint.linting.settings import RuleOptions
from rflint.tracing.model.build import build
from rflint.tracing.traced_model import trace_model
from rflint.usecases.analysed_model import analyse_model
from tests.helpers.nets_and_sizes import OTHERS, PLAIN, AsksForItsSize, Embedded
from tests.helpers.positions import C
from tests.helpers.random_chains import chains

Size = tuple[int, ...]


def facts_of(model: nn.Module, size: Size, channels: int = 3) -> SizeFacts:
    there = analyse_model(
        build(model, {}, "model"), None, [(1, channels, *size)], TracingOptions(), RuleOptions()
    )
    facts = find_size_facts(there.analysis, seconds=60.0)
    assert facts is not None
    return facts


def fresh(model: nn.Module, size: Size, channels: int) -> Analysis | None:
    try:
        traced = trace_model(model, None, [(1, channels, *size)], TracingOptions())
    except RflintError:
        return None
    return analyse(traced.architecture)


def check(model: nn.Module, facts: SizeFacts, numbers: Sequence[int], channels: int = 3) -> None:
    """Hold everything that is said of these sizes against fresh analyses."""
    for number in numbers:
        state = facts.state(number)
        if state is SizeState.UNKNOWN:
            continue
        there = fresh(model, facts.sizes[number], channels)
        assert (there is not None) == (state is SizeState.RUNS), facts.sizes[number]
        if there is None:
            continue
        said = [facts.verdict(index, number) for index in range(len(there.layers))]
        assert said == [x.verdict for x in there.layers], facts.sizes[number]
        assert facts.macs[number] in (None, there.totals.macs), facts.sizes[number]
        for index, runs in facts.layers:
            assert has_same_fields(held(runs, number, runs[0][1]), there.layers[index])


def spread(facts: SizeFacts, count: int) -> list[int]:
    """Some of the sizes: the ends, the linted one, and others between them."""
    last = len(facts.sizes) - 1
    return sorted({facts.linted, *(round(last * i / (count - 1)) for i in range(count))})


def known_share(facts: SizeFacts) -> float:
    states = [facts.state(number) for number in range(len(facts.sizes))]
    return sum(state is not SizeState.UNKNOWN for state in states) / len(states)


@pytest.mark.parametrize("name", [*PLAIN, *OTHERS])
def test_what_is_said_of_a_size_is_what_a_trace_finds(name: str) -> None:
    builder, size = (PLAIN | OTHERS)[name]
    model = builder().eval()
    facts = facts_of(model, (size, size))
    assert facts.state(facts.linted) is SizeState.RUNS
    check(model, facts, spread(facts, 9))


@pytest.mark.parametrize("name", PLAIN)
def test_of_plain_models_nearly_all_sizes_are_known(name: str) -> None:
    builder, size = PLAIN[name]
    facts = facts_of(builder().eval(), (size, size))
    assert known_share(facts) >= 0.9
    assert facts.tried <= 41


def test_a_model_that_asks_for_its_size_is_known_only_where_it_was_traced() -> None:
    for size in (32, 128):
        facts = facts_of(AsksForItsSize(), (size, size))
        known = [n for n in range(len(facts.sizes)) if facts.state(n) is not SizeState.UNKNOWN]
        assert len(known) <= facts.tried
        assert facts.linted in known


def test_one_that_is_held_to_a_size_by_a_table_is_said_to_run_only_where_it_fits() -> None:
    facts = facts_of(Embedded(), (32, 32))
    runs = [facts.sizes[n] for n in range(len(facts.sizes)) if facts.state(n) is SizeState.RUNS]
    assert {(31, 31), (32, 32)} <= set(runs)
    # a map of one position is broadcast over the table
    assert set(runs) <= {(1, 1), (2, 2), (31, 31), (32, 32)}


@settings(max_examples=25)
@given(st.data())
def test_of_random_networks_nothing_wrong_is_said(data: st.DataObject) -> None:
    axes = data.draw(st.sampled_from([1, 2]))
    model = data.draw(chains(axes, most=5)).eval()
    size = tuple(data.draw(st.integers(8, 24)) for _ in range(axes))
    if fresh(model, size, C) is None:
        return
    facts = facts_of(model, size, C)
    numbers = data.draw(
        st.lists(st.integers(0, min(60, len(facts.sizes) - 1)), min_size=4, max_size=4)
    )
    check(model, facts, [*numbers, len(facts.sizes) - 1], C)
