"""What became of a candidate that was tried at several sizes."""

from __future__ import annotations

from dataclasses import dataclass

from rflint.inputs.notation import Sizes
from rflint.usercode.candidates import Candidate


@dataclass(frozen=True, slots=True)
class SizeTried:
    """What became of a model at one size."""

    size: Sizes
    why: str = ""
    """Why it does not run."""
    hint: str = ""
    """What to do about that."""
    inputs: tuple[str, ...] = ()
    params: int = 0
    convs: int = 0
    unproductive: int = 0
    complete: bool = True

    @property
    def runs(self) -> bool:
        """Whether it was analysed."""
        return not self.why


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a candidate."""

    candidate: Candidate
    sizes: tuple[SizeTried, ...] = ()
    why: str = ""
    """Why it was not built, or not tried at all."""
    place: str = ""
    advice: str = ""
    """What to do about that."""

    @property
    def running(self) -> tuple[SizeTried, ...]:
        """The sizes at which it runs."""
        return tuple(x for x in self.sizes if x.runs)

    @property
    def is_usable(self) -> bool:
        """Whether there is something to lint: it runs at a size, and has weights."""
        return any(x.params for x in self.running)

    @property
    def reason(self) -> str:
        """Why it is not usable."""
        if self.why:
            return f"{self.place}: {self.why}" if self.place else self.why
        if self.running:
            return "it has no weights"
        return self.sizes[0].why if self.sizes else "it was not tried"

    @property
    def hint(self) -> str:
        """What to do about it, where that is known."""
        return self.sizes[0].hint if self.sizes and not self.why else self.advice
