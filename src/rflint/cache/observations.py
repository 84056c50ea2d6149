"""What was observed while the user's code ran."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rflint.usercode.closure import ImportClosure


@dataclass(slots=True)
class Observations:
    """What the code of one model looked at, or rules and packages."""

    files: set[str] = field(default_factory=set)
    """Files that were opened for reading, source files included; they need not exist."""
    stats: set[str] = field(default_factory=set)
    """Paths that were asked for their size or time of change."""
    kinds: set[str] = field(default_factory=set)
    """Paths that were asked for whether they exist, and as what."""
    folders: dict[tuple[str, bool], str] = field(default_factory=dict)
    """Folders that were listed, without or with the stats of what is in them: fingerprints."""
    not_cacheable: dict[str, None] = field(default_factory=dict)
    """Reasons why the report cannot be cached: what it depends on cannot be checked. In order."""

    def add(self, other: Observations) -> None:
        """Add other observations to these."""
        self.files |= other.files
        self.stats |= other.stats
        self.kinds |= other.kinds
        self.folders |= other.folders
        self.not_cacheable |= other.not_cacheable


class RunObservations:
    """The observations of a run, by model.

    A model does not import again what an earlier model of the run has imported. So it also depends
    on what was observed for earlier models that may share a file with it.
    """

    def __init__(self, own_folders: tuple[str, ...], environment: Mapping[str, str]) -> None:
        self.own_folders = own_folders
        """Folders of rflint itself, which are a dependency of every report anyway."""
        self.started = time.time()
        self.common = Observations()
        """Of rules and packages: they concern every model."""
        self.models: list[tuple[ImportClosure, Observations]] = []
        """Of each model so far."""
        self.current = self.common
        """Where observations are added now."""
        self.written_by_packages: set[str] = set()
        """Files; that matters only if they are read as well."""
        self.asked_by_packages: set[str] = set()
        """Paths whose kind or stats packages asked for."""
        self.variables: set[str] = set()
        """Names of environment variables that were read."""
        self.whole_environment = False
        """Whether all environment variables were read."""
        self.imports: set[str] = set()
        """Names of modules that were looked for, found or not."""
        self.import_folders: dict[str, None] = {}
        """Where they were looked for, in order."""
        self.environment = dict(environment)
        """The environment variables at the start of the run."""
        self.program = os.path.abspath(sys.argv[0]) if os.path.dirname(sys.argv[0]) else ""
        """The program file, which packages read to show where they were called from."""

    def inherit(self, earlier: RunObservations) -> None:
        """Add what was observed of packages that an earlier run of this process has imported."""
        self.started = min(self.started, earlier.started)
        self.environment = earlier.environment
        self.common.add(earlier.common)
        self.written_by_packages |= earlier.written_by_packages
        self.asked_by_packages |= earlier.asked_by_packages
        self.variables |= earlier.variables
        self.whole_environment |= earlier.whole_environment
        self.imports |= earlier.imports
        self.import_folders |= earlier.import_folders

    def begin(self, closure: ImportClosure | None) -> None:
        """From now on, observe a model with this import closure; without one, rules."""
        self.current = Observations() if closure else self.common
        if closure:
            self.models.append((closure, self.current))

    def of_latest_model(self) -> Observations:
        """Everything that the latest model depends on."""
        found = Observations()
        found.add(self.common)
        for observed in self._related():
            found.add(observed)
        return found

    def files_of_other_models(self) -> set[str]:
        """Files of models that cannot affect the latest one."""
        related = [id(observed) for observed in self._related()]
        others = (observed for _, observed in self.models if id(observed) not in related)
        return {file for observed in others for file in observed.files}

    def _related(self) -> Iterator[Observations]:
        """Observations of models that may share files with the latest one, itself included."""
        for closure, observed in self.models:
            if closure.may_share_with(self.models[-1][0]):
                yield observed
