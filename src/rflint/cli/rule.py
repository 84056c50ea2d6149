"""`rflint rule`: list the rules, explain one, run their examples."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rflint.cli.messages import complain, errors_reported
from rflint.cli.parameters import configuration_options
from rflint.errors import RflintError, UsageError
from rflint.figures import plural

if TYPE_CHECKING:
    from rflint.rule import Rule


@click.command("rule", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("code", required=False)
@click.option("--test", is_flag=True, help="Run the examples of the rule, or of all rules.")
@configuration_options
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def rule(code: str | None, test: bool, config: Path | None, isolated: bool, debug: bool) -> None:
    """Explain a rule, list all, or run examples.

    CODE names one rule or several: RF101, RF1, unproductive-layer.
    """
    with errors_reported(debug):
        from rflint.configuration import configuration
        from rflint.rule import selected
        from rflint.rule_files import load_all_rules

        found = configuration(config, isolated=isolated)
        broken: list[str] = []

        def failed(about: str, error: RflintError) -> None:
            broken.append(about)
            complain(error, debug, about)

        rules = load_all_rules([found.within(path) for path in found.rule_paths], failed)
        chosen = selected(rules, [code]) if code else rules
        if test:
            broken += _test(chosen, rules)
        elif code:
            _explain(chosen)
        else:
            for entry in chosen:
                state = entry.severity.value if entry.default else "off"
                click.echo(f"{entry.code}  {entry.name:24} {state:8} {entry.summary}")
    sys.exit(2 if broken and not test else int(bool(broken)))


def _explain(rules: Sequence[Rule]) -> None:
    """Pages, as Markdown; a terminal shows it set."""
    from rflint.rule_page import page

    text = "\n".join(page(rule) for rule in rules)
    if not sys.stdout.isatty():
        click.echo(text, nl=False)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text))


def _test(rules: Sequence[Rule], known: Sequence[Rule]) -> list[str]:
    """Run examples, say how each went, and return those that went wrong."""
    from rflint.rule_examples import outcomes

    wrong = []
    ran = 0
    for rule in rules:
        for outcome in outcomes(rule, known):
            ran += 1
            click.echo(str(outcome))
            if not outcome.passed:
                wrong.append(str(outcome))
    if not ran:
        raise UsageError("there are no examples to run")
    click.echo(f"{plural(ran, 'example')}, {len(wrong)} failed")
    return wrong
