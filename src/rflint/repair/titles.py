"""What a change is called."""

from __future__ import annotations

from rflint.analysis.analysis import Analysis
from rflint.repair.candidate import Candidate
from rflint.text.numbers import plural, size


def title(analysis: Analysis, candidate: Candidate) -> str:
    """A change in a line: what is done to layers, where the network ends, what becomes of heads."""
    parts = [x.title(analysis) for x in candidate.change.transformations]
    layers = analysis.architecture.layers
    if candidate.change.cut is None and candidate.pooled_before is not None:
        head = layers[candidate.pooled_before]
        if candidate.head_inputs:
            parts.append(f"resize {head.name} to {plural(candidate.head_inputs, 'input')}")
        else:
            old = layers[head.inputs[0].source].positions
            parts.append(f"pool to {size(old)} in front of {head.name}")
    return ", ".join(parts)
