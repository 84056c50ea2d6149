"""What a recorder leaves behind: a torch.fx graph of one forward pass, and what it was made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx, nn

from rflint.graph.architecture import DropoutMode, LeftOut, LooseTensor
from rflint.graph.source_location import SourceLocation
from rflint.graph.traits import Trait
from rflint.operators.table import Row


@dataclass(frozen=True)
class Step:
    """What the recorder knows of one call, beside what the torch.fx node says."""

    result: Any
    spelling: str
    row: Row | None
    module: nn.Module | None = None
    scope: str = ""
    """Path of the module in whose forward the call is made."""
    layer: str = ""
    """The layer's name: the module's path, or the node's name for a function."""
    owner: nn.Module | None = None
    """The user's convolution class whose forward calls the function, if that is what happens."""
    called: SourceLocation | None = None
    op: str = ""
    """The function's name in the code, where the table knows it by another."""
    writes: bool = False
    """Whether it writes its result over its input."""
    parameters: tuple[str, ...] = ()
    """Of a module: those that it holds when it is called."""
    computed_tensors: Mapping[str, fx.Node] = field(default_factory=dict)
    """Of a module: tensors that it holds and that were computed, by the names of its attributes."""
    training: bool = False
    """Of a module: its mode when it is called."""
    dropout_mode: DropoutMode | None = None
    """Of a dropout that is called as a function: what the call says of the mode."""
    is_zero: bool = False
    """Of a constant: whether forward has just made it of zeros."""

    @property
    def traits(self) -> frozenset[Trait]:
        """What the operator table says of the operator beside its kind."""
        return self.row.traits if self.row is not None else frozenset()


@dataclass(frozen=True)
class Recording:
    """A torch.fx graph of one forward pass, and what the tensors in it were."""

    graph: fx.Graph
    steps: Mapping[fx.Node, Step]
    outputs: tuple[fx.Node, ...]
    constants: Mapping[str, torch.Tensor]
    left_out: LeftOut | None = None
    reads_random_values: bool = False
    """Whether it read values of tensors that are random numbers."""
    reads_values: bool = False
    """Whether it read values of tensors at all."""
    assumed: tuple[SourceLocation, ...] = ()
    """Lines that assert something about values: taken to hold."""
    read_nodes: tuple[fx.Node, ...] = ()
    """Those whose values the code read."""
    sizes_read: tuple[tuple[fx.Node, int | None], ...] = ()
    """Tensors whose size Python code has asked for, with the dimension; None: all of them."""
    held: Mapping[fx.Node, tuple[LooseTensor, ...]] = field(default_factory=dict)
    """By constant, the tensors that it is made of and that the model has not registered."""
    parameters: Mapping[str, torch.Tensor] = field(default_factory=dict)
    """The parameters that the model had at first, and those that it got on the way."""
