"""What a check is told: settings of its rule, and options of the run."""

from __future__ import annotations

from rflint.analysis.options import AnalysisOptions
from rflint.linting.finding import Severity
from rflint.linting.rule import Rule, Setting, Settings
from rflint.linting.settings import rule_options

LEFT_OUT = AnalysisOptions(judges_pointwise=False)
MINE = Rule(
    "ACME001",
    "of-mine",
    Severity.INFO,
    check=lambda analysis, settings: (),
    fails=[],
    passes=[],
    settings={
        "kernels": Setting((3,), "sizes that are allowed."),
        "ones": Setting("keep", "1x1 ones.", ("keep", "drop"), {"drop": LEFT_OUT}),
    },
)


def test_a_rule_gets_its_settings_and_the_options_of_the_run() -> None:
    options = rule_options([MINE], {"of-mine": {"kernels": [3, 5]}, "OTHER1": {"x": 1}}, ["roll"])
    assert options.of(MINE) == Settings({"kernels": (3, 5), "ones": "keep"}, ("roll",))
    assert dict(options.of(MINE)) == {"kernels": (3, 5), "ones": "keep"}
    assert options.analysis == AnalysisOptions()


def test_a_setting_of_any_rule_can_say_what_is_judged() -> None:
    assert rule_options([MINE], {"ACME001": {"ones": "drop"}}).analysis == LEFT_OUT
    assert rule_options([MINE], {"ACME001": {"ones": "keep"}}).analysis == AnalysisOptions()
