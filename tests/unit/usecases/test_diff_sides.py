"""What the words of `rflint diff` mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from rflint.usecases.diff.sides import LintedSide, SavedSide, Side, sides_of

ONE = ("net:build",)
TWO = ("a:b", "c:d")


@pytest.mark.parametrize(
    ("words", "before", "after"),
    [
        (("a:build", "b:build"), LintedSide(("a:build",)), LintedSide(("b:build",))),
        (("a.json", "b.json"), SavedSide(Path("a.json")), SavedSide(Path("b.json"))),
        (("a.json", "net:build"), SavedSide(Path("a.json")), LintedSide(ONE)),
        (("net:build", "../b.json"), LintedSide(ONE), SavedSide(Path("../b.json"))),
        (("a.json",), SavedSide(Path("a.json")), LintedSide(())),
        (("main..", *ONE), LintedSide(ONE, "main"), LintedSide(ONE)),
        (("main..side", *ONE), LintedSide(ONE, "main"), LintedSide(ONE, "side")),
        (("..side",), LintedSide((), "HEAD"), LintedSide((), "side")),
        (("HEAD~3..", *TWO), LintedSide(TWO, "HEAD~3"), LintedSide(TWO)),
        (("main...",), LintedSide((), "main", "HEAD"), LintedSide(())),
        (("main...side",), LintedSide((), "main", "side"), LintedSide((), "side")),
        (("feature/x..v1.2",), LintedSide((), "feature/x"), LintedSide((), "v1.2")),
        (("../a.py:build", "b/../c.py:build"), LintedSide(("../a.py:build",)),
         LintedSide(("b/../c.py:build",))),
    ],
)  # fmt: skip
def test_sides(words: tuple[str, ...], before: Side, after: Side) -> None:
    assert sides_of(words) == (before, after)
