"""Lint a project: load its rules, lint its models or look them up in the cache, and report.

torch is imported for the first model that the cache has no answer for.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace

from rflint.cache.cache import Cache
from rflint.configuration.configuration import Configuration
from rflint.configuration.model_options import ModelOptions
from rflint.configuration.requests import Request, covers_configuration, requests_for
from rflint.errors import RflintError, as_rflint_error
from rflint.linting.rule import Rule
from rflint.report.exit_gate import least_severity
from rflint.report.model_report import ModelReport
from rflint.report.policy import apply_policies
from rflint.report.report import Failure, Report
from rflint.usecases.listener import Listener
from rflint.usecases.project_baseline import BaselineOptions, apply_baseline
from rflint.usecases.project_files import ProjectFiles, planned_requests
from rflint.usecases.project_rules import project_rules
from rflint.usecases.targets import BuiltTargets, import_torch
from rflint.usercode.interrupts import is_ctrl_c
from rflint.usercode.stdout import stdout_to_stderr
from rflint.usercode.surroundings import command_line_hidden, current_folder_kept, warnings_noted

_BASELINE, _LISTENER = BaselineOptions(), Listener()


def lint_project(
    targets: Sequence[str],
    options: ModelOptions,
    configuration: Configuration,
    *,
    changed: Sequence[str] | None = None,
    fail_on: str | None = None,
    use_cache: bool = True,
    with_sizes: bool = False,
    baseline: BaselineOptions = _BASELINE,
    listener: Listener = _LISTENER,
) -> Report:
    """Lint targets, or all configured models where there are none, and report on all of them.

    `options` go before what the configuration says. With `changed`, only models are linted that
    depend on one of these files; with `with_sizes`, reports tell of other input sizes. What goes
    wrong with one model is a failure in the report; errors are raised for what concerns the run as
    a whole.
    """
    cache = Cache(configuration.root) if use_cache and configuration.cache is not False else None
    run = _Run(configuration, cache, listener)
    if changed is None:
        run.load(targets, options)
    else:
        run.load_affected(targets, options, changed)
    run.requests = tuple(replace(x, with_sizes=with_sizes) for x in run.requests)
    linted = run.lint()
    models = apply_policies(
        [(model, request.policy) for model, request in linted],
        run.rules,
        all_models=covers_configuration(run.requests, configuration) and not run.failures,
        failed=lambda model, error: run.fail(model.title, error),
    )
    ran = {rule.code for request in run.requests for rule in request.policy.rules}
    report = Report(
        tuple(
            replace(model, fix_command=listener.fix_command(request))
            for model, (_, request) in zip(models, linted, strict=True)
        ),
        tuple(run.failures),
        fail_on=least_severity(fail_on or configuration.fail_on or "warning"),
        rules=tuple(rule for rule in run.rules if rule.code in ran),
        notes=tuple(run.notes),
    )
    return apply_baseline(report, configuration, baseline, listener)


class _Run:
    """One run: its rules, requests, reports and failures, in the order in which they are known."""

    def __init__(
        self, configuration: Configuration, cache: Cache | None, listener: Listener
    ) -> None:
        self.configuration = configuration
        self.cache = cache
        self.listener = listener
        self.rules: tuple[Rule, ...] = ()
        self.requests: tuple[Request, ...] = ()
        self.failures: list[Failure] = []
        self.notes: list[str] = []
        """For --verbose."""
        self._targets = BuiltTargets()

    def load(self, targets: Sequence[str], options: ModelOptions) -> None:
        """Load the rules, and make the requests."""
        self.rules = project_rules(self.configuration, self.cache, self.fail)
        lenient = bool(self.failures)
        self.requests = requests_for(
            targets, options, self.configuration, self.rules, lenient=lenient
        )

    def load_affected(
        self, targets: Sequence[str], options: ModelOptions, changed: Sequence[str]
    ) -> None:
        """The same for models that depend on a changed file. Without any, no rules are loaded."""
        files = ProjectFiles(self.configuration, self.cache)
        planned = planned_requests(targets, options, self.configuration)
        if not any(files.affect(request, changed) for request in planned):
            self.listener.detail("no model depends on what has changed")
            return
        self.load(targets, options)
        self.requests = tuple(x for x in self.requests if files.affect(x, changed))

    def lint(self) -> list[tuple[ModelReport, Request]]:
        """The reports of all requests that do not fail. No policy is applied to them yet."""
        with self.listener.linting(self.requests) as begins:
            keys = [self.cache.key(x) if self.cache else "" for x in self.requests]
            found = []
            for number, (request, key) in enumerate(zip(self.requests, keys, strict=True), start=1):
                begins(number, request)
                report = self._answered(request, key) or self._linted(request, key)
                if report is not None:
                    found.append((replace(report, name=request.name), request))
        return found

    def _answered(self, request: Request, key: str) -> ModelReport | None:
        """The report in the cache, if it is still valid."""
        report = self.cache.lookup(key) if self.cache else None
        if report is not None:
            self.notes.append(f"{request.title} was answered by the cache")
        elif self.cache and (why := self.cache.first_change(key)):
            self.notes.append(f"{request.title} was linted anew: {why}")
        return report

    def _linted(self, request: Request, key: str) -> ModelReport | None:
        """The report of a model that is built and linted now; None if that fails."""
        try:
            report, failures = self._lint(request)
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            self._fail_at_all_sizes_or_one(request, as_rflint_error(error))
            return None
        for failure in failures:
            self.fail(request.title, failure)
        if self.cache and not failures:
            reasons = self.cache.save(key, request, report)
            self.notes += [f"{request.title} is not cached: it {x}" for x in reasons[:1]]
        return report

    def _lint(self, request: Request) -> tuple[ModelReport, tuple[RflintError, ...]]:
        self._targets.check(request)
        with warnings_noted(self.notes):
            import_torch()
        from rflint.usecases.model import lint_model

        watched = self.cache.watch(request) if self.cache else nullcontext()
        with current_folder_kept(), watched, warnings_noted(self.notes):
            built = self._targets.model(request)
            with stdout_to_stderr(), command_line_hidden():
                return lint_model(
                    built,
                    request.target,
                    request.policy.rules,
                    request.rule_options,
                    request.resolution,
                    list(request.shapes) or None,
                    request.tracing,
                    with_sizes=request.with_sizes,
                )

    def _fail_at_all_sizes_or_one(self, request: Request, error: RflintError) -> None:
        """Of a model that cannot be built, once: it has the same error at every size."""
        if not self._targets.has_failed(request):
            self.fail(request.title, error)
            return
        about = request.name or request.target
        if all((x.target, str(x.error)) != (about, str(error)) for x in self.failures):
            self.fail(about, error, request)

    def fail(self, about: str, error: RflintError, request: Request | None = None) -> None:
        """Note, and tell the listener, that something could not be done."""
        request = request or next((x for x in self.requests if x.title == about), None)
        self.listener.failed(about, error, request)
        self.failures.append(Failure(about, error))
