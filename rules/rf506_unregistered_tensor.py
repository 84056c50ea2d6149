"""A tensor that forward uses, and that the model does not move or save.

What it is
    A tensor is an ordinary attribute of a module, `self.pe = torch.zeros(...)`, and neither a
    parameter nor a buffer. Forward combines it with what it is given.

Why it matters
    `model.to("cuda")` leaves it where it was made: "Expected all tensors to be on the same device".
    `state_dict()` does not save it, and what was drawn by chance is another one after loading.
    `half()` does not convert it.

How to fix it
    `self.register_buffer("pe", pe)`. With `persistent=False` it is moved and not saved: checkpoints
    from before still load. What should be trained is an nn.Parameter.

When to ignore it
    Where the model runs on one device only, and the tensor can be computed again.

How it is computed
    Tensors that are attributes when forward begins, and those that forward computes from them
    alone, are followed to where they meet anything else. Moved there (`self.pe.to(x.device)`), or
    of a model that overrides how it is moved, they are no finding; nor are single numbers, which
    PyTorch combines across devices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.graph.architecture import Held
from rflint.linting.finding import Evidence, Finding, Severity
from rflint.linting.rule import Example, Rule, Settings
from rflint.text.numbers import size


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding for each attribute."""
    for tensor in analysis.architecture.loose_tensors:
        if tensor.held is Held.CONSTANT:
            attribute = tensor.name.rpartition(".")[2]
            message = (
                f"a plain tensor of {size(tensor.shape)} that forward uses: model.to(device) "
                "leaves it where it is, and state_dict() does not save it; "
                f'self.register_buffer("{attribute}", ...)'
            )
            yield RULE.module_finding(tensor.name, message, tensor.construction)


def summarise(analysis: Analysis, findings: Sequence[Finding]) -> str:
    """How many."""
    subject = f"{len(findings)} tensors are" if len(findings) > 1 else "A tensor is"
    return f"{subject} used by forward, and neither moved nor saved with the model."


def attribute() -> Any:
    """A table that stays on the CPU."""
    import torch
    from torch import Tensor, nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)
            self.scale = torch.ones(8, 1, 1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.conv(x) * self.scale
            return out

    return Net()


def buffer() -> Any:
    """A table that is moved and saved."""
    import torch
    from torch import Tensor, nn

    class Net(nn.Module):
        scale: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)
            self.register_buffer("scale", torch.ones(8, 1, 1))

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.conv(x) * self.scale
            return out

    return Net()


RULE = Rule(
    "RF506",
    "unregistered-tensor",
    Severity.INFO,
    check=check,
    summarise=summarise,
    evidence=Evidence.PROVED,
    fails=[Example(attribute, 16)],
    passes=[Example(buffer, 16)],
)
