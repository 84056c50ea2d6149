"""What a piece of code does with a truth value that nobody knows: asserts it, warns, or more.

`assert (a == b).all()` and `if not torch.equal(a, b): raise` are meant to hold: the model goes on
as if they did. `if x.abs().mean() > 50: print("large")` goes on alike either way. All else that
hangs on values leads to another model, and nobody can tell which.
"""

from __future__ import annotations

import ast
import dis
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import FrameType

from rflint.graph.source_location import SourceLocation
from rflint.tracing.recording.statements import (
    Point,
    Statement,
    holds,
    instructions_of,
    statement_at,
)
from rflint.usercode.ownership import is_rflint
from rflint.usercode.paths import source_at

_REPORTING = frozenset(
    {"print", "pprint", "warn", "warning", "debug", "info", "error", "critical", "exception", "log"}
    | {"warn_once", "warning_once", "rank_zero_warn", "rank_zero_info", "echo", "log_dict"}
)
"""Functions and methods that tell somebody something."""

_CHECKING = frozenset({"_assert", "_check", "_check_value", "_check_index", "_check_type"})
"""Functions of torch that are assertions."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The truth value to go on with, and what that takes for granted."""

    value: bool
    assumed: SourceLocation | None = None
    """The line that asserts it; None where both answers lead to the same."""


def asking_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost frame that is not rflint's, nor torch's dispatch of calls to rflint."""
    while frame is not None:
        name = frame.f_code.co_filename
        if not is_rflint(name) and not name.endswith(("torch/overrides.py", "torch/_tensor.py")):
            return frame
        frame = frame.f_back
    return None


def answer(frame: FrameType | None) -> Answer | None:
    """How code goes on that asks for a truth value at this very instruction; None: who knows."""
    frame = asking_frame(frame)
    outer = frame
    while outer is not None and _is_comparing(outer):
        outer = outer.f_back
    if outer is not frame and outer is not None:
        # torch.testing.assert_close asks in many places whether all is close: it is
        return Answer(True, source_at(outer.f_code.co_filename, outer.f_lineno))
    if frame is None:
        return None
    statement = statement_at(frame)
    if statement is None:
        return None
    place = source_at(frame.f_code.co_filename, statement.node.lineno)
    goal = _goal(statement) or _goal_of_caller(frame, statement)
    if goal is None:
        return None
    value = _value(frame, statement, goal)
    return None if value is None else Answer(value, place if goal.asserted else None)


def only_reports(frame: FrameType | None) -> bool:
    """Whether the statement that is executed tells somebody something, and nothing else."""
    frame = asking_frame(frame)
    statement = None if frame is None else statement_at(frame)
    return statement is not None and _reports(statement.node)


def asserts(frame: FrameType | None) -> SourceLocation | None:
    """The line that is executed, where it calls one of torch's assertions."""
    frame = asking_frame(frame)
    statement = None if frame is None else statement_at(frame)
    if frame is None or statement is None or _called(statement.node) not in _CHECKING:
        return None
    return source_at(frame.f_code.co_filename, statement.node.lineno)


def _is_comparing(frame: FrameType) -> bool:
    return frame.f_code.co_filename.replace("\\", "/").endswith("torch/testing/_comparison.py")


# -- the statement


@dataclass(frozen=True, slots=True)
class _Goal:
    """What becomes of a statement's test."""

    test: ast.expr
    holds: bool
    """Whether it is to be true."""
    avoided: Sequence[ast.stmt]
    """The branch that is not taken; of an assertion, nothing."""
    asserted: bool


def _goal(statement: Statement) -> _Goal | None:
    node = statement.node
    if _is_caught(statement):
        return None
    if isinstance(node, ast.Assert):
        return _Goal(node.test, True, (), True)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        checks = _called(node) in _CHECKING and node.value.args
        return _Goal(node.value.args[0], True, (), True) if checks else None
    if not isinstance(node, ast.If):
        return None
    if _raises(node.body):
        return _Goal(node.test, False, node.body, True)
    otherwise = node.orelse or (_following(statement) if _leaves(node.body) else [])
    if otherwise and _raises(otherwise):
        return _Goal(node.test, True, otherwise, True)
    if not node.orelse and _only_reports(node, statement):
        return _Goal(node.test, False, node.body, False)
    return None


def _goal_of_caller(frame: FrameType, statement: Statement) -> _Goal | None:
    """The same where a function returns what its caller asserts: `assert is_finite(x)`."""
    node, caller = statement.node, frame.f_back
    calling = None if caller is None else statement_at(caller)
    asserted = None if calling is None else _goal(calling)
    if caller is None or asserted is None or not asserted.asserted or _is_caught(statement):
        return None
    # during a call, Python 3.11 stands behind what it keeps beside the instruction
    call = [x for x in instructions_of(caller) if x.offset <= caller.f_lasti][-1]
    wanted = _by_expression(call, asserted)
    if wanted is None:
        return None
    if isinstance(node, ast.Return) and node.value is not None:
        return _Goal(node.value, wanted, (), True)
    if not isinstance(node, ast.If):
        return None
    otherwise = node.orelse or _following(statement)
    if _returns(node.body, not wanted):
        return _Goal(node.test, False, node.body, True)
    return _Goal(node.test, True, otherwise, True) if _returns(otherwise, not wanted) else None


def _returns(block: Sequence[ast.stmt], value: bool) -> bool:
    """Whether a block does nothing but return a constant of this truth value."""
    *before, last = block or [ast.Pass()]
    returned = last.value if isinstance(last, ast.Return) else None
    constant = isinstance(returned, ast.Constant) and bool(returned.value) is value
    return constant and all(map(_reports, before))


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


