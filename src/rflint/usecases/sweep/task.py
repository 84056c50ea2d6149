"""What a sweep asks of every model, and a batch of models: as any machine can be told."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rflint._version import __version__
from rflint.configuration.configuration import Configuration
from rflint.configuration.model_options import ModelOptions
from rflint.inputs.notation import Sizes
from rflint.text.numbers import size as size_text
from rflint.usecases.sweep.sources import Candidate
from rflint.usercode.permissions import Permissions
from rflint.workers.limits import ProcessLimits


@dataclass(frozen=True, slots=True)
class SweepTask:
    """How each model of a sweep is linted."""

    root: Path
    """The folder that targets are relative to."""
    options: ModelOptions
    configuration: Configuration
    """Without its models: a sweep has its own."""
    omit: frozenset[str] = frozenset()
    """Entries that are left out of each line."""
    limits: ProcessLimits = field(default_factory=ProcessLimits)
    code: bytes | None = None
    """A zip of the user's code, for workers that do not have it."""
    is_remote: bool = False
    """Whether it goes to an executor, whose workers may lack what is here."""

    @property
    def sizes(self) -> tuple[Sizes | None, ...]:
        """The sizes at which each model is linted; None: what its inputs or first layer say."""
        return self.options.over(self.configuration.options).res or (None,)

    @property
    def permissions(self) -> Permissions:
        """What the user's code may do while it is imported and built."""
        options = self.options.over(self.configuration.options)
        return Permissions(bool(options.allow_training), bool(options.allow_downloads))

    @property
    def digest(self) -> str:
        """Short, and another one where the results at a size may be others."""
        options = replace(self.options.over(self.configuration.options), res=None)
        asked = (__version__, options, sorted(self.omit))
        rules = (self.configuration.rule_paths, sorted(self.configuration.rule_settings.items()))
        return hashlib.sha256(repr((asked, rules)).encode()).hexdigest()[:12]


def res_text(size: Sizes | None) -> str | None:
    """The entry `res` of a line: a size as one gives it to --res."""
    return size_text(size) if size else None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A candidate, and the sizes at which it is to be linted."""

    candidate: Candidate
    sizes: tuple[Sizes | None, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Some candidates of one source: what one call of an executor carries out."""

    task: SweepTask
    wanted: tuple[Wanted, ...]

    @property
    def is_generated(self) -> bool:
        """Whether they are items of a generator, which has to be walked to them."""
        return self.wanted[0].candidate.position is not None

    @property
    def source(self) -> str:
        """The source of all of them."""
        return self.wanted[0].candidate.source


def split(batch: Batch) -> Sequence[Batch]:
    """Batches of a single candidate each."""
    return [Batch(batch.task, (wanted,)) for wanted in batch.wanted]
