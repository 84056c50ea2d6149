"""A dropout that is active in evaluation.

What it is
    `F.dropout(x)` drops values whatever mode the model is in: its `training` is True by
    default. So does a nn.Dropout that is built in forward, since eval() does not know of it, and
    `F.scaled_dot_product_attention(..., dropout_p=0.1)`, which knows no mode. With
    `F.alpha_dropout(x)` it is the other way round: its `training` is False by default, and it never
    drops anything.

Why it matters
    Predictions differ from call to call, and are worse than the network could make them: half of
    the values that a layer was trained on are missing.

How to fix it
    `F.dropout(x, training=self.training)`, or an nn.Dropout that is built in `__init__`;
    `dropout_p=self.p if self.training else 0.0`.

When to ignore it
    Where predictions are to be drawn by chance: Monte Carlo dropout, the pre-net of Tacotron. A
    call that says `training=True` is information only.

How it is computed
    What calls are given in a pass of evaluation, at rates above zero. Whether `training` was left
    out is read in the statement that makes the call; where it cannot be (arguments in a dictionary,
    a function that is wrapped), that is information only. So are modules of the model that are kept
    in training mode: somebody has asked for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.analysis.passes import architecture_in_mode
from rflint.graph.architecture import DropoutMode, StrayDropout
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.rule import Example, Rule, Settings


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each line that drops values."""
    evaluation = architecture_in_mode(analysis, training=False)
    for dropout in evaluation.stray_dropouts if evaluation else ():
        severity = Severity.INFO if _may_be_meant(dropout) else Severity.WARNING
        places = (dropout.called,) if dropout.called else ()
        name = dropout.module or dropout.scope
        yield RULE.module_finding(name, _message(dropout), places, severity)


def _may_be_meant(dropout: StrayDropout) -> bool:
    return bool(dropout.module) or dropout.mode in (DropoutMode.SAID, DropoutMode.UNKNOWN)


def _message(dropout: StrayDropout) -> str:
    share = f"{100 * dropout.p:.3g} %"
    if not dropout.is_active:
        return (
            f"{dropout.op} drops nothing, in training neither: training is False by default; pass "
            "training=self.training"
        )
    if dropout.mode is DropoutMode.NONE:
        return (
            f"{dropout.op} drops {share} of its weights in evaluation, too: it does not know "
            "self.training; pass dropout_p=p if self.training else 0.0"
        )
    why = "it is kept in training mode" if dropout.module else _WHY[dropout.mode]
    return f"{dropout.op} drops {share} of its values in evaluation, too: {why}"


_WHY = {
    DropoutMode.LEFT_OUT: "training is True by default; pass training=self.training",
    DropoutMode.SAID: "training=True is passed; where that is not for Monte Carlo dropout or a "
    "pre-net, pass training=self.training",
    DropoutMode.UNKNOWN: "unless that is meant, pass training=self.training",
    DropoutMode.OF_MODULE: "it is a module that is built in forward, or kept in a plain list, and "
    "eval() does not reach it; assign it in __init__",
}


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """How many."""
    several = len(findings) > 1
    if all(found.severity is Severity.INFO for found in findings):
        subject = f"{len(findings)} dropouts are" if several else "A dropout is"
        return f"{subject} active in evaluation, as may be meant: predictions differ between calls."
    subject = f"{len(findings)} dropouts do" if several else "A dropout does"
    return f"{subject} not follow the mode of the model, training or evaluation."


def without_its_mode() -> Any:
    """Nobody tells the function that the model is in evaluation."""
    import torch.nn.functional as F
    from torch import Tensor, nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return F.dropout(self.conv(x), 0.1)

    return Net()


def with_its_mode() -> Any:
    """The function follows the module."""
    import torch.nn.functional as F
    from torch import Tensor, nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            return F.dropout(self.conv(x), 0.1, training=self.training)

    return Net()


RULE = Rule(
    "RF505",
    "active-dropout",
    Severity.WARNING,
    check=check,
    summarise=summarise,
    evidence=Evidence.PROVED,
    fails=[Example(without_its_mode, 16)],
    passes=[Example(with_its_mode, 16)],
)
