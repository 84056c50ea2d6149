"""What is said of how far a sweep is."""

from __future__ import annotations

import pytest

from rflint.cli.sweep_progress import progress_text
from rflint.usecases.sweep.run import Progress


@pytest.mark.parametrize(
    ("done", "total", "is_total", "rate", "said"),
    [
        (0, 0, False, 0.0, "0 of 0 or more"),
        (3, 27, True, 0.0, "3 of 27"),
        (1200, 15625, True, 31.5, "1,200 of 15,625, 31.5 a second, 0:07:38 left"),
        (1200, 15625, False, 31.5, "1,200 of 15,625 or more, 31.5 a second"),
        (10, 1000, True, 0.05, "10 of 1,000, 3.0 a minute, 5:30:00 left"),
    ],
)
def test_how_far_how_fast_and_how_long_still(
    done: int, total: int, is_total: bool, rate: float, said: str
) -> None:
    assert progress_text(Progress(done, total, is_total), rate) == said
