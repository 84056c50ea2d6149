"""Try candidates in another process, which may hang or crash without ending the run."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from rflint.inputs.notation import Sizes
from rflint.usecases.trial import SizeTried, Trial
from rflint.usercode.candidates import Candidate
from rflint.workers.collect import Imports, collect
from rflint.workers.errors import WorkerLost
from rflint.workers.idle import Workers
from rflint.workers.limits import ProcessLimits

_TORCH = ("rflint.usecases.trying",)


@dataclass(frozen=True, slots=True)
class _Order:
    """A target to try at some sizes, and where it runs at none at the first of others."""

    target: str
    root: Path
    pythonpath: tuple[Path, ...]
    arguments: Mapping[str, Any]
    sizes: tuple[Sizes, ...]
    otherwise: tuple[Sizes, ...]

    def answers(self, limits: ProcessLimits) -> Iterator[tuple[SizeTried, ...]]:
        """What became of it at each size."""
        from rflint.usecases.trying import tried

        yield tuple(
            tried(
                self.target,
                self.root,
                self.pythonpath,
                self.arguments,
                self.sizes,
                self.otherwise,
            )
        )


class Trials:
    """Tries one candidate after the other."""

    def __init__(
        self,
        root: Path,
        *,
        patience: float,
        pythonpath: Sequence[Path] = (),
        packages: Sequence[str] = (),
        debug: bool = False,
    ) -> None:
        """`packages` are those that the candidates import: they are imported once for all."""
        self.root = root
        self.limits = ProcessLimits(timeout=patience)
        """A candidate that takes longer is given up."""
        self.pythonpath = tuple(pythonpath)
        self._shows_output = debug
        self._packages = packages
        self._workers = Workers()

    def __enter__(self) -> Trials:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._workers.close()

    def of(self, candidate: Candidate, sizes: Sequence[Sizes], otherwise: Sequence[Sizes]) -> Trial:
        """A candidate at some sizes, and where it runs at none at the first of others.

        Raises WorkerLost where no process can be started.
        """
        order = _Order(
            candidate.target,
            self.root,
            self.pythonpath,
            candidate.arguments,
            tuple(sizes),
            tuple(otherwise),
        )
        found = collect(self._workers, Imports(_TORCH, self._packages), order, self.limits)
        if isinstance(found.error, WorkerLost):  # one of the packages may have been the reason
            found = collect(self._workers, Imports(_TORCH), order, self.limits)
        if self._shows_output:
            sys.stderr.write(found.printed)
        if isinstance(found.error, WorkerLost):
            raise found.error
        if found.error:
            error = found.error
            place = str(error.source or "")
            return Trial(candidate, why=error.message, place=place, advice=error.hint)
        return Trial(candidate, found.answers[0])
