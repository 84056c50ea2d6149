"""Run a model's forward once on tensors without storage, and write down what it does.

The recorder stands where torch.fx's symbolic tracer would, and fills the same torch.fx.Graph: calls
of known torch.nn modules are kept whole, everything else is followed to torch functions. But the
values that flow are real tensors on the meta device and not proxies, so that control flow on
shapes, len(), iteration, assertions, item assignment and isinstance just work. What cannot work
without values (`if x.sum() > 0`) is reported with its place in the user's code.

Shapes come from the operator table where it knows them (see operators/table.py for why) and from
PyTorch's meta kernels elsewhere.
"""

from __future__ import annotations

import sys
import types
from collections import namedtuple
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx, nn
from torch.overrides import TorchFunctionMode

from rflint.architecture import Kind, Source
from rflint.errors import InputMismatch, RflintError, TraceFailed
from rflint.places import innermost_user_line, innermost_user_line_of
from rflint.tracing.meta import LARGE, META
from rflint.tracing.operators import Call, Row, ShapeError, find
from rflint.tracing.operators.table import mapped, show, tensors_in

_VIEW_PROPERTIES = frozenset({"T", "mT", "H", "mH", "data", "real", "imag"})
_VALUE_READS = frozenset(
    {"item", "tolist", "bool", "int", "float", "index", "complex", "numpy", "contains"}
    | {"nonzero", "argwhere", "equal", "allclose", "is_nonzero", "masked_select", "unique", "array"}
)
_FACTORIES = frozenset(
    {"empty", "zeros", "ones", "full", "rand", "randn", "eye", "arange", "linspace", "tensor"}
    | {"as_tensor", "randperm", "randint", "logspace", "tril_indices", "triu_indices"}
)
_LIKE = frozenset(
    {"empty_like", "zeros_like", "ones_like", "full_like", "rand_like", "randn_like"}
    | {"new_empty", "new_zeros", "new_ones", "new_full", "new_tensor"}
)
_COMPARISONS = frozenset(
    {"eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_not", "isnan"}
)
_Extremum = namedtuple("_Extremum", ["values", "indices"])


@dataclass(frozen=True)
class Edits:
    """What a repair changes, by layer name, while the model's own forward runs.

    `unit_stride` layers take stride 1, `skipped` ones pass their input on. After `cut` the model
    ends: global average pooling and a linear layer with `head_features` outputs follow.
    """

    unit_stride: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset()
    cut: tuple[str, int] | None = None
    head_features: int = 0


NO_EDITS = Edits()


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
    called: Source | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recording:
    """A torch.fx graph of one forward pass, and what the tensors in it were."""

    graph: fx.Graph
    steps: Mapping[fx.Node, Step]
    outputs: tuple[fx.Node, ...]
    constants: Mapping[str, torch.Tensor]
    cut: bool = False


