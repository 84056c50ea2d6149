"""The examples of a rule, run: a rule must find something in what fails, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rflint.errors import RflintError, as_rflint_error
from rflint.inputs.tracing_options import TracingOptions
from rflint.linting.errors import RuleFailed
from rflint.linting.rule import Example, Rule
from rflint.linting.settings import check_settings, rule_options
from rflint.text.numbers import size
from rflint.usecases.checks import Checks
from rflint.usecases.python_arguments import resolutions_from
from rflint.usecases.python_object import lint_object
from rflint.usercode.ownership import counted_as_user_code


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
        if self.passed:
            return f"ok      {self.code} {self.example} {'fails' if self.should_fail else 'passes'}"
        wanted = "fail" if self.should_fail else "pass"
        instead = self.error or "; ".join(self.found) or "nothing was found"
        return f"FAILED  {self.code} {self.example} should {wanted}: {instead}"


def outcomes(rule: Rule, known: Sequence[Rule]) -> Iterator[Outcome]:
    """Run every example of a rule, alone or with the rules whose findings it is about."""
    for should_fail, examples in ((True, rule.fails), (False, rule.passes)):
        for example in examples:
            yield _outcome(rule, known, example, should_fail=should_fail)


def _outcome(rule: Rule, known: Sequence[Rule], example: Example, *, should_fail: bool) -> Outcome:
    sizes = example.res if isinstance(example.res, tuple) else (example.res,)
    name = getattr(example.build, "__name__", repr(example.build))
    given = "".join(f", {setting} = {value!r}," for setting, value in example.settings.items())
    layout = f" ({example.layout})" if example.layout else ""
    title = f"{name} at {size(sizes)}{layout}{given}"
    options = rule_options(known, {rule.code: example.settings})
    checks = Checks(tuple(known), tuple(known), options)
    tracing = TracingOptions(layouts=(example.layout,) if example.layout else ())
    try:
        check_settings(known, rule.code, example.settings)
        with counted_as_user_code(rule.file):
            resolutions = resolutions_from(example.res)
            report = lint_object(example.build, checks, resolutions, tracing=tracing, name=name)
    except Exception as error:
        return Outcome(rule.code, title, should_fail, (), _said(as_rflint_error(error)))
    errors = [_said(x.error) for x in report.failures if _concerns(rule, x.error)]
    found = tuple(x.message for x in report.findings if x.code == rule.code)
    return Outcome(rule.code, title, should_fail, found, "; ".join(errors))


def _concerns(rule: Rule, error: RflintError) -> bool:
    """Whether an error is not that of another rule, which has examples of its own."""
    return not isinstance(error, RuleFailed) or error.code == rule.code


def _said(error: RflintError) -> str:
    """In one line. Of the rule under test nobody needs to be told where it is."""
    place = f"{error.source}: " if error.source else ""
    hint = f" {error.hint}" if error.hint and not isinstance(error, RuleFailed) else ""
    return f"{place}{error.message}{hint}".replace("\n", " ")
