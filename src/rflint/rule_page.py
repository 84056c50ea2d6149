"""A rule's documentation as one page of Markdown, made from the rule's own file.

`rflint rule CODE` prints it, docs/rules/ holds it, and formats that carry help carry it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from textwrap import dedent

from rflint.figures import size
from rflint.rule import Example, Rule


def page(rule: Rule) -> str:
    """Title, what the docstring says, settings, and the examples as code."""
    state = "on by default" if rule.default else "off by default: `--extend-select` turns it on"
    parts = [
        f"# {rule.code} {rule.name}",
        f"Severity: {rule.severity.value}, {state}.",
        *_sections(rule.doc),
        *_settings(rule),
        *_examples("What it finds", rule.fails),
        *_examples("What it does not", rule.passes),
    ]
    return "\n\n".join(parts) + "\n"


def overview(rules: Sequence[Rule]) -> str:
    """The list of all rules, each with a link to its page."""
    rows = (
        f"| [{rule.code}]({rule.code}.md) | {rule.name} "
        f"| {rule.severity.value if rule.default else 'off'} | {rule.summary} |"
        for rule in rules
    )
    table = "\n".join(("| rule | name | severity | finds |", "| --- | --- | --- | --- |", *rows))
    return (
        "# Rules\n\nMade from the rules' own files, by `python docs/rules.py`.\n\n"
        f"{table}\n\nTo write one of your own: [writing-rules.md](../writing-rules.md).\n"
    )


def _sections(doc: str) -> Iterator[str]:
    """A docstring's paragraphs; a line followed by an indented block is that block's heading."""
    for block in re.split(r"\n\n+(?=\S)", doc):
        heading, newline, text = block.partition("\n")
        if newline and text.startswith("    "):
            yield f"## {heading}"
            yield dedent(text).strip()
        else:
            yield block


def _settings(rule: Rule) -> Iterator[str]:
    if not rule.settings:
        return
    yield "## Settings"
    yield f"In the table `[tool.rflint.rules.{rule.code}]` of pyproject.toml:"
    yield "\n".join(
        f"- `{name}` (default: `{_toml(setting.default)}`): {setting.help}"
        for name, setting in rule.settings.items()
    )


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return (
        f'"{value}"'
        if isinstance(value, str)
        else str(list(value) if isinstance(value, tuple) else value)
    )


def _examples(heading: str, examples: Sequence[Example]) -> Iterator[str]:
    if not examples:
        return
    yield f"## {heading}"
    shown: dict[str, list[str]] = {}
    for example in examples:
        sizes = example.res if isinstance(example.res, tuple) else (example.res,)
        told = "".join(f", {name} = {_toml(value)}" for name, value in example.settings.items())
        shown.setdefault(dedent(_source(example)).strip(), []).append(f"{size(sizes)} px{told}")
    for source, sizes_ in shown.items():
        yield f"At {' and '.join(sizes_)}:\n\n```python\n{source}\n```"


def _source(example: Example) -> str:
    try:
        return inspect.getsource(example.build)
    except (OSError, TypeError):  # made by code, as a functools.partial is
        return repr(example.build)
