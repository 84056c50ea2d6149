"""Try on the zoo what RF303 claims: other biases leave the outputs of a training pass as they were.

    python -m benchmarks.zoo_biases [--match PATTERN] [--largest GMACS]

RF303 fires on more models than any other rule, so each of them is tried: it is built for real, the
biases that the rule calls redundant are changed at random, and the outputs are compared with those
before. Beside it stands what changing the first weight does, to see that something could differ.
Small numbers are rounding; batch normalisation over two numbers (gates, at a batch of two)
magnifies it.
"""

from __future__ import annotations

import argparse
import copy
import fnmatch
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

import rflint
from benchmarks.tables import show
from rflint.tracing.recording.tensors import tensors_of
from zoo.models import ZooModel, all_models


def redundant(model: ZooModel, largest: float) -> frozenset[str]:
    """The biases that RF303 names; none of models with more multiply-accumulates."""
    report = rflint.lint(model.builder, input=list(model.inputs), select="RF303").models[0]
    if report.analysis.totals.macs > largest:
        return frozenset()
    bias = {x.layer.name: x.layer.bias for x in report.layers}
    return frozenset(name for finding in report.findings for name in bias[finding.layer])


def outputs(module: nn.Module, inputs: Sequence[Tensor]) -> list[Tensor]:
    """Of one training pass on a copy, with the same chance every time."""
    torch.manual_seed(1)
    with torch.no_grad():
        return list(tensors_of(copy.deepcopy(module)(*inputs)))


def changed(module: nn.Module, names: Iterable[str]) -> nn.Module:
    """A copy with other values in these parameters."""
    other = copy.deepcopy(module)
    parameters = dict(other.named_parameters())
    with torch.no_grad():
        for name in names:
            parameters[name].add_(torch.randn_like(parameters[name]) / 2)
    return other


def difference(before: Sequence[Tensor], after: Sequence[Tensor]) -> float:
    """The largest one, as a share of the largest output."""
    return max(
        float((a - b).abs().max() / a.abs().max().clamp_min(1e-9))
        for a, b in zip(before, after, strict=True)
    )


def tried(model: ZooModel, biases: frozenset[str]) -> tuple[float, float]:
    """How much outputs differ under other biases, and under another first weight."""
    torch.manual_seed(0)
    module: nn.Module = model.builder().train()
    # batch normalisation needs more than one value
    inputs: Any = [torch.rand(2, *shape[1:]) for shape in model.inputs]
    before = outputs(module, inputs)
    weight = next(n for n, p in module.named_parameters() if p.ndim > 1)
    return (
        difference(before, outputs(changed(module, biases), inputs)),
        difference(before, outputs(changed(module, [weight]), inputs)),
    )


def main() -> None:
    """Try all, and print a table."""
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--match", default="*", help="only names like this: 'vgg*'")
    parser.add_argument("--largest", type=float, default=10, help="GMACs of a model (default 10)")
    options = parser.parse_args()
    rows: list[tuple[str, ...]] = []
    for model in all_models().values():
        if not fnmatch.fnmatchcase(model.name, options.match):
            continue
        biases = redundant(model, options.largest * 1e9)
        if biases:
            by_bias, by_weight = tried(model, biases)
            rows.append((model.title, str(len(biases)), f"{by_bias:.0e}", f"{by_weight:.0e}"))
    show(("model", "biases", "other biases", "another weight"), rows, markdown=False)


if __name__ == "__main__":
    main()
