"""Which node of a recorded graph made which tensor, and which tensors have real numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import fx, nn

from rflint.errors import UnsupportedByTracer
from rflint.graph.architecture import Held, LooseTensor
from rflint.graph.source_location import SourceLocation
from rflint.operators.call import mapped
from rflint.operators.find import find
from rflint.operators.shapes import shape_text
from rflint.tracing.model.held_tensors import HeldTensor, held_tensors
from rflint.tracing.model.meta_device import LARGE, META
from rflint.tracing.recording.aliases import Aliases, is_same_view, storage_of
from rflint.tracing.recording.graph_functions import overlaid, take
from rflint.tracing.recording.model_tensors import ModelTensors, other_tensors
from rflint.tracing.recording.recording import Step
from rflint.tracing.recording.tensors import tensors_of


class TensorTracker:
    """The graph of a recording while it is made, and the tensors that its nodes stand for."""

    def __init__(
        self,
        model: nn.Module,
        scope: Callable[[], str],
        call_site: Callable[[], SourceLocation | None],
    ) -> None:
        self.graph = fx.Graph()
        self.steps: dict[fx.Node, Step] = {}
        self.constants: dict[str, torch.Tensor] = {}
        self.stored = ModelTensors(model)
        self._scope = scope
        self._call_site = call_site
        self._nodes: dict[int, fx.Node] = {}
        self._aliases = Aliases()
        self._without_values: set[int] = set()
        """The storages of which a part was written whose numbers nobody knows."""
        self._real: set[int] = set()
        """Small parameters, and what was computed from nothing else."""
        self._alive: list[torch.Tensor] = []
        others = list(other_tensors(model))
        self._constants = {id(tensor) for tensor in others}
        """Tensors without storage that no node has made."""
        self._known_parameters = {id(t) for t in others if isinstance(t, nn.Parameter)}
        """Parameters that lie in lists of modules, and are not registered."""
        self._held = held_tensors(model)
        self._made_of: dict[int, tuple[HeldTensor, ...]] = {
            key: (held,) for key, held in self._held.items()
        }
        """By the identity of a constant, the attributes of modules that it is made of."""
        self.held: dict[fx.Node, tuple[LooseTensor, ...]] = {}
        """The same by the node of the constant, and parameters that forward has created."""
        self._on_meta: dict[int, torch.Tensor] = {}
        """By the identity of a real tensor, one without storage that stands for it."""
        self._zeros: dict[int, tuple[torch.Tensor, int]] = {}
        """Tensors that forward has made of zeros, and their versions then."""

    # -- tensors and nodes

    def placeholder(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        """An input of the model, without storage unless its numbers are known.

        They are where it is one number, or one for each image; those of images are never looked at.
        """
        if tensor.device.type != "meta" and tensor.dim() <= 1:
            known = tensor.clone()
            self._real.add(id(known))
            self._bind(known, self._step(self.graph.placeholder(name), Step(known, "input", None)))
            return known
        on_meta = torch.empty(tensor.shape, dtype=tensor.dtype, device=META)
        self._bind(on_meta, self._step(self.graph.placeholder(name), Step(on_meta, "input", None)))
        return on_meta

    def known_node(self, tensor: torch.Tensor) -> fx.Node | None:
        """The node that made a tensor, if something recorded has."""
        return self._nodes.get(id(tensor))

    def input_index(self, tensor: torch.Tensor) -> int | None:
        """Which input of the model a tensor is, if it is one."""
        inputs = [node for node in self.graph.nodes if node.op == "placeholder"]
        node = self._nodes.get(id(tensor))
        return inputs.index(node) if node in inputs else None

    def constant(self, tensor: torch.Tensor) -> torch.Tensor:
        """A tensor without storage that carries nothing of the input."""
        self._alive.append(tensor)
        self._constants.add(id(tensor))
        return tensor

    def derived(self, result: Any, tensors: Iterable[torch.Tensor]) -> None:
        """Note that constants were computed from others, on the device of those."""
        sources = [held for t in tensors for held in self._made_of.get(id(t), ())]
        if sources:
            for tensor in tensors_of(result):
                self._alive.append(tensor)
                self._made_of[id(tensor)] = tuple(dict.fromkeys(sources))

    def moves(self, tensor: torch.Tensor, result: torch.Tensor) -> None:
        """Note that a constant is moved to where it is needed; that does not register it."""
        made_of = self._made_of.pop(id(tensor), ())
        trained = tuple(held for held in made_of if held.told.held is not Held.CONSTANT)
        if trained:
            self._alive.append(result)
            self._made_of[id(tensor)] = self._made_of[id(result)] = trained

    def zeros(self, tensor: torch.Tensor) -> torch.Tensor:
        """A tensor that forward has just made of zeros."""
        if not tensor.is_inference():  # they have no versions
            self._zeros[id(tensor)] = (tensor, tensor._version)
        return tensor

    def _is_zero(self, tensor: torch.Tensor) -> bool:
        """Whether it is one, and nothing has been written into it since."""
        made, version = self._zeros.get(id(tensor), (None, 0))
        return made is tensor and tensor._version == version

    def node(self, tensor: torch.Tensor) -> fx.Node:
        """The node that made a tensor; parameters and constants get one on first use.

        Raises UnsupportedByTracer for a tensor without storage that nothing recorded has made.
        """
        known = self._nodes.get(id(tensor))
        if known is not None:
            return known
        name = self.stored.name(tensor)
        source = self._renamed(tensor) if name is None else None
        if source is not None:
            self._bind(tensor, source)
            return source
        if name is None:
            name = self._constant_name(tensor)
        node = self.graph.create_node("get_attr", name)
        if tensor.device.type != "meta":
            self._real.add(id(tensor))
        is_zero = self._is_zero(tensor)
        self._bind(tensor, self._step(node, Step(tensor, "get_attr", None, is_zero=is_zero)))
        if str(node.target) in self.constants:
            self._note_held(node, tensor)
        for written in self._aliases.written_to(tensor):
            # a view of it was filled before anything else happened to it
            self._overlay(tensor, written, self._call_site())
        return self._nodes[id(tensor)]

    def _note_held(self, node: fx.Node, tensor: torch.Tensor) -> None:
        made_of = self._made_of.get(id(tensor), ())
        if made_of:
            self.held[node] = tuple(held.told for held in made_of)
        elif isinstance(tensor, nn.Parameter) and id(tensor) not in self._known_parameters:
            called = self._call_site()
            shape, lines = tuple(tensor.shape), (called,) if called else ()
            self.held[node] = (LooseTensor(self._scope(), shape, Held.CREATED, lines),)

    def _constant_name(self, tensor: torch.Tensor) -> str:
        if tensor.device.type == "meta" and id(tensor) not in self._constants:
            raise UnsupportedByTracer(
                f"a {shape_text(tensor.shape)} tensor was computed by code that does not call "
                "torch through Python",
                source=self._call_site(),
            )
        name = f"_tensor_constant{len(self.constants)}"
        self.constants[name] = tensor
        return name

    def _renamed(self, tensor: torch.Tensor) -> fx.Node | None:
        """The node of the tensor that a new parameter was made of in forward, if there is one."""
        if isinstance(tensor, nn.Parameter):
            for other in self._aliases.of(tensor):
                if is_same_view(tensor, other):
                    return self._nodes[id(other)]
        return None

    def copied(self, tensor: torch.Tensor, memo: dict[int, Any]) -> torch.Tensor:
        """The copy that copy.deepcopy makes of a tensor; it stands for the same node."""
        if id(tensor) in memo:
            found: torch.Tensor = memo[id(tensor)]
            return found
        node, real = self.node(tensor), self.has_values(tensor)
        with torch._C.DisableTorchFunction():
            copy = tensor.detach().clone()
        memo[id(tensor)] = copy
        self._bind(copy, node)
        if real:
            self._real.add(id(copy))
        return copy

    def computed(self, tensors: Iterable[tuple[str, torch.Tensor]]) -> dict[str, fx.Node]:
        """The nodes of those tensors that were computed, by name."""
        found = ((name, self._nodes.get(id(tensor))) for name, tensor in tensors)
        return {name: node for name, node in found if node is not None and node.op != "get_attr"}

    def replace(self, tensor: torch.Tensor, value: torch.Tensor) -> None:
        """`tensor.data = value`: the tensor stands for what the value stands for."""
        node, real = self.node(value), self.has_values(value)
        self.changes_layout(tensor)
        with torch._C.DisableTorchFunction():
            alike = tensor.device.type == value.device.type
            content = value.detach() if alike else _empty_like(value, tensor.device)
            tensor.data = content
        self._bind(tensor, node)
        (self._real.add if real and alike else self._real.discard)(id(tensor))

    def as_nodes(self, argument: Any) -> Any:
        """Nested arguments with nodes in the place of tensors."""
        return mapped(argument, torch.Tensor, self.node)

    def bind(self, node: fx.Node, step: Step) -> None:
        """Note that a node stands for a call, and what it returned for the node."""
        self._step(node, step)
        if isinstance(step.result, torch.Tensor):
            self._bind(step.result, node)
        else:
            for i, tensor in enumerate(tensors_of(step.result)):
                part = self.graph.create_node(
                    "call_function", take, (node, i), name=f"{node.name}_part"
                )
                self._bind(tensor, self._step(part, Step(tensor, "part", None)))

    def wrote(self, written: torch.Tensor, caller: SourceLocation | None) -> None:
        """Note that a tensor was written in place, and its aliases with it."""
        for other in self._aliases.of(written):
            if other is not written:
                self._overlay(other, written, caller)
        self._aliases.note_write(written)
        if not self.has_values(written):
            self._without_values.add(storage_of(written))

    def changes_layout(self, tensor: torch.Tensor) -> None:
        """Note that a tensor gets another shape in place: what was done so far saw the old one."""
        node = self._nodes.get(id(tensor))
        if node is not None:
            before = _empty_like(tensor, META)
            self.steps[node] = dataclasses.replace(self.steps[node], result=before)

    def _overlay(
        self, base: torch.Tensor, written: torch.Tensor, caller: SourceLocation | None
    ) -> None:
        """Record that a tensor has changed where another one, on its storage, was written."""
        if not self.has_values(written):
            self._real.discard(id(base))
        node = self.graph.create_node(
            "call_function", overlaid, (self._nodes[id(base)], self._nodes[id(written)])
        )
        scope = self._scope()
        step = Step(base, "overlaid", find("overlaid"), None, scope, node.name, None, caller)
        self._bind(base, self._step(node, step))

    def _bind(self, tensor: torch.Tensor, node: fx.Node) -> None:
        self._aliases.add(tensor)
        self._nodes[id(tensor)] = node

    def _step(self, node: fx.Node, step: Step) -> fx.Node:
        self.steps[node] = step
        return node

    # -- numbers

    def is_tracked(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor is a parameter or came out of something recorded."""
        known = id(tensor) in self._nodes or tensor in self.stored
        return known or tensor.device.type == "meta" or bool(self._aliases.written_to(tensor))

    def has_values(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor's numbers are real: neither without storage nor made from what is."""
        if tensor.device.type == "meta" or self._lost_values(tensor):
            return False
        return id(tensor) not in self._nodes or id(tensor) in self._real

    def is_cheap(self, tensor: torch.Tensor) -> bool:
        """Whether to compute with a tensor's numbers, for code that reads them."""
        return self.has_values(tensor) and tensor.numel() <= LARGE

    def gained_values(self, result: Any) -> None:
        """Note that the tensors of a result were computed from real numbers alone."""
        self._real.update(id(tensor) for tensor in tensors_of(result))

    def lost_values(self, tensor: torch.Tensor) -> None:
        """Note that something without numbers was written into a tensor."""
        self._real.discard(id(tensor))

    def on_meta(self, argument: Any) -> Any:
        """The same arguments with every real tensor replaced by one without storage."""
        return mapped(argument, torch.Tensor, self._without_storage)

    def _lost_values(self, tensor: torch.Tensor) -> bool:
        """Whether something without numbers was written into a tensor, through a view of it."""
        return bool(self._without_values) and storage_of(tensor) in self._without_values

    def _without_storage(self, tensor: torch.Tensor) -> torch.Tensor:
        if tensor.device.type == "meta":
            return tensor
        if id(tensor) not in self._on_meta:
            self._on_meta[id(tensor)] = _empty_like(tensor, META)
            self._alive.append(tensor)
        return self._on_meta[id(tensor)]


def _empty_like(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    return torch.empty(tensor.shape, dtype=tensor.dtype, device=device)
