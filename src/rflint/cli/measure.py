"""`rflint measure`: what a trained model shows on data, beside what was predicted."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rflint.cli.arguments import ModelArguments, collected
from rflint.cli.completion import complete_targets
from rflint.cli.messages import errors_reported, note, to_stderr
from rflint.cli.output import chosen_outputs, opened_output
from rflint.cli.parameters import (
    with_configuration_options,
    with_model_options,
    with_output_options,
)
from rflint.errors import UsageError
from rflint.files import atomic_write
from rflint.report.reporters import FORMATS
from rflint.usercode.interrupts import is_ctrl_c
from rflint.usercode.stdout import end_stdout

if TYPE_CHECKING:
    from rflint.configuration.configuration import Configuration
    from rflint.report.model_report import ModelReport
    from rflint.report.report import Report
    from rflint.usecases.measure import Measuring

INTERRUPTED = 130
"""The exit status where Ctrl-C ended it; what was measured is shown all the same."""

_TYPED = "rflint.typed"


def _numbers(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[float, ...]:
    """One number for each channel: `0.5,0.5,0.5`."""
    try:
        return tuple(float(part) for part in value.split(",")) if value else ()
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no list of numbers like 0.5,0.5,0.5") from error


class _Remembering(click.Command):
    """Keeps the words that were typed: hints repeat them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[_TYPED] = (self.name, *args)
        return super().parse_args(ctx, args)


@click.command("measure", cls=_Remembering)
@click.argument("target", shell_complete=complete_targets)
@click.option(
    "--data",
    required=True,
    metavar="DATA",
    help="A folder with train/ and val/ or test/, and in these a folder of images for each class; "
    "module:attribute that gives a DataLoader, a Dataset or a pair of them; hfds/NAME or "
    "torch/NAME, as timm names them.",
)
@click.option(
    "--weights",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A state dict, a checkpoint that holds one, or safetensors.  [default: as built]",
)
@with_model_options
@with_configuration_options
@click.option(
    "--samples",
    type=click.IntRange(min=2),
    default=5000,
    show_default=True,
    help="At most so many for fitting, and as many for testing.",
)
@click.option(
    "--transform",
    default="",
    metavar="TARGET",
    help="Your own transform of an image, as module:attribute.",
)
@click.option(
    "--mean", callback=_numbers, metavar="NUMBERS", help="Per channel: 0.485,0.456,0.406."
)
@click.option("--std", callback=_numbers, metavar="NUMBERS", help="The same; both or neither.")
@click.option(
    "--layers",
    multiple=True,
    metavar="PATTERN",
    help="Saturation and probes only of layers called like this; may be repeated.",
)
@click.option("--no-probes", is_flag=True, help="Fit no logistic regressions.")
@click.option(
    "--erf",
    "fields",
    multiple=True,
    metavar="PATTERN",
    help="Measure the effective receptive field of layers called like this, by gradients; whatever "
    "--layers says; may be repeated.",
)
@click.option(
    "--delta",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.99,
    show_default=True,
    help="The share of the variance that saturation explains.",
)
@click.option("--batch", type=click.IntRange(min=1), default=64, show_default=True)
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, cuda:1, mps.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of what is drawn.")
@click.option(
    "--save",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Keep the measurements: rflint TARGET --measured FILE shows them again.",
)
@with_output_options(FORMATS)
@click.option(
    "-q",
    "--quiet",
    is_flag=True,
    help="No progress; a line for each finding, and one for what was measured.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show every layer.")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def measure(**given: Any) -> None:
    """Measure a trained model on your data, and hold the prediction against it.

    For each convolution and linear layer: saturation (the share of directions of its output that
    hold the variance), and how well a logistic regression tells the classes from its output. The
    user's code runs, and so does the model: in evaluation mode, without being changed.

    Exit status: 0 measured, whatever was found; 2 not measured; 130 interrupted.
    """
    with errors_reported(given["debug"]):
        typed = click.get_current_context().meta[_TYPED]
        status = _measure(collected(MeasureArguments, {**given, "typed": typed}))
    sys.exit(status)


