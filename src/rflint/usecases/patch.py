"""Write a repair as a Python file, and lint what the file builds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from torch import nn

from rflint.analysis.analyse import analyse
from rflint.configuration.requests import Request
from rflint.errors import RepairFailed, UsageError
from rflint.linting.settings import RuleOptions
from rflint.repair.edits.apply import edited_copy
from rflint.repair.edits.running import check_runs
from rflint.repair.metrics import Metrics
from rflint.repair.repair import FoundRepairs, Repair
from rflint.repair.source_file import OriginalModel, source_file
from rflint.tracing.model.build import BuiltModel, build
from rflint.tracing.model.meta_device import WeightsOnMeta
from rflint.tracing.model.temporary import temporarily_on_meta
from rflint.tracing.traced_model import TracedModel
from rflint.usecases.repairs import repair_model
from rflint.usercode.finder import make_importable


@dataclass(frozen=True, slots=True)
class Patch:
    """The text of a file whose build() gives the repaired model, which was linted and run."""

    repair: Repair
    text: str
    count: int
    """How many repairs there were to choose from."""


def patch(
    request: Request, built: BuiltModel, file: Path, number: int = 1, kinds: Sequence[str] = ()
) -> Patch | None:
    """The `number`-th repair of a built target, counted from 1, as the text of `file`.

    None where there is nothing to repair. Raises UsageError where there is no such repair,
    RepairFailed where there is none at all or where the file is not what it should be.
    """
    model, found = repair_model(
        built,
        request.resolution,
        list(request.shapes) or None,
        request.tracing,
        request.rule_options,
        kinds,
    )
    if not model.analysis.unproductive:
        return None
    repair = _chosen(request.target, found, number)
    shapes = [tuple(tensor.shape) for tensor in model.traced.inputs]
    origin = OriginalModel(
        request.target,
        request.arguments,
        built.is_module,
        built.wrappers,
        request.root,
        request.pythonpath,
    )
    text = source_file(origin, repair, shapes, file.parent)
    _check(text, file, repair, model.traced, request.rule_options)
    return Patch(repair, text, len(found.repairs))


def _chosen(target: str, found: FoundRepairs, number: int) -> Repair:
    if not found.repairs:
        reasons = "; ".join(found.not_offered) or "no change makes fewer layers unproductive"
        raise RepairFailed(f"{target} has unproductive layers and no repair: {reasons}")
    if not 1 <= number <= len(found.repairs):
        listed = "\n  ".join(f"{i}. {x.title}" for i, x in enumerate(found.repairs, start=1))
        raise UsageError(f"there is no repair {number} of {target}", hint=listed)
    return found.repairs[number - 1]


def _check(
    text: str, file: Path, repair: Repair, traced: TracedModel, options: RuleOptions
) -> None:
    """Raises RepairFailed unless the file builds the repaired model, and that runs."""
    written = _built(text, file)
    analysis = analyse(traced.architecture_of(written), options.analysis)
    if Metrics.of(analysis) != repair.after:
        raise RepairFailed("the written model would be another than the one that was analysed")
    train = traced.options.train
    with temporarily_on_meta(traced.model, train=train), WeightsOnMeta():
        original = edited_copy(traced.model, ())
    check_runs(original, written, traced.inputs, train=train, call=traced.options.call)


def _built(text: str, file: Path) -> nn.Module:
    """The model that a file would build, if it were written already."""
    make_importable(file.resolve().parent)
    module = ModuleType(file.stem)
    module.__file__ = str(file.resolve())
    exec(compile(text, module.__file__, "exec"), module.__dict__)
    return build(module.build, {}, str(file)).model
