"""Repair a target: the repaired model as a Python file.

torch is imported only after the target was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rflint.configuration.configuration import Configuration
from rflint.configuration.model_options import ModelOptions
from rflint.usecases.single_request import single_request
from rflint.usecases.targets import build_request
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
    request = single_request(target, options, configuration, "rflint fix takes one resolution")
    check_target(request.target, request.root, request.hint, request.pythonpath)
    with warnings_noted([]):
        built = build_request(request)
    from rflint.usecases.patch import patch

    with stdout_to_stderr(), command_line_hidden(), warnings_noted([]):
        return patch(request, built, file, number, kinds)
