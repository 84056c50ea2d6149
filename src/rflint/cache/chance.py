"""Generators of random numbers, Python's and numpy's: whether chance had a part in a run."""

from __future__ import annotations

import random
import sys
from typing import Any


def generators() -> list[str]:
    """The modules whose generators all code shares, as far as they are imported."""
    return [name for name in ("random", "numpy.random") if name in sys.modules]


class Chance:
    """Python's and numpy's generators, which are seeded by chance until somebody seeds them."""

    def __init__(self) -> None:
        self.before = {name: _state_of_generator(name) for name in generators()}
        self.fixed: set[str] = set()
        """Those that draw the same numbers in every run."""

    def seeded(self, name: str, *values: Any) -> bool:
        """Note that; whether numbers were drawn by chance before, or will be."""
        if not values or values[0] is None:
            return name in self.fixed
        used = self._was_used(name)
        self.fixed.add(name)
        return used

    def was_used(self) -> bool:
        """Whether numbers were drawn by chance."""
        return any(map(self._was_used, generators()))

    def _was_used(self, name: str) -> bool:
        if name in self.fixed:
            return False
        now = _state_of_generator(name)
        if name in self.before:
            return bool(now != self.before[name])
        # numpy's has been imported only now; as long as nobody uses it, it is at the end
        return bool(now[1] < 623) and not _is_seeded_by_hand(name)


def _is_seeded_by_hand(name: str) -> bool:
    """Of numpy's: whether what it was seeded from by chance is forgotten."""
    generator = getattr(sys.modules[name], "get_bit_generator", lambda: 0)()
    return getattr(generator, "seed_seq", generator) is None


def _state_of_generator(name: str) -> Any:
    if name == "random":
        return random.getstate()
    state = sys.modules[name].get_state(legacy=False)["state"]
    return state["key"].tobytes(), state["pos"]
