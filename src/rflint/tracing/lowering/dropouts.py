"""The dropouts of a recorded pass that do not follow the mode of the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import fx, nn
from torch.nn.modules.dropout import _DropoutNd

from rflint.graph.architecture import DropoutMode, StrayDropout
from rflint.graph.traits import Trait
from rflint.tracing.recording.recording import Recording, Step

_ATTENTION = {"scaled_dot_product_attention": 4, "multi_head_attention_forward": 10}
"""Functions that drop weights, and where among their arguments they take the rate."""

_MODE_OF_ATTENTION = 13
"""Where the second one takes the mode."""


def stray_dropouts(
    recording: Recording, modules: Mapping[str, nn.Module]
) -> Iterator[StrayDropout]:
    """The dropouts at rates above zero, each place in the code once; `modules` are by path."""
    seen: set[StrayDropout] = set()
    for node, step in recording.steps.items():
        found = _stray(node, step, modules)
        if found is not None and found.p and found not in seen:
            seen.add(found)
            yield found


def _stray(node: fx.Node, step: Step, modules: Mapping[str, nn.Module]) -> StrayDropout | None:
    """A call that drops numbers in this pass, or never does."""
    op = step.op or step.spelling
    if step.spelling in _ATTENTION and step.module is None:
        p = _number(_argument(node, "dropout_p", _ATTENTION[step.spelling], 0.0))
        trains = _argument(node, "training", _MODE_OF_ATTENTION, True)
        mode = DropoutMode.NONE
        return StrayDropout(op, p, step.scope, "", step.called, mode) if trains else None
    if Trait.DROPS not in step.traits:
        return None
    if step.module is not None:
        own = step.layer if modules.get(step.layer) else ""
        p = _number(step.module.p) if step.training else 0.0
        op = type(step.module).__name__
        return StrayDropout(op, p, step.scope, own, step.called, DropoutMode.OF_MODULE)
    by_default = "alpha" not in step.spelling
    trains = _argument(node, "training", 2, _argument(node, "train", 2, by_default)) is True
    mode = step.dropout_mode or DropoutMode.UNKNOWN
    if not trains and (by_default or mode is not DropoutMode.LEFT_OUT):
        return None
    p = _number(_argument(node, "p", 1, 0.5))
    # a subclass of nn.Dropout with a forward of its own that calls torch's
    owner = modules.get(step.scope) if mode is DropoutMode.OF_MODULE else None
    own = step.scope if isinstance(owner, _DropoutNd) else ""
    return StrayDropout(op, p, step.scope, own, step.called, mode, trains)


def _argument(node: fx.Node, name: str, position: int, default: Any) -> Any:
    if name in node.kwargs:
        return node.kwargs[name]
    return node.args[position] if position < len(node.args) else default


def _number(given: Any) -> float:
    return float(given) if isinstance(given, int | float) else 0.0
