"""Lint a small model once, so that those that follow need not import what linting needs.

Much is imported when it is first wanted. In a worker, each model has a process of its own: what is
not imported before costs every one of them.
"""

from __future__ import annotations

import torch
from torch import nn

from rflint.inputs.tracing_options import TracingOptions
from rflint.linting.rule_files import load_rules
from rflint.linting.settings import rule_options
from rflint.tracing.model.build import build
from rflint.usecases.model import lint_model
from rflint.usecases.targets import import_torch


def warm_up() -> None:
    """Build, trace and lint a model that has findings and repairs, as the JSON report has them."""
    import_torch()
    # a process that is forked from one with threads of OpenMP waits for them for ever
    torch.set_num_threads(1)
    rules = load_rules()
    options = rule_options(rules, {}, ())
    built = build(_network, {}, "a small model")
    report, _ = lint_model(
        built, "small:model", rules, options, (8, 8), None, TracingOptions(), with_repairs=True
    )
    report.to_dict()


def _network() -> nn.Module:
    """Three convolutions, the last of which sees all of 8 pixels in its input already."""
    return nn.Sequential(
        nn.Conv2d(3, 4, 7, stride=2, padding=3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2),
    )
