"""Find the baseline of a project, write it if asked to, and apply it to a report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from rflint.configuration.configuration import Configuration
from rflint.configuration.file_names import BASELINE
from rflint.errors import RflintError, UsageError
from rflint.report.baseline import Baseline
from rflint.report.baseline_file import read_baseline, write_baseline
from rflint.report.report import Report
from rflint.text.numbers import plural
from rflint.usecases.listener import Listener
from rflint.usercode.paths import short_path


@dataclass(frozen=True, slots=True)
class BaselineOptions:
    """Which baseline is used, and whether it is written."""

    file: Path | None = None
    """None: the file that the configuration names, or the usual one if it exists."""
    use: bool = True
    find_default: bool = True
    """Whether the usual file is used if it exists, though nobody names it."""
    write: bool = False


def apply_baseline(
    report: Report, configuration: Configuration, options: BaselineOptions, listener: Listener
) -> Report:
    """The report with the findings set apart that the baseline accepts."""
    file = _file(configuration, options)
    if file is None or not options.use:
        return report
    try:
        held = _updated(report, file, listener) if options.write else read_baseline(file)
        models, use = held.accept(report.models, short_path(file))
    except RflintError as error:
        if options.file is None and configuration.baseline:
            error.source = error.source or configuration.line_of("baseline")
        raise
    return replace(report, models=tuple(models), baseline=use)


def _file(configuration: Configuration, options: BaselineOptions) -> Path | None:
    if options.file is not None:
        return options.file
    if configuration.baseline:
        return configuration.within(configuration.baseline)
    usual = configuration.within(BASELINE)
    return usual if options.write or (options.find_default and usual.exists()) else None


def _updated(report: Report, file: Path, listener: Listener) -> Baseline:
    """Write the baseline with the findings of the report; those of other models stay in it."""
    if report.failures:
        raise UsageError(
            f"{file} was not written: not everything could be linted",
            hint="What is said above comes first.",
        )
    held = read_baseline(file) if file.exists() else Baseline({})
    held = held.updated(report.models)
    write_baseline(held, file)
    listener.note(f"wrote {plural(len(held), 'finding')} to {short_path(file)}")
    return held
