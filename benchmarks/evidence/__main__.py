"""Train thin networks on real images, measure them, and hold rflint's predictions against them.

    python -m benchmarks.evidence train [networks|repairs] [--processes 2]

Each training takes some minutes on one core; what has a result is not run again.
"""

from __future__ import annotations

import argparse

from rich.console import Console

from benchmarks.evidence import trainings


def main() -> None:
    """Run a step of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evidence", description=__doc__)
    parser.add_argument("step", choices=["train"])
    parser.add_argument("what", nargs="?", choices=["networks", "repairs"])
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    planned = {"networks": trainings.of_networks, "repairs": trainings.of_repairs}
    chosen = [given.what] if given.what else list(planned)
    listed = [training for what in chosen for training in planned[what]()]
    trainings.run_missing(listed, given.processes, Console())


if __name__ == "__main__":
    main()
