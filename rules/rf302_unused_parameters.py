"""Parameters that no output depends on.

What it is
    The model registers parameters that its forward never uses, or computes something with them that
    reaches no output, neither in evaluation nor in training.

Why it matters
    They never receive a gradient: they keep their initial values, and cost memory in the model, in
    checkpoints and in some optimisers. Often they show a mistake: a layer was built and then
    forgotten in forward. Distributed training stops at them ("Expected to have finished reduction
    in the prior iteration"; PyTorch documents find_unused_parameters of DistributedDataParallel).

How to fix it
    Call the module in forward, or do not build it.

When to ignore it
    Where other code uses them (a loss, a second forward, a mask token for pretraining).

How it is computed
    rflint follows one forward pass in evaluation and, where that leaves parameters unused, one in
    training, so that heads for training only do not count. A model that was followed only in part
    (RF902), that fails in training, or that goes by chance or by turns has no findings; nor does a
    parameter that is used and then detached, that the code reads as a number, or that another
    method uses (a training_step). Where forward has optional inputs that were not given, findings
    name them and are for information, also about what other methods use as well as forward; so are
    those about frozen parameters, which a teacher or an average of weights has, and about losses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.analysis.proofs.unused_parameters import UnusedParameters, proved_unused_parameters
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import percent, plural


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each unused parameter, or for the module whose parameters all are."""
    for unused in proved_unused_parameters(analysis):
        message = _message(unused, analysis)
        optional = unused.why or analysis.architecture.omitted_inputs
        severity = Severity.INFO if optional else RULE.severity
        yield RULE.module_finding(unused.name, message, unused.places, severity)


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """How many parameters."""
    names = {finding.layer for finding in findings}
    number = sum(x.size for x in proved_unused_parameters(analysis) if x.name in names)
    what = f"{plural(number, 'parameter', ',')} ({percent(number, analysis.totals.params)})"
    if analysis.architecture.omitted_inputs:
        without = ", ".join(analysis.architecture.omitted_inputs)
        are = "is" if number == 1 else "are"
        return f"{what} {are} not needed for what is computed without {without}."
    if number == 1:
        return f"{what} is built, but no output depends on it: it never receives a gradient."
    return f"{what} are built, but no output depends on them: they never receive a gradient."


def _message(unused: UnusedParameters, analysis: Analysis) -> str:
    what = plural(unused.size, "parameter", ",")
    tensors = f" in {plural(len(unused.parameters), 'tensor')}" if unused.is_module else ""
    them = "it" if unused.size == 1 else "them"
    why = (
        f"something is computed from {them}, but no output depends on it"
        if unused.computed
        else f"forward never uses {them}"
    )
    why = f"in training, {why}" if analysis.architecture.training else why
    if unused.why == "frozen":
        return f"{what}{tensors}: {why}, and they are frozen, as those of a teacher are"
    if unused.why == "loss":
        return f"{what}{tensors}: {why}; a loss is called by whoever trains the model"
    if analysis.architecture.omitted_inputs:
        return (
            f"{what}{tensors}: {why} (not given: {', '.join(analysis.architecture.omitted_inputs)})"
        )
    remedy = "use its result" if unused.computed else "call it"
    remedy = (
        f"{remedy}, or do not build it" if unused.is_module else "use it, or do not register it"
    )
    return f"{what}{tensors}: {why}; {remedy}"


def forgotten_layer() -> Any:
    """The shortcut is built, but forward does not call it."""
    from torch import Tensor, nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)
            self.shortcut = nn.Conv2d(3, 8, 1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.conv(x)
            return out

    return Block()


def called_layer() -> Any:
    """Both are used."""
    from torch import Tensor, nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)
            self.shortcut = nn.Conv2d(3, 8, 1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.conv(x) + self.shortcut(x)
            return out

    return Block()


def auxiliary_head() -> Any:
    """A head that only training uses is used."""
    from torch import Tensor, nn

    class WithHead(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)
            self.head = nn.Conv2d(8, 2, 1)
            self.auxiliary = nn.Conv2d(8, 2, 1)

        def forward(self, x: Tensor) -> tuple[Tensor, ...]:
            features = self.conv(x)
            if self.training:
                return self.head(features), self.auxiliary(features)
            return (self.head(features),)

    return WithHead()


RULE = Rule(
    "RF302",
    "unused-parameters",
    Severity.WARNING,
    check=check,
    summarise=summarise,
    evidence=Evidence.PROVED,
    fails=[Example(forgotten_layer, 16)],
    passes=[Example(called_layer, 16), Example(auxiliary_head, 16)],
)
