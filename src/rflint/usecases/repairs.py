"""The repairs of one model at one resolution: searched for, and verified on copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rflint.errors import UsageError
from rflint.inputs.tracing_options import TracingOptions
from rflint.linting.settings import RuleOptions
from rflint.repair.registry import NAMES
from rflint.repair.repair import FoundRepairs
from rflint.repair.search import search
from rflint.repair.selection import verified_repairs
from rflint.repair.verification import Verifier
from rflint.tracing.model.build import BuiltModel
from rflint.tracing.process import recursion_limit_raised
from rflint.usecases.analysed_model import AnalysedModel, analyse_model
from rflint.usecases.gc_pause import gc_paused


def repair_model(
    built: BuiltModel,
    resolution: tuple[int, ...] | None,
    given: Any,
    tracing: TracingOptions,
    options: RuleOptions,
    kinds: Sequence[str] = (),
) -> tuple[AnalysedModel, FoundRepairs]:
    """The repairs of one model at one resolution. Raises UsageError for an unknown kind."""
    for kind in kinds:
        if kind not in NAMES:
            raise UsageError(f"there is no repair {kind!r}", hint=f"Known are {', '.join(NAMES)}.")
    with gc_paused(), recursion_limit_raised():
        model = analyse_model(built, resolution, given, tracing, options)
        return model, find_repairs(model, kinds)


def find_repairs(model: AnalysedModel, kinds: Sequence[str] = ()) -> FoundRepairs:
    """Search for changes that make fewer layers unproductive, and verify them on copies."""
    traced, analysis = model.traced, model.analysis
    found = search(analysis, kinds)
    options = traced.options
    verifier = Verifier(
        traced.model, traced.inputs, analysis, train=options.train, call=options.call
    )
    offered = verified_repairs(verifier, found)
    return FoundRepairs(
        offered.repairs,
        tuple(dict.fromkeys((*found.refusals, *offered.unserved))),
        offered.failures,
    )
