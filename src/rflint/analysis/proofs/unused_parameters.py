"""Parameters that no output depends on: training never changes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

from rflint.analysis.analysis import Analysis
from rflint.analysis.passes import is_repeatable
from rflint.graph.architecture import Architecture
from rflint.graph.source_location import SourceLocation


@dataclass(frozen=True, slots=True)
class UnusedParameters:
    """Parameters that no output depends on: one, or all of a module."""

    name: str
    """The parameter's, or the path of the outermost module whose parameters these all are."""
    parameters: tuple[str, ...]
    size: int
    """In scalars."""
    places: tuple[SourceLocation, ...]
    """The user's lines that have to do with it."""
    computed: bool
    """Whether something is computed from it, and then not used."""
    why: str = ""
    """Why that may be intended: "frozen", "loss"."""

    @property
    def is_module(self) -> bool:
        """Whether it stands for a module."""
        return self.parameters != (self.name,)


def proved_unused_parameters(analysis: Analysis) -> tuple[UnusedParameters, ...]:
    """Parameters that no output depends on in any pass, in evaluation or in training.

    Where it was training that was analysed, only passes in training count: a parameter that is used
    in evaluation alone is never trained.
    """
    alone = unused_parameters(analysis.architecture)
    if not alone or not is_repeatable(analysis):
        return ()
    others = analysis.retracer.other_passes()
    in_other_mode = () if analysis.architecture.training else others.other_mode
    if in_other_mode is None:
        return ()
    left = {name for unused in alone for name in unused.parameters}
    for other in (*(others.same_mode or ()), *in_other_mode):
        left &= {
            name for unused in unused_parameters(other.architecture) for name in unused.parameters
        }
    return unused_parameters(analysis.architecture, left) if left else ()


def unused_parameters(
    architecture: Architecture, among: Set[str] | None = None
) -> tuple[UnusedParameters, ...]:
    """Parameters that no output depends on, in the model's order, whole modules as one.

    Without those that other methods than forward use. `among`: no others. None where no output is
    known at all: a model may return an object of a class of its own.
    """
    if not architecture.output_shapes or architecture.left_out is not None:
        return ()
    places: dict[str, tuple[SourceLocation, ...]] = {
        x.name: x.construction for x in architecture.unused_parameters
    }
    sizes = {x.name: x.size for x in architecture.unused_parameters}
    computed = set[str]()
    reached = architecture.relations.live_layers
    used = {*architecture.used_parameters, *architecture.used_by_other_methods}
    for index, layer in enumerate(architecture.layers):
        if index in reached:
            used.update(name for name, _ in layer.parameters)
    for index, layer in enumerate(architecture.layers):
        if index not in reached:
            new = {name: size for name, size in layer.parameters if name not in used}
            sizes |= new
            computed |= new.keys()
            places |= dict.fromkeys(new, layer.places)
    if among is not None:
        used |= sizes.keys() - among
    names = [name for name in sizes if name not in used]
    # a module that is called is not one to leave out, though none of its parameters be used
    called = {architecture.layers[index].scope for index in reached}
    modules = {prefix for name in used for prefix in _prefixes(name)}
    modules |= {prefix for scope in called for prefix in _prefixes(f"{scope}.")}
    reasons = {name: _reason(architecture, name) for name in names}
    whys: dict[str, set[str]] = {}
    for name in names:
        for prefix in _prefixes(name):
            whys.setdefault(prefix, set()).add(reasons[name])
    modules |= {prefix for prefix, why in whys.items() if len(why) > 1}
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(next((p for p in _prefixes(name) if p not in modules), name), []).append(
            name
        )
    return tuple(
        UnusedParameters(
            group,
            tuple(members),
            sum(sizes[name] for name in members),
            tuple(dict.fromkeys(_flat(places[name] for name in members))),
            any(name in computed for name in members),
            reasons[members[0]],
        )
        for group, members in groups.items()
    )


def _reason(architecture: Architecture, name: str) -> str:
    if name in architecture.frozen_parameters:
        return "frozen"
    return "loss" if name in architecture.loss_parameters else ""


def _prefixes(name: str) -> Iterator[str]:
    """The paths of the modules that a parameter is in, outermost first, without the model."""
    parts = name.split(".")[:-1]
    return (".".join(parts[: i + 1]) for i in range(len(parts)))


def _flat(places: Iterable[tuple[SourceLocation, ...]]) -> Iterator[SourceLocation]:
    for some in places:
        yield from some
