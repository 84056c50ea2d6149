"""The weights of a file: a state dict, however deep a training framework has put it.

Files are read without running code that they hold (torch.load with weights_only=True).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from rflint.errors import RflintError, UsageError
from rflint.measurement.running.weights_file import read_weights
from rflint.text.numbers import first_few, plural, size
from rflint.text.suggest import similar

_DEEPEST = 4
"""How many mappings may lie around a state dict."""
_FIRST = ("state_dict_ema", "model_ema", "ema_state_dict", "state_dict", "model", "net")
"""Keys that are looked into first, where a file holds several state dicts."""
_SHOWN = 4
_ALIKE = 0.75
"""How similar the names of two modules are, at least, to be taken for one that was renamed."""


class UnfitWeights(RflintError):
    """The weights of a file are not those of the model."""

    kind = "weights"
    sizes: tuple[tuple[int, int], ...] = ()
    """Sizes of weights that differ, in the model and in the file."""


@dataclass(frozen=True, slots=True)
class LoadedWeights:
    """What was read, to be said beside what was measured."""

    path: str
    inside: str
    """The keys that led to the state dict in the file; empty where the file is one."""
    prefix: str
    """What the names in the file begin with, and those of the model do not."""

    @property
    def told(self) -> str:
        """Where they come from: 'last.pt (state_dict, without "model.")'."""
        how = [self.inside] if self.inside else []
        how += [f'without "{self.prefix}"'] if self.prefix else []
        return f"{self.path} ({', '.join(how)})" if how else self.path


def load_weights(model: nn.Module, file: Path) -> LoadedWeights:
    """Put the weights of a file into a model, all of them.

    Raises UsageError where the file cannot be read, UnfitWeights where it holds other weights.
    """
    found = list(_state_dicts(read_weights(file)))
    if not found:
        raise UsageError(
            f"{file} holds no state dict",
            hint="Save one: torch.save(model.state_dict(), file).",
        )
    expected = model.state_dict()
    inside, state = max(found, key=lambda one: _matching(_fitted(one[1], expected)[1], expected))
    prefix, fitted = _fitted(state, expected)
    _check(file, fitted, expected)
    model.load_state_dict({**expected, **fitted})
    return LoadedWeights(str(file), ".".join(inside), prefix)


def _state_dicts(
    held: Any, inside: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], dict[str, Tensor]]]:
    """All mappings of names to tensors, with the keys that lead to them; the likeliest first."""
    if not isinstance(held, Mapping) or len(inside) > _DEEPEST:
        return
    tensors = {
        name: value
        for name, value in held.items()
        if isinstance(name, str) and isinstance(value, Tensor)
    }
    if tensors:
        yield inside, tensors
    names = [name for name, value in held.items() if isinstance(value, Mapping)]
    for name in sorted(names, key=lambda x: _FIRST.index(x) if x in _FIRST else len(_FIRST)):
        yield from _state_dicts(held[name], (*inside, str(name)))


def _fitted(
    state: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> tuple[str, dict[str, Tensor]]:
    """The state under the names of the model, and the prefix that was taken off.

    Names in the file may begin with what wrappers put there (module., _orig_mod., model.), and
    what does not begin with it (a loss, a metric) belongs to something else.
    """
    prefixes = {""}
    for name in state:
        parts = name.split(".")
        prefixes |= {".".join(parts[:depth]) + "." for depth in range(1, min(len(parts), 5))}
    best = max(prefixes, key=lambda x: (_matching(_without(x, state), expected), -len(x)))
    return best, _without(best, state)


def _without(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name[len(prefix) :].replace("_orig_mod.", ""): value
        for name, value in state.items()
        if name.startswith(prefix)
    }


def _matching(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> int:
    """How many of the expected names are there, those of the right shape twice."""
    return sum(
        1 + (state[name].shape == value.shape) for name, value in expected.items() if name in state
    )


def _check(file: Path, state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Raise UnfitWeights with the keys that do not fit."""
    missing = [name for name in expected if name not in state and not _is_counter(name)]
    unexpected = [name for name in state if name not in expected]
    other = [
        f"{name} is {_size(state[name])} in the file and {_size(value)} in the model"
        for name, value in expected.items()
        if name in state and state[name].shape != value.shape
    ]
    told = [
        *(
            [f"{plural(len(missing), 'key')} missing: {first_few(missing, _SHOWN)}"]
            if missing
            else []
        ),
        *(
            [f"{plural(len(unexpected), 'key')} unexpected: {first_few(unexpected, _SHOWN)}"]
            if unexpected
            else []
        ),
        *([f"other shapes: {first_few(other, _SHOWN)}"] if other else []),
    ]
    if told:
        error = UnfitWeights(
            f"the weights of {file} do not fit the model: {'; '.join(told)}",
            hint=_renamed(missing, unexpected, state, expected),
        )
        error.sizes = _differing_sizes(state, expected)
        raise error


def _renamed(
    missing: Sequence[str],
    unexpected: Sequence[str],
    state: Mapping[str, Tensor],
    expected: Mapping[str, Tensor],
) -> str:
    """A sentence on a weight that the file has under another name that is much alike."""
    for name in missing[:1]:
        module, _, parameter = name.rpartition(".")
        alike = {
            other.rpartition(".")[0]: other
            for other in unexpected
            if other.rpartition(".")[2] == parameter and state[other].shape == expected[name].shape
        }
        for near in similar(module, alike, cutoff=_ALIKE):
            return f"{alike[near]} of the file may be {name} of the model: rename the keys."
    return ""


def _differing_sizes(
    state: Mapping[str, Tensor], expected: Mapping[str, Tensor]
) -> tuple[tuple[int, int], ...]:
    """Each pair of sizes once, in the order of the model's weights."""
    pairs = [
        (there, here)
        for name, value in expected.items()
        if name in state and state[name].dim() == value.dim()
        for there, here in zip(value.shape, state[name].shape, strict=True)
        if there != here
    ]
    return tuple(dict.fromkeys(pairs))


def _is_counter(name: str) -> bool:
    """Whether it says how many batches a normalisation has seen: older files lack that."""
    return name.endswith("num_batches_tracked")


def _size(tensor: Tensor) -> str:
    return size(tensor.shape) if tensor.dim() else "a number"
