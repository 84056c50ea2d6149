"""Track what the user's code looks at while a model is built and traced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rflint.cache.audit_events import observe_audit_events
from rflint.cache.library_patches import libraries_observed
from rflint.cache.observations import RunObservations
from rflint.cache.observer import DREW_RANDOM_NUMBERS, Observer
from rflint.cache.randomness import Randomness
from rflint.usercode.closure import ImportClosure


class Tracker:
    """Collects the observations of a run."""

    def __init__(self, own_folders: tuple[str, ...] = ()) -> None:
        self.run = RunObservations(own_folders)
        self._observer = Observer(self.run)
        observe_audit_events(self._observer)

    @contextmanager
    def watch(self, closure: ImportClosure | None = None) -> Iterator[None]:
        """Observe what happens in the block: for a model with this closure, or for rules."""
        observer = self._observer
        if observer.active:
            yield
            return
        self.run.begin(closure)
        with libraries_observed(observer):
            observer.randomness = Randomness()
            observer.active = True
            try:
                yield
            finally:
                observer.active = False
                if observer.randomness.was_used():
                    observer.not_cacheable(DREW_RANDOM_NUMBERS)
