"""Lines that are broken between words alone."""

from __future__ import annotations

import pytest
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rflint.report.terminal.console import captured, plain_console
from rflint.text.wrapping import bound, loosened, wrapped

SENTENCE = (
    "accuracy 85.5 %, spans 45 px, in 29 % of the input (+99 %), 590 k parameters, 1.2 G MACs, <1 %"
)
UNITS = ("%", "px", "k", "G", "px,", "%,", "%)")


def test_what_is_bound_comes_back_as_it_was() -> None:
    assert bound(SENTENCE).count(" ") == SENTENCE.count(" ") - 7
    assert len(bound(SENTENCE)) == len(SENTENCE)
    assert loosened(bound(SENTENCE)) == SENTENCE
    for free in ("3 layers", "2 pxs", "a % b", "3 Kernels", "px 3"):
        assert bound(free) == free


@pytest.mark.parametrize("width", range(20, 100, 5))
def test_no_unit_begins_a_line_of_a_report(width: int) -> None:
    """As a text, indented, in a table, and with a style; and no other space than a plain one."""
    console = plain_console()
    console.width = width
    table = Table("told", box=None)
    table.add_row(Text(SENTENCE))
    for drawn in (SENTENCE, Text(SENTENCE, "bold"), Padding(Text(SENTENCE), (0, 2)), table):
        shown = captured(console, lambda drawn=drawn: console.print(drawn))  # type: ignore[misc]
        words = [line.split()[0] for line in shown.splitlines() if line.strip()]
        assert not set(words) & set(UNITS), shown
        assert " ".join(shown.split()).removeprefix("told ") == SENTENCE
        assert shown.isascii(), "nothing of the binding is left"
        assert all(len(line) <= width for line in shown.splitlines())


def test_styles_stay_where_they_are() -> None:
    console = plain_console()
    text = Text.assemble("sees ", ("45 px", "bold"), " of it")
    pieces = [x.text for x in console.render(text) if x.style and x.style.bold]  # type: ignore[union-attr]
    assert pieces == ["45 px"]


ERROR = "rflint: error: the weights of last.pt do not fit the model: 2 keys missing, 99 % of it"


def test_messages_are_broken_between_words() -> None:
    lines = wrapped(ERROR, 40).split("\n")
    assert lines == [
        "rflint: error: the weights of last.pt do",
        "  not fit the model: 2 keys missing,",
        "  99 % of it",
    ]
    assert wrapped(ERROR, 200) == ERROR


@pytest.mark.parametrize(
    "command",
    [
        "rflint measure mymodel:build --weights last.pt --data images --res 28",
        "rflint mymodel:build --res 28 --arg 'name=two words'",
        "rflint --list-targets some/folder/that/is/long",
        'pip install "rflint[measure]" and-more and-more and-more',
        "/usr/bin/python3 -c 'import timm; print(timm.__version__, timm.list_models())'",
        "torch.save(torch.jit.load(file).state_dict(), 'weights.pt')",
    ],
)
def test_commands_stay_whole(command: str) -> None:
    """On a line of their own, or at the end of a sentence."""
    told = f"  What there is to be done about that: {command}\n  {command}"
    lines = wrapped(told, 30).split("\n")
    assert lines[-1] == f"  {command}"
    assert any(line.endswith(command) for line in lines[:-1])


def test_options_and_paths_stay_whole() -> None:
    told = "rflint: error: /a/path/that/is/rather-long/to-read.py:12: give it --arg classes=10, say"
    lines = wrapped(told, 30).split("\n")
    assert "  /a/path/that/is/rather-long/to-read.py:12:" in lines
    assert any("--arg classes=10" in line for line in lines)


def test_prose_that_begins_like_a_command_is_broken() -> None:
    told = "rflint: error: rflint itself failed: and this is a sentence that goes on and on"
    assert max(map(len, wrapped(told, 40).split("\n"))) <= 40
