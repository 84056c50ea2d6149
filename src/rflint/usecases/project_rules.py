"""Load the rules of a project: those of rflint, of installed packages, and its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

from rflint.cache.cache import Cache
from rflint.configuration.configuration import Configuration
from rflint.configuration.read import check_rule_names
from rflint.errors import RflintError
from rflint.linting.rule import Rule
from rflint.linting.rule_files import load_all_rules
from rflint.usercode.paths import short_path
from rflint.usercode.stdout import stdout_to_stderr


def project_rules(
    configuration: Configuration, cache: Cache | None, failed: Callable[[str, RflintError], None]
) -> tuple[Rule, ...]:
    """All rules. Raises ConfigurationError if the configuration has a code of no rule.

    `failed` is called with the file and the error of each rule that cannot be loaded.
    """
    broken = []

    def breaks(about: str, error: RflintError) -> None:
        broken.append(about)
        if about in map(short_path, configuration.rule_files) and error.source is None:
            error.source = configuration.line_of("rules")
        failed(about, error)

    with cache.watch() if cache else nullcontext(), stdout_to_stderr():
        rules = load_all_rules(configuration.rule_files, breaks)
    if not broken:  # else a code may be that of the rule that is broken
        check_rule_names(configuration, rules)
    return rules


def outlined_rules(configuration: Configuration) -> tuple[tuple[Rule, ...], bool]:
    """All rules, and whether all could be read.

    The project's own rules are read without being run, so they cannot check anything. Errors are
    left for linting to report.
    """
    broken: list[str] = []
    rules = load_all_rules(
        configuration.rule_files, lambda about, error: broken.append(about), run=False
    )
    if not broken:
        check_rule_names(configuration, rules)
    return rules, not broken
