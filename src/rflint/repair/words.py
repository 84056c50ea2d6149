"""What a change is called."""

from __future__ import annotations

from collections.abc import Sequence

from rflint.analysis import Analysis
from rflint.figures import count, listed, plural, size
from rflint.repair.change import Candidate, Repair
from rflint.repair.cuts import block_ending_at

_NAMED = 4
"""So many layers are named in a title; the edits name them all."""


def title(analysis: Analysis, candidate: Candidate) -> str:
    """A change in a line: what no longer downsamples, and where the network ends."""
    change = candidate.change
    parts = []
    kept = change.dilated or change.without_downsampling
    if kept:
        names = _in_order(analysis, kept)
        verb = (
            "dilate instead of the strides of" if change.dilated else "remove the downsampling of"
        )
        parts.append(f"{verb} {listed(names, _NAMED)}")
    if change.small_stem:
        parts.append(f"shrink the kernel of {change.small_stem} to 3")
    if change.cut is not None:
        parts.append(f"truncate after {block_ending_at(analysis.architecture.layers, change.cut)}")
    elif candidate.head_inputs:
        head = analysis.layers[candidate.pooled_before or 0].layer.name
        parts.append(f"resize {head} to {plural(candidate.head_inputs, 'input')}")
    elif candidate.pooled_before is not None:
        layer = analysis.architecture.layers[candidate.pooled_before]
        old = analysis.architecture.layers[layer.inputs[0].source].positions
        parts.append(f"pool to {size(old)} in front of {layer.name}")
    return ", ".join(parts)


def in_figures(repair: Repair) -> str:
    """What a repair changes, in a line."""
    before, after = repair.before, repair.after
    return (
        f"unproductive {before.unproductive} to {after.unproductive}, "
        f"parameters {count(before.params)} to {count(after.params)}, "
        f"MACs {count(before.macs)} to {count(after.macs)}"
    )


def _in_order(analysis: Analysis, names: frozenset[str]) -> Sequence[str]:
    return list(dict.fromkeys(x.layer.name for x in analysis.layers if x.layer.name in names))
