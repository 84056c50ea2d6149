"""The engine runs rules, and knows none of them: what one needs is a mechanism for all."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import rflint
from rflint.linting.rule_files import load_rules

FOLDER = Path(str(rflint.__file__)).parent
NAMES = {name for rule in load_rules() for name in (rule.code, rule.name)}


def texts(file: Path) -> Iterator[tuple[int, str]]:
    """Every text in a file, docstrings included, and every name."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        if isinstance(node, ast.Name):
            yield node.lineno, node.id


@pytest.mark.parametrize("package", sorted(x.name for x in FOLDER.iterdir() if x.is_dir()))
def test_no_rule_is_known_by_its_code_or_its_name(package: str) -> None:
    """Longer texts, which explain with RF101 what a code is, are not meant."""
    files = [x for x in (FOLDER / package).rglob("*.py") if package != "rules"]
    found = [
        f"{file}:{line}: {text}" for file in files for line, text in texts(file) if text in NAMES
    ]
    assert found == []
