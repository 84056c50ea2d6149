"""RF101, unproductive-layer: what it says is what Eq. 1 says, and nothing about single units.

The receptive field of a layer's input is the size of a window. A unit near the border of its map
sees less than that, since a part of the window lies in the padding.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

import rflint
from rflint.rule_files import load_rules


def deep() -> nn.Sequential:
    """At 16 px, its last convolution reads r = 18 pixels (Eq. 1: 1 + 2 + 1 + 4 + 2 + 8)."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )


def pixels_seen(front: nn.Module, size: int) -> Tensor:
    """For every position of what a module makes, how many input pixels have a gradient."""
    seen = []
    for module in front.modules():
        if isinstance(module, nn.MaxPool2d):  # of a maximum only one position has one
            module.forward = lambda x: nn.functional.avg_pool2d(x, 2)  # type: ignore[method-assign]
    image = torch.rand(1, 3, size, size, requires_grad=True)
    made = front(image).sum(1).flatten()
    for unit in made:
        (gradient,) = torch.autograd.grad(unit, image, retain_graph=True)
        seen.append((gradient.abs().sum((0, 1)) > 0).sum())
    return torch.stack(seen)


def test_the_message_speaks_of_the_receptive_field_and_not_of_what_units_have_seen() -> None:
    """No unit of what the unproductive layer reads sees all of the 256 pixels, though r > i."""
    assert pixels_seen(deep()[:5], 16).max() < 256
    report = rflint.lint(deep, res=16)
    (found,) = (x for x in report.findings if x.code == "RF101")
    assert found.layer == "5"
    assert found.message == (
        "the receptive field of what it reads is larger than the 16x16 input (18x18 pixels on the "
        "shortest path): its 2.32 k parameters and 36.9 k MACs are predicted to contribute nothing"
    )


def test_the_summary_speaks_of_the_receptive_field_too() -> None:
    analysis = rflint.lint(deep, res=16).models[0].analysis
    (rule,) = (rule for rule in load_rules() if rule.code == "RF101")
    said = rule.summarise(analysis, list(rflint.lint(deep, res=16).findings)[:1])
    assert said.startswith(
        "5 is predicted to contribute nothing: the receptive field of what it reads is larger than "
        "the 16x16 input. "
    )
