"""Configurations read from a file that a test writes."""

from __future__ import annotations

import textwrap
from pathlib import Path

from rflint.configuration.configuration import Configuration
from rflint.configuration.read import check_rule_names, read_configuration
from rflint.configuration.toml import load_document
from rflint.linting.rule_files import load_rules
from tests.helpers.program import write

RULES = tuple(x for x in load_rules() if x.code in ("RF101", "RF900", "RF901", "RF902"))
"""A few are enough to choose among."""


def configured(folder: Path, text: str, name: str = "rflint.toml") -> Configuration:
    """What a file says, held against the rules that there are."""
    write(folder, {name: textwrap.dedent(text)})
    found = read_configuration(load_document(folder / name))
    check_rule_names(found, RULES)
    return found
