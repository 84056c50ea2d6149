"""RF900: comments without use are reported, and those that may have one never."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from rflint.graph.architecture import LeftOut
from rflint.graph.source_location import SourceLocation
from rflint.linting.finding import Severity
from rflint.report.model_report import ModelReport
from rflint.report.policy import apply_policies
from tests.helpers.comments import POLICY, RULES, answered, linted, saved, unused, without
from tests.helpers.handmade_reports import conv, found, report, unknown


def good(folder: Path, text: str) -> list[str]:
    """What RF900 says where every layer is all right."""
    return unused(linted(folder, text, bad=False))


@pytest.mark.parametrize(
    ("comment", "says"),
    [
        ("ignore[RF101]", "there is nothing of RF101 to ignore here"),
        ("ignore[unproductive-layer]", "there is nothing of unproductive-layer to ignore here"),
        ("ignore", "there is nothing to ignore here"),
        ("ignore[RF999]", "there is no rule RF999 to ignore"),
        ("ignore[RF1]", "there is no rule RF1 to ignore"),
        ("ignore[RF1011]", "there is no rule RF1011 to ignore (did you mean RF101?)"),
        (
            "ignore[unproductive-layers]",
            "there is no rule unproductive-layers to ignore (did you mean unproductive-layer?)",
        ),
    ],
)
def test_a_comment_without_use_is_reported(tmp_path: Path, comment: str, says: str) -> None:
    assert good(tmp_path, f"x = Conv(1)  # rflint: {comment}\n") == [says]


def test_of_several_codes_those_without_use(tmp_path: Path) -> None:
    model = linted(tmp_path, "x = Conv(1)  # rflint: ignore[RF101, RF901]\n")
    assert answered(model) == {1}
    assert unused(model) == ["there is nothing of RF901 to ignore here"]


def test_it_is_reported_where_it_stands_at_the_first_layer_that_it_is_for(tmp_path: Path) -> None:
    model = linted(
        tmp_path, "def f():  # rflint: ignore[RF101]\n    Conv(1)\n    Conv(2)\n", bad=False
    )
    (finding,) = model.findings
    assert finding.layer == "line 2"
    assert finding.source
    assert finding.source.line == 1


def test_what_stands_on_no_layer_has_the_files_name_for_one(tmp_path: Path) -> None:
    (finding,) = linted(tmp_path, "x = 1  # rflint: noqa\ny = Conv(1)\n", bad=False).findings
    assert re.fullmatch(r"net\d+\.py", finding.layer)


@pytest.mark.parametrize(
    "text",
    [
        "x = 1  # rflint: ignore[RF101]\ny = Conv(1)\n",  # on no layer
        "def other():  # rflint: ignore[RF101]\n    pass\ny = Conv(1)\n",
        "y = Conv(1)  # rflint: ignore[RF101, RF900] comes and goes\n",
        "y = Conv(1)  # rflint: ignore[unused-suppression]\n",
        "class A:  # rflint: ignore[RF900]\n    y = Conv(1)  # rflint: ignore[RF101]\n",
    ],
)
def test_no_word_of_comments_that_may_have_a_use(tmp_path: Path, text: str) -> None:
    assert good(tmp_path, text) == []


def test_what_is_to_stay_is_suppressed_itself(tmp_path: Path) -> None:
    model = linted(
        tmp_path, "y = Conv(1)  # rflint: ignore[RF101, RF900] comes and goes\n", bad=False
    )
    assert [(x.finding.code, x.reason) for x in model.suppressed] == [("RF900", "comes and goes")]


def test_ignoring_everything_does_not_hide_that_there_is_nothing(tmp_path: Path) -> None:
    text = "class A:  # rflint: ignore\n    y = Conv(1)\n"
    assert len(good(tmp_path, text)) == 1


def with_comment(folder: Path) -> tuple[str, ModelReport, ModelReport]:
    """A line with a comment, and its layer in a model where it is found useless, and in another."""
    path = saved(folder, "x = Conv(1)  # rflint: ignore[RF101]\n")
    layer = conv("x", SourceLocation(path, 1))
    return path, report([layer], [found(layer)]), report([layer], target="net.py:other")


def test_a_use_in_one_model_is_one_for_all(tmp_path: Path) -> None:
    """The same file at two resolutions, or a shared block."""
    _, bad, good = with_comment(tmp_path)
    for models in ([bad, good], [good, bad]):
        assert unused(*apply_policies([(model, POLICY) for model in models], RULES)) == []
    once = apply_policies([(good, POLICY), (replace(good, target="net.py:third"), POLICY)], RULES)
    assert [len(model.findings) for model in once] == [1, 0]


def test_it_is_held_against_rules_that_ran_on_it(tmp_path: Path) -> None:
    _, _, good = with_comment(tmp_path)
    assert unused(*apply_policies([(good, without("RF101"))], RULES)) == []
    assert unused(*apply_policies([(good, without("RF900"))], RULES)) == []
    assert len(unused(*apply_policies([(good, without("RF901"))], RULES))) == 1


def test_it_is_told_to_a_model_that_wants_to_know(tmp_path: Path) -> None:
    _, _, good = with_comment(tmp_path)
    other = replace(good, target="net.py:third")
    done = apply_policies([(good, without("RF900")), (other, POLICY)], RULES)
    assert [len(model.findings) for model in done] == [0, 1]


def test_what_a_model_has_nothing_to_do_with_it_is_not_told(tmp_path: Path) -> None:
    path = saved(tmp_path, "x = 1  # rflint: noqa\ny = Conv(1)\n")
    stranger = report([conv("y", SourceLocation("elsewhere.py", 1))], target="elsewhere.py:build")
    mine = report([conv("y", SourceLocation(path, 2))])
    done = apply_policies([(stranger, POLICY), (mine, POLICY)], RULES)
    assert [len(model.findings) for model in done] == [0, 1]


def test_nothing_is_said_unless_everything_is_linted(tmp_path: Path) -> None:
    _, _, good = with_comment(tmp_path)
    (done,) = apply_policies([(good, POLICY)], RULES, all_models=False)
    assert done.findings == ()
    assert done.rules_run is not None
    assert "RF900" not in done.rules_run


def test_nothing_is_said_of_layers_that_could_not_be_judged(tmp_path: Path) -> None:
    path, _, _ = with_comment(tmp_path)
    layers = [unknown("mystery", SourceLocation(path, 9)), conv("x", SourceLocation(path, 1))]
    assert unused(*apply_policies([(report(layers), POLICY)], RULES)) == []
    assert len(unused(*apply_policies([(report(layers[::-1]), POLICY)], RULES))) == 1
    left_out = report(layers[1:], left_out=LeftOut("data decides", ""))
    assert unused(*apply_policies([(left_out, POLICY)], RULES)) == []


def test_rules_that_are_not_known_here_may_be_elsewhere(tmp_path: Path) -> None:
    """`rflint.lint` knows nothing of a project's own rules; `rflint` does."""
    path = saved(tmp_path, "x = Conv(1)  # rflint: ignore[ACME101, wide-stem, RF999]\n")
    model = report([conv("x", SourceLocation(path, 1))])
    assert unused(*apply_policies([(model, POLICY)], RULES, all_rules=False)) == [
        "there is no rule RF999 to ignore"
    ]
    assert unused(*apply_policies([(model, POLICY)], RULES)) == [
        "there is no rule ACME101, wide-stem, RF999 to ignore"
    ]


def test_severities_reach_what_is_suppressed_and_what_is_unused(tmp_path: Path) -> None:
    _, bad, good = with_comment(tmp_path)
    severity = {"RF1": Severity.INFO, "RF": Severity.ERROR}
    policy = replace(POLICY, severity=severity)
    (done,) = apply_policies([(bad, policy)], RULES)
    assert [x.finding.severity for x in done.suppressed] == [Severity.INFO]
    (done,) = apply_policies([(good, policy)], RULES)
    assert [x.severity for x in done.findings] == [Severity.ERROR]
