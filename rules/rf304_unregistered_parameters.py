"""Parameters that forward uses, and that the model does not know of.

What it is
    A module, or a parameter, lies in a plain list, tuple or dict of another module. Or a tensor was
    made with `requires_grad=True` and is no nn.Parameter; or it was computed from one, as in
    `nn.Parameter(...) * 0.1`, `.half()`, `.view(...)` or `.clone()`: the result is no parameter any
    more. `.cuda()` and `.to(device)` compute, too, wherever the device is another one. Or forward
    builds a layer, or a parameter, anew each time. All of these take part in what the model
    computes, and are not registered.

Why it matters
    `model.parameters()` leaves it out, so an optimiser that is given those never trains it: it
    keeps its initial values. `state_dict()` does not save it, `to()` does not move it to the GPU,
    `train()` and `eval()` pass its dropout and normalisation by. PyTorch documents nn.ModuleList,
    nn.ModuleDict and nn.ParameterList for that reason.

How to fix it
    nn.ModuleList in place of the list, nn.ModuleDict in place of the dict, nn.ParameterList for
    parameters. Compute first, then wrap: `nn.Parameter(0.1 * torch.randn(8))`; move the model, and
    not its parameters. Build layers in `__init__`.

When to ignore it
    Where a network is hidden on purpose: a frozen feature extractor of a loss, a teacher, an
    average of the weights. What needs no gradients is information only, and what is written into
    `module.__dict__` is not reported at all.

How it is computed
    While the model runs once, rflint sees every tensor that takes part. Those that are parameters,
    or need gradients, and are none of `model.parameters()`, are looked for in the attributes of its
    modules. A parameter that lies nowhere in them is one that forward has made. While the model is
    built, moving a tensor to a GPU has the result that it has on machines with one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.graph.architecture import Held, Parameter
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import plural


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each module, or parameter, in a plain container."""
    yield from _loose(analysis)
    for name, members in _groups(analysis).items():
        size = sum(x.size for x in members)
        trained = any(x.is_trained for x in members)
        them = "it" if size == 1 else "them"
        lost = (
            f"an optimiser does not train {them}; {_remedy(name, members)}"
            if trained
            else f"to() does not move {them}, and state_dict() does not save {them}; as no "
            "gradients are required, that may be meant"
        )
        message = (
            f"{plural(size, 'parameter', ',')} in {plural(len(members), 'tensor')} "
            f"that forward uses {'is' if size == 1 else 'are'} not registered: {lost}"
        )
        places = tuple(dict.fromkeys(place for x in members for place in x.construction))
        severity = RULE.severity if trained else Severity.INFO
        yield RULE.module_finding(name, message, places, severity)


def _loose(analysis: Analysis) -> Iterator[Finding]:
    """One finding for each tensor that needs gradients and is no parameter of the model."""
    seen: set[object] = set()
    for tensor in analysis.architecture.loose_tensors:
        key = tensor.construction[:1] if tensor.held is Held.CREATED else tensor.name
        if tensor.held is Held.CONSTANT or key in seen:
            continue
        seen.add(key)
        yield RULE.module_finding(tensor.name, _LOOSE[tensor.held], tensor.construction)


_LOOSE = {
    Held.TRAINABLE: "requires gradients and is no nn.Parameter: no optimiser that is given "
    "model.parameters() trains it, and it is not saved; wrap it, nn.Parameter(...)",
    Held.COMPUTED: "was computed from a parameter when the model was built (.to(device), .half(), "
    "* 0.1 and .view(...) compute), and is none itself: it is missing in parameters() and "
    "state_dict(), and no optimiser trains it; wrap last, nn.Parameter(0.1 * torch.randn(n)), and "
    "move the whole model",
    Held.CREATED: "a parameter that is used here belongs to no module of the model: it is created "
    "anew in every pass, or lies outside, and no optimiser trains it; build it in __init__",
}


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """How many parameters."""
    groups = _groups(analysis)
    names = {finding.layer for finding in findings}
    unregistered = sum(x.size for name in names for x in groups.get(name, ()))
    if any(name not in groups for name in names):
        return (
            f"{len(findings)} tensors, or modules, take part in what the model computes, and are "
            "not registered: parameters(), state_dict() and to() do not know of them."
        )
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
