"""A sweep as the command line asks for it: its options checked, its executor opened."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from rflint.configuration.configuration import Configuration
from rflint.configuration.model_options import ModelOptions
from rflint.configuration.requests import requests_for
from rflint.errors import RflintError, UsageError
from rflint.usecases.preloading import packages_of
from rflint.usecases.project_rules import project_rules
from rflint.usecases.sweep.executors import Backend, local_backend, remote_backend
from rflint.usecases.sweep.task import SweepTask
from rflint.usercode.python_files import python_files
from rflint.workers.limits import ProcessLimits, available_cores

_LARGE = 20 << 20
"""Bytes of code that are too many to go with every batch."""


@dataclass(frozen=True, slots=True)
class Where:
    """Where models are linted."""

    executor: str = ""
    """`dask:ADDRESS` or `module:factory`; empty: on this machine."""
    jobs: int | None = None
    """Models at a time here, batches at a time with an executor; None: as many as there is room."""
    upload: Sequence[Path] = ()
    """Files and folders that workers of an executor get."""


def sweep_task(
    options: ModelOptions,
    configuration: Configuration,
    *,
    omit: Sequence[str],
    limits: ProcessLimits,
    where: Where,
) -> SweepTask:
    """What is asked of every model. Raises what is wrong with the rules or with the options."""
    task = SweepTask(
        Path.cwd(),
        options,
        replace(configuration, models=()),
        frozenset(omit),
        limits,
        code=_zipped(where.upload) if where.upload else None,
        is_remote=bool(where.executor),
    )
    rules = project_rules(task.configuration, None, _raise)
    requests_for(("any:thing",), options, task.configuration, rules)
    return task


def opened_backend(
    where: Where, task: SweepTask, sources: Sequence[str]
) -> AbstractContextManager[Backend]:
    """The executor that the models of these sources are linted by."""
    if where.executor:
        return remote_backend(where.executor, task.root, where.jobs)
    folders = task.configuration.module_folders
    packages = packages_of((source, task.root, folders) for source in sources)
    return local_backend(where.jobs or available_cores(), packages)


def _raise(about: str, error: RflintError) -> None:
    raise error


def _zipped(paths: Sequence[Path]) -> bytes:
    """The Python files of files and folders, at their places below the current folder.

    What lies elsewhere keeps the name of what was asked for.
    """
    stream, here = io.BytesIO(), Path.cwd()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in (x.resolve() for x in paths):
            if not path.exists():
                raise UsageError(f"--upload: there is no {path}")
            above = here if path.is_relative_to(here) else path.parent
            for file in python_files([path]):
                archive.write(file, file.relative_to(above))
    code = stream.getvalue()
    if len(code) > _LARGE:
        raise UsageError(
            f"--upload: {len(code):,} bytes of code are too many to go with every batch",
            hint="Install the code on the workers.",
        )
    return code
