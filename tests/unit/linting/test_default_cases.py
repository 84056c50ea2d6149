"""Rules that are on by default in some cases only: what is known of them, and what is not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rflint.configuration.model_options import ModelOptions
from rflint.configuration.read import load_configuration
from rflint.configuration.requests import requests_for
from rflint.errors import UsageError
from rflint.graph.source_location import SourceLocation
from rflint.linting.finding import Finding, Severity
from rflint.linting.rule import Rule
from rflint.linting.rule_files import load_rules
from rflint.linting.selection import select_rules
from rflint.report.baseline import Baseline
from rflint.report.policy import Policy, apply_policies
from tests.helpers.comments import saved
from tests.helpers.handmade_reports import conv, found, report


def all_cases(*_: Any) -> Iterable[Finding]:
    return ()


def some_cases(*_: Any) -> Iterable[Finding]:
    return ()


RULE = Rule(
    "ACME001",
    "of-mine",
    Severity.INFO,
    check=all_cases,
    on_by_default=False,
    default_check=some_cases,
    default_cases="where it rains",
    fails=[],
    passes=[],
)
LIMITED, WHOLE = select_rules([RULE]), select_rules([RULE], ["ACME"])


def test_the_check_of_the_default_cases_runs_unless_the_rule_is_asked_for() -> None:
    assert [x.check for x in (*LIMITED, *WHOLE)] == [some_cases, all_cases]
    assert [x.is_limited for x in (*LIMITED, *WHOLE)] == [True, False]
    assert not any(x.is_limited for x in load_rules())


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"default_cases": ""}, "default_check= and default_cases= go together"),
        ({"default_check": None}, "default_check= and default_cases= go together"),
        ({"default_check": 3}, "its default_check is no function"),
        ({"on_by_default": True}, "default_check= is for rules with on_by_default=False"),
    ],
)
def test_what_does_not_fit_together_is_refused(wrong: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        replace(RULE, **wrong)


def test_a_report_on_some_cases_is_none_on_all_cases(tmp_path: Path) -> None:
    """The cache tells the two apart."""
    (tmp_path / "rflint.toml").write_text("")
    configuration = load_configuration(tmp_path / "rflint.toml", isolated=False)
    identities = {
        requests_for(["net:build"], options, configuration, [RULE])[0].identity
        for options in (ModelOptions(), ModelOptions(extend_select=("ACME001",)))
    }
    assert len(identities) == 2


def test_a_comment_may_be_for_the_other_cases(tmp_path: Path) -> None:
    path = saved(tmp_path, "Conv(1)  # rflint: ignore[ACME001]\n")
    model = report([conv("line 1", SourceLocation(path, 1))])
    unused = next(x for x in load_rules() if x.code == "RF900")

    def complaints(rules: tuple[Rule, ...]) -> list[str]:
        (done,) = apply_policies([(model, Policy((*rules, unused)))], [RULE, unused])
        return [x.message for x in done.findings]

    assert complaints(LIMITED) == []
    assert complaints(WHOLE) == ["there is nothing of ACME001 to ignore here"]


def test_a_baseline_keeps_what_it_holds_of_the_other_cases() -> None:
    layers = [conv("a"), conv("b")]
    alike = {"code": "ACME001", "name": "of-mine"}
    findings = [replace(found(layer), **alike) for layer in layers]  # type: ignore[arg-type]

    def linted(rules: tuple[Rule, ...], *which: Finding) -> Any:
        (done,) = apply_policies([(report(layers, which), Policy(rules))], rules)
        return done

    both = Baseline({}).updated([linted(WHOLE, *findings)])
    limited = linted(LIMITED, findings[0])
    (after,), use = both.accept([limited], "baseline.json")
    assert (after.findings, use.accepted, use.fixed) == ((), 1, ())
    assert both.updated([limited]) == both
    assert len(both.accept([linted(WHOLE, findings[0])], "baseline.json")[1].fixed) == 1
