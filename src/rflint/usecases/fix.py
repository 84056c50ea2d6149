"""Repair a target: the repaired model as a Python file.

torch is imported only after the target was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rflint.configuration.configuration import Configuration
from rflint.configuration.model_options import ModelOptions
from rflint.configuration.requests import Request, requests_for
from rflint.errors import UsageError
from rflint.linting.rule_files import load_rules
from rflint.usecases.targets import build_target
from rflint.usercode.stdout import stdout_to_stderr
from rflint.usercode.surroundings import command_line_hidden, warnings_noted
from rflint.usercode.target import check_target

if TYPE_CHECKING:
    from rflint.usecases.patch import Patch


def fix_target(
    target: str,
    options: ModelOptions,
    configuration: Configuration,
    file: Path,
    number: int = 1,
    kinds: Sequence[str] = (),
) -> Patch | None:
    """The `number`-th repair of a target, counted from 1, as the text of `file`.

    None where there is nothing to repair. Raises RflintError where no repair can be written.
    """
    request = _only_request(target, options, configuration)
    check_target(request.target, request.root, request.hint, request.pythonpath)
    with warnings_noted([]):
        built = build_target(
            request.target,
            request.root,
            request.arguments,
            request.permissions,
            request.pythonpath,
        )
    from rflint.usecases.patch import patch

    with stdout_to_stderr(), command_line_hidden(), warnings_noted([]):
        return patch(request, built, file, number, kinds)


def _only_request(target: str, options: ModelOptions, configuration: Configuration) -> Request:
    """The request for a target. Raises UsageError if the configuration has several for it."""
    found = requests_for([target], options, configuration, load_rules(), lenient=True)
    if len({str(x.arguments) for x in found}) > 1:
        raise UsageError(f"{target} is configured several times", hint="Take --isolated and --arg.")
    if len({x.resolution for x in found}) > 1:
        raise UsageError("rflint fix takes one resolution", hint="Choose with --res.")
    return found[0]
