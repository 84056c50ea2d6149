"""The examples of a rule, run: a rule must find something in what fails, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rflint.errors import RflintError, expected
from rflint.figures import size
from rflint.linter import lint_with
from rflint.options import Options
from rflint.places import regarded_as_users
from rflint.rule import Example, Rule


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one example went."""

    code: str
    example: str
    should_fail: bool
    found: tuple[str, ...]
    """Messages of the rule."""
    error: str = ""

    @property
    def passed(self) -> bool:
        """Whether it went as its author says."""
        return not self.error and bool(self.found) == self.should_fail

    def __str__(self) -> str:
        """One line, with what is wrong if something is."""
        wanted = "fails" if self.should_fail else "passes"
        if self.passed:
            return f"ok      {self.code} {self.example} {wanted}"
        instead = "; ".join(self.found) or "nothing was found"
        return f"FAILED  {self.code} {self.example} should {wanted[:-1]}: {self.error or instead}"


def outcomes(rule: Rule, known: Sequence[Rule]) -> Iterator[Outcome]:
    """Run every example of a rule, alone or with the rules whose findings it is about."""
    for should_fail, examples in ((True, rule.fails), (False, rule.passes)):
        for example in examples:
            yield _outcome(rule, known, example, should_fail=should_fail)


def _outcome(rule: Rule, known: Sequence[Rule], example: Example, *, should_fail: bool) -> Outcome:
    sizes = example.res if isinstance(example.res, tuple) else (example.res,)
    name = getattr(example.build, "__name__", repr(example.build))
    title = f"{name} at {size(sizes)}"
    options = Options(rule_settings={rule.code: example.settings})
    try:
        with regarded_as_users(rule.file):
            report = lint_with(known, known, example.build, example.res, None, {}, options, name)
    except Exception as error:
        return Outcome(rule.code, title, should_fail, (), _said(expected(error)))
    errors = [_said(failure.error) for failure in report.failures]
    found = tuple(x.message for x in report.findings if x.code == rule.code)
    return Outcome(rule.code, title, should_fail, found, "; ".join(errors))


def _said(error: RflintError) -> str:
    return str(error).replace("\n", " ")
