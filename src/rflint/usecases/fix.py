"""A repair of a target as a Python file: chosen, written, and linted again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from torch import nn

from rflint.errors import RepairFailed, UsageError
from rflint.linting.options import Options
from rflint.repair import Repair
from rflint.repair.apply import edited_copy
from rflint.repair.program import Origin, program
from rflint.repair.running import check_runs
from rflint.tracing.model.build import Built, build
from rflint.tracing.model.meta_device import WeightsOnMeta
from rflint.tracing.model.temporary import temporarily_on_meta
from rflint.usecases.linter import Repairs, figures
from rflint.usercode.folders import make_importable


@dataclass(frozen=True, slots=True)
class Patch:
    """A file whose build() gives the repaired model; it has been linted and run."""

    repair: Repair
    text: str


def patch(
    built: Built,
    origin: Origin,
    found: Repairs,
    number: int,
    file: Path,
    options: Options,
) -> Patch:
    """The `number`-th repair, counted from 1, as the text of `file`.

    Raises UsageError where there is no such repair, RepairFailed where there is none at all or
    where the file is not what it should be.
    """
    target = origin.target
    if not found.repairs:
        reasons = "; ".join(found.refusals) or "no change makes fewer layers unproductive"
        raise RepairFailed(f"{target} has unproductive layers and no repair: {reasons}")
    if not 1 <= number <= len(found.repairs):
        listed = "\n  ".join(f"{i}. {x.title}" for i, x in enumerate(found.repairs, start=1))
        raise UsageError(f"there is no repair {number} of {target}", hint=listed)
    repair = found.repairs[number - 1]
    shapes = [tuple(tensor.shape) for tensor in found.inputs]
    text = program(origin, repair, shapes, file.parent)
    written = _built(text, file)
    if figures(written, found.inputs, options) != repair.after:
        raise RepairFailed("the written model would be another than the one that was analysed")
    with temporarily_on_meta(built.model, train=options.train), WeightsOnMeta():
        original = edited_copy(built.model, ())
    check_runs(original, written, found.inputs, train=options.train)
    return Patch(repair, text)


def _built(text: str, file: Path) -> nn.Module:
    """What the build() of a file that is not yet written returns."""
    make_importable(file.resolve().parent)
    module = ModuleType(file.stem)
    module.__file__ = str(file.resolve())
    exec(compile(text, module.__file__, "exec"), module.__dict__)
    return build(module.build, {}, str(file)).model
