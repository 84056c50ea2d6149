"""The arguments of a command as one frozen object, in place of a dozen parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from rflint.configuration.model_options import ModelOptions


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


_Arguments = TypeVar("_Arguments", bound=ModelArguments)


def collected(kind: type[_Arguments], given: Mapping[str, Any]) -> _Arguments:
    """The object made from what click passes; all that `kind` has no field for goes to `model`."""
    own = {field.name for field in fields(kind)} - {"model"}
    model = {name: value for name, value in given.items() if name not in own}
    return kind(model=model, **{name: given[name] for name in own})
