"""The rules that ship with rflint: found by listing, documented, and true to their examples."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from torch import Tensor, nn

import rflint
from rflint.errors import UsageError
from rflint.linting.finding import Severity
from rflint.linting.rule import Rule
from rflint.linting.rule_files import load_rules
from rflint.linting.rule_module import read_rule
from rflint.linting.selection import select_rules
from rflint.usecases.rule_examples import run_examples

RULES = load_rules()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_examples_of_a_rule_go_as_they_say(rule: Rule) -> None:
    ran = list(run_examples(rule, RULES))
    assert [str(outcome) for outcome in ran if not outcome.passed] == []
    assert {outcome.should_fail for outcome in ran} == {True, False}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_explains_itself(rule: Rule) -> None:
    for heading in (
        "What it is",
        "Why it matters",
        "How to fix it",
        "When to ignore it",
        "How it is computed",
    ):
        assert heading in rule.doc
    assert rule.summary.endswith(".")
    assert rule.fails
    assert rule.passes


def test_every_rule_file_is_a_rule() -> None:
    import rflint.rules

    files = Path(next(iter(rflint.rules.__path__))).glob("rf*.py")
    assert sorted(file.name[:5].upper() for file in files) == [rule.code for rule in RULES]


def test_selection_by_code_prefix_and_name() -> None:
    def codes(*args: tuple[str, ...]) -> list[str]:
        return [rule.code for rule in select_rules(RULES, *args)]

    assert codes(("RF101",)) == ["RF101"]
    assert codes(("RF1",)) == ["RF101", "RF102", "RF103", "RF104"]
    assert codes(("unproductive-layer",)) == ["RF101"]
    assert codes(("ALL",)) == [rule.code for rule in RULES]
    default = [rule.code for rule in RULES if rule.unasked]
    assert codes((), ("RF9",)) == [code for code in default if not code.startswith("RF9")]
    assert "RF404" in codes((), (), ("RF404",))
    assert "RF404" not in default
    assert codes(("ALL",), ("ALL",)) == []


def test_a_rule_that_is_on_in_some_cases_is_limited_to_them_unless_it_is_named() -> None:
    def limited(*args: tuple[str, ...]) -> list[bool]:
        return [rule.is_limited for rule in select_rules(RULES, *args) if rule.code == "RF104"]

    assert limited() == limited((), (), ("RF404",)) == [True]
    for named in ((("RF104",),), ((), (), ("RF1",)), (("ALL",),), ((), (), ("unseen-context",))):
        assert limited(*named) == [False]
    assert limited(("RF2",)) == limited((), ("RF104",)) == limited((), ("RF1",)) == []
    assert limited((), ("RF1",), ("RF104",)) == [False]
    assert [rule.code for rule in RULES if rule.unasked and not rule.on_by_default] == ["RF104"]


@pytest.mark.parametrize("code", ["RF7", "E501", "nonsense"])
def test_an_unknown_code_is_an_error_that_lists_the_rules(code: str) -> None:
    with pytest.raises(UsageError) as caught:
        select_rules(RULES, (code,))
    assert code in caught.value.message
    assert "RF101" in caught.value.hint


def test_a_rule_file_that_lacks_something_is_an_error_that_says_what() -> None:
    module = ModuleType("rf999_broken")
    module.__file__ = "rules/rf999_broken.py"
    with pytest.raises(UsageError, match=r"rf999_broken.* lacks RULE"):
        read_rule(module)


def test_severities_are_ordered_for_the_gate() -> None:
    assert Severity.INFO.rank < Severity.WARNING.rank < Severity.ERROR.rank


def test_a_finding_says_what_is_wrong_with_numbers() -> None:
    finding = rflint.lint(RULES[0].fails[0].build, res=16, select="RF101").findings[0]
    assert (finding.code, finding.layer) == ("RF101", "5")
    assert "18x18" in finding.message
    assert "16x16" in finding.message


def mixing_network() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 7, padding=3),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 7, padding=3),
        nn.Conv2d(16, 32, 1),
        nn.Conv2d(32, 16, 3, padding=1),
        nn.Conv2d(16, 32, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


def test_pointwise_convolutions_can_be_left_unjudged() -> None:
    """In verdicts, totals, border and repairs alike; 3x3 convolutions are judged as ever."""

    settings = {"RF101": {"pointwise": "ignore"}}
    judged = rflint.lint(mixing_network, res=16).to_dict()["models"][0]
    left = rflint.lint(mixing_network, res=16, settings=settings).to_dict()["models"][0]
    assert judged["totals"]["unproductive"] == 3
    assert judged["border"]["min"] == "3"
    verdicts = {x["name"]: x["verdict"] for x in left["layers"] if x["kind"] == "conv"}
    assert verdicts["3"] == "not judged"
    assert verdicts["4"] == "unproductive"
    assert left["totals"]["convs"] == judged["totals"]["convs"] - 2
    assert left["totals"]["unproductive"] == 1
    assert left["border"]["min"] == "4"
    assert left["repairs"]
    for repair in left["repairs"]:
        assert repair["verified"]
        assert repair["before"]["unproductive"] == 1


def test_a_call_of_shared_weights_does_not_speak_for_the_weights() -> None:
    """A head that is called on every level of a pyramid is past the border on some of them only."""

    class Pyramid(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 8, 9, padding=4)
            self.down = nn.Conv2d(8, 8, 9, stride=2, padding=4)
            self.head = nn.Conv2d(8, 8, 3, padding=1)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            x = self.stem(x)
            return self.head(x), self.head(self.down(x))

    (found,) = rflint.lint(Pyramid, res=16, select="RF101").findings
    assert found.layer == "head"
    assert "while other calls of the same weights lie in front" in found.message
