"""What a rule file says of itself, read from its source: nothing of it runs.

Whoever only wants to know which rules there are (`rflint rule`, `--show-files`, a hook whose files
concern no model) may have a checkout before him that he does not trust yet.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from inspect import cleandoc
from pathlib import Path
from textwrap import dedent
from typing import Any, NoReturn

from rflint.errors import UsageError
from rflint.linting.finding import Evidence, Severity
from rflint.linting.rule import Example, Rule, Setting
from rflint.linting.rule_module import lacking, validated

_ENUMS: Mapping[str, type[Enum]] = {"Severity": Severity, "Evidence": Evidence}


class Computed(UsageError):
    """Something that only running the file can tell."""


@dataclass(frozen=True, slots=True)
class Written:
    """A builder of an example, as the file has it."""

    name: str
    source: str

    def __call__(self) -> NoReturn:
        """It has no code."""
        raise Computed(f"{self.name} was read, and not run")


def outline(file: Path) -> Rule:
    """A rule without its check. Raises UsageError or SyntaxError where the file is not plain."""
    source = file.read_bytes()
    tree = ast.parse(source, filename=str(file))
    text = source.decode("utf-8", "replace")
    functions = {x.name: x for x in tree.body if isinstance(x, ast.FunctionDef | ast.ClassDef)}
    values = dict(_assigned(tree))
    doc = ast.get_docstring(tree, clean=False) or ""
    lacking(str(file), {*values, *functions}, doc)
    read = _Reader(values, functions, text)
    settings = read.value("SETTINGS") if "SETTINGS" in values else {}
    return validated(
        Rule(
            read.value("CODE"),
            read.value("NAME"),
            read.value("SEVERITY"),
            read.value("DEFAULT"),
            cleandoc(doc),
            _not_run,
            read.examples("FAILS"),
            read.examples("PASSES"),
            settings,
            evidence=read.value("EVIDENCE") if "EVIDENCE" in values else None,
            file=str(file.resolve()),
        )
    )


def _not_run(*_: Any) -> NoReturn:
    raise Computed("the rule was read, and not run")


def _assigned(tree: ast.Module) -> Iterable[tuple[str, ast.expr]]:
    """What names at the top of a file stand for, in the end."""
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            if isinstance(target, ast.Name):
                yield target.id, node.value
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for name, value in zip(target.elts, node.value.elts, strict=False):
                    if isinstance(name, ast.Name):
                        yield name.id, value


@dataclass(frozen=True, slots=True)
class _Reader:
    """Expressions as they are written, as far as they are plain values."""

    values: Mapping[str, ast.expr]
    functions: Mapping[str, ast.AST]
    text: str

    def value(self, name: str) -> Any:
        """What a name at the top of the file stands for."""
        try:
            return self._evaluated(self.values[name], depth=0)
        except (ValueError, TypeError, KeyError) as error:
            raise Computed(f"{name} cannot be told without running the file") from error

    def _evaluated(self, node: ast.expr, depth: int) -> Any:
        if depth > 20:
            raise ValueError("names that stand for each other")
        if isinstance(node, ast.Name):
            return self._evaluated(self.values[node.id], depth + 1)
        if isinstance(node, ast.Attribute):
            return _ENUMS[ast.unparse(node.value).rpartition(".")[2]][node.attr]
        if isinstance(node, ast.Tuple | ast.List):
            items = [self._evaluated(x, depth + 1) for x in node.elts]
            return tuple(items) if isinstance(node, ast.Tuple) else items
        if isinstance(node, ast.Dict):
            return {
                self._evaluated(key, depth + 1): self._evaluated(value, depth + 1)
                for key, value in zip(node.keys, node.values, strict=True)
                if key is not None
            }
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Setting":
            given = {x.arg or "": self._evaluated(x.value, depth + 1) for x in node.keywords}
            return Setting(*(self._evaluated(x, depth + 1) for x in node.args), **given)
        return ast.literal_eval(node)

    def examples(self, name: str) -> tuple[Example, ...]:
        """Those that are written one by one; others are left out of the rule's page."""
        listed = self.values[name]
        nodes = listed.elts if isinstance(listed, ast.List | ast.Tuple) else []
        return tuple(x for node in nodes for x in self._example(node))

    def _example(self, node: ast.expr) -> Iterable[Example]:
        if not isinstance(node, ast.Call) or not node.args:
            return
        build, *others = node.args
        try:
            given = {x.arg or "": self._evaluated(x.value, 0) for x in node.keywords}
            yield Example(self._built(build), *(self._evaluated(x, 0) for x in others), **given)
        except (ValueError, TypeError, KeyError):
            return

    def _built(self, build: ast.expr) -> Written:
        name = ast.unparse(build)
        defined = self.functions.get(name)
        source = ast.get_source_segment(self.text, defined) if defined else None
        return Written(name, dedent(source or name).strip())
