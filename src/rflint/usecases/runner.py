"""The reports of all requested models: from the cache, or by building and linting the model.

torch is imported for the first model that the cache has no answer for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace

from rflint.cache.cache import Cache
from rflint.configuration.requests import Request
from rflint.errors import RflintError, as_rflint_error
from rflint.report.model_report import ModelReport
from rflint.usecases.targets import BuiltTargets, import_torch
from rflint.usercode.interrupts import is_ctrl_c
from rflint.usercode.stdout import stdout_to_stderr
from rflint.usercode.surroundings import command_line_hidden, current_folder_kept, warnings_noted
from rflint.usercode.target import check_target


class Runner:
    """Lints one model after another, and tells of what goes wrong."""

    def __init__(
        self,
        cache: Cache | None,
        failed: Callable[[str, RflintError], None],
        starts: Callable[[int, Request], None] = lambda index, request: None,
    ) -> None:
        self.cache = cache
        self.failed = failed
        """Called with every error, and with what it concerns."""
        self.starts = starts
        """Called with every request, and its number, before it is looked at."""
        self.notes: list[str] = []
        """For --verbose."""
        self._targets = BuiltTargets()

    def reports(self, requests: Sequence[Request]) -> list[tuple[ModelReport, Request]]:
        """The report of every request that can be answered; no policy is applied to them yet."""
        keys = [self.cache.key(x) if self.cache else "" for x in requests]
        found = []
        for index, (request, key) in enumerate(zip(requests, keys, strict=True)):
            self.starts(index, request)
            report = self.cache.lookup(key) if self.cache else None
            if report is None:
                if self.cache and (why := self.cache.first_change(key)):
                    self.notes.append(f"{request.title} was linted anew: {why}")
                report = self._lint(request, key)
            else:
                self.notes.append(f"{request.title} was answered by the cache")
            if report is not None:
                found.append((replace(report, name=request.name), request))
        return found

    def _lint(self, request: Request, key: str) -> ModelReport | None:
        try:
            report, failures = self._linted(request)
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            self.failed(request.title, as_rflint_error(error))
            return None
        for problem in failures:
            self.failed(request.title, problem)
        if self.cache and not failures:
            reasons = self.cache.save(key, request, report)
            self.notes += [f"{request.title} is not cached: it {x}" for x in reasons[:1]]
        return report

    def _linted(self, request: Request) -> tuple[ModelReport, tuple[RflintError, ...]]:
        check_target(request.target, request.root, request.hint)
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
                )
