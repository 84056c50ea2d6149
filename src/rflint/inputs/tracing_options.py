"""How a model is traced."""

from __future__ import annotations

from dataclasses import dataclass

from rflint.inputs.forward_call import BY_POSITION, ForwardCall

TRACERS = ("auto", "symbolic", "export")
"""What --tracer takes."""


@dataclass(frozen=True, slots=True)
class TracingOptions:
    """The mode of the forward pass, the tracer that records it, and what its inputs are."""

    train: bool = False
    """As in training (auxiliary heads), not as in evaluation."""
    tracer: str = "auto"
    layouts: tuple[str, ...] = ()
    """What lies along the dimensions of each input, in letters; empty texts where to be found."""
    call: ForwardCall = BY_POSITION
    """How forward is given its inputs."""
