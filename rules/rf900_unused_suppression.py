"""A comment that suppresses a rule, where there is nothing to suppress.

What it is
    A comment `# rflint: ignore[...]` answers for lines that build or call layers of this model, and
    none of these layers has such a finding. Or the comment can suppress nothing wherever it stands:
    it names no rule that there is, or cannot be understood.

Why it matters
    The reason for the comment is gone: the layer was repaired, or the input has grown. A comment
    that stays hides the next finding on that line.

How to fix it
    Remove the comment, or the code that is not needed any more.

When to ignore it
    Where a file is part of several models and only some of them are linted in this run. (Models
    that the configuration names and this run leaves out are reason enough for rflint to keep
    quiet.) A comment that names this rule too, `# rflint: ignore[RF101, RF900]`, may be unused.

How it is computed
    After all rules have run on all models, comments on lines that build or call layers are held
    against the findings on these lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rflint.linting.finding import Finding, Severity
from rflint.linting.rule import Example, Rule, UnusedSuppression


def check(unused: Sequence[UnusedSuppression]) -> Iterator[Finding]:
    """One finding for each comment that suppressed nothing."""
    for comment in unused:
        name = comment.layer or Path(comment.source.path).name
        yield RULE.model_finding(name, comment.message, comment.source)


def forgotten() -> Any:
    """The layer that the comment was for can contribute at this size."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.Conv2d(8, 8, 3, padding=1),  # rflint: ignore[RF101] wanted for its capacity
    )


def needed() -> Any:
    """The last convolution lies past the border, and somebody said why it stays."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(3, 8, 15, padding=7),
        nn.Conv2d(8, 8, 15, padding=7),
        nn.Conv2d(8, 8, 3, padding=1),  # rflint: ignore[RF101] wanted for its capacity
    )


RULE = Rule(
    "RF900",
    "unused-suppression",
    Severity.WARNING,
    check_suppressions=check,
    fails=[Example(forgotten, 16)],
    passes=[Example(needed, 16)],
)
