"""Which parameters each recorded call uses, and which of the model's are used at all."""

from __future__ import annotations

from torch import fx, nn

from rflint.architecture import Kind, Parameter
from rflint.tracing.hidden import hidden_parameters
from rflint.tracing.operators import Call, Value
from rflint.tracing.operators.table import mapped
from rflint.tracing.recording import Recording, Step
from rflint.tracing.sources import construction_of
from rflint.tracing.tree import named_modules, named_parameters


class Parameters:
    """A model's parameters by name; a shared one goes by its first."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.modules = dict(named_modules(model))
        self.sizes = {name: p.numel() for name, p in named_parameters(model)}
        self._names = {id(p): name for name, p in named_parameters(model)}

    def named(self, name: str) -> Parameter:
        """The parameter of that name, and where its module was built."""
        owner = self.modules[name.rpartition(".")[0]]
        return Parameter(name, self.sizes[name], construction_of(owner))

    def of_module(self, module: nn.Module | None) -> list[str]:
        """Everything that a module holds."""
        parameters = module.parameters() if module is not None else ()
        return [self._names[id(p)] for p in parameters if id(p) in self._names]

    def of_call(self, step: Step, call: Call) -> list[tuple[str, int]]:
        """Name and size: those of the module, and those that constant arguments are made of."""
        if step.module is None and not call.data:
            return []  # whoever uses the result has them
        constants = [value for value in call.tensors if value.source is None]
        names = [
            *self.of_module(step.module),
            *sorted(name for value in constants for name in value.parameters),
        ]
        return [(name, self.sizes[name]) for name in dict.fromkeys(names)]

    def of_constant(self, step: Step, call: Call) -> frozenset[str]:
        """What a constant is made of: the parameters of modules that made it, too."""
        arguments = (value.parameters for value in call.tensors)
        return frozenset(self.of_module(step.module)).union(*arguments)

    def of_argument(self, step: Step, call: Call, name: str, position: int) -> tuple[str, ...]:
        """What a layer's weight or bias is, or is computed from."""
        if step.module is None:
            value = call.arg(name, position)
            constant = isinstance(value, Value) and value.source is None
            return tuple(sorted(value.parameters)) if constant else ()
        # of old-style weight_norm the parameters are weight_g and weight_v
        derived = (f"{name}_", f"parametrizations.{name}.")
        return tuple(
            self._names[id(p)]
            for own, p in step.module.named_parameters()
            if (own == name or own.startswith(derived)) and id(p) in self._names
        )

    def reaching_outputs(self, recording: Recording) -> frozenset[str]:
        """The parameters that outputs depend on.

        From the graph and not from the layers, since not every call is one: a table of parameters
        that is indexed with data, say.
        """
        used = set[str]()
        pending, seen = [*recording.outputs], set(recording.outputs)
        while pending:
            node = pending.pop()
            step = recording.steps[node]
            used.update({str(node.target)} if node.op == "get_attr" else ())
            used.update(self.of_module(step.module))
            read = [x for x in _inputs_of(node, step) if x not in seen]
            pending += read
            seen.update(read)
        return frozenset(used & self.sizes.keys())

    def unregistered(self, recording: Recording) -> tuple[Parameter, ...]:
        """Parameters that take part, and that the model does not know of."""
        used = list(map(id, recording.constants.values()))
        hidden = hidden_parameters(self.model) if used else {}
        return tuple(hidden[key] for key in used if key in hidden)


def _inputs_of(node: fx.Node, step: Step) -> list[fx.Node]:
    """The nodes whose values a node takes; of some arguments it takes the shape only."""
    if step.row is not None and step.row.kind is Kind.RESHAPE and node.args:
        found: list[fx.Node] = []
        mapped(node.args[0], fx.Node, found.append)
        return found
    return node.all_input_nodes
