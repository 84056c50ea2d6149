"""Statements that tell somebody something, and do nothing else: print, warn, log."""

from __future__ import annotations

import ast

from rflint.tracing.recording.guards.statements import Statement, called_name, identifier_of

_REPORTING = frozenset(
    {"print", "pprint", "warn", "warning", "debug", "info", "error", "critical", "exception", "log"}
    | {"warn_once", "warning_once", "rank_zero_warn", "rank_zero_info", "echo", "log_dict"}
)
"""Functions and methods that tell somebody something."""


def reports(node: ast.stmt) -> bool:
    """Whether a statement tells somebody something; a text that stands alone does nothing."""
    constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return constant or called_name(node) in _REPORTING


def only_reports(branch: ast.If, statement: Statement) -> bool:
    """Whether a branch does nothing but tell somebody something.

    It may set variables that are used nowhere else: the text of a message, whether it was told.
    """
    inside = set(map(id, ast.walk(branch)))
    for item in branch.body:
        if isinstance(item, ast.Pass) or reports(item):
            continue
        if isinstance(item, ast.If) and not item.orelse and only_reports(item, statement):
            continue
        if not isinstance(item, ast.Assign):
            return False
        if any(_is_used(target, statement, inside) for target in item.targets):
            return False
    return True


def _is_used(target: ast.expr, statement: Statement, inside: set[int]) -> bool:
    """Whether what is assigned to may be read elsewhere: a variable in its function, an attribute
    in its file.
    """
    is_function = (ast.FunctionDef, ast.AsyncFunctionDef)
    name, around = identifier_of(target), statement.around[-1]
    if isinstance(target, ast.Name):
        around = next((x for x in statement.around if isinstance(x, is_function)), around)
    return name is None or any(
        type(x) is type(target) and identifier_of(x) == name and isinstance(x.ctx, ast.Load)  # type: ignore[attr-defined]
        for x in ast.walk(around)
        if id(x) not in inside
    )
