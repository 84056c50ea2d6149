"""Lint one request after the other, in this process: look at the model, and keep the answer."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass

from rflint.cache.cache import Cache
from rflint.configuration.requests import Request
from rflint.errors import (
    BuildFailed,
    InternalError,
    RflintError,
    as_rflint_error,
    error_text,
    first_cause,
)
from rflint.report.model_report import ModelReport
from rflint.text.numbers import first_few
from rflint.usecases.targets import BuiltTargets, GivenBuilder, import_torch
from rflint.usercode.interrupts import is_ctrl_c
from rflint.usercode.stdout import stdout_to_stderr
from rflint.usercode.surroundings import command_line_hidden, current_folder_kept, warnings_noted


@dataclass(frozen=True, slots=True)
class Linted:
    """What became of a request: a report, with an error for each rule that failed, or one error."""

    report: ModelReport | None
    errors: tuple[RflintError, ...] = ()
    notes: tuple[str, ...] = ()
    """For --verbose."""
    concerns_target: bool = False
    """Whether there is no model to be had, whatever the size of its input."""


class Linter:
    """Lints requests; a target that several of them name is built once."""

    def __init__(
        self, cache: Cache | None, targets: BuiltTargets | GivenBuilder | None = None
    ) -> None:
        self.cache = cache
        self._targets = targets or BuiltTargets()

    def lint(self, request: Request, key: str) -> Linted:
        """Build a model and lint it. A sound report is saved in the cache under the key."""
        notes: list[str] = []
        try:
            report, errors = self._lint(request, notes)
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            concerns_target = self._targets.has_failed(request)
            explained = _explained(as_rflint_error(error), request)
            return Linted(None, (explained,), tuple(notes), concerns_target)
        if self.cache and not errors:
            reasons = self.cache.save(key, request, report)
            notes += [f"{request.title} is not cached: it {x}" for x in reasons[:1]]
        return Linted(report, errors, tuple(notes))

    def _lint(
        self, request: Request, notes: list[str]
    ) -> tuple[ModelReport, tuple[RflintError, ...]]:
        self._targets.check(request)
        with warnings_noted(notes):
            import_torch()
        from rflint.usecases.model import lint_model

        watched = self.cache.watch(request) if self.cache else nullcontext()
        with current_folder_kept(), watched, warnings_noted(notes):
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
                    with_repairs=request.with_repairs,
                    train_resolution=request.train_resolution,
                )


def _explained(error: RflintError, request: Request) -> RflintError:
    """An error that looks like a bug in rflint, but is none where the user's code changed torch."""
    if not isinstance(error, InternalError):
        return error
    from rflint.tracing.model.replaced import replaced_functions

    replaced = replaced_functions()
    if not replaced:
        return error
    found = BuildFailed(
        f"{request.target} replaces {first_few(replaced, 3)} in PyTorch, after which it cannot be "
        f"traced ({error_text(first_cause(error))})"
    )
    found.__cause__ = error
    return found