@dataclass(frozen=True, slots=True)
class MeasureArguments(ModelArguments):
    """The arguments of `rflint measure`."""

    target: str
    data: str
    weights: Path | None
    samples: int
    transform: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    layers: Sequence[str]
    no_probes: bool
    fields: Sequence[str]
    delta: float
    batch: int
    device: str
    seed: int
    save: Path | None
    formats: Sequence[tuple[str, Path | None]]
    output: Path | None
    quiet: bool
    verbose: bool
    typed: Sequence[str]

    def check(self) -> None:
        """Raises UsageError for options that contradict each other."""
        if len(self.mean) != len(self.std):
            raise UsageError("--mean and --std take one number for each channel, both or neither")
        if any(value <= 0 for value in self.std):
            raise UsageError("--std divides: its numbers have to be above 0")
        if self.transform and self.mean:
            raise UsageError("--transform prepares images alone: not with --mean and --std")

    def measuring(self) -> Measuring:
        """What is measured, and how."""
        from rflint.measurement.running.data.source import DataOptions
        from rflint.measurement.running.measure import MeasuringOptions
        from rflint.usecases.measure import Measuring

        return Measuring(
            self.data,
            self.weights,
            self.mean,
            self.std,
            DataOptions(self.samples, self.batch, self.seed, self.transform),
            MeasuringOptions(
                self.delta,
                tuple(self.layers),
                not self.no_probes,
                tuple(self.fields),
                self.seed,
                self.device,
            ),
        )


def _measure(given: MeasureArguments) -> int:
    """Lint the model, measure it, and print the report; return the exit status."""
    given.check()
    from rflint.configuration.read import load_configuration
    from rflint.report.reporters import reporter

    configuration = load_configuration(given.config, isolated=given.isolated)
    outputs = chosen_outputs(
        given.formats, given.output, configuration, quiet=given.quiet, statistics=False
    )
    try:
        report = _measured(given, configuration, outputs)
    except KeyboardInterrupt as error:
        if not is_ctrl_c(error):
            raise
        note("interrupted: nothing was measured yet")
        return INTERRUPTED
    if report.failures:
        return 2
    (model,) = report.models
    if given.save:
        from rflint.usecases.single_request import single_request

        request = single_request(given.target, given.options(), configuration, "")
        _save(given.save, model, request.arguments)
    for name, file in outputs:
        with opened_output(file) as stream:
            reporter(name)(report, stream, given.verbose)
    end_stdout()
    if model.measured and not model.measured.complete:
        note("interrupted: what was measured until then is shown")
        return INTERRUPTED
    return 0


def _measured(
    given: MeasureArguments,
    configuration: Configuration,
    outputs: Sequence[tuple[str, Path | None]],
) -> Report:
    """The report with what was measured, or with why the model cannot be linted."""
    from rflint.cli.commands import CommonOptions
    from rflint.cli.measuring_terminal import MeasuringTerminal
    from rflint.report.reporters import TELL_OF_REPAIRS, TELL_OF_SIZES
    from rflint.usecases.lint import lint_project
    from rflint.usecases.project_baseline import BaselineOptions

    options = given.options()
    report = lint_project(
        [given.target],
        options,
        configuration,
        with_sizes=any(name in TELL_OF_SIZES for name, _ in outputs),
        with_repairs=any(name in TELL_OF_REPAIRS for name, _ in outputs),
        baseline=BaselineOptions(use=False),
        listener=MeasuringTerminal(
            CommonOptions(options, given.config, given.isolated, given.typed),
            given.measuring,
            quiet=given.quiet,
            verbose=given.verbose,
            debug=given.debug,
        ),
    )
    if report.failures:
        return report
    from rflint.cli.measuring_progress import shown_progress
    from rflint.usecases.measure import measure_target

    with shown_progress(quiet=given.quiet) as progress:
        return measure_target(
            given.target, options, configuration, report, given.measuring(), progress
        )


def _save(file: Path, model: ModelReport, arguments: Mapping[str, Any]) -> None:
    """Write the measurements to a file of their own, with what tells the model from others."""
    from rflint.measurement.identity import identity_of
    from rflint.measurement.saved import as_text
    from rflint.usercode.builder_values import as_typed

    assert model.measured is not None
    architecture = model.analysis.architecture
    identity = identity_of(architecture, {key: as_typed(arguments, key) for key in arguments})
    text = as_text(model.measured, model.target, architecture.resolution, identity)
    try:
        with atomic_write(file) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {file}: {error.strerror}") from error
    to_stderr(f"wrote {file}")
