"""Whatever an exception says, on a terminal and in the log of a CI job it is text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rflint.cli.messages import complain, note
from rflint.errors import BuildFailed
from rflint.graph.source_location import SourceLocation
from rflint.text.escape import escaped_lines, log_message, without_ci_commands

HOSTILE = (
    "a\x1b[31mRED\x07",
    "back\rto the start",
    "a\n::error file=x::pwned",
    "a\r\n::add-mask::pwned",
    "a\n   ::stop-commands::pwned",
    "a\u2028::error::pwned\x85::error::pwned\x0b::error::pwned",
    "##[error]pwned",
    "a ##vso[task.setvariable variable=x]pwned",
    "###[group]pwned",
    "##teamcity[buildStop]",
    "\u202egnp.exe\u2066",
    "\ud800lone",
    "\x9b31m\x9d0;title\x9c",
)


def check(said: str) -> None:
    """No control character, no direction, no line that GitHub, Azure or TeamCity obeys."""
    assert all(char.isprintable() or char == "\n" for char in said)
    said.encode()
    for line in said.splitlines():
        assert not line.strip().startswith("::")
    assert not re.search(r"##\w*\[", said)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("debug", [False, True])
def test_an_error_is_text(capfd: pytest.CaptureFixture[str], text: str, debug: bool) -> None:
    error = BuildFailed(
        f"net.py:f raised {text}", hint=text, source=SourceLocation(f"{text}.py", 1)
    )
    complain(error, debug, text)
    note(text)
    said = capfd.readouterr().err
    check(said)
    assert "net.py:f raised" in said


@given(st.lists(st.sampled_from((*HOSTILE, "::error::", "##[", "\n", "\r", ":", "#", "[", " "))))
def test_however_it_is_put_together(parts: list[str]) -> None:
    check(log_message("".join(parts)))
    check(without_ci_commands(escaped_lines("".join(parts))))


def test_lines_stay_lines_and_belong_together() -> None:
    assert log_message("one\r\ntwo\nthree") == "one\n  two\n  three"


def test_what_is_harmless_stays_as_it_is() -> None:
    text = "größe 层 😀: std::vector #12 ## heading [x]"
    assert log_message(text) == text


def test_nobody_reads_a_hundred_thousand_characters(capsys: pytest.CaptureFixture[str]) -> None:
    complain(BuildFailed("a" * 100_000), debug=False)
    said = capsys.readouterr().err
    assert len(said) < 5_000
    assert re.search(r"aaa\.\.\. \(9\d,\d{3} characters more\)$", said)
