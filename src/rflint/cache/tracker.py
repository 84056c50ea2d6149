"""Track what the user's code looks at while a model is built and traced."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rflint.cache.audit_events import audit_events_observed
from rflint.cache.environment import own_prefixes, without_torch
from rflint.cache.library_patches import libraries_observed
from rflint.cache.observations import RunObservations
from rflint.cache.observer import DREW_RANDOM_NUMBERS, Observer
from rflint.cache.randomness import Randomness
from rflint.usercode.closure import ImportClosure

_of_packages: list[RunObservations] = []
"""What was observed of packages that this process has imported for all its runs."""


class Tracker:
    """Collects the observations of a run."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        started_with = os.environ if environment is None else environment
        self.run = RunObservations(own_prefixes(), without_torch(started_with))
        for earlier in _of_packages:
            self.run.inherit(earlier)
        self._observer = Observer(self.run)

    @contextmanager
    def watch(self, closure: ImportClosure | None = None) -> Iterator[None]:
        """Observe what happens in the block: for a model with this closure, or for rules."""
        observer = self._observer
        if observer.active:
            yield
            return
        self.run.begin(closure)
        with libraries_observed(observer), audit_events_observed(observer):
            observer.randomness = Randomness()
            observer.active = True
            try:
                yield
            finally:
                observer.active = False
                if observer.randomness.was_used():
                    observer.not_cacheable(DREW_RANDOM_NUMBERS)


@contextmanager
def packages_observed(environment: Mapping[str, str]) -> Iterator[None]:
    """Observe packages that are imported for all later runs of this process and of its children.

    They do not import them again, and depend on what the packages looked at. `environment` are the
    variables as the process was started with: importing torch and others sets some.
    """
    tracker = Tracker(environment)
    with tracker.watch():
        yield
    _of_packages.append(tracker.run)
