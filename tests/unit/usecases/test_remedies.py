"""What can be done about a model is found when somebody asks, for the model that was linted."""

from __future__ import annotations

import io
import pickle
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

import rflint
from rflint.report.deferred import Deferred
from rflint.report.model_report import ModelReport
from rflint.report.remedies import LEFT_OUT, Remedies
from rflint.report.report import Report
from rflint.report.reporters import FORMATS, TELL_OF_REPAIRS, TELL_OF_SIZES, reporter
from rflint.testing import assert_sound
from zoo.paper.resnet import resnet18

Searches = list[str]


def lint(model: Any = resnet18, **options: Any) -> ModelReport:
    return rflint.lint(model, res=32, **options).models[0]


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> Searches:
    """A word for each search for repairs."""
    from rflint.usecases import repairs

    made: Searches = []
    find = repairs.find_repairs
    monkeypatch.setattr(
        repairs, "find_repairs", lambda *arguments: made.append("searched") or find(*arguments)
    )
    return made


# -- when


def test_linting_finds_no_repairs_and_whoever_asks_for_them_does_once(searches: Searches) -> None:
    model = lint()
    assert model.findings
    assert searches == []
    assert model.repairs
    assert model.larger_input
    assert model.not_offered == ()
    assert model.to_dict()["repairs"]
    assert searches == ["searched"]


def test_they_are_those_that_rflint_repairs_finds() -> None:
    assert lint().repairs == rflint.repairs(resnet18, res=32)


def test_a_sound_model_is_not_searched(searches: Searches) -> None:
    model = rflint.lint(lambda: nn.Conv2d(3, 8, 3), res=32).models[0]
    assert model.repairs == model.not_offered == ()
    assert searches == []


def test_parts_of_a_report_share_what_is_found_for_one_of_them(searches: Searches) -> None:
    model = lint()
    part = replace(model, findings=model.findings[:1])
    assert part.repairs is model.repairs
    assert searches == ["searched"]


@pytest.mark.parametrize("show", [repr, lambda x: rflint.diff(x, x), Report.to_dataframe])
def test_what_shows_no_repairs_waits_for_none(
    show: Callable[[Report], object], searches: Searches
) -> None:
    report = rflint.lint(resnet18, res=32)
    show(report)
    assert searches == []
    str(report)
    report._repr_html_()
    assert searches == ["searched"]


def test_a_test_that_passes_waits_for_none(searches: Searches) -> None:
    assert_sound(resnet18, res=32, fail_on="error")
    assert searches == []
    with pytest.raises(AssertionError, match="Apply one"):
        assert_sound(resnet18, res=32)
    assert searches == ["searched"]


def test_every_format_that_tells_of_them_says_so() -> None:
    known = lint()
    for name in (*FORMATS, "statistics"):
        asked: list[str] = []

        def find(asked: list[str] = asked) -> Remedies:
            asked.append("asked")
            return known.remedies.value

        model = replace(known, remedies=Deferred(find))
        reporter(name)(Report((model,), rules=()), io.StringIO(), True)
        assert bool(asked) is (name in TELL_OF_REPAIRS), name
    assert TELL_OF_SIZES <= TELL_OF_REPAIRS


def test_other_formats_write_a_report_without_them_as_one_with_them() -> None:
    model = lint()
    for name in set(FORMATS) - TELL_OF_REPAIRS:
        texts = []
        for each in (model, replace(model, remedies=LEFT_OUT)):
            stream = io.StringIO()
            reporter(name)(Report((each,)), stream, True)
            texts.append(stream.getvalue())
        assert texts[0] == texts[1] != "", name


# -- where


def test_threads_that_ask_at_once_get_the_same_repairs(searches: Searches) -> None:
    model, found = lint(), []
    threads = [threading.Thread(target=lambda: found.append(model.repairs)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(map(id, found))) == 1
    assert searches == ["searched"]


def test_a_report_in_a_file_has_its_repairs() -> None:
    model = lint()
    there = pickle.loads(pickle.dumps(model))
    assert there.repairs == model.repairs != ()
    assert there.to_dict() == model.to_dict()


def test_what_the_builder_set_for_the_process_holds_for_repairs_and_is_put_back() -> None:
    def in_double() -> nn.Module:
        torch.set_default_dtype(torch.float64)
        return resnet18()

    model = lint(in_double)
    random = torch.get_rng_state()
    assert any("dtype=torch.float64" in edit for x in model.repairs for edit in x.edits)
    assert torch.get_default_dtype() is torch.float32
    assert torch.equal(torch.get_rng_state(), random)
    assert model.repairs == rflint.repairs(in_double, res=32)


# -- for which model


def test_a_model_comes_back_unchanged_from_the_search_too() -> None:
    model = resnet18()
    report = lint(model)
    state = {name: (id(x), x.clone()) for name, x in model.state_dict(keep_vars=True).items()}
    model.train()
    assert report.repairs
    assert model.training
    for name, tensor in model.state_dict(keep_vars=True).items():
        there, values = state[name]
        assert id(tensor) == there
        assert torch.equal(tensor, values)


def test_a_model_that_was_trained_meanwhile_has_the_same_repairs() -> None:
    model = resnet18()
    report = lint(model)
    model.train()
    model(torch.rand(2, 3, 32, 32)).sum().backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    assert report.not_offered == ()
    assert [x.edits for x in report.repairs] == [x.edits for x in lint(resnet18()).repairs] != []


def test_a_model_that_was_changed_meanwhile_has_none_and_the_report_says_why() -> None:
    model = resnet18()
    report = lint(model)
    del model.layer4[1:]
    assert report.repairs == ()
    assert report.larger_input is None
    (reason,) = report.not_offered
    assert "changed since it was linted" in reason
    assert reason in str(Report((report,)))


def test_a_model_that_does_not_run_any_more_is_a_changed_one() -> None:
    model = resnet18()
    report = lint(model)
    model.fc = nn.Linear(3, 3)
    (reason,) = report.not_offered
    assert "changed since it was linted" in reason


def test_a_model_that_was_changed_after_the_search_keeps_what_was_found() -> None:
    model = resnet18()
    report = lint(model)
    found = report.repairs
    del model.layer4[1:]
    assert report.repairs == found != ()
