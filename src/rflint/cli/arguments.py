"""The arguments of a command as one frozen object, in place of a dozen parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from rflint.configuration.configuration import Configuration
    from rflint.configuration.model_options import ModelOptions
    from rflint.usecases.lint import Processes


@dataclass(frozen=True, slots=True)
class ModelArguments:
    """The arguments that all commands about models have in common."""

    model: Mapping[str, Any]
    """Options of models, by name."""
    pairs: Sequence[str]
    """Of --arg."""
    config: Path | None
    isolated: bool
    debug: bool

    def options(self) -> ModelOptions:
        """The options for all models. Raises UsageError for a malformed --arg."""
        from rflint.configuration.model_options import ModelOptions
        from rflint.usercode.builder_values import parse_arguments

        values = {name: value if value != () else None for name, value in self.model.items()}
        return ModelOptions(**values, args=parse_arguments(self.pairs))


@dataclass(frozen=True, slots=True)
class ProcessArguments(ModelArguments):
    """The arguments of commands that lint models in processes of their own."""

    jobs: int | None
    timeout: float | None
    memory: int | None

    def processes(self, configuration: Configuration, timeout: float | None = None) -> Processes:
        """What these say, or else the configuration; `timeout` where neither has one.

        Raises UsageError for what this system cannot do.
        """
        from rflint.usecases.lint import Processes
        from rflint.workers.limits import ProcessLimits

        limits = ProcessLimits(
            self.timeout or configuration.timeout or timeout, self.memory or configuration.memory
        )
        processes = Processes(self.jobs or configuration.jobs, limits)
        limits.check(processes.jobs)
        return processes


_Arguments = TypeVar("_Arguments", bound=ModelArguments)


def collected(kind: type[_Arguments], given: Mapping[str, Any]) -> _Arguments:
    """The object made from what click passes; all that `kind` has no field for goes to `model`."""
    own = {field.name for field in fields(kind)} - {"model"}
    model = {name: value for name, value in given.items() if name not in own}
    return kind(model=model, **{name: given[name] for name in own})
