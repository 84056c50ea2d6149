"""The rules of a project: those that ship with rflint, those of packages, and its own."""

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
    """All rules that there are; codes of the configuration are held against them.

    `failed` is called with the place and the error of each rule that cannot be had.
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
    """All rules, read and not run, so that none can check anything; and whether all can be had.

    Nothing is said of those that cannot: linting says which they are.
    """
    broken: list[str] = []
    rules = load_all_rules(
        configuration.rule_files, lambda about, error: broken.append(about), run=False
    )
    if not broken:
        check_rule_names(configuration, rules)
    return rules, not broken
