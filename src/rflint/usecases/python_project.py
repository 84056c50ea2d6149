"""Lint a project from Python, in a process that goes on afterwards."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rflint.cache.collect import user_files
from rflint.configuration.model_options import ModelOptions
from rflint.configuration.read import load_configuration
from rflint.configuration.values import MODEL_KEYS
from rflint.errors import UsageError
from rflint.report.exit_gate import FAIL_ON
from rflint.report.report import Report
from rflint.text.suggest import did_you_mean, similar
from rflint.tracing.process import process_state_restored
from rflint.usecases.lint import lint_project
from rflint.usecases.project_baseline import BaselineOptions
from rflint.usecases.python_arguments import resolution_from, resolutions_from


def lint_from_python(
    targets: Sequence[str],
    configuration: str | Path | None,
    options: Mapping[str, Any],
    *,
    isolated: bool,
    cache: bool,
    baseline: str | Path | bool,
    fail_on: str | None,
) -> Report:
    """What `rflint.lint_project` does."""
    if fail_on is not None and fail_on not in FAIL_ON:
        raise UsageError(f"fail_on is {fail_on!r}, and can be {', '.join(FAIL_ON)}")
    config = None if configuration is None else Path(configuration)
    with process_state_restored():
        return lint_project(
            targets,
            _model_options(options),
            load_configuration(config, isolated=isolated),
            fail_on=fail_on,
            # what is imported already may be another state of it than what lies in the files
            use_cache=cache and not any(map(os.path.isfile, user_files())),
            with_repairs=True,  # nobody knows yet whether they will be asked for
            baseline=BaselineOptions(
                None if isinstance(baseline, bool) else Path(baseline),
                use=baseline is not False,
                find_default=not isolated,
            ),
        )


def _model_options(given: Mapping[str, Any]) -> ModelOptions:
    """Options of models, from keyword arguments that are named like keys of a configuration."""
    keys = {key.replace("-", "_"): read for key, read in MODEL_KEYS.items()}
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in keys:
            hint = did_you_mean(similar(name, keys)) or f"Known are {', '.join(sorted(keys))}."
            raise UsageError(f"there is no option {name!r}", hint=hint)
        if name == "res":
            values[name] = tuple(resolutions_from(value))
            continue
        if name == "train_res":
            values[name] = resolution_from(value)
            continue
        try:
            values[name] = keys[name](value)
        except ValueError as error:
            raise UsageError(f"{name}: {error}") from error
    return ModelOptions(**values)
