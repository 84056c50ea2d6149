"""What a user decides about the analysis."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class AnalysisOptions:
    """Which layers are judged. Settings of rules can ask for it (`Setting.analysis_options`)."""

    judges_pointwise: bool = True
    """Whether 1x1 convolutions are held against the input size."""

    def changed_by(self, other: AnalysisOptions) -> AnalysisOptions:
        """These options with those of the others that are not the default."""
        changed = {
            x.name: value for x in fields(other) if (value := getattr(other, x.name)) != x.default
        }
        return replace(self, **changed)


DEFAULT_OPTIONS = AnalysisOptions()
