"""Whether random numbers were drawn from Python's and numpy's shared generators."""

from __future__ import annotations

import random
import sys
from typing import Any


def shared_generators() -> list[str]:
    """The modules, of those imported, that have a generator which all code shares."""
    return [name for name in ("random", "numpy.random") if name in sys.modules]


def drawing_functions(module: str) -> list[str]:
    """The functions of a module that draw from its shared generator, and those that set it."""
    found = vars(sys.modules[module])
    shared = getattr(found.get("random"), "__self__", None)
    others = ("seed", "getstate", "get_state")
    return [
        name
        for name, function in found.items()
        if shared is not None
        and getattr(function, "__self__", None) is shared
        and name not in others
    ]


class Randomness:
    """Compares the shared generators with what they were when this object was made.

    A generator that was seeded with a given number draws the same numbers in every run.
    """

    def __init__(self) -> None:
        self.before = {name: _generator_state(name) for name in shared_generators()}
        self.fixed: set[str] = set()
        """Generators that were seeded with a given number."""

    def seeded(self, name: str, *values: Any) -> bool:
        """Note that a generator was seeded; say if that lets random numbers into the result."""
        if not values or values[0] is None:
            return name in self.fixed
        used = self._was_used(name)
        self.fixed.add(name)
        return used

    def counts(self, name: str) -> bool:
        """Whether numbers from a generator lie behind already that differ from run to run."""
        return name not in self.before or self._was_used(name)

    def passed_by(self, name: str) -> None:
        """What has been drawn so far does not count."""
        self.before[name] = _generator_state(name)

    def was_used(self) -> bool:
        """Whether random numbers were drawn, other than from a generator with a given seed."""
        return any(map(self._was_used, shared_generators()))

    def _was_used(self, name: str) -> bool:
        if name in self.fixed:
            return False
        now = _generator_state(name)
        if name in self.before:
            return bool(now != self.before[name])
        # numpy was imported meanwhile; until its generator is used, its position is at the end
        return bool(now[1] < 623) and not _has_given_seed(name)


def _has_given_seed(name: str) -> bool:
    """Whether numpy's generator was seeded by hand: then it has no SeedSequence."""
    generator = getattr(sys.modules[name], "get_bit_generator", lambda: 0)()
    return getattr(generator, "seed_seq", generator) is None


def _generator_state(name: str) -> Any:
    if name == "random":
        return random.getstate()
    state = sys.modules[name].get_state(legacy=False)["state"]
    return state["key"].tobytes(), state["pos"]
