"""A part of the model that depends on data, and was left out.

What it is
    The model's forward reads numbers that only exist at run time (`if x.sum() > 0`, `.item()`,
    indexing with a mask), as detectors do behind non-maximum suppression. rflint follows control
    flow on shapes, but has no data. So it analyses what comes before that line, and reports the
    line. "complete" is false, and "left_out" says where.

    Code that asks about values without another model depending on it is followed. An assertion
    (`assert not x.isnan().any()`, `if not torch.equal(a, b): raise`) is taken to hold; "assumed"
    lists its line. A branch that only prints or warns is passed by. A number that is taken out with
    `.item()` may be printed, kept, returned and computed with.

Why it matters
    Layers behind that line were not looked at. Everything in front of it was judged as usual.

How to fix it
    Nothing is wrong with your model. If layers behind that line should be judged, lint them on
    their own, with --input for what reaches them; or move reading values out of the architecture.

When to ignore it
    Where everything that you want judged (a backbone, a neck) comes before that line.

How it is computed
    The forward runs on tensors without data. Where it asks one for its values, the recording ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rflint.analysis.analysis import Analysis
from rflint.linting.finding import Finding, Severity
from rflint.linting.rule import Example, Rule, Settings


def check(analysis: Analysis, settings: Settings) -> Iterator[Finding]:
    """One finding where the analysis ends before the model does."""
    left_out = analysis.architecture.left_out
    if left_out is not None:
        yield RULE.model_finding(
            left_out.scope or "forward",
            f"the analysis ends here: {left_out.reason}",
            left_out.source,
        )


def thresholds() -> Any:
    """What happens behind the convolution depends on its values."""
    from torch import Tensor, nn

    class Thresholds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)
            self.refine = nn.Conv2d(8, 8, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.conv(x)
            return self.refine(out) if out.mean() > 0 else out

    return Thresholds()


def looks_at_shapes() -> Any:
    """Control flow on shapes is followed."""
    from torch import Tensor, nn

    class LooksAtShapes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)
            self.refine = nn.Conv2d(8, 8, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.conv(x)
            return self.refine(out) if out.shape[-1] > 8 else out

    return LooksAtShapes()


RULE = Rule(
    "RF902",
    "left-out-part",
    Severity.INFO,
    check=check,
    fails=[Example(thresholds, 16)],
    passes=[Example(looks_at_shapes, 16)],
)
