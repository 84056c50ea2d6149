"""How long `rflint sizes` takes: 497 sizes, from 16 to 512 pixels, of torchvision's models.

    python -m benchmarks.sizes [--runs 3] [--markdown] [MODEL ...]

Seconds of computing beyond the imports, the model's construction counted in; the median of the
runs, and how many sizes were traced.
"""

from __future__ import annotations

import argparse
import statistics
import time

from benchmarks.tables import show
from zoo.models import all_models, warm_up

MODELS = ("resnet50", "densenet121", "swin_t")
SIZES = [(n, n) for n in range(16, 513)]


def measured(name: str, runs: int) -> tuple[str, str, str, str]:
    """A row: the model, seconds, sizes traced, and the sound range."""
    from rflint.analysis.sizes.survey import survey_sizes
    from rflint.inputs.tracing_options import TracingOptions
    from rflint.linting.settings import RuleOptions
    from rflint.tracing.model.build import build
    from rflint.usecases.analysed_model import analyse_model

    spent = []
    for _ in range(runs):
        begun = time.process_time()
        built = build(all_models()[f"torchvision/{name}"].builder, {}, name)
        model = analyse_model(built, (224, 224), None, TracingOptions(), RuleOptions())
        found = survey_sizes(model.analysis, SIZES)
        spent.append(time.process_time() - begun)
    sound = ", ".join(f"{a.size[0]} to {b.size[0]}" for a, b in found.sound)
    seconds = f"{statistics.median(spent):.1f}"
    return name, seconds, f"{len(found.traced)} of {len(SIZES)}", sound or "none"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=MODELS, metavar="MODEL")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    warm_up()
    rows = [measured(name, given.runs) for name in given.models]
    show(("model", "seconds", "sizes traced", "sound"), rows, markdown=given.markdown)


if __name__ == "__main__":
    main()
