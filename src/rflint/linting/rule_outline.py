"""Read a rule file without running it, as far as its source says what the rule is.

Whoever only wants to know which rules there are (`rflint rule`, `--show-files`, a hook whose files
concern no model) may have checked out code that they do not trust yet.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from textwrap import dedent
from typing import Any, NoReturn

from rflint.analysis.options import AnalysisOptions
from rflint.errors import UsageError
from rflint.linting.finding import Evidence, Severity
from rflint.linting.rule import Example, Rule, Setting
from rflint.linting.rule_module import IncompleteRuleFile, documented
from rflint.usercode.paths import source_at

_ENUMS: Mapping[str, type[Enum]] = {"Severity": Severity, "Evidence": Evidence}
_CLASSES: Mapping[str, Callable[..., Any]] = {
    "Setting": Setting,
    "AnalysisOptions": AnalysisOptions,
}
_FUNCTIONS = ("check", "default_check", "check_suppressions", "summarise")
_EXAMPLES = ("fails", "passes")


class NeedsRunning(UsageError):
    """Only running the file would tell."""


@dataclass(frozen=True, slots=True)
class BuilderSource:
    """An example's builder as source code; it cannot be called."""

    name: str
    source: str

    def __call__(self) -> NoReturn:
        """There is nothing to run."""
        raise NeedsRunning(f"{self.name} was read, and not run")


def outline(file: Path) -> Rule:
    """The rule of a file, without its functions.

    Raises UsageError or SyntaxError where the file is no rule, or computes what a rule is.
    """
    source = file.read_bytes()
    tree = ast.parse(source, filename=str(file))
    reader = _Reader(
        dict(_assigned(tree)),
        {x.name: x for x in tree.body if isinstance(x, ast.FunctionDef | ast.ClassDef)},
        source.decode("utf-8", "replace"),
    )
    node = reader.values.get("RULE")
    if not isinstance(node, ast.Call) or _last_name(node.func) != "Rule":
        raise IncompleteRuleFile(str(file), "RULE = Rule(...)")
    docstring = ast.get_docstring(tree, clean=False) or ""
    try:
        return documented(reader.rule(node), docstring, str(file.resolve()))
    except UsageError as error:
        error.source = error.source or source_at(str(file), node.lineno)
        raise


def _not_run(name: str, *_: Any) -> NoReturn:
    raise NeedsRunning(f"the rule's {name} was read, and not run")


def _last_name(node: ast.expr) -> str:
    """'Rule' of `Rule` and of `linting.rule.Rule`."""
    return ast.unparse(node).rpartition(".")[2]


def _assigned(tree: ast.Module) -> Iterable[tuple[str, ast.expr]]:
    """Names at the top of a file, each with the expressions that are assigned to it."""
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
    """Evaluates expressions of a file that are plain values."""

    values: Mapping[str, ast.expr]
    """What is assigned to names at the top of the file."""
    functions: Mapping[str, ast.AST]
    text: str

    def rule(self, call: ast.Call) -> Rule:
        """The rule that a call of `Rule` makes; raises TypeError where Python would."""
        named = {x.arg or "**": x.value for x in call.keywords}
        arguments = inspect.signature(Rule).bind(*call.args, **named).arguments
        return Rule(**{name: self._argument(name, node) for name, node in arguments.items()})

    def _argument(self, name: str, node: ast.expr) -> Any:
        if name in _FUNCTIONS:
            return partial(_not_run, name)  # no two functions are the same one
        if name in _EXAMPLES:
            return self._examples(node)
        try:
            return self._evaluated(node)
        except (ValueError, TypeError, KeyError) as error:
            raise NeedsRunning(f"its {name} cannot be told without running the file") from error

    def _evaluated(self, node: ast.expr, depth: int = 0) -> Any:
        if depth > 20:
            raise ValueError("names that stand for each other")
        if isinstance(node, ast.Name):
            return self._evaluated(self.values[node.id], depth + 1)
        if isinstance(node, ast.Attribute):
            return _ENUMS[_last_name(node.value)][node.attr]
        if isinstance(node, ast.Tuple | ast.List):
            items = [self._evaluated(x, depth + 1) for x in node.elts]
            return tuple(items) if isinstance(node, ast.Tuple) else items
        if isinstance(node, ast.Dict):
            return {
                self._evaluated(key, depth + 1): self._evaluated(value, depth + 1)
                for key, value in zip(node.keys, node.values, strict=True)
                if key is not None
            }
        if isinstance(node, ast.Call):
            given = {x.arg or "": self._evaluated(x.value, depth + 1) for x in node.keywords}
            values = [self._evaluated(x, depth + 1) for x in node.args]
            return _CLASSES[_last_name(node.func)](*values, **given)
        return ast.literal_eval(node)

    def _examples(self, node: ast.expr) -> Sequence[Example]:
        """Those that are written one by one; others are left out of the rule's page."""
        if isinstance(node, ast.Name):
            node = self.values.get(node.id, node)
        nodes = node.elts if isinstance(node, ast.List | ast.Tuple) else []
        return [x for node in nodes for x in self._example(node)]

    def _example(self, node: ast.expr) -> Iterable[Example]:
        if not isinstance(node, ast.Call) or not node.args:
            return
        build, *others = node.args
        try:
            given = {x.arg or "": self._evaluated(x.value) for x in node.keywords}
            yield Example(self._builder(build), *(self._evaluated(x) for x in others), **given)
        except (ValueError, TypeError, KeyError):
            return

    def _builder(self, build: ast.expr) -> BuilderSource:
        name = ast.unparse(build)
        defined = self.functions.get(name)
        source = ast.get_source_segment(self.text, defined) if defined else None
        return BuilderSource(name, dedent(source or name).strip())
