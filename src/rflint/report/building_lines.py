"""The line that called a helper, of findings at layers that the helper built."""

from __future__ import annotations

from collections.abc import Sequence

from rflint.analysis.analysed_layer import AnalysedLayer
from rflint.graph.construction import Constructions
from rflint.graph.source_location import SourceLocation
from rflint.linting.finding import Finding


class BuildingLines:
    """The lines through which the layers of one model were built."""

    def __init__(self, layers: Sequence[AnalysedLayer]) -> None:
        self._construction = {(x.name, x.call): x.layer.construction for x in layers}
        built = {x.name: x.layer.construction for x in layers if x.layer.construction}
        self._constructions = Constructions(built.values())

    def calling_line(self, finding: Finding) -> SourceLocation | None:
        """The outer line that tells a finding's layer apart from others built on its line.

        None where its own line tells as much, and where it is not about a line that built a layer.
        """
        lines = self._construction.get((finding.layer, finding.call), ())
        if not lines or finding.source != lines[0]:
            return None
        return self._constructions.calling_line(lines)
