"""One module that takes several places of a container, and is applied to its own result.

What it is
    A list of layers holds the same module several times: `[block] * 6` puts one block into six
    places, and not six blocks. Forward applies it again to what it has made.

Why it matters
    There is one set of weights, which all places share. The network is as deep as it looks, and
    has a sixth of the parameters; a batch normalisation in it averages the statistics of all
    places, which are true of none in evaluation.

How to fix it
    Build a block for each place, `[make_block() for _ in range(6)]`, or copy it:
    `[copy.deepcopy(block) for _ in range(6)]` (which copies its initial weights, too).

When to ignore it
    Where weights are shared across depth on purpose, as in recurrent or universal networks.
    A loop that calls one module says so more plainly.

How it is computed
    Places of nn.Sequential, nn.ModuleList and nn.ModuleDict that hold the same object with
    parameters, one call of which depends on another. A head that is shared by branches or scales is
    given what others have made, and is no finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.graph.architecture import Architecture, RepeatedModule
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import plural


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each module that is repeated."""
    for repeated in analysis.architecture.repeated_modules:
        if not _reads_itself(analysis.architecture, repeated):
            continue
        number = len(repeated.places)
        one = plural(repeated.size, "parameter", ",")
        averaged = (
            "; its batch normalisation averages statistics of all places"
            if repeated.normalises
            else ""
        )
        message = (
            f"places {', '.join(repeated.places[:3])}{', ...' if number > 3 else ''} of "
            f"{repeated.container or 'the model'} hold one module: {one} used {number} times, "
            "where "
            f"modules of their own would have {number * repeated.size:,}{averaged}"
        )
        yield RULE.module_finding(repeated.path, message, repeated.construction)


def _reads_itself(architecture: Architecture, repeated: RepeatedModule) -> bool:
    """Whether a later call of the module depends on an earlier one."""
    layers, relations = architecture.layers, architecture.relations
    inside = relations.layers_of_module.get(repeated.path, ())
    first = {layers[index].name: index for index in inside if layers[index].call == 0}
    for index in inside:
        layer = layers[index]
        if layer.call == 1 and layer.name in first:
            return first[layer.name] in relations.ancestors(index)
    return False


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """What happened."""
    subject = f"{len(findings)} modules take" if len(findings) > 1 else "A module takes"
    return (
        f"{subject} several places of a list, which share its weights: a list times a number "
        "repeats the module, it does not copy it."
    )


def multiplied() -> Any:
    """One block in three places."""
    from torch import nn

    block = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), *[block] * 3)


def built_for_each() -> Any:
    """Three blocks."""
    from torch import nn

    def block() -> nn.Module:
        return nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())

    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), *[block() for _ in range(3)])


RULE = Rule(
    "RF504",
    "repeated-module",
    Severity.WARNING,
    check=check,
    summarise=summarise,
    evidence=Evidence.PROVED,
    fails=[Example(multiplied, 16)],
    passes=[Example(built_for_each, 16)],
)
