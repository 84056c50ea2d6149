"""What a change is called."""

from __future__ import annotations

from rflint.analysis.analysis import Analysis
from rflint.repair.candidate import Candidate
from rflint.repair.forecast.cuts import block_ending_at
from rflint.repair.forecast.downsampling import groups
from rflint.text.numbers import first_few, plural, size

_NAMED = 4
"""So many places are named in a title; the edits name them all."""


def title(analysis: Analysis, candidate: Candidate) -> str:
    """A change in a line: what no longer downsamples, and where the network ends."""
    change = candidate.change
    parts = []
    kept = change.dilated or change.without_downsampling
    if kept:
        verb = "dilate instead of the strides of"
        if not change.dilated:
            verb = "remove the downsampling of"
        parts.append(f"{verb} {first_few(_places(analysis, kept), _NAMED)}")
    if change.small_stem:
        parts.append(f"shrink the kernel of {change.small_stem} to 3")
    if change.cut is not None:
        parts.append(f"truncate after {block_ending_at(analysis.architecture, change.cut)}")
    elif candidate.head_inputs:
        head = analysis.layers[candidate.pooled_before or 0].layer.name
        parts.append(f"resize {head} to {plural(candidate.head_inputs, 'input')}")
    elif candidate.pooled_before is not None:
        layer = analysis.architecture.layers[candidate.pooled_before]
        old = analysis.architecture.layers[layer.inputs[0].source].positions
        parts.append(f"pool to {size(old)} in front of {layer.name}")
    return ", ".join(parts)


def _places(analysis: Analysis, names: frozenset[str]) -> list[str]:
    """The layers by name; those that move together by the block that they have in common."""
    found: list[str] = []
    for group in groups(analysis):
        members = [name for name in group.layers if name in names]
        paths = [name.split(".") for name in members]
        shared = [parts[0] for parts in zip(*paths, strict=False) if len(set(parts)) == 1]
        several_in_a_block = len(members) > 1 and shared
        found += [".".join(shared)] if several_in_a_block else members
    return found
