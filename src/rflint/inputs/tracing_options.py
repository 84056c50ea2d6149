"""How a model is traced."""

from __future__ import annotations

from dataclasses import dataclass

TRACERS = ("auto", "symbolic", "export")
"""What --tracer takes."""


@dataclass(frozen=True, slots=True)
class TracingOptions:
    """The mode of the forward pass, the tracer that records it, and the layouts of its inputs."""

    train: bool = False
    """As in training (auxiliary heads), not as in evaluation."""
    tracer: str = "auto"
    layouts: tuple[str, ...] = ()
    """What lies along the dimensions of each input, in letters; empty texts where to be found."""