def _only_reports(branch: ast.If, statement: Statement) -> bool:
    """Whether a branch does nothing but tell somebody something.

    It may set variables that are used nowhere else: the text of a message, whether it was told.
    """
    inside = set(map(id, ast.walk(branch)))
    for item in branch.body:
        if isinstance(item, ast.Pass) or _reports(item):
            continue
        if isinstance(item, ast.If) and not item.orelse and _only_reports(item, statement):
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
    name, around = _name(target), statement.around[-1]
    if isinstance(target, ast.Name):
        around = next((x for x in statement.around if isinstance(x, is_function)), around)
    return name is None or any(
        type(x) is type(target) and _name(x) == name and isinstance(x.ctx, ast.Load)  # type: ignore[attr-defined]
        for x in ast.walk(around)
        if id(x) not in inside
    )


def _name(node: ast.AST) -> str | None:
    """Of a variable or an attribute."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None


def _called(node: ast.stmt) -> str | None:
    """The name of the function that a statement calls, if it does nothing else."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return _name(node.value.func)
    return None


def _reports(node: ast.stmt) -> bool:
    constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return constant or _called(node) in _REPORTING


# -- which value leads where


def _value(frame: FrameType, statement: Statement, goal: _Goal) -> bool | None:
    instructions = instructions_of(frame)
    at = next((i for i, x in enumerate(instructions) if x.offset == frame.f_lasti), None)
    if at is None:
        return None
    if instructions[at].opname == "TO_BOOL":
        at += 1
    now = instructions[at]
    if "JUMP" in now.opname and "IF_" in now.opname:
        return _by_jump(instructions, at, goal)
    return _by_expression(now, goal)


def _by_jump(instructions: list[dis.Instruction], at: int, goal: _Goal) -> bool | None:
    """Where the two outcomes of a conditional jump lead: past the branch to avoid, if possible."""
    now = instructions[at]
    when_jumping = "IF_TRUE" in now.opname
    by_offset = {x.offset: i for i, x in enumerate(instructions)}
    target = now.argval
    # an instruction that was left out here does nothing
    jump = min((i for offset, i in by_offset.items() if offset >= target), default=None)
    if jump is None or at + 1 >= len(instructions):
        return None
    places = {
        when_jumping: _leads_to(instructions, jump, goal),
        not when_jumping: _leads_to(instructions, at + 1, goal),
    }
    for wanted in ("beyond", "test"):
        fitting = [value for value, place in places.items() if place == wanted]
        if len(fitting) == 1:
            return fitting[0]
    return None


def _leads_to(instructions: list[dis.Instruction], at: int, goal: _Goal) -> str:
    """The place of the first instruction from there on that does something."""
    while at + 1 < len(instructions):
        now, following = instructions[at], instructions[at + 1]
        if now.opname in ("JUMP_FORWARD", "JUMP_ABSOLUTE"):
            at = next(i for i, x in enumerate(instructions) if x.offset >= now.argval)
        elif now.opname == "POP_TOP":
            at += 1
        elif now.opname.startswith(("RETURN", "JUMP_BACKWARD")) or (
            now.opname == "LOAD_CONST" and following.opname == "RETURN_VALUE"
        ):
            # the function ends there; where it does so by itself, Python says that the test does
            return "avoided" if _place(now, goal) == "avoided" else "beyond"
        else:
            break
    return _place(instructions[at], goal)


def _place(instruction: dis.Instruction, goal: _Goal) -> str:
    """Whether an instruction belongs to the branch to avoid, to the test, or to what follows."""
    if instruction.opname in ("LOAD_ASSERTION_ERROR", "LOAD_COMMON_CONSTANT"):
        return "avoided"
    position = getattr(instruction, "positions", None)
    line = position.lineno if position is not None else instruction.starts_line
    if line is None:
        return "beyond"
    point = Point(line, None if position is None else position.col_offset)
    on_the_line = point.column is None and goal.test.lineno == line  # nobody can tell
    if not on_the_line and any(holds(item, point) for item in goal.avoided):
        return "avoided"
    start = (goal.test.lineno, goal.test.col_offset)
    end = (goal.test.end_lineno or 0, goal.test.end_col_offset or 0)
    if position is not None and position.col_offset is not None:
        first, last = (line, position.col_offset), (position.end_lineno, position.end_col_offset)
        return "test" if start <= first and last <= end else "beyond"
    return "test" if start[0] <= line <= end[0] else "beyond"


def _by_expression(now: dis.Instruction, goal: _Goal) -> bool | None:
    """The value of a part of the test that makes the whole of it what it is to be."""
    position = getattr(now, "positions", None)
    if position is None or position.col_offset is None:
        return None
    where = (position.lineno, position.col_offset, position.end_lineno, position.end_col_offset)
    for node, value in _parts(goal.test, goal.holds):
        if where == (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset):
            # what is asked for is the argument of bool(), or what `not` stands before
            return not value if isinstance(node, ast.UnaryOp) else value
    return None


def _parts(node: ast.expr, value: bool) -> Iterator[tuple[ast.expr, bool]]:
    """The parts of a test that decide it, with the value that makes it what it is to be."""
    yield node, value
    if isinstance(node, ast.BoolOp):
        for part in node.values:
            yield from _parts(part, value)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield from _parts(node.operand, not value)
    elif isinstance(node, ast.NamedExpr):
        yield from _parts(node.value, value)
    elif isinstance(node, ast.Call) and _name(node.func) in ("all", "any", "bool") and node.args:
        yield from _parts(node.args[0], value)
    elif isinstance(node, (ast.GeneratorExp, ast.ListComp)):
        yield from _parts(node.elt, value)
