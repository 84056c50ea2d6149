"""Lint or repair a model that is given as a Python object: a module, a class or a function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from rflint.errors import UsageError
from rflint.inputs.tracing_options import TracingOptions
from rflint.linting.settings import RuleOptions
from rflint.repair.repair import Repair
from rflint.report.report import Failure, Report
from rflint.tracing.process import process_state_restored
from rflint.usecases.building import build_guarded
from rflint.usecases.checks import Checks
from rflint.usecases.gc_pause import gc_paused
from rflint.usecases.model import lint_model
from rflint.usercode.loading import LoadingGuard
from rflint.usercode.permissions import NOTHING_UNUSUAL, Permissions

_DEFAULTS = TracingOptions()


def lint_object(
    model: Any,
    checks: Checks,
    resolutions: Sequence[tuple[int, ...] | None],
    *,
    given: Any = None,
    args: Mapping[str, Any] | None = None,
    tracing: TracingOptions = _DEFAULTS,
    name: str | None = None,
    permissions: Permissions = NOTHING_UNUSUAL,
    train_resolution: tuple[int, ...] | None = None,
) -> Report:
    """Lint an object at one or several resolutions, and compare each with that of training.

    `given` are shapes or example tensors, `args` what its builder is called with.
    """
    target = name or name_of(model)
    linted, failures = [], []
    with process_state_restored():
        built = build_guarded(model, args or {}, target, LoadingGuard(permissions))
        for resolution in resolutions:
            report, failed = lint_model(
                *(built, target, checks.rules, checks.options, resolution, given, tracing),
                train_resolution=train_resolution,
            )
            linted.append(report)
            failures += [Failure(target, error) for error in failed]
    return checks.report(linted, failures)


def repair_object(
    model: Any,
    resolutions: Sequence[tuple[int, ...] | None],
    *,
    given: Any = None,
    args: Mapping[str, Any] | None = None,
    tracing: TracingOptions = _DEFAULTS,
    kinds: Sequence[str] = (),
    permissions: Permissions = NOTHING_UNUSUAL,
) -> tuple[Repair, ...]:
    """The verified repairs of an object at one resolution."""
    if len(resolutions) != 1:
        raise UsageError("a model is repaired at one resolution")
    with gc_paused():
        from rflint.usecases.repairs import repair_model
    with process_state_restored():
        built = build_guarded(model, args or {}, name_of(model), LoadingGuard(permissions))
        _, found = repair_model(built, resolutions[0], given, tracing, RuleOptions(), kinds)
    return found.repairs


def name_of(model: Any) -> str:
    """What a model is called that came without a name: its class, or its builder."""
    if isinstance(model, nn.Module):
        return type(model).__name__
    function = getattr(model, "func", model)  # functools.partial
    name = getattr(function, "__qualname__", type(function).__name__)
    return f"{getattr(function, '__module__', '')}:{name}".lstrip(":")
