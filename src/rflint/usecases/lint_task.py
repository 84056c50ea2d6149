"""What a run is asked to lint, as any process can be told it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from rflint.cache.cache import Cache
from rflint.configuration.configuration import Configuration
from rflint.configuration.model_options import ModelOptions
from rflint.configuration.requests import Request, requests_for
from rflint.errors import RflintError
from rflint.linting.rule import Rule
from rflint.usecases.project_rules import project_rules


@dataclass(frozen=True, slots=True)
class LintTask:
    """Targets and options. All processes of a run make the same requests of them."""

    targets: tuple[str, ...]
    """None: all configured models."""
    options: ModelOptions
    """They go before what the configuration says."""
    configuration: Configuration
    use_cache: bool = True
    with_sizes: bool = False
    """Whether reports are to tell of other input sizes."""
    with_repairs: bool = False
    """Whether they are to tell what can be done about unproductive layers."""

    def cache(self) -> Cache | None:
        """The cache of the project, if it is to be used."""
        is_used = self.use_cache and self.configuration.cache is not False
        return Cache(self.configuration.root) if is_used else None

    def requests(
        self, cache: Cache | None, failed: Callable[[str, RflintError], None]
    ) -> tuple[tuple[Rule, ...], tuple[Request, ...]]:
        """The rules of the project, and all that is to be linted with them.

        `failed` is called with the file and the error of each rule that cannot be loaded.
        """
        broken: list[str] = []

        def fails(about: str, error: RflintError) -> None:
            broken.append(about)
            failed(about, error)

        rules = project_rules(self.configuration, cache, fails)
        found = requests_for(
            self.targets, self.options, self.configuration, rules, lenient=bool(broken)
        )
        return rules, tuple(
            replace(x, with_sizes=self.with_sizes, with_repairs=self.with_repairs) for x in found
        )
