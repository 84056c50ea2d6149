"""What is linted, and how: the command line laid over the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rflint.configuration.configuration import Configuration
from rflint.configuration.model_options import ModelOptions
from rflint.configuration.requests import Request, covers_configuration, requests_for
from rflint.errors import UsageError
from rflint.linting.finding import Severity
from rflint.report.limit import read_limit
from tests.helpers.configurations import RULES, configured


def asked(
    found: Configuration, *targets: str, options: ModelOptions | None = None
) -> tuple[Request, ...]:
    return requests_for(targets, options or ModelOptions(), found, RULES)


def codes(request: Request) -> list[str]:
    return [rule.code for rule in request.policy.rules]


TWO = """
    res = [32, 64]
    select = ["RF1"]
    args = { classes = 10, width = 1 }
    severity = { RF1 = "info" }
    max-params = "12M"

    [[models]]
    target = "net:small"
    args = { width = 2 }
    severity = { RF101 = "error" }
    max-params = "1M"

    [[models]]
    target = "pkg/net.py:large"
    name = "large"
    res = 224
    select = ["ALL"]
    ignore = ["RF9"]
"""


def test_without_a_target_all_models_are_linted(tmp_path: Path) -> None:
    found = configured(tmp_path, TWO)
    small, larger, large = asked(found)
    assert [x.title for x in (small, larger, large)] == [
        "net:small at 32",
        "net:small at 64",
        "large",
    ]
    assert {x.root for x in (small, larger, large)} == {tmp_path}
    assert small.arguments == {"classes": 10, "width": 2}
    assert small.policy.severity == {"RF1": Severity.INFO, "RF101": Severity.ERROR}
    assert (small.policy.limits.max_params, large.policy.limits.max_params) == (
        read_limit("1M"),
        read_limit("12M"),
    )
    assert (codes(small), codes(large)) == (["RF101"], ["RF101"])


def test_the_command_line_goes_before_the_file(tmp_path: Path) -> None:
    found = configured(tmp_path, TWO)
    chosen = ModelOptions(res=((8,),), args={"width": 3}, max_params=read_limit(1), select=("RF9",))
    small, large = asked(found, options=chosen)
    for request in (small, large):
        assert request.resolution == (8,)
        assert request.arguments == {"classes": 10, "width": 3}
        assert request.policy.limits.max_params == read_limit(1)
        assert codes(request) == ["RF900", "RF901", "RF902"]  # whatever the file ignores


def test_a_target_is_linted_as_it_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = configured(tmp_path, TWO)
    (tmp_path / "pkg").mkdir()
    monkeypatch.chdir(tmp_path / "pkg")
    for target in ("net.py:large", "../pkg/net.py:large"):
        (large,) = asked(found, target)
        assert (large.name, large.resolution, large.root) == ("large", (224,), tmp_path)
    one, two = asked(found, "net.py:unheard_of")
    assert (one.resolution, two.resolution) == ((32,), (64,))
    assert (one.root, one.target) == (tmp_path / "pkg", "net.py:unheard_of")


def test_what_is_asked_for_twice_is_linted_once(tmp_path: Path) -> None:
    found = configured(tmp_path, TWO)
    assert len(asked(found, "net:small", "net:small", options=ModelOptions(res=((8,), (8,))))) == 1


def test_without_any_model_there_is_nothing_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no target given, and no model configured"):
        asked(configured(tmp_path, "res = 32"))


@pytest.mark.parametrize(
    ("text", "chosen", "runs"),
    [
        ("", {}, ["RF101", "RF900", "RF901", "RF902"]),
        ("select = ['RF101']", {}, ["RF101"]),
        ("select = ['rf1']", {}, ["RF101"]),
        ("select = ['unproductive-layer']", {}, ["RF101"]),
        ("select = 'ALL'\nignore = 'RF9'\nextend-select = 'RF901'", {}, ["RF101", "RF901"]),
        ("ignore = ['ALL']\nextend-select = ['RF9']", {}, ["RF900", "RF901", "RF902"]),
        ("ignore = ['RF9']", {"ignore": ("RF1",)}, []),
        ("ignore = ['RF9']", {"extend_select": ("RF901",)}, ["RF101", "RF901"]),
        ("ignore = ['RF9']", {"select": ("RF9",)}, ["RF900", "RF901", "RF902"]),
        ("select = ['RF9']", {"ignore": ("RF90",)}, []),
        ("select = ['RF9']", {"select": ("RF1",), "ignore": ("RF101",)}, []),
        ("select = []", {}, []),
        ("select = []\nextend-select = ['RF1']", {}, ["RF101"]),
        ("select = []", {"extend_select": ("RF1",)}, ["RF101"]),
        ("select = []", {"select": ("RF1",)}, ["RF101"]),
    ],
)
def test_which_rules_run(
    tmp_path: Path, text: str, chosen: dict[str, Any], runs: list[str]
) -> None:
    found = configured(tmp_path, text)
    (request,) = asked(found, "a:b", options=ModelOptions(**chosen))
    assert codes(request) == runs


def test_a_models_own_choice_starts_anew(tmp_path: Path) -> None:
    text = "ignore = ['RF101']\n[[models]]\ntarget = 'a:b'\n"
    assert codes(*asked(configured(tmp_path, text + "ignore = ['RF9']"))) == []
    assert codes(*asked(configured(tmp_path, text + "select = ['RF1']"))) == ["RF101"]
    assert codes(*asked(configured(tmp_path, text + "select = []"))) == []


def test_settings_reach_the_rules(tmp_path: Path) -> None:
    for name in ("RF101", "unproductive-layer"):
        found = configured(tmp_path, f"[rules.{name}]\npointwise = 'ignore'")
        (request,) = asked(found, "a:b")
        assert not request.rule_options.analysis.judges_pointwise


@pytest.mark.parametrize(
    ("targets", "chosen", "whole"),
    [
        ((), {}, True),
        ((), {"select": ("RF1",)}, True),
        ((), {"max_params": read_limit(1)}, True),
        (("net:small", "pkg/net.py:large"), {}, True),
        (("net:small", "pkg/net.py:large", "net:third"), {}, True),
        (("net:small",), {}, False),
        ((), {"res": ((32,),)}, False),
        ((), {"res": ((32,), (64,), (224,))}, True),
        ((), {"args": {"width": 7}}, False),
        ((), {"train": True}, False),
        ((), {"input": ((1, 3, 32, 32),)}, False),
        ((), {"allow_unknown": ("roll",)}, False),
    ],
)
def test_whether_everything_is_linted(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    targets: tuple[str, ...],
    chosen: dict[str, Any],
    whole: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    found = configured(tmp_path, TWO)
    assert (
        covers_configuration(asked(found, *targets, options=ModelOptions(**chosen)), found) == whole
    )


def test_without_models_everything_is_what_is_asked_for(tmp_path: Path) -> None:
    found = configured(tmp_path, "res = 8")
    assert covers_configuration(asked(found, "a:b"), found)
