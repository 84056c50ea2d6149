"""Every candidate of a model, foreseen on the graph and held against a copy that was changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rflint.analysis.analyse import analyse
from rflint.analysis.analysis import Analysis
from rflint.errors import RflintError
from rflint.repair.candidate import Candidate
from rflint.repair.edits.writer import Inexpressible
from rflint.repair.search import SearchResult, search
from rflint.repair.titles import title
from rflint.repair.verification import Verifier
from rflint.tracing.example_inputs.build import example_inputs
from rflint.tracing.model.build import build
from rflint.tracing.trace import trace


@dataclass(frozen=True)
class Bench:
    """A traced model, its candidates, and where they are tried."""

    analysis: Analysis
    found: SearchResult
    verifier: Verifier


def bench(builder: Any, shapes: Sequence[Sequence[int]], kinds: Sequence[str] = ()) -> Bench:
    """Trace a model on inputs of these shapes and search."""
    model = build(builder, {}, "model").model
    inputs = example_inputs(model, None, shapes)
    analysis = analyse(trace(model, inputs))
    verifier = Verifier(model, inputs, analysis, train=False)
    return Bench(analysis, search(analysis, kinds), verifier)


MOST = 40
"""Of a model with more candidates than this, so many are tried, from all over the search."""


def outcomes(bench: Bench, most: int = MOST) -> Iterator[tuple[Candidate, str]]:
    """Candidates, and why each is no repair; nothing for those that are what was foreseen."""
    candidates = bench.found.candidates
    for candidate in candidates[:: -(-len(candidates) // most) or 1]:
        try:
            bench.verifier.verified(candidate)
        except (Inexpressible, RflintError) as error:
            yield candidate, f"{title(bench.analysis, candidate)}: {error}"
        else:
            yield candidate, ""
