"""Where a truth value leads: the bytecode of a test, up to the branch that it decides on."""

from __future__ import annotations

import dis
from types import FrameType

from rflint.tracing.recording.guards.guard import Guard
from rflint.tracing.recording.guards.statements import Point, holds, instructions_of


def value_that_holds(frame: FrameType, guard: Guard) -> bool | None:
    """The truth value, at a frame's instruction, that makes a guard go the way it is meant to."""
    instructions = instructions_of(frame)
    at = next((i for i, x in enumerate(instructions) if x.offset == frame.f_lasti), None)
    if at is None:
        return None
    if instructions[at].opname == "TO_BOOL":
        at += 1
    now = instructions[at]
    if "JUMP" in now.opname and "IF_" in now.opname:
        return _by_jump(instructions, at, guard)
    return guard.value_at(now)


def _by_jump(instructions: list[dis.Instruction], at: int, guard: Guard) -> bool | None:
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
        when_jumping: _leads_to(instructions, jump, guard),
        not when_jumping: _leads_to(instructions, at + 1, guard),
    }
    for wanted in ("beyond", "test"):
        fitting = [value for value, place in places.items() if place == wanted]
        if len(fitting) == 1:
            return fitting[0]
    return None


def _leads_to(instructions: list[dis.Instruction], at: int, guard: Guard) -> str:
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
            return "avoided" if _place(now, guard) == "avoided" else "beyond"
        else:
            break
    return _place(instructions[at], guard)


def _place(instruction: dis.Instruction, guard: Guard) -> str:
    """Whether an instruction belongs to the branch to avoid, to the test, or to what follows."""
    if instruction.opname in ("LOAD_ASSERTION_ERROR", "LOAD_COMMON_CONSTANT"):
        return "avoided"
    position = getattr(instruction, "positions", None)
    line = position.lineno if position is not None else instruction.starts_line
    if line is None:
        return "beyond"
    point = Point(line, None if position is None else position.col_offset)
    on_the_line = point.column is None and guard.test.lineno == line  # nobody can tell
    if not on_the_line and any(holds(item, point) for item in guard.avoided):
        return "avoided"
    start = (guard.test.lineno, guard.test.col_offset)
    end = (guard.test.end_lineno or 0, guard.test.end_col_offset or 0)
    if position is not None and position.col_offset is not None:
        first, last = (line, position.col_offset), (position.end_lineno, position.end_col_offset)
        return "test" if start <= first and last <= end else "beyond"
    return "test" if start[0] <= line <= end[0] else "beyond"
