"""A rule's documentation as one page of Markdown, made from the rule's own file.

`rflint rule CODE` prints it, docs/rules/ holds it, and SARIF reports contain it.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from textwrap import dedent
from typing import Any

from rflint.linting.finding import Evidence
from rflint.linting.rule import Example, Rule, Setting
from rflint.linting.rule_outline import BuilderSource
from rflint.text.numbers import size


def page(rule: Rule) -> str:
    """Title, what the docstring says, settings, and the examples as code."""
    shown: set[str] = set()
    parts = [
        f"# {rule.code} {rule.name}",
        f"Severity: {rule.severity.value}, {_state(rule)}."
        + (f"\nEvidence: {_EVIDENCE[rule.evidence]}." if rule.evidence else ""),
        *_sections(rule.doc),
        *_settings(rule),
        *_examples("What it finds", rule.fails, shown),
        *_examples("What it does not find", rule.passes, shown),
    ]
    return "\n\n".join(parts) + "\n"


def _state(rule: Rule) -> str:
    """Whether it is on by default, and how it is turned on where it is not."""
    asked = f"`--extend-select {rule.code}`"
    if rule.default_cases:
        return f"on by default only {rule.default_cases}: {asked} finds the other cases too"
    return "on by default" if rule.on_by_default else f"off by default: {asked} turns it on"


_EVIDENCE = {
    Evidence.PROVED: "proved. It follows from the graph and the input size, for any weights and "
    "data",
    Evidence.PREDICTED: "predicted. Theory and experiments say so; your data may differ",
}


def overview(rules: Sequence[Rule]) -> str:
    """The list of all rules, each with a link to its page."""
    rows = (
        f"| [{rule.code}]({rule.code}.md) | {rule.name} "
        f"| {rule.severity.value}{_unless_on(rule)} "
        f"| {rule.evidence.value if rule.evidence else ''} "
        f"| {_literal(rule.summary).replace('|', chr(92) + '|')} |"
        for rule in rules
    )
    table = "\n".join(
        ("| rule | name | severity | evidence | finds |", "| --- | --- | --- | --- | --- |", *rows)
    )
    return (
        "# Rules\n\nMade from the rules' own files, by `python docs/rules.py`. "
        "`rflint rule CODE` prints these pages.\n\n"
        f"{table}\n\n"
        "`--select`, `--extend-select` and `--ignore` choose among them, by code, name or prefix "
        "(`RF1`).\nTo write one of your own: [writing-rules.md](../writing-rules.md).\n"
    )


def _unless_on(rule: Rule) -> str:
    if rule.default_cases:
        return f", on by default only {rule.default_cases}"
    return "" if rule.on_by_default else ", off by default"


def _sections(doc: str) -> Iterator[str]:
    """The paragraphs of a docstring; a line above an indented block becomes its heading."""
    for block in re.split(r"\n\n+(?=\S)", doc):
        heading, newline, text = block.partition("\n")
        if newline and text.startswith("    "):
            yield f"## {_literal(heading)}"
            yield _literal(dedent(text).strip())
        else:
            yield _literal(block)


_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)|^(?: {4}|\t).*$", re.DOTALL | re.MULTILINE)


def _literal(text: str) -> str:
    """A docstring's text as Markdown that says the same: it is Markdown but for a few characters.

    What looks like HTML would vanish, and so would a comparison or a hash that a line break has put
    at a line's start. Code spans and indented code are left as they are.
    """
    parts = []
    end = 0
    for code in _CODE.finditer(text):
        span = code[0] if code[1] else None
        parts += [_escaped(text[end : code.start()]), span or code[0]]
        end = code.end()
    return "".join((*parts, _escaped(text[end:])))


def _escaped(text: str) -> str:
    text = re.sub(r"<(?=[A-Za-z/!?])", r"\\<", text)
    return re.sub(r"^( *)([>#+=])", r"\1\\\2", text, flags=re.MULTILINE)


def _settings(rule: Rule) -> Iterator[str]:
    if not rule.settings:
        return
    yield "## Settings"
    yield f"In the table `[tool.rflint.rules.{rule.code}]` of pyproject.toml:"
    yield "\n".join(f"- `{name}` {_setting(setting)}" for name, setting in rule.settings.items())


def _setting(setting: Setting) -> str:
    default = f"`{_toml(setting.default)}`"
    if not setting.choices:
        return f"(default: {default}): {setting.help}"
    others = [f"`{_toml(choice)}`" for choice in setting.choices if choice != setting.default]
    return f"({' or '.join((f'{default}, the default,', *others))}): {setting.help}"


def _toml(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    # a TOML text is written as JSON has it, and so are truth values
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (bool, str)) else str(value)


def _examples(heading: str, examples: Sequence[Example], shown: set[str]) -> Iterator[str]:
    """Builders as code, each once on a page, with the conditions under which it is an example."""
    if not examples:
        return
    yield f"## {heading}"
    by_source: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for example in examples:
        source, name, given = _builder(example.build)
        settings = ", ".join(f"{key} = {_toml(value)}" for key, value in example.settings.items())
        sizes = example.res if isinstance(example.res, tuple) else (example.res,)
        layout = f"--layout {example.layout}" if example.layout else ""
        conditions = [f"with `{text}`" for text in (given, settings, layout) if text]
        by_source.setdefault(source, []).append(", ".join((f"at {size(sizes)} px", *conditions)))
        names[source] = name
    for source, occasions in by_source.items():
        text = " and ".join(occasions)
        if source in shown:
            yield f"`{names[source]}` from above, {text}."
        else:
            yield f"{text[0].upper()}{text[1:]}:\n\n```python\n{source}\n```"
        shown.add(source)


def _builder(build: Callable[..., Any]) -> tuple[str, str, str]:
    """The source of a builder, its name, and the arguments that a partial binds to it."""
    given = ""
    if isinstance(build, BuilderSource):
        return build.source, build.name, given
    if isinstance(build, partial):
        bound = [*map(repr, build.args), *(f"{k}={v!r}" for k, v in build.keywords.items())]
        build, given = build.func, ", ".join(bound)
    name = getattr(build, "__name__", type(build).__name__)
    try:
        source = dedent(inspect.getsource(build)).strip()
    except (OSError, TypeError):  # made by code
        source = name
    return source, name, given
