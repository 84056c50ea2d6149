"""`rflint rule`: list the rules, explain one, run their examples."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rflint.cli.completion import complete_codes
from rflint.cli.messages import complain, errors_reported, to_stdout
from rflint.cli.parameters import with_configuration_options
from rflint.errors import RflintError, UsageError
from rflint.text.numbers import plural
from rflint.usercode.stdout import stdout_to_stderr

if TYPE_CHECKING:
    from rflint.linting.rule import Rule


@click.command("rule")
@click.argument("code", required=False, shell_complete=complete_codes)
@click.option("--test", is_flag=True, help="Run the examples of the rule, or of all rules.")
@with_configuration_options
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def rule(code: str | None, test: bool, config: Path | None, isolated: bool, debug: bool) -> None:
    """Explain a rule, list all, or run examples.

    CODE names one rule or several: RF101, RF1, unproductive-layer.
    """
    with errors_reported(debug):
        from rflint.configuration.read import load_configuration
        from rflint.linting.rule_files import load_all_rules

        found = load_configuration(config, isolated=isolated)
        broken: list[str] = []

        def failed(about: str, error: RflintError) -> None:
            broken.append(about)
            complain(error, debug, about)

        with stdout_to_stderr():
            rules = load_all_rules(found.rule_files, failed, run=test)
        chosen = _chosen(rules, code, broken)
        wrong = 0
        if test and chosen:
            wrong = _test(chosen, rules)
        elif code:
            _explain(chosen)
        else:
            _list(chosen)
    sys.exit(2 if broken else int(bool(wrong)))


def _chosen(rules: Sequence[Rule], code: str | None, broken: Sequence[str]) -> Sequence[Rule]:
    """The rules that a code selects; none if it belongs to a rule that failed to load."""
    from rflint.linting.selection import select_rules

    if not code:
        return rules
    try:
        return select_rules(rules, [code])
    except UsageError:
        if any(code.lower().replace("-", "_") in about.lower() for about in broken):
            return ()  # what is wrong has been said
        raise


def _list(rules: Sequence[Rule]) -> None:
    """Print one line for each rule."""
    codes = max(len(rule.code) for rule in rules)
    names = max(len(rule.name) for rule in rules)
    for rule in rules:
        state = rule.severity.value if rule.on_by_default else "off"
        state = "partly" if rule.default_cases else state
        to_stdout(f"{rule.code:{codes}}  {rule.name:{names}}  {state:7}  {rule.summary}")


def _explain(rules: Sequence[Rule]) -> None:
    """Print the pages of rules as Markdown, which a terminal renders."""
    from rflint.linting.rule_page import page

    text = "\n".join(page(rule) for rule in rules)
    if not text:
        return
    if not sys.stdout.isatty():
        to_stdout(text.rstrip("\n"))
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text))


def _test(rules: Sequence[Rule], known: Sequence[Rule]) -> int:
    """Run the examples, print the result of each, and return how many failed."""
    # torch without numpy warns at import; nothing here needs numpy
    warnings.filterwarnings("ignore", message="Failed to initialize NumPy")
    with stdout_to_stderr():
        from rflint.usecases.rule_examples import run_examples

    ran = wrong = 0
    for rule in rules:
        with stdout_to_stderr():
            results = list(run_examples(rule, known))
        for result in results:
            to_stdout(str(result))
        ran += len(results)
        wrong += sum(not result.passed for result in results)
    if not ran:
        raise UsageError("there are no examples to run")
    to_stdout(f"{plural(ran, 'example')}, {wrong} failed")
    return wrong
