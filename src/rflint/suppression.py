"""Comments in the user's source that answer findings: `# rflint: ignore[RF101] the reason`.

A comment answers for the line that it stands on; behind the closing bracket of a call, for the line
on which that call begins; and in the header of a `def` or `class`, for everything below it. A
finding is suppressed where any of its places (the user's lines that built the layer, from the
innermost to the outermost, and the one that calls it) is answered for.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rflint.architecture import Source
from rflint.rule import Finding

_MARK = re.compile(r"#\s*rflint\s*:\s*(.*)", re.IGNORECASE)
_IGNORE = re.compile(r"ignore(?:\[([^\]]*)\]|(?![\w\[-]))[\s:,;.#-]*(.*)")


@dataclass(frozen=True, slots=True)
class Comment:
    """A suppression in a source file."""

    source: Source
    codes: tuple[str, ...]
    """Empty: whatever the rule."""
    reason: str
    first: int
    last: int
    """It answers for these lines, and those between them,"""
    beside: tuple[int, ...] = ()
    """and for these."""
    complaint: str = ""
    """Why it can suppress nothing, wherever it stands."""

    def covers(self, places: Sequence[Source]) -> bool:
        """Whether one of these places is answered for."""
        return any(
            place.path == self.source.path
            and (self.first <= place.line <= self.last or place.line in self.beside)
            for place in places
        )

    def answers(self, finding: Finding) -> bool:
        """Whether it suppresses this finding."""
        named = not self.codes or bool({finding.code, finding.name} & set(self.codes))
        return named and not self.complaint and self.covers(finding.places)


def comments_in(path: str) -> tuple[Comment, ...]:
    """Those of a file, by line; none where it cannot be read, or is no Python that can be parsed.

    `path` as a Source has it: relative to the current directory, or absolute.
    """
    try:
        content = Path(path).read_bytes()
    except OSError:  # a file that is gone, or code that never was in one
        return ()
    return _parsed(path, content) if b"rflint" in content else ()


@cache
def _parsed(path: str, content: bytes) -> tuple[Comment, ...]:
    try:
        marks = list(_marks(content))
        tree = ast.parse(content) if marks else ast.Module([], [])
    except (SyntaxError, tokenize.TokenError, ValueError):
        return ()
    blocks = _blocks(tree)
    return tuple(_comment(Source(path, mark.line), mark, blocks, tree) for mark in marks)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A comment that addresses rflint."""

    line: int
    text: str
    alone: bool
    """Whether nothing stands before it."""
    statement: int
    """The line on which the statement begins that it stands in, or behind; 0 between statements."""


def _marks(content: bytes) -> Iterator[_Mark]:
    blank = {tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}
    statement = 0
    for token in tokenize.tokenize(io.BytesIO(content).readline):
        line, column = token.start
        if token.type == tokenize.COMMENT:
            if mark := _MARK.search(token.string):
                alone = not token.line[:column].strip()
                yield _Mark(line, mark[1].strip(), alone, statement)
        elif token.type == tokenize.NEWLINE:
            statement = 0
        elif token.type not in blank:
            statement = statement or line


def _comment(
    source: Source, mark: _Mark, blocks: Mapping[int, tuple[int, int]], tree: ast.Module
) -> Comment:
    match = _IGNORE.match(mark.text)
    line = mark.line
    if match is None:
        says = f"{mark.text!r} is not understood: write `# rflint: ignore[RF101] the reason`"
        return Comment(source, (), "", line, line, complaint=says)
    codes = tuple(code.strip() for code in (match[1] or "").split(",") if code.strip())
    reason = match[2].strip()
    if match[1] is not None and not codes:
        return Comment(source, (), reason, line, line, complaint="it names no rule")
    if mark.statement in blocks:
        return Comment(source, codes, reason, *blocks[mark.statement])
    if mark.alone:
        says = "it stands on a line of its own: a comment answers for the line that it ends"
        return Comment(source, codes, reason, line, line, complaint=says)
    return Comment(source, codes, reason, line, line, _calls_ending(tree, line))


def _blocks(tree: ast.Module) -> Mapping[int, tuple[int, int]]:
    """Functions and classes: by the line on which a header's statement begins, what they span."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            starts = [node.lineno, *(decorator.lineno for decorator in node.decorator_list)]
            for start in starts:
                found[start] = min(starts), node.end_lineno or node.lineno
    return found


def _calls_ending(tree: ast.Module, line: int) -> tuple[int, ...]:
    """First lines of the calls, over several lines, that end on this one."""
    starts = {
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and node.end_lineno == line and node.lineno < line
    }
    return tuple(sorted(starts))
