"""Comments in the user's source that suppress findings: `# rflint: ignore[RF101] the reason`.

A comment covers the line that it stands on. If no layer is on that line, but a call of several
lines ends there, the comment covers the first line of that call (of nested calls, the innermost
one with a layer). In the header of a `def` or `class`, it covers the whole body. A finding is
suppressed if a comment covers one of its places: the lines of the user's code that built the layer,
and the line that calls it.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from rflint.graph.source_location import SourceLocation
from rflint.linting.finding import Finding

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

    source: SourceLocation
    codes: tuple[str, ...]
    """Empty: whatever the rule."""
    reason: str
    first: int
    """The first line that it covers."""
    last: int
    """The last one."""
    call_starts: tuple[int, ...] = ()
    """Lines on which calls begin that end on its line, innermost call first. The first of them
    that has a layer is covered, too, if the comment's own lines have none."""
    complaint: str = ""
    """Why it can suppress nothing, wherever it stands."""

    def for_layers_on(self, lines: Collection[int]) -> Comment:
        """The comment with the one start of a call that it covers, given the lines with layers."""
        has_layer = any(self.first <= line <= self.last for line in lines)
        starts = [] if has_layer else [line for line in self.call_starts if line in lines]
        return replace(self, call_starts=tuple(starts[:1]))

    def covers(self, places: Sequence[SourceLocation]) -> bool:
        """Whether one of these places is on a line that it covers."""
        return any(
            place.path == self.source.path
            and (self.first <= place.line <= self.last or place.line in self.call_starts)
            for place in places
        )

    def suppresses(self, finding: Finding) -> bool:
        """Whether it suppresses this finding."""
        named = not self.codes or bool({finding.code, finding.name} & set(self.codes))
        return named and not self.complaint and self.covers(finding.places)


def all_comments(models: Iterable[Iterable[SourceLocation]]) -> tuple[Comment, ...]:
    """The comments of all files that these models have places in, sorted by file and line."""
    lines: dict[str, set[int]] = {}
    for places in models:
        for place in places:
            lines.setdefault(place.path, set()).add(place.line)
    return tuple(
        comment.for_layers_on(lines[path])
        for path in sorted(lines)
        for comment in comments_in(path)
    )


def comments_in(path: str) -> tuple[Comment, ...]:
    """The comments of a file; none if it cannot be read or parsed.

    `path` is relative to the current directory, or absolute, as in a SourceLocation.
    """
    try:
        content = Path(path).read_bytes()
    except OSError:  # the file is gone, or the code never was in one
        return ()
    return _parsed(path, content) if b"rflint" in content.lower() else ()


@cache
def _parsed(path: str, content: bytes) -> tuple[Comment, ...]:
    # Python accepts all three line endings, tokenize only this one
    content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        marks = list(_marks(content))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warned of "\d" when it imported the file
            tree = ast.parse(content) if marks else ast.Module([], [])
    except (SyntaxError, tokenize.TokenError, ValueError, RecursionError, MemoryError):
        return ()
    blocks, calls = _blocks(tree), _calls(tree)
    return tuple(_comment(SourceLocation(path, mark.line), mark, blocks, calls) for mark in marks)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A comment that begins with `# rflint`."""

    line: int
    text: str
    """What follows `# rflint:`, or the whole comment if it has no colon."""
    alone: bool
    """Whether there is no code on its line."""
    statement: int
    """The first line of the statement that it stands in or after; 0 between statements."""


def _marks(content: bytes) -> Iterator[_Mark]:
    blank = {tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}
    statement = ended = 0
    for token in tokenize.tokenize(io.BytesIO(content).readline):
        line = token.start[0]
        if token.type == tokenize.COMMENT:
            alone = ended != line
            for found in _MARK.finditer(token.string):
                if alone and found.start():
                    break  # within prose, or in code that is commented out
                text = found[2] if found[1] else found[0].lstrip("# ")
                yield _Mark(line, text, alone, statement)
        elif token.type == tokenize.NEWLINE:
            statement = 0
        elif token.type not in blank:
            statement = statement or line
            ended = token.end[0]


def _comment(
    source: SourceLocation,
    mark: _Mark,
    blocks: Mapping[int, _Block],
    calls: Mapping[int, tuple[int, ...]],
) -> Comment:
    match = _IGNORE.match(_OTHER_TOOLS.sub("", mark.text))
    line = mark.line
    if match is None or (match[1] is None and _CODE_WITHOUT_BRACKETS.match(match[2])):
        says = f"{mark.text!r} is not understood: write `# rflint: ignore[RF101] the reason`"
        return Comment(source, (), "", line, line, complaint=says)
    codes = tuple(dict.fromkeys(_normalised(x) for x in re.split(r"[\s,]+", match[1] or "") if x))
    reason = match[2].strip()
    if match[1] is not None and not codes:
        return Comment(source, (), reason, line, line, complaint="it names no rule")
    block = blocks.get(mark.statement)
    if block and line <= block.body:
        return Comment(source, codes, reason, block.first, block.last)
    if mark.alone:
        says = "it stands on a line of its own: a comment answers for the line that it ends"
        return Comment(source, codes, reason, line, line, complaint=says)
    return Comment(source, codes, reason, line, line, calls.get(line, ()))


def _normalised(code: str) -> str:
    """A rule's code in capitals, or a rule's name in small letters."""
    return code.upper() if re.fullmatch(r"[A-Za-z]+\d+", code) else code.lower()


@dataclass(frozen=True, slots=True)
class _Block:
    """A function or class."""

    first: int
    last: int
    body: int
    """The first line of its body; a comment up to there belongs to the header."""


def _blocks(tree: ast.Module) -> Mapping[int, _Block]:
    """Functions and classes, by the lines on which their headers begin, decorators included."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            starts = [node.lineno, *(decorator.lineno for decorator in node.decorator_list)]
            block = _Block(min(starts), node.end_lineno or node.lineno, node.body[0].lineno)
            found.update(dict.fromkeys(starts, block))
    return found


def _calls(tree: ast.Module) -> Mapping[int, tuple[int, ...]]:
    """The first lines of calls of several lines, innermost first, by the line that they end on.

    Python may attribute a method's call to the line of the method's name: that counts as well.
    """
    found: dict[int, set[int]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            end = node.end_lineno or node.lineno
            starts = {node.lineno, node.func.end_lineno or node.lineno} - {end}
            found.setdefault(end, set()).update(starts)
    return {end: tuple(sorted(starts, reverse=True)) for end, starts in found.items()}
