"""Which statements are guards: assertions, checks that raise, and branches that only report."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from types import FrameType

from rflint.tracing.recording.guards.guard import Guard
from rflint.tracing.recording.guards.reporting import only_reports, reports
from rflint.tracing.recording.guards.statements import (
    Statement,
    called_name,
    instructions_of,
    statement_at,
)

_CHECKING = frozenset({"_assert", "_check", "_check_value", "_check_index", "_check_type"})
"""Functions of torch that are assertions."""


def guard_at(frame: FrameType, statement: Statement) -> Guard | None:
    """The guard at which a frame stands, if its statement is one."""
    return _guard(statement) or _guard_of_caller(frame, statement)


def is_torch_assertion(node: ast.stmt) -> bool:
    """Whether a statement calls one of torch's assertions."""
    return called_name(node) in _CHECKING


def _guard(statement: Statement) -> Guard | None:
    node = statement.node
    if _is_caught(statement):
        return None
    if isinstance(node, ast.Assert):
        return Guard(node.test, True, (), True)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        checks = is_torch_assertion(node) and node.value.args
        return Guard(node.value.args[0], True, (), True) if checks else None
    if not isinstance(node, ast.If):
        return None
    if _raises(node.body):
        return Guard(node.test, False, node.body, True)
    otherwise = node.orelse or (_following(statement) if _leaves(node.body) else [])
    if otherwise and _raises(otherwise):
        return Guard(node.test, True, otherwise, True)
    if not node.orelse and only_reports(node, statement):
        return Guard(node.test, False, node.body, False)
    return None


def _guard_of_caller(frame: FrameType, statement: Statement) -> Guard | None:
    """The guard in a function that returns what its caller asserts: `assert is_finite(x)`."""
    node, caller = statement.node, frame.f_back
    calling = None if caller is None else statement_at(caller)
    asserted = None if calling is None else _guard(calling)
    if caller is None or asserted is None or not asserted.is_assertion or _is_caught(statement):
        return None
    # during a call, Python 3.11 stands behind what it keeps beside the instruction
    call = [x for x in instructions_of(caller) if x.offset <= caller.f_lasti][-1]
    wanted = asserted.value_at(call)
    if wanted is None:
        return None
    if isinstance(node, ast.Return) and node.value is not None:
        return Guard(node.value, wanted, (), True)
    if not isinstance(node, ast.If):
        return None
    otherwise = node.orelse or _following(statement)
    if _returns(node.body, not wanted):
        return Guard(node.test, False, node.body, True)
    return Guard(node.test, True, otherwise, True) if _returns(otherwise, not wanted) else None


def _returns(block: Sequence[ast.stmt], value: bool) -> bool:
    """Whether a block does nothing but return a constant of this truth value."""
    *before, last = block or [ast.Pass()]
    returned = last.value if isinstance(last, ast.Return) else None
    constant = isinstance(returned, ast.Constant) and bool(returned.value) is value
    return constant and all(map(reports, before))


def _leaves(block: Sequence[ast.stmt]) -> bool:
    return isinstance(block[-1], (ast.Return, ast.Continue, ast.Break))


def _following(statement: Statement) -> list[ast.stmt]:
    """The statements behind one in the same block."""
    for block in ("body", "orelse", "finalbody"):
        found = getattr(statement.around[0], block, None)
        if isinstance(found, list) and statement.node in found:
            return found[found.index(statement.node) + 1 :]
    return []


def _is_caught(statement: Statement) -> bool:
    """Whether an exception of the statement would be handled by the same function."""
    inner: ast.AST = statement.node
    for outer in statement.around:
        if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            return False
        handlers = outer.handlers if isinstance(outer, ast.Try) and inner in outer.body else []
        if not all(_raises(handler.body) for handler in handlers):
            return True
        inner = outer
    return False


def _raises(block: Sequence[ast.stmt]) -> bool:
    """Whether a block always ends with an exception."""
    last = block[-1]
    if isinstance(last, ast.If):
        ends = bool(last.orelse) and _raises(last.body) and _raises(last.orelse)
    else:
        ends = isinstance(last, ast.Raise)
    leaves = (ast.Return, ast.Break, ast.Continue, ast.Yield, ast.YieldFrom)
    return ends and not any(isinstance(x, leaves) for item in block for x in ast.walk(item))
