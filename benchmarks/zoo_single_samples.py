"""Try on the zoo what RF501 says of batch normalisation: PyTorch refuses to train on one sample.

    python -m benchmarks.zoo_single_samples [--match PATTERN]

Each model is built on the meta device and run once in training mode on a batch of one: PyTorch
looks at shapes before it computes anything. A line tells each model about which the rule and
PyTorch do not say the same, the last line how many of each kind there are.
"""

from __future__ import annotations

import argparse
import fnmatch
from collections import Counter

import torch

import rflint
from zoo.models import ZooModel, all_models

REFUSED = "Expected more than 1 value per channel when training"


def is_reported(model: ZooModel) -> bool:
    """Whether RF501 finds something."""
    report = rflint.lint(model.builder, input=list(model.inputs), select="RF501")
    return bool(report.findings)


def is_refused(model: ZooModel) -> bool | None:
    """Whether PyTorch refuses one sample in training; None where it does not run at all."""
    try:
        with torch.device("meta"):
            module = model.builder().train()
            module(*(torch.empty(1, *shape[1:]) for shape in model.inputs))
    except Exception as error:
        return True if REFUSED in str(error) else None
    return False


def main() -> None:
    """Compare, and count."""
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--match", default="*", help="only titles like this: 'timm/levit*'")
    options = parser.parse_args()
    counts: Counter[tuple[bool, bool | None]] = Counter()
    for title, model in all_models().items():
        if not fnmatch.fnmatchcase(title, options.match):
            continue
        found = is_reported(model), is_refused(model)
        counts[found] += 1
        if found[1] is None or found[0] is not found[1]:
            print(f"{title}: reported {found[0]}, refused {found[1]}", flush=True)
    for (reported, refused), number in counts.items():
        print(f"{number} models: reported {reported}, refused {refused}")


if __name__ == "__main__":
    main()
