"""The one request for a target, where a command works on one model at one resolution."""

from __future__ import annotations

from rflint.configuration.configuration import Configuration
from rflint.configuration.model_options import ModelOptions
from rflint.configuration.requests import Request, requests_for
from rflint.errors import UsageError
from rflint.linting.rule_files import load_rules


def single_request(
    target: str, options: ModelOptions, configuration: Configuration, one_resolution: str
) -> Request:
    """The request for a target.

    Raises UsageError if the configuration has several for it, and with the sentence
    `one_resolution` if there are several resolutions.
    """
    found = requests_for([target], options, configuration, load_rules(), lenient=True)
    if len({str(x.arguments) for x in found}) > 1:
        raise UsageError(f"{target} is configured several times", hint="Take --isolated and --arg.")
    if len({x.resolution for x in found}) > 1:
        raise UsageError(one_resolution, hint="Choose with --res.")
    return found[0]
