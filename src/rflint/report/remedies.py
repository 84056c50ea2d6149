"""What can be done about the unproductive layers of a model: repairs, or a larger input."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rflint.repair.repair import FoundRepairs
from rflint.report.deferred import Deferred, LeftOut


@dataclass(frozen=True, slots=True)
class LargerInput:
    """The smallest larger input at which no layer is unproductive, and what it costs."""

    resolution: tuple[int, ...]
    macs: int
    """Of the model at that resolution."""

    def to_dict(self) -> dict[str, Any]:
        """The entry `larger_input`."""
        return {"resolution": list(self.resolution), "macs": self.macs}


@dataclass(frozen=True, slots=True)
class Remedies:
    """What was found that can be done about unproductive layers."""

    found: FoundRepairs = field(default_factory=FoundRepairs)
    larger_input: LargerInput | None = None
    """If the input is too small and a larger one would do."""


NONE_NEEDED = Deferred.known(Remedies())
"""Those of a model without unproductive layers."""

LEFT_OUT: Deferred[Remedies] = LeftOut(what="repairs")
"""Those of a report that is not going to show any."""
