"""Run the examples of a rule: it must find something in those that fail, and only in those."""

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
class ExampleResult:
    """How one example went."""

    code: str
    example: str
    should_fail: bool
    found: tuple[str, ...]
    """Messages of the rule."""
    error: str = ""

    @property
    def passed(self) -> bool:
        """Whether the rule found something exactly where it should."""
        return not self.error and bool(self.found) == self.should_fail

    def __str__(self) -> str:
        """One line, with what is wrong if something is."""
        if self.passed:
            return f"ok      {self.code} {self.example} {'fails' if self.should_fail else 'passes'}"
        wanted = "fail" if self.should_fail else "pass"
        instead = self.error or "; ".join(self.found) or "nothing was found"
        return f"FAILED  {self.code} {self.example} should {wanted}: {instead}"


def run_examples(rule: Rule, known: Sequence[Rule]) -> Iterator[ExampleResult]:
    """Run all rules on every example of one, since some rules are about findings of others."""
    for should_fail, examples in ((True, rule.fails), (False, rule.passes)):
        for example in examples:
            yield _run_example(rule, known, example, should_fail=should_fail)


def _run_example(
    rule: Rule, known: Sequence[Rule], example: Example, *, should_fail: bool
) -> ExampleResult:
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
        return ExampleResult(rule.code, title, should_fail, (), _one_line(as_rflint_error(error)))
    errors = [_one_line(x.error) for x in report.failures if _concerns(rule, x.error)]
    found = tuple(x.message for x in report.findings if x.code == rule.code)
    return ExampleResult(rule.code, title, should_fail, found, "; ".join(errors))


def _concerns(rule: Rule, error: RflintError) -> bool:
    """Whether an error is of this rule or of linting as such, and not of another rule."""
    return not isinstance(error, RuleFailed) or error.code == rule.code


def _one_line(error: RflintError) -> str:
    """An error in one line, without the hint where the rule is that is being tested."""
    place = f"{error.source}: " if error.source else ""
    hint = f" {error.hint}" if error.hint and not isinstance(error, RuleFailed) else ""
    return f"{place}{error.message}{hint}".replace("\n", " ")
