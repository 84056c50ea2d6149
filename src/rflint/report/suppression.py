"""Comments in the user's source that answer findings: `# rflint: ignore[RF101] the reason`.

A comment answers for the line that it stands on. Where no layer is on that line, and a call ends on
it, for the line on which that call begins, the innermost such call first. In the header of a `def`
or `class`, it answers for everything below. A finding is suppressed where any of its places (the
user's lines that built the layer, from the innermost to the outermost, and the one that calls it)
is answered for.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from rflint.graph.architecture import Source
from rflint.linting.rule import Finding

_START = r"""(?<!["'`])#\s*rflint(?:\s*(:)|(?=\s+ignore\b))"""
_MARK = re.compile(rf"{_START}\s*(.*?)\s*(?={_START}|$)", re.IGNORECASE)
_IGNORE = re.compile(r"ignore(?:\s*\[([^\]]*)\]|(?![\w(=-]|\s*[\[=]))[\s:,;.#\u2013\u2014-]*(.*)")
_CODE_WITHOUT_BRACKETS = re.compile(r"\W*(?:[A-Z]+|rf)\d+\b")
_OTHER_TOOLS = re.compile(
    r"\s*#\s*(?:noqa|nosec|(?:type|pragma|fmt|isort|mypy|pylint|pyright|ruff|yapf)\s*:).*"
)


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
    """and for the first of these with a layer, where its own have none: see `among`."""
    complaint: str = ""
    """Why it can suppress nothing, wherever it stands."""

    def among(self, lines: Collection[int]) -> Comment:
        """The comment in a file that has layers on these lines."""
        has_layer = any(self.first <= line <= self.last for line in lines)
        near = [] if has_layer else [line for line in self.beside if line in lines]
        return replace(self, beside=tuple(near[:1]))

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
    return _parsed(path, content) if b"rflint" in content.lower() else ()


@cache
def _parsed(path: str, content: bytes) -> tuple[Comment, ...]:
    # tokenize knows no other ends of lines, and Python takes them all for the same
    content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        marks = list(_marks(content))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what Python says of "\d" it has said at the import
            tree = ast.parse(content) if marks else ast.Module([], [])
    except (SyntaxError, tokenize.TokenError, ValueError, RecursionError, MemoryError):
        return ()
    blocks, calls = _blocks(tree), _calls(tree)
    return tuple(_comment(Source(path, mark.line), mark, blocks, calls) for mark in marks)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A comment that addresses rflint."""

    line: int
    text: str
    """What it says, or nothing that makes sense."""
    alone: bool
    """Whether nothing stands before it."""
    statement: int
    """The line on which the statement begins that it stands in, or behind; 0 between statements."""


def _marks(content: bytes) -> Iterator[_Mark]:
    blank = {tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}
    statement = ended = 0
    for token in tokenize.tokenize(io.BytesIO(content).readline):
        line = token.start[0]
        if token.type == tokenize.COMMENT:
            alone = ended != line
            for found in _MARK.finditer(token.string):
                if alone and found.start():
                    break  # prose, or code that is commented out together with its comment
                text = found[2] if found[1] else found[0].lstrip("# ")
                yield _Mark(line, text, alone, statement)
        elif token.type == tokenize.NEWLINE:
            statement = 0
        elif token.type not in blank:
            statement = statement or line
            ended = token.end[0]


def _comment(
    source: Source, mark: _Mark, blocks: Mapping[int, _Block], calls: Mapping[int, tuple[int, ...]]
) -> Comment:
    match = _IGNORE.match(_OTHER_TOOLS.sub("", mark.text))
    line = mark.line
    if match is None or (match[1] is None and _CODE_WITHOUT_BRACKETS.match(match[2])):
        says = f"{mark.text!r} is not understood: write `# rflint: ignore[RF101] the reason`"
        return Comment(source, (), "", line, line, complaint=says)
    codes = tuple(dict.fromkeys(_spelled(x) for x in re.split(r"[\s,]+", match[1] or "") if x))
    reason = match[2].strip()
    if match[1] is not None and not codes:
        return Comment(source, (), reason, line, line, complaint="it names no rule")
    block = blocks.get(mark.statement)
    if block and line <= block.header:
        return Comment(source, codes, reason, block.first, block.last)
    if mark.alone:
        says = "it stands on a line of its own: a comment answers for the line that it ends"
        return Comment(source, codes, reason, line, line, complaint=says)
    return Comment(source, codes, reason, line, line, calls.get(line, ()))


def _spelled(code: str) -> str:
    """A code or a name, as rules spell theirs."""
    return code.upper() if re.fullmatch(r"[A-Za-z]+\d+", code) else code.lower()


@dataclass(frozen=True, slots=True)
class _Block:
    """A function or class."""

    first: int
    last: int
    header: int
    """The last line on which a comment of its first statement is one of its header."""


def _blocks(tree: ast.Module) -> Mapping[int, _Block]:
    """By the line on which a header's statement begins: a decorator is a statement, as it were."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            starts = [node.lineno, *(decorator.lineno for decorator in node.decorator_list)]
            block = _Block(min(starts), node.end_lineno or node.lineno, node.body[0].lineno)
            found.update(dict.fromkeys(starts, block))
    return found


def _calls(tree: ast.Module) -> Mapping[int, tuple[int, ...]]:
    """By the line on which calls over several lines end, their first lines; innermost first.

    Python takes a method's call for one on the line of the method's name, if it can.
    """
    found: dict[int, set[int]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            end = node.end_lineno or node.lineno
            starts = {node.lineno, node.func.end_lineno or node.lineno} - {end}
            found.setdefault(end, set()).update(starts)
    return {end: tuple(sorted(starts, reverse=True)) for end, starts in found.items()}
