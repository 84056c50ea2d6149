"""A guard: a test in the code that is meant to go one way."""

from __future__ import annotations

import ast
import dis
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rflint.tracing.recording.guards.statements import identifier_of


@dataclass(frozen=True, slots=True)
class Guard:
    """A test of which one outcome is meant: an assertion, or a branch that makes no difference."""

    test: ast.expr
    holds: bool
    """Whether it is to be true."""
    avoided: Sequence[ast.stmt]
    """The branch that is not taken; of an assertion, nothing."""
    is_assertion: bool

    def value_at(self, instruction: dis.Instruction) -> bool | None:
        """The value that the instruction is to give, if it computes a part of the test."""
        position = getattr(instruction, "positions", None)
        if position is None or position.col_offset is None:
            return None
        place = (position.lineno, position.col_offset, position.end_lineno, position.end_col_offset)
        for node, value in _parts(self.test, self.holds):
            if place == (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset):
                # what is asked for is the argument of bool(), or what `not` stands before
                return not value if isinstance(node, ast.UnaryOp) else value
        return None


_KEEPING_TRUTH = frozenset({"all", "any", "bool"})
"""Functions whose result is true if what they are given is."""


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
    elif (
        isinstance(node, ast.Call)
        and identifier_of(node.func) in ("all", "any", "bool")
        and node.args
    ):
        yield from _parts(node.args[0], value)
    elif isinstance(node, (ast.GeneratorExp, ast.ListComp)):
        yield from _parts(node.elt, value)
