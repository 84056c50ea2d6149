"""Lint a project: load its rules, lint its models or look them up in the cache, and report.

torch is imported for the first model that the cache has no answer for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from rflint.cache.cache import Cache
from rflint.configuration.configuration import Configuration
from rflint.configuration.model_options import ModelOptions
from rflint.configuration.requests import Request, covers_configuration
from rflint.errors import RflintError
from rflint.linting.rule import Rule
from rflint.report.exit_gate import least_severity
from rflint.report.model_report import ModelReport
from rflint.report.policy import apply_policies
from rflint.report.report import Failure, Report
from rflint.usecases.lint_task import LintTask
from rflint.usecases.linter import Linted, Linter
from rflint.usecases.listener import Listener
from rflint.usecases.project_baseline import BaselineOptions, apply_baseline
from rflint.usecases.project_files import ProjectFiles, planned_requests
from rflint.usecases.targets import model_key
from rflint.workers.limits import ProcessLimits, available_cores, can_fork

_BASELINE, _LISTENER = BaselineOptions(), Listener()
_FEW = 3
"""So many models are linted faster in this process than in several."""


@dataclass(frozen=True, slots=True)
class Processes:
    """In which processes models are linted."""

    jobs: int | None = None
    """How many at a time. 0: in this process; None: as many as there are cores, and for a few
    models none."""
    limits: ProcessLimits = field(default_factory=ProcessLimits)

    def number(self, models: int) -> int:
        """How many workers lint so many models; 0: they are linted in this process."""
        if self.jobs is not None:
            return self.jobs
        if models > _FEW and can_fork():
            return available_cores()
        return int(self.limits.timeout is not None or self.limits.memory is not None)


_HERE = Processes(jobs=0)


def lint_project(
    targets: Sequence[str],
    options: ModelOptions,
    configuration: Configuration,
    *,
    changed: Sequence[str] | None = None,
    fail_on: str | None = None,
    use_cache: bool = True,
    with_sizes: bool = False,
    with_repairs: bool = False,
    baseline: BaselineOptions = _BASELINE,
    processes: Processes = _HERE,
    listener: Listener = _LISTENER,
) -> Report:
    """Lint targets, or all configured models where there are none, and report on all of them.

    `options` go before what the configuration says. With `changed`, only models are linted that
    depend on one of these files; with `with_sizes`, reports tell of other input sizes, and with
    `with_repairs` of what can be done about unproductive layers. What goes wrong with one model is
    a failure in the report; errors are raised for what concerns the run as a whole.
    """
    task = LintTask(tuple(targets), options, configuration, use_cache, with_sizes, with_repairs)
    run = _Run(task, listener)
    run.load(changed)
    linted = run.lint(processes)
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

    def __init__(self, task: LintTask, listener: Listener) -> None:
        self.task = task
        self.cache: Cache | None = task.cache()
        self.listener = listener
        self.rules: tuple[Rule, ...] = ()
        self.all_requests: tuple[Request, ...] = ()
        """What the task would lint if all files had changed."""
        self.positions: list[int] = []
        """The positions of those that are linted."""
        self.failures: list[Failure] = []
        self.notes: list[str] = []
        """For --verbose."""

    @property
    def requests(self) -> tuple[Request, ...]:
        """What is linted."""
        return tuple(self.all_requests[position] for position in self.positions)

    def load(self, changed: Sequence[str] | None) -> None:
        """Load the rules, and make the requests.

        If only some files have `changed`, these are the requests that depend on one of them; for
        none, no rules are loaded.
        """
        files = None
        if changed is not None:
            files = ProjectFiles(self.task.configuration, self.cache)
            task = self.task
            planned = planned_requests(task.targets, task.options, task.configuration)
            if not any(files.affect(request, changed) for request in planned):
                self.listener.detail("no model depends on what has changed")
                return
        self.rules, self.all_requests = self.task.requests(self.cache, self.fail)
        self.positions = [
            position
            for position, request in enumerate(self.all_requests)
            if files is None or changed is None or files.affect(request, changed)
        ]

    def lint(self, processes: Processes) -> list[tuple[ModelReport, Request]]:
        """The reports of all requests that do not fail. No policy is applied to them yet."""
        with self.listener.linting(self.requests) as begins:
            keys = [self.cache.key(x) if self.cache else "" for x in self.all_requests]
            answered = {x: self._answered(self.all_requests[x], keys[x]) for x in self.positions}
            unanswered = [x for x in self.positions if answered[x] is None]
            results = self._results(unanswered, keys, processes)
            found = []
            for number, position in enumerate(self.positions, start=1):
                request = self.all_requests[position]
                begins(number, request)
                report = answered[position] or self._report(request, next(results))
                if report is not None:
                    found.append((replace(report, name=request.name), request))
        return found

    def _answered(self, request: Request, key: str) -> ModelReport | None:
        """The report in the cache, if it is still valid."""
        if self.cache is None:
            return None
        keys = [key]
        if not request.with_repairs:  # a report with repairs has all that one without them has
            keys.append(self.cache.key(replace(request, with_repairs=True)))
        report = next(filter(None, map(self.cache.lookup, keys)), None)
        if report is not None:
            self.notes.append(f"{request.title} was answered by the cache")
        elif why := next(filter(None, map(self.cache.first_change, keys)), ""):
            self.notes.append(f"{request.title} was linted anew: {why}")
        return report

    def _results(
        self, positions: Sequence[int], keys: Sequence[str], processes: Processes
    ) -> Iterator[Linted]:
        """What becomes of requests, each as it is asked for, in this process or in others."""
        requests = {position: self.all_requests[position] for position in positions}
        jobs = processes.number(len({model_key(x) for x in requests.values()}))
        if requests and jobs:
            from rflint.usecases.lint_jobs import lint_in_workers

            own_keys = {position: keys[position] for position in positions}
            yield from lint_in_workers(self.task, requests, own_keys, jobs, processes.limits)
            return
        linter = Linter(self.cache)
        for position, request in requests.items():
            yield linter.lint(request, keys[position])

    def _report(self, request: Request, linted: Linted) -> ModelReport | None:
        """The report of a request that was linted now; its errors are told."""
        self.notes += linted.notes
        for error in linted.errors:
            if linted.concerns_target:
                self._fail_at_all_sizes(request, error)
            else:
                self.fail(request.title, error, request)
        return linted.report

    def _fail_at_all_sizes(self, request: Request, error: RflintError) -> None:
        """Of a model that cannot be built, once: it has the same error at every size."""
        about = request.name or request.target
        if all((x.target, str(x.error)) != (about, str(error)) for x in self.failures):
            self.fail(about, error, request)

    def fail(self, about: str, error: RflintError, request: Request | None = None) -> None:
        """Note, and tell the listener, that something could not be done."""
        request = request or next((x for x in self.requests if x.title == about), None)
        self.listener.failed(about, error, request)
        self.failures.append(Failure(about, error))