class _Cut(BaseException):
    """Leaves the user's forward at the layer behind which a repair ends the model."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor


def record(model: nn.Module, inputs: Sequence[torch.Tensor], edits: Edits = NO_EDITS) -> Recording:
    """Run `model(*inputs)` on meta tensors and return the graph of what it did.

    Raises InputMismatch where a layer cannot run on what reaches it (it is named), and TraceFailed
    where the code needs values or fails otherwise.
    """
    recorder = Recorder(model, edits)
    placeholders = [
        recorder.placeholder(f"input_{i}" if i else "input", tensor)
        for i, tensor in enumerate(inputs)
    ]
    cut = False
    with recorder.recording():
        try:
            result = model(*placeholders)
        except _Cut as reached:
            cut = True
            result = recorder.head(reached.tensor)
        except RflintError:
            raise
        except Exception as error:
            raise _explained(recorder, error, placeholders) from error
    outputs = tuple(recorder.node(tensor) for tensor in _tensors_of(result))
    recorder.graph.output(outputs)
    return Recording(recorder.graph, recorder.steps, outputs, recorder.constants, cut)


class Recorder(TorchFunctionMode):
    """Sees every torch function that is called, and every module."""

    def __init__(self, model: nn.Module, edits: Edits = NO_EDITS) -> None:
        super().__init__()
        self.model = model
        self.edits = edits
        self.graph = fx.Graph()
        self.steps: dict[fx.Node, Step] = {}
        self.constants: dict[str, torch.Tensor] = {}
        self.stack: list[nn.Module] = []
        self.failed_in: str | None = None
        self._nodes: dict[int, fx.Node] = {}
        self._alive: list[torch.Tensor] = []
        self._twins: dict[int, torch.Tensor] = {}
        self._calls: dict[str, int] = {}
        self._paths = {id(module): path for path, module in model.named_modules()}
        self._stored = {id(t): name for name, t in model.named_buffers()}
        self._stored |= {id(t): name for name, t in model.named_parameters()}

    # -- tensors and nodes

    def placeholder(self, name: str, tensor: torch.Tensor) -> torch.Tensor:
        """An input of the model, without storage."""
        twin = torch.empty(tensor.shape, dtype=tensor.dtype, device=META)
        self._bind(twin, self._step(self.graph.placeholder(name), Step(twin, "input", None)))
        return twin

    def node(self, tensor: torch.Tensor) -> fx.Node:
        """The node that made a tensor; parameters and constants get one on first use."""
        known = self._nodes.get(id(tensor))
        if known is not None:
            return known
        name = self._stored.get(id(tensor))
        if name is None:
            name = f"_tensor_constant{len(self.constants)}"
            self.constants[name] = tensor
        node = self.graph.create_node("get_attr", name)
        self._bind(tensor, self._step(node, Step(tensor, "get_attr", None)))
        return node

    def is_tracked(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor came out of something recorded."""
        return id(tensor) in self._nodes or tensor.device.type == "meta"

    def _bind(self, tensor: torch.Tensor, node: fx.Node) -> None:
        self._nodes[id(tensor)] = node
        self._alive.append(tensor)

    def _step(self, node: fx.Node, step: Step) -> fx.Node:
        self.steps[node] = step
        return node

    def _on_meta(self, argument: Any) -> Any:
        """The same arguments with every real tensor replaced by one without storage."""
        return mapped(argument, torch.Tensor, self._twin)

    def _twin(self, tensor: torch.Tensor) -> torch.Tensor:
        if tensor.device.type == "meta":
            return tensor
        if id(tensor) not in self._twins:
            self._twins[id(tensor)] = torch.empty(tensor.shape, dtype=tensor.dtype, device=META)
            self._alive.append(tensor)
        return self._twins[id(tensor)]

    # -- functions

    def __torch_function__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        name: str = func.__name__
        if name == "__get__":
            name = func.__self__.__name__
            if name not in _VIEW_PROPERTIES:
                return func(*args, **kwargs)
        spelling = name.strip("_")
        if spelling in _FACTORIES or spelling in _LIKE:
            return self._constant(func, spelling, args, kwargs)
        tracked = [t for t in tensors_in((args, kwargs)) if self.is_tracked(t)]
        if not tracked or spelling == "assert":
            return func(*args, **kwargs) if not tracked else None
        if spelling in _VALUE_READS:
            raise TraceFailed(
                f"this reads values that only exist at run time (.{spelling}() of a "
                f"{show(tracked[0].shape)} tensor)",
                hint="rflint follows control flow on shapes, but not on data. Lint the part of "
                "the model before this line, or keep values out of the architecture.",
                source=innermost_user_line(sys._getframe(1)),
            )
        return self._function(func, spelling, name, args, kwargs)

    def _constant(
        self, func: Any, spelling: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """New tensors carry nothing of the input; small ones stay real for code that reads them."""
        if spelling in _LIKE and self.is_tracked(args[0]):
            dtype = kwargs.get("dtype") or args[0].dtype
            shape = args[0].shape if spelling.endswith("_like") else args[1]
            if spelling == "new_tensor":
                return torch.tensor(args[1], dtype=dtype)
            if not isinstance(shape, tuple | list):
                shape = tuple(a for a in args[1:] if isinstance(a, int))
            device = META if _elements(shape) > LARGE else None
            return torch.zeros(tuple(shape), dtype=dtype, device=device)
        if str(kwargs.get("device", "cpu")) != "cpu":
            kwargs["device"] = "cpu"
        return func(*args, **kwargs)

    def _function(
        self, func: Any, spelling: str, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        row = find(spelling)
        caller = innermost_user_line(sys._getframe(2))
        method = _is_method(func, name)
        target = name if method else func
        if name in _VIEW_PROPERTIES or name == "__setitem__":
            method, target = False, _PROPERTIES.get(name, _setitem)
        node = self.graph.create_node(
            "call_method" if method else "call_function",
            target,
            self._as_nodes(args),
            self._as_nodes(kwargs),
            name=spelling,
        )
        owner = self._convolution_class(node)
        layer = self._paths[id(owner)] if owner is not None else node.name
        overrides = self._overrides(layer)
        call = Call(spelling, args, kwargs, overrides=overrides)
        in_place = _in_place(name, kwargs)
        if layer in self.edits.skipped:
            self.graph.erase_node(node)
            return call.input
        try:
            if name == "__setitem__":
                result = args[0]
            elif row is not None and row.shape is not None:
                result = self._shaped(call, row, in_place=in_place)
            else:
                result = func(*self._on_meta(args), **self._on_meta(kwargs))
        except ShapeError as error:
            raise self._mismatch(layer, spelling, call, error, caller) from error
        if not any(True for _ in _tensors_of(result)):
            self.graph.erase_node(node)
            return result
        step = Step(result, spelling, row, None, self._scope(), layer, owner, caller, overrides)
        self._finish(node, step, layer)
        return None if name == "__setitem__" else result

    # -- modules

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record while the model runs. Not reentrant, and not for several threads at once."""
        original = nn.Module.__call__
        recorder = self

        def recorded_call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
            return recorder.call_module(original, module, args, kwargs)

        nn.Module.__call__ = recorded_call  # type: ignore[method-assign]
        try:
            with torch.no_grad(), self:
                yield
        finally:
            nn.Module.__call__ = original  # type: ignore[method-assign]

    def call_module(
        self, original: Any, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Keep known modules whole, follow all others into their forward."""
        path = self._paths.get(id(module), "")
        _, row = leaf_row(module)
        tracked = any(self.is_tracked(t) for t in tensors_in((args, kwargs)))
        if path and tracked and (row is not None or isinstance(module, torch.jit.ScriptModule)):
            if not (module._forward_hooks or module._forward_pre_hooks):
                return self._leaf(module, path, args, kwargs)
            return self._leaf_with_hooks(original, module, path, args, kwargs)
        self.stack.append(module)
        try:
            return original(module, *args, **kwargs)
        except Exception:
            self.failed_in = self.failed_in or path
            raise
        finally:
            self.stack.pop()

    def _leaf_with_hooks(
        self, original: Any, module: nn.Module, path: str, args: Any, kwargs: Any
    ) -> Any:
        """Hooks run around the recorded call as they would around the real one."""
        forward = module.__dict__.get("forward")
        module.__dict__["forward"] = lambda *a, **k: self._leaf(module, path, a, k)
        try:
            return original(module, *args, **kwargs)
        finally:
            if forward is None:
                del module.__dict__["forward"]
            else:
                module.__dict__["forward"] = forward

    def _leaf(self, module: nn.Module, path: str, args: Any, kwargs: dict[str, Any]) -> Any:
        spelling, row = leaf_row(module)
        caller = innermost_user_line(sys._getframe(2))
        overrides = self._overrides(path)
        call = Call(spelling, args, kwargs, module, overrides=overrides)
        if path in self.edits.skipped:
            return call.input
        try:
            if row is not None and row.shape is not None:
                result = self._shaped(call, row, in_place=bool(getattr(module, "inplace", False)))
            else:
                with torch._C.DisableTorchFunction():
                    result = type(module).forward(
                        module, *self._on_meta(args), **self._on_meta(kwargs)
                    )
        except ShapeError as error:
            raise self._mismatch(path, type(module).__name__, call, error, caller) from error
        node = self.graph.create_node(
            "call_module", path, self._as_nodes(args), self._as_nodes(kwargs)
        )
        scope = self._scope()
        step = Step(result, spelling, row, module, scope, path, None, caller, overrides)
        self._finish(node, step, path)
        return result

    def _scope(self) -> str:
        """The path of the innermost module that has one."""
        paths = (self._paths.get(id(module), "") for module in reversed(self.stack))
        return next((path for path in paths if path), "")

    def _convolution_class(self, node: fx.Node) -> nn.Module | None:
        """The user's own subclass of a convolution in whose forward a functional one is called.

        To its author that class is the layer; a node's name would say nothing.
        """
        module = self.stack[-1] if self.stack else None
        if isinstance(module, nn.modules.conv._ConvNd) and node.name.startswith("conv"):
            return module
        return None

    # -- results

    def _shaped(self, call: Call, row: Row, *, in_place: bool) -> Any:
        assert row.shape is not None
        shape = row.shape(call)
        first: torch.Tensor = call.input
        if in_place and first.device.type == "meta" and tuple(first.shape) == shape:
            return first
        dtype = _result_dtype(call, row)
        if isinstance(shape, list):
            values = torch.empty(shape[0], dtype=dtype, device=META)
            return _Extremum(values, torch.empty(shape[1], dtype=torch.int64, device=META))
        return torch.empty(shape, dtype=dtype, device=META)

    def _finish(self, node: fx.Node, step: Step, layer: str) -> None:
        self._step(node, step)
        if isinstance(step.result, torch.Tensor):
            self._bind(step.result, node)
        else:
            for i, tensor in enumerate(_tensors_of(step.result)):
                part = self.graph.create_node(
                    "call_function", _take, (node, i), name=f"{node.name}_part"
                )
                self._bind(tensor, self._step(part, Step(tensor, "part", None)))
        call = self._calls.get(layer, 0)
        self._calls[layer] = call + 1
        if self.edits.cut == (layer, call):
            raise _Cut(step.result)

    def head(self, tensor: torch.Tensor) -> torch.Tensor:
        """The classifier that a truncated model ends in: global average pooling and one layer."""
        pooled = nn.functional.adaptive_avg_pool2d if tensor.dim() == 4 else None
        dims = tuple(range(2, tensor.dim()))
        features = pooled(tensor, 1).flatten(1) if pooled else tensor.mean(dims)
        features_in = int(features.shape[1])
        weight = nn.Parameter(
            torch.empty(self.edits.head_features, features_in, dtype=tensor.dtype, device=META)
        )
        bias = nn.Parameter(torch.empty(self.edits.head_features, dtype=tensor.dtype, device=META))
        self._stored |= {id(weight): "head.weight", id(bias): "head.bias"}
        self._alive += [weight, bias]
        return nn.functional.linear(features, weight, bias)

    def _overrides(self, layer: str) -> Mapping[str, Any]:
        return {"stride": 1} if layer in self.edits.unit_stride else {}

    def _as_nodes(self, argument: Any) -> Any:
        return mapped(argument, torch.Tensor, self.node)

    def _mismatch(
        self, layer: str, op: str, call: Call, error: ShapeError, source: Source | None
    ) -> InputMismatch:
        shapes = " and ".join(show(tensor.shape) for tensor in call.tensors)
        return InputMismatch(f"layer {layer} ({op}) cannot run on {shapes}: {error}", source=source)


def leaf_row(module: nn.Module) -> tuple[str, Row | None]:
    """The table's row for a torch.nn module, found by the class that defines its forward.

    A subclass that keeps the forward is the same operator; one with its own is followed into. A
    parametrised module (weight_norm, spectral_norm) is a subclass that keeps the forward.
    """
    lineage = type(module).__mro__
    for depth, cls in enumerate(lineage):
        if "forward" in vars(cls) or "_conv_forward" in vars(cls):
            for candidate in lineage[: depth + 1]:
                if candidate.__module__.startswith("torch.") and find(candidate.__name__):
                    ours = cls.__module__.startswith("torch.")
                    return candidate.__name__, find(candidate.__name__) if ours else None
            break
    return type(module).__name__, None


def _explained(
    recorder: Recorder, error: Exception, placeholders: Sequence[torch.Tensor]
) -> RflintError:
    """An error of the user's forward, or of PyTorch inside it, with its place."""
    path = recorder.failed_in
    where = f"in {path}: " if path else ""
    shapes = ", ".join(show(tensor.shape) for tensor in placeholders)
    text = str(error).strip().split("\n")[0] or type(error).__name__
    return TraceFailed(
        f"the forward pass fails on a {shapes} input: {where}{type(error).__name__}: {text}",
        hint="Does the model run on a real tensor of this shape? If the shape is wrong, give "
        "--res or --input.",
        source=innermost_user_line_of(error),
    )


def _result_dtype(call: Call, row: Row) -> torch.dtype:
    if call.name in _COMPARISONS:
        return torch.bool
    dtypes = [t.dtype for t in call.tensors if t.dtype.is_floating_point]
    for argument in (*call.args[1:], *call.kwargs.values()):
        if isinstance(argument, torch.dtype):
            return argument
    if call.name == "float":
        return torch.float32
    if call.name in ("argmax", "argmin"):
        return torch.int64
    first: torch.dtype = call.input.dtype
    return dtypes[0] if dtypes and row.kind is not Kind.RESHAPE else first


def _in_place(name: str, kwargs: Mapping[str, Any]) -> bool:
    if kwargs.get("inplace") is True:
        return True
    inplace_operator = name.startswith("__i") and name not in ("__invert__", "__index__", "__int__")
    return inplace_operator or (name.endswith("_") and not name.endswith("__"))


def _is_method(func: Any, name: str) -> bool:
    return getattr(torch.Tensor, name, None) is func or isinstance(
        func, types.MethodDescriptorType | types.WrapperDescriptorType
    )


def _elements(shape: Sequence[int]) -> int:
    return torch.Size(shape).numel()


def _take(results: Any, index: int) -> torch.Tensor:
    """The index-th tensor of an operator with several results."""
    return list(_tensors_of(results))[index]


def _setitem(tensor: torch.Tensor, index: Any, value: Any) -> torch.Tensor:
    """`tensor[index] = value` as a function."""
    tensor[index] = value
    return tensor


_PROPERTIES = {name: lambda tensor, name=name: getattr(tensor, name) for name in _VIEW_PROPERTIES}


def _tensors_of(result: Any) -> Iterator[torch.Tensor]:
    """The tensors of a model's or an operator's result, whatever holds them."""
    if isinstance(result, torch.Tensor):
        yield result
    elif isinstance(result, Mapping):
        for item in result.values():
            yield from _tensors_of(item)
    elif isinstance(result, tuple | list):
        for item in result:
            yield from _tensors_of(item)
    elif hasattr(result, "__dataclass_fields__"):
        for name in result.__dataclass_fields__:
            yield from _tensors_of(getattr(result, name))
