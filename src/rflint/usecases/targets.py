"""Import what a target names and build its model. This is the first step that needs torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rflint.configuration.requests import Request
from rflint.errors import RflintError, as_rflint_error
from rflint.usecases.gc_pause import gc_paused, imports_kept
from rflint.usercode.isolation import IsolatedImports
from rflint.usercode.loading import LoadingGuard
from rflint.usercode.permissions import NOTHING_UNUSUAL, Permissions
from rflint.usercode.stdout import stdout_to_stderr
from rflint.usercode.surroundings import command_line_hidden
from rflint.usercode.target import check_target, load_target, split_target

if TYPE_CHECKING:
    from rflint.tracing.model.build import BuiltModel


def import_torch() -> None:
    """Import torch and all of rflint that uses it, before the cache begins to track files.

    The files that torch reads while it is imported are no dependencies of the user's model.
    """
    with stdout_to_stderr(), gc_paused():
        import rflint.tracing.model.replaced  # before the user's code can replace anything
        import rflint.usecases.model  # noqa: F401


def build_target(
    target: str,
    root: Path,
    arguments: Mapping[str, Any],
    permissions: Permissions = NOTHING_UNUSUAL,
    pythonpath: Sequence[Path] = (),
    *,
    allocate: bool = False,
) -> BuiltModel:
    """Import what a target names, and build its model: neither trains or downloads meanwhile.

    With `allocate`, the model has its weights.
    """
    guard = LoadingGuard(permissions)
    attribute = import_target(target, root, guard, pythonpath)
    from rflint.usecases.building import build_guarded

    with stdout_to_stderr(), command_line_hidden():
        return build_guarded(attribute, arguments, target, guard, allocate=allocate)


def import_target(
    target: str, root: Path, guard: LoadingGuard, pythonpath: Sequence[Path] = ()
) -> Any:
    """Import what a target names, kept from training and downloading meanwhile."""
    check_target(target, root, pythonpath=pythonpath)
    import_torch()
    from rflint.tracing.model.construction import construction_recorded
    from rflint.tracing.model.training import training_watched

    with stdout_to_stderr(), command_line_hidden():
        importing = guard.during(f"importing {split_target(target)[0]}")
        with gc_paused(), construction_recorded(), importing, training_watched(guard.training):
            found = load_target(target, root, pythonpath)
    imports_kept()
    return found


def build_request(request: Request, *, allocate: bool = False) -> BuiltModel:
    """The same for a request."""
    return build_target(
        request.target,
        request.root,
        request.arguments,
        request.permissions,
        request.pythonpath,
        allocate=allocate,
    )


class BuiltTargets:
    """Builds the model of each target once in a run; an error is kept, and raised each time."""

    def __init__(self) -> None:
        self._built: dict[str, BuiltModel | RflintError] = {}
        self._imports = IsolatedImports()

    def check(self, request: Request) -> None:
        """Raise the error of a target that cannot be, as far as that is known without torch."""
        try:
            check_target(request.target, request.root, request.hint, request.pythonpath)
        except RflintError as error:
            self._built[model_key(request)] = error
            raise

    def has_failed(self, request: Request) -> bool:
        """Whether there is no model to be had, whatever the size of its input."""
        return isinstance(self._built.get(model_key(request)), RflintError)

    def model(self, request: Request) -> BuiltModel:
        """The model of a request."""
        key = model_key(request)
        if key not in self._built:
            self._imports.prepare(request.target, request.root, request.pythonpath)
            try:
                self._built[key] = build_request(request)
            except Exception as error:
                self._built[key] = as_rflint_error(error)
        found = self._built[key]
        if isinstance(found, RflintError):
            raise found
        return found


class GivenBuilder:
    """A builder that no target names, in the place of targets."""

    def __init__(self, builder: Any, arguments: Mapping[str, Any], described: str) -> None:
        self.builder = builder
        self.arguments = arguments
        self.described = described
        self._built: BuiltModel | RflintError | None = None

    def check(self, request: Request) -> None:
        """There is nothing to look for."""

    def has_failed(self, request: Request) -> bool:
        """Whether there is no model to be had, whatever the size of its input."""
        return isinstance(self._built, RflintError)

    def model(self, request: Request) -> BuiltModel:
        """What the builder builds, the first time this is asked."""
        if self._built is None:
            from rflint.usecases.building import build_guarded

            guard = LoadingGuard(request.permissions)
            try:
                with stdout_to_stderr(), command_line_hidden():
                    self._built = build_guarded(self.builder, self.arguments, self.described, guard)
            except Exception as error:
                self._built = as_rflint_error(error)
        if isinstance(self._built, RflintError):
            raise self._built
        return self._built


def model_key(request: Request) -> str:
    """What the model of a request depends on: all but what it is fed."""
    arguments = repr((sorted(request.arguments.items()), request.permissions))
    return f"{request.root}\0{request.target}\0{arguments}"
