"""Train thin networks on real images, measure them, and hold rflint's predictions against them.

    python -m benchmarks.evidence [train|measure|write] [--processes 2]

Each training takes some minutes on one core; what has a result is not run again.
"""

from __future__ import annotations

import argparse

from rich.console import Console

from benchmarks.evidence import measuring, page, trainings


def main() -> None:
    """Run one step, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evidence", description=__doc__)
    parser.add_argument("step", nargs="?", choices=["train", "measure", "write"])
    parser.add_argument("--processes", type=int, default=2, metavar="N")
    given = parser.parse_args()
    console = Console()
    networks = list(trainings.of_networks())
    if given.step in (None, "train"):
        planned = [*networks, *trainings.of_repairs()]
        trainings.run_missing(planned, given.processes, console)
    if given.step in (None, "measure"):
        measuring.run_missing(networks, given.processes, console)
    if given.step in (None, "write"):
        page.write()
        console.print(f"wrote {page.PAGE}")


if __name__ == "__main__":
    main()
