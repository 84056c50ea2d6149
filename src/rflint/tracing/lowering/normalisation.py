"""Whether a normalisation subtracts the mean of its input, and with it a bias in front of it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from torch import fx, nn

from rflint.graph.layer import Kind
from rflint.graph.traits import Trait
from rflint.tracing.lowering.lowered_call import LoweredCall
from rflint.tracing.lowering.parameters import Parameters
from rflint.tracing.recording.recording import Recording

BIASED = frozenset({Kind.CONV, Kind.CONV_TRANSPOSE, Kind.LINEAR})
"""Kinds of layers that can add a bias to every position."""


def removes_bias(
    lowered: LoweredCall, recording: Recording, parameters: Parameters, *, training: bool
) -> bool:
    """Whether a normalisation removes a bias while it trains, whatever the mode of this pass is.

    A class of the user's that derives from batch normalisation calls the function, and then
    asks for its own mode; if it does not ask, it is one that is frozen. `training` says whether
    the pass is one of training.
    """
    step = lowered.step
    if not _reads_a_layer(lowered.node, recording):
        return False
    caller = parameters.modules.get(step.scope) if step.module is None else None
    if isinstance(caller, nn.modules.batchnorm._BatchNorm) and not training:
        subtracts = _asks_for_its_mode(caller)
    else:
        subtracts = lowered.effect.subtracts_mean
    # who writes a train() of their own keeps normalisations from training, as a rule
    around = _modules_around(step.layer if step.module is not None else step.scope, parameters)
    if any(type(x).train is not nn.Module.train or "train" in vars(x) for x in around):
        return False
    if step.module is not None and Trait.RUNNING_STATISTICS in step.traits:
        # with a momentum of zero evaluation subtracts what the mean was at first
        keeps = step.module.track_running_stats and step.module.momentum == 0
        return subtracts and not keeps and (step.training or not training)
    return subtracts


def _reads_a_layer(node: fx.Node, recording: Recording) -> bool:
    """Whether a node reads what a layer with a bias wrote, and nothing is in between.

    Views and functional dropout are no layers, but permute dimensions or drop values.
    """
    source = node.all_input_nodes[0]
    while Trait.EXACT in recording.steps[source].traits and source.all_input_nodes:
        source = source.all_input_nodes[0]
    row = recording.steps[source].row
    return row is not None and row.kind in BIASED


def _modules_around(path: str, parameters: Parameters) -> Iterator[nn.Module]:
    """The module of that path, and the modules around it."""
    while path:
        yield parameters.modules[path]
        path = path.rpartition(".")[0]
    yield parameters.model


def _asks_for_its_mode(module: nn.Module) -> bool:
    """Whether the code of a module's forward reads `training`."""
    code = getattr(inspect.unwrap(type(module).forward), "__code__", None)
    return code is not None and "training" in code.co_names
