"""The repairs that are shown: of all preferences, the best candidates that can be verified.

Nothing is offered that was not built: an edit that cannot be written, a copy that does not run, or
one that is not what was forecast gives way to the next best candidate.
"""

from __future__ import annotations

from dataclasses import dataclass

from rflint.errors import RflintError
from rflint.repair.candidate import Candidate
from rflint.repair.edits.writer import Inexpressible
from rflint.repair.metrics import Metrics
from rflint.repair.preferences import Preference
from rflint.repair.repair import Repair
from rflint.repair.search import SearchResult
from rflint.repair.titles import title
from rflint.repair.verification import Verifier

_MOST_SHOWN = 5

_TRIES = 5
"""So many candidates are tried for each preference."""

_ALIKE = 0.01
"""Of two repairs whose parameters and MACs differ by no more than this share, one is shown."""


@dataclass(frozen=True, slots=True)
class VerifiedRepairs:
    """The repairs to show, cheapest first, and what could not be made into one."""

    repairs: tuple[Repair, ...]
    failures: tuple[str, ...]
    """Every candidate that failed, with the reason."""
    unserved: tuple[str, ...]
    """Of preferences that no candidate serves, the best one and why it failed."""


def verified_repairs(verifier: Verifier, found: SearchResult) -> VerifiedRepairs:
    """The best candidate that can be verified for each preference."""
    selection = _Selection(verifier)
    for preference in found.preferences:
        if len(selection.repairs) < _MOST_SHOWN:
            selection.serve(preference)
    return VerifiedRepairs(
        tuple(sorted(selection.repairs.values(), key=lambda x: (x.after.macs, x.after.params))),
        tuple(dict.fromkeys(selection.failures.values())),
        tuple(selection.unserved),
    )


class _Selection:
    """The candidates that were tried."""

    def __init__(self, verifier: Verifier) -> None:
        self.verifier = verifier
        self.repairs: dict[Candidate, Repair] = {}
        self.failures: dict[Candidate, str] = {}
        self.unserved: dict[str, None] = {}

    def serve(self, preference: Preference) -> None:
        """Try the first few candidates, up to one that is shown already or as good as one."""
        first_reason = ""
        for candidate in preference.candidates[:_TRIES]:
            if self._is_shown(candidate):
                break
            if candidate in self.failures:
                continue
            try:
                repair = self.verifier.verified(candidate, preference.words)
            except (Inexpressible, RflintError) as error:
                reason = error.message if isinstance(error, RflintError) else str(error)
                failure = f"{title(self.verifier.analysis, candidate)}, since {reason}"
                self.failures[candidate] = failure
                first_reason = first_reason or failure
            else:
                self.repairs[candidate] = repair
                return
        if first_reason:
            self.unserved.setdefault(first_reason)

    def _is_shown(self, candidate: Candidate) -> bool:
        alike = any(_is_like(candidate.metrics, repair.after) for repair in self.repairs.values())
        return candidate in self.repairs or alike


def _is_like(one: Metrics, other: Metrics) -> bool:
    """Whether nobody would see a difference."""
    pairs = ((one.params, other.params), (one.macs, other.macs))
    close = all(abs(a - b) <= _ALIKE * max(a, b) for a, b in pairs)
    return close and one.unproductive == other.unproductive
