"""Parameters that forward uses, and that the model does not know of.

What it is
    A module, or a parameter, lies in a plain list, tuple or dict of another module. Its forward is
    called and it takes part in what the model computes, but it is not registered.

Why it matters
    `model.parameters()` leaves it out, so an optimiser that is given those never trains it: it
    keeps its initial values. `state_dict()` does not save it, `to()` does not move it to the GPU,
    `train()` and `eval()` pass its dropout and normalisation by. PyTorch documents nn.ModuleList,
    nn.ModuleDict and nn.ParameterList for that reason.

How to fix it
    nn.ModuleList in place of the list, nn.ModuleDict in place of the dict, nn.ParameterList for
    parameters.

When to ignore it
    Where a network is hidden on purpose: a frozen feature extractor of a loss, a teacher, an
    average of the weights.

How it is computed
    While the model runs once, rflint sees every tensor that takes part. Those that are parameters,
    and none of `model.parameters()`, are looked for in the attributes of its modules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.graph.architecture import Parameter
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import plural


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each module, or parameter, in a plain container."""
    for name, members in _groups(analysis).items():
        size = sum(x.size for x in members)
        message = (
            f"{plural(size, 'parameter', ',')} in {plural(len(members), 'tensor')} "
            f"that forward uses {'is' if size == 1 else 'are'} not registered: "
            f"an optimiser does not train {'it' if size == 1 else 'them'}; {_remedy(name, members)}"
        )
        places = tuple(dict.fromkeys(place for x in members for place in x.construction))
        found = RULE.model_finding(name, message, next(iter(places), None))
        yield replace(found, places=places, detail=message)


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """How many parameters."""
    groups = _groups(analysis)
    names = {finding.layer for finding in findings}
    unregistered = sum(x.size for name in names for x in groups[name])
    does = "parameter takes part in what the model computes, but lies in a plain container"
    do = "parameters take part in what the model computes, but lie in plain containers"
    return (
        f"{unregistered:,} {does if unregistered == 1 else do}: parameters(), state_dict() and "
        f"to() do not know of {'it' if unregistered == 1 else 'them'}."
    )


def _groups(analysis: Analysis) -> dict[str, list[Parameter]]:
    """Unregistered parameters, by the module that they are of, or else by their own name."""
    groups: dict[str, list[Parameter]] = {}
    for parameter in analysis.architecture.unregistered_parameters:
        container, closing, _ = parameter.name.rpartition("]")
        groups.setdefault(f"{container}{closing}" or parameter.name, []).append(parameter)
    return groups


def _remedy(name: str, members: Sequence[Parameter]) -> str:
    if [x.name for x in members] == [name]:
        return "register it, in an nn.ParameterList, say"
    return "use nn.ModuleDict" if name.endswith("']") else "use nn.ModuleList"


def plain_list() -> Any:
    """The convolutions work, and are never trained."""
    from torch import Tensor, nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 8, 3, padding=1)
            self.blocks = [nn.Conv2d(8, 8, 3, padding=1) for _ in range(2)]

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            for block in self.blocks:
                x = block(x).relu()
            return x

    return Net()


def module_list() -> Any:
    """The same, registered."""
    from torch import Tensor, nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 8, 3, padding=1)
            self.blocks = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(2))

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            for block in self.blocks:
                x = block(x).relu()
            return x

    return Net()


RULE = Rule(
    "RF304",
    "unregistered-parameters",
    Severity.WARNING,
    check=check,
    summarise=summarise,
    evidence=Evidence.PROVED,
    fails=[Example(plain_list, 16)],
    passes=[Example(module_list, 16)],
)
