"""Which parameters each recorded call uses, and which of the model's are used at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import torch
from torch import fx, nn
from torch.nn.modules.loss import _Loss
from torch.nn.parameter import is_lazy

from rflint.graph.architecture import Parameter
from rflint.graph.layer import Kind
from rflint.operators.call import mapped
from rflint.operators.values import Arrangement, Origins, Value
from rflint.tracing.lowering.lowered_call import LoweredCall
from rflint.tracing.lowering.origins import origins_of_constant
from rflint.tracing.model.construction import construction_of
from rflint.tracing.model.tree import named_modules, named_parameters
from rflint.tracing.model.unregistered import unregistered_parameters
from rflint.tracing.recording.recording import Recording, Step


class Parameters:
    """A model's parameters by name; a shared one goes by its first."""

    def __init__(self, model: nn.Module, recording: Recording) -> None:
        self.model = model
        self.recording = recording
        self.modules = dict(named_modules(model))
        at_first = recording.parameters
        now = dict(named_parameters(model))
        self.sizes = {name: _size(now.get(name, p)) for name, p in {**at_first, **now}.items()}
        self.frozen = frozenset(n for n, p in {**now, **at_first}.items() if not p.requires_grad)
        self._sized = {name: (name, size) for name, size in self.sizes.items()}
        """What layers say of a parameter; all that use it share one, since sums have many."""
        self._names = {id(p): name for name, p in (*now.items(), *at_first.items())}
        self._replaced = frozenset(n for n, p in at_first.items() if now.get(n) is not p)

    def named(self, name: str) -> Parameter:
        """The parameter of that name, and where its module was built."""
        owner = self.modules.get(name.rpartition(".")[0], self.model)
        return Parameter(name, self.sizes[name], construction_of(owner))

    def of_module(self, step: Step) -> list[str]:
        """The names of the parameters that a module holds."""
        return [name for name in step.parameters if name in self.sizes]

    def of_call(self, lowered: LoweredCall) -> list[tuple[str, int]]:
        """A call's parameters, by name and size: those of its module and of its constants."""
        if lowered.is_function and not lowered.call.data:
            return []  # whoever uses the result has them
        tensors = (*lowered.call.tensors, *lowered.computed_tensors.values())
        constants = [value for value in tensors if value.source is None]
        names = [
            *self.of_module(lowered.step),
            *sorted(name for value in constants for name in value.parameters.names()),
        ]
        return [self._sized[name] for name in dict.fromkeys(names)]

    def of_constant(self, step: Step, made_of: Sequence[Value]) -> Origins:
        """The parameters of a constant: those of the module that made it, and of these values."""
        return origins_of_constant(self.of_module(step), made_of)

    def of_argument(
        self, lowered: LoweredCall, name: str, position: int
    ) -> tuple[tuple[str, ...], Arrangement | None]:
        """What a layer's weight or bias is, or is computed from, and how its numbers lie there."""
        module = lowered.step.module
        if module is None:
            value = lowered.call.arg(name, position)
        else:
            value = lowered.computed_tensors.get(name)
        if isinstance(value, Value):
            if value.source is not None:
                return (), None
            return tuple(sorted(value.parameters.names())), value.arrangement
        if module is None:
            return (), None
        # of old-style weight_norm the parameters are weight_g and weight_v
        derived = (f"{name}_", f"parametrizations.{name}.")
        own = {
            n: self._names[id(p)]
            for n, p in named_parameters(module)
            if (n == name or n.startswith(derived)) and id(p) in self._names
        }
        # whatever a parametrisation computes
        orders = tuple((own_name, ()) for own_name in own.values())
        return tuple(own.values()), Arrangement(orders, mixed=set(own) != {name})

    def read_otherwise(self, values: Mapping[fx.Node, Value]) -> frozenset[str]:
        """Parameters that outputs are made of without a layer, or whose numbers the code reads."""
        nodes = (*self.recording.outputs, *self.recording.read_nodes)
        constants = [values[node] for node in nodes if values[node].source is None]
        return Origins((), tuple(value.parameters for value in constants)).names()

    def reaching_outputs(self) -> frozenset[str]:
        """The parameters that outputs depend on.

        From the graph and not from the layers, since not every call is one: a table of parameters
        that is indexed with data, say. What the code reads as numbers may decide anything, and
        parameters that forward has put others in the place of are no matter of theirs.
        """
        used = set(self._replaced)
        pending = [*self.recording.outputs, *self.recording.read_nodes]
        seen = set(pending)
        while pending:
            node = pending.pop()
            step = self.recording.steps[node]
            used.update({str(node.target)} if node.op == "get_attr" else ())
            used.update(self.of_module(step))
            sources = (*_inputs_of(node, step), *step.computed_tensors.values())
            new = [source for source in sources if source not in seen]
            pending += new
            seen.update(new)
        return frozenset(used & self.sizes.keys())

    def of_losses(self, names: Iterable[str]) -> frozenset[str]:
        """The parameters of modules that are losses, by their class or by their name."""
        return frozenset(name for name in names if any(map(_is_loss, self._owners(name))))

    def _owners(self, name: str) -> Iterator[tuple[str, nn.Module | None]]:
        while "." in name:
            name = name.rpartition(".")[0]
            yield name.rpartition(".")[2], self.modules.get(name)

    def unregistered(self) -> tuple[Parameter, ...]:
        """Parameters that are used, and that the model has not registered."""
        used = list(map(id, self.recording.constants.values()))
        found = unregistered_parameters(self.model) if used else {}
        return tuple(found[key] for key in used if key in found)


def _inputs_of(node: fx.Node, step: Step) -> list[fx.Node]:
    """The nodes whose values a node takes; of some arguments it takes the shape only."""
    if step.row is not None and step.row.kind is Kind.RESHAPE and node.args:
        found: list[fx.Node] = []
        mapped(node.args[0], fx.Node, found.append)
        return found
    return node.all_input_nodes


def _is_loss(owner: tuple[str, nn.Module | None]) -> bool:
    name, module = owner
    called = f"{name} {type(module).__name__}".lower()
    return isinstance(module, _Loss) or "loss" in called or "criterion" in called


def _size(parameter: torch.Tensor) -> int:
    """The elements of a parameter; 0 for one of a lazy module that never ran."""
    return 0 if is_lazy(parameter) else parameter.numel()
