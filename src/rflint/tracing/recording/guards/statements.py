"""Which statement a frame is executing, and its instructions."""

from __future__ import annotations

import ast
import dis
import linecache
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from types import FrameType


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of the source, and what it is in, innermost first."""

    node: ast.stmt
    around: tuple[ast.AST, ...]


@lru_cache(maxsize=64)
def _parsed(filename: str, text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return None


def statement_at(frame: FrameType) -> Statement | None:
    """The innermost statement at which a frame stands."""
    filename = frame.f_code.co_filename
    tree = _parsed(filename, "".join(linecache.getlines(filename, frame.f_globals)))
    if tree is None:
        return None
    place = _executed(frame)
    around: list[ast.AST] = []
    found: ast.stmt | None = None
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt):
            if not holds(node, place) or (place.column is None and _shares_line(node, found)):
                continue
            if found is not None:
                around.append(found)
            found, waiting = node, []
        waiting += ast.iter_child_nodes(node)
    return None if found is None else Statement(found, (*reversed(around), tree))


@dataclass(frozen=True, slots=True)
class Point:
    """A place in a file. Before Python 3.11, only the line is known."""

    line: int
    column: int | None


def _executed(frame: FrameType) -> Point:
    """Where a frame stands: several statements may share a line."""
    positions = getattr(frame.f_code, "co_positions", None)
    if positions is not None:
        line, _, column, _ = next(islice(positions(), frame.f_lasti // 2, None))
        if line == frame.f_lineno:
            return Point(line, column)
    return Point(frame.f_lineno, None)


def holds(node: ast.stmt, place: Point) -> bool:
    """Whether a place lies within a statement."""
    if place.column is None:
        return node.lineno <= place.line <= (node.end_lineno or node.lineno)
    end = (node.end_lineno or node.lineno, node.end_col_offset or 0)
    return (node.lineno, node.col_offset) <= (place.line, place.column) < end


def _shares_line(node: ast.stmt, outer: ast.stmt | None) -> bool:
    """Whether a statement begins on the line of the one that it is in: `if not ok: raise`."""
    return isinstance(outer, (ast.If, ast.While)) and node.lineno == outer.lineno


def instructions_of(frame: FrameType) -> list[dis.Instruction]:
    """The bytecode of a frame's code, without instructions that do nothing."""
    return [
        x for x in dis.get_instructions(frame.f_code) if x.opname not in ("NOP", "EXTENDED_ARG")
    ]


def identifier_of(node: ast.AST) -> str | None:
    """The name of a variable or an attribute."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None


def called_name(node: ast.stmt) -> str | None:
    """The name of the function that a statement calls, if it does nothing else."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return identifier_of(node.value.func)
    return None
