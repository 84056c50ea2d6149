"""The tensors that forward uses as they are, and that the model has not registered."""

from __future__ import annotations

from collections.abc import Iterator

from torch import fx

from rflint.graph.architecture import Held, LooseTensor
from rflint.tracing.model.meta_device import MOVES
from rflint.tracing.recording.recording import Recording

_MOVING = MOVES | {"type_as"}


def loose_tensors(recording: Recording) -> Iterator[LooseTensor]:
    """Each of them once; constants that forward moves to where its input is are left out."""
    found: dict[LooseTensor, None] = {}
    for node, tensors in recording.held.items():
        for tensor in tensors:
            if tensor.held is not Held.CONSTANT or _meets_others(recording, node):
                found[tensor] = None
    return iter(found)


def _meets_others(recording: Recording, node: fx.Node) -> bool:
    """Whether what is made of a constant meets something else before it is moved."""
    pending, seen = list(node.users), set(node.users)
    while pending:
        user = pending.pop()
        if user.op == "output":
            continue
        if recording.steps[user].spelling in _MOVING:
            continue
        if any(source is not node and source not in seen for source in user.all_input_nodes):
            return True
        new = [x for x in user.users if x not in seen]
        pending += new
        seen.update(new)
    return False
