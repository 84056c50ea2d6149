"""What a piece of code does with a truth value that nobody knows: asserts it, warns, or more.

`assert (a == b).all()` and `if not torch.equal(a, b): raise` are meant to hold: the model goes on
as if they did. `if x.abs().mean() > 50: print("large")` goes on alike either way. All else that
hangs on values leads to another model, and nobody can tell which.
"""

from __future__ import annotations

import ast
import dis
import linecache
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FrameType

from rflint.architecture import Source
from rflint.places import is_rflint, source_at

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
    assumed: Source | None = None
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
    statement = _statement(frame)
    if statement is None:
        return None
    place = source_at(frame.f_code.co_filename, statement.node.lineno)
    goal = _goal(statement)
    if goal is None:
        return None
    value = _value(frame, statement, goal)
    return None if value is None else Answer(value, place if goal.asserted else None)


def only_reports(frame: FrameType | None) -> bool:
    """Whether the statement that is executed tells somebody something, and nothing else."""
    frame = asking_frame(frame)
    statement = None if frame is None else _statement(frame)
    return statement is not None and _reports(statement.node)


def asserts(frame: FrameType | None) -> Source | None:
    """The line that is executed, where it calls one of torch's assertions."""
    frame = asking_frame(frame)
    statement = None if frame is None else _statement(frame)
    if frame is None or statement is None or _called(statement.node) not in _CHECKING:
        return None
    return source_at(frame.f_code.co_filename, statement.node.lineno)


def _is_comparing(frame: FrameType) -> bool:
    return frame.f_code.co_filename.replace("\\", "/").endswith("torch/testing/_comparison.py")


# -- the statement


@dataclass(frozen=True, slots=True)
class _Statement:
    """A statement of the source, and what it is in, innermost first."""

    node: ast.stmt
    around: tuple[ast.AST, ...]


@dataclass(frozen=True, slots=True)
class _Goal:
    """What becomes of a statement's test."""

    test: ast.expr
    holds: bool
    """Whether it is to be true."""
    avoided: Sequence[ast.stmt]
    """The branch that is not taken; of an assertion, nothing."""
    asserted: bool


def _goal(statement: _Statement) -> _Goal | None:
    node = statement.node
    if _is_caught(statement):
        return None
    if isinstance(node, ast.Assert):
        return _Goal(node.test, True, (), True)
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


def _leaves(block: Sequence[ast.stmt]) -> bool:
    return isinstance(block[-1], (ast.Return, ast.Continue, ast.Break))


def _following(statement: _Statement) -> list[ast.stmt]:
    """The statements behind one in the same block."""
    for block in ("body", "orelse", "finalbody"):
        found = getattr(statement.around[0], block, None)
        if isinstance(found, list) and statement.node in found:
            return found[found.index(statement.node) + 1 :]
    return []


def _is_caught(statement: _Statement) -> bool:
    """Whether an exception of the statement would be handled by the same function."""
    inner: ast.AST = statement.node
    for outer in statement.around:
        if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            return False
        if isinstance(outer, ast.Try) and outer.handlers and inner in outer.body:
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


def _only_reports(branch: ast.If, statement: _Statement) -> bool:
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


def _is_used(target: ast.expr, statement: _Statement, inside: set[int]) -> bool:
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


# -- where in the source the code stands


@lru_cache(maxsize=64)
def _parsed(filename: str, text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return None


def _statement(frame: FrameType) -> _Statement | None:
    """The innermost statement at which a frame stands."""
    filename = frame.f_code.co_filename
    tree = _parsed(filename, "".join(linecache.getlines(filename, frame.f_globals)))
    if tree is None:
        return None
    line = frame.f_lineno
    around: list[ast.AST] = []
    found: ast.stmt | None = None
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt):
            if not node.lineno <= line <= (node.end_lineno or node.lineno):
                continue
            if found is not None:
                around.append(found)
            found, waiting = node, []
        waiting += ast.iter_child_nodes(node)
    return None if found is None else _Statement(found, (*reversed(around), tree))


# -- which value leads where


def _value(frame: FrameType, statement: _Statement, goal: _Goal) -> bool | None:
    instructions = [
        x for x in dis.get_instructions(frame.f_code) if x.opname not in ("NOP", "EXTENDED_ARG")
    ]
    at = next((i for i, x in enumerate(instructions) if x.offset == frame.f_lasti), None)
    if at is None:
        return None
    if instructions[at].opname == "TO_BOOL":
        at += 1
    now = instructions[at]
    if "JUMP" in now.opname and "IF_" in now.opname:
        return _by_jump(instructions, at, goal)
    return _by_expression(frame.f_code, now, goal)


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
            return "beyond"  # the function ends there: Python says that the test does it
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
    for item in goal.avoided:
        if item.lineno <= line <= (item.end_lineno or item.lineno):
            return "avoided"
    start = (goal.test.lineno, goal.test.col_offset)
    end = (goal.test.end_lineno or 0, goal.test.end_col_offset or 0)
    if position is not None and position.col_offset is not None:
        first, last = (line, position.col_offset), (position.end_lineno, position.end_col_offset)
        return "test" if start <= first and last <= end else "beyond"
    return "test" if start[0] <= line <= end[0] else "beyond"


def _by_expression(code: CodeType, now: dis.Instruction, goal: _Goal) -> bool | None:
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
