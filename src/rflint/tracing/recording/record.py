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
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import fx, nn
from torch.nn.modules.lazy import LazyModuleMixin
from torch.overrides import TorchFunctionMode

from rflint.errors import DataDependent, RflintError, TraceFailed, UnsupportedByTracer
from rflint.graph.architecture import LeftOut
from rflint.graph.layer import Kind
from rflint.graph.source_location import SourceLocation
from rflint.operators.call import Call, tensors_in
from rflint.operators.find import find
from rflint.operators.shapes import ShapeError, Shapes, broadcast, show
from rflint.operators.table import Row
from rflint.tracing.aten import spelling_of
from rflint.tracing.model.construction import constructed_at
from rflint.tracing.model.meta_device import LARGE, META, MOVES, default_device, moved
from rflint.tracing.model.tree import named_modules, parameters
from rflint.tracing.recording.failures import check_signature, explained, mismatch
from rflint.tracing.recording.functions import (
    DRAWS,
    FACTORIES,
    LIKE,
    VALUE_READS,
    VIEW_PROPERTIES,
    VIEWS_IN_PLACE,
    in_place,
    is_library_operator,
    is_method,
    is_usual_call,
    leaf_row,
    name_of,
    property_getter,
    result_dtype,
    setitem,
    tensors_of,
)
from rflint.tracing.recording.patching import (
    around_hooks,
    modules_called_by,
    run_eagerly,
    scripts_refused,
    uncompiled,
)
from rflint.tracing.recording.real_runs import CannotRun, results_like
from rflint.tracing.recording.recording import Recording, Step
from rflint.tracing.recording.tensor_tracker import TensorTracker
from rflint.tracing.recording.value_reads import COMPARISONS, COMPOSED, TEXTS, Reading
from rflint.tracing.recording.vmap import vmap_unrolled
from rflint.usercode.frame_marks import enters_user_code
from rflint.usercode.interrupts import is_ctrl_c
from rflint.usercode.source_lines import innermost_user_line

_OPERANDS = (torch.Tensor, int, float, complex)
"""What a tensor is usually compared with."""

_Several = namedtuple("_Several", ["values", "indices"])
"""Two results; where they are an extremum and its place, PyTorch gives them these names."""


@enters_user_code
def record(model: nn.Module, inputs: Sequence[torch.Tensor]) -> Recording:
    """Run `model(*inputs)` on meta tensors and return the graph of what it did.

    Where the code reads values that only exist at run time, the recording ends, and its outputs are
    the results that nothing has used so far. Raises InputMismatch where a layer cannot run on what
    reaches it (it is named), TraceFailed where the code fails or reads values before its first
    convolution, and UnsupportedByTracer where only this way of following fails.
    """
    if not model._forward_pre_hooks:
        check_signature(model, inputs)
    recorder = Recorder(model)
    placeholders = [
        recorder.ledger.placeholder(f"input_{i}" if i else "input", tensor)
        for i, tensor in enumerate(inputs)
    ]
    with recorder.recording():
        try:
            result = model(*placeholders)
            if isinstance(result, Iterator):
                result = list(result)  # a forward that yields has not done anything yet
            return recorder.finished(result)
        except BaseException as error:
            if is_ctrl_c(error):
                raise
            known = isinstance(error, RflintError)
            failure = (
                error
                if known
                else explained(
                    error, placeholders, path=recorder.failed_in, by_torch=recorder.torch_error
                )
            )
            if isinstance(failure, DataDependent) and recorder.has_convolved:
                return recorder.broken_off(failure)
            if known:
                raise
            raise failure from error


class Recorder(TorchFunctionMode):
    """Sees every torch function that is called, and every module."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.ledger = TensorTracker(model, self._scope, lambda: self._called())
        self.graph = self.ledger.graph
        self.stack: list[nn.Module] = []
        self.failed_in: str | None = None
        self.torch_error: Exception | None = None
        """What PyTorch raised last, as opposed to the user's code or rflint."""
        self.reading = Reading(self.ledger, lambda: self._called(), self.call_function)
        self._busy = False
        """Whether something runs that is recorded as a whole."""
        self._drawn: dict[int, torch.Tensor] = {}
        """Tensors that are left to chance."""
        self.by_chance = False
        """Whether the code read values that had been drawn."""
        self.reads_values = False
        self._late: list[nn.Module] = []
        """Modules that were not registered at first."""
        self._read: list[fx.Node] = []
        """What had its values read."""
        self._paths = {id(module): path for path, module in named_modules(model)}

    def finished(self, result: Any) -> Recording:
        """The recording, once the model has returned."""
        outputs = tuple(self.ledger.node(tensor) for tensor in tensors_of(result))
        self.graph.output(outputs)
        return self._recording(outputs)

    def broken_off(self, error: DataDependent) -> Recording:
        """The recording up to where the model reads values."""
        unused = [
            node
            for node, step in self.ledger.steps.items()
            if not node.users and step.spelling not in ("input", "get_attr")
        ]
        self.graph.output(tuple(unused))
        left_out = LeftOut(error.message, self.failed_in or "", error.source)
        return self._recording(tuple(unused), left_out)

    def _recording(
        self, outputs: tuple[fx.Node, ...], left_out: LeftOut | None = None
    ) -> Recording:
        return Recording(
            self.graph,
            self.ledger.steps,
            outputs,
            self.ledger.constants,
            left_out,
            self.by_chance,
            self.reads_values,
            tuple(self.reading.assumed),
            tuple(dict.fromkeys(self._read)),
            self.ledger.parameters,
        )

    @property
    def has_convolved(self) -> bool:
        """Whether a convolution has been recorded."""
        return any(step.row and step.row.kind.is_convolution for step in self.ledger.steps.values())

    # -- functions

    def __torch_function__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = name_of(func)
        if name == "__set__":
            return self._set(func, *args)
        if name == "__get__":
            name = func.__self__.__name__
            if name not in VIEW_PROPERTIES:
                return func(*args, **kwargs)
        return self.call_function(func, name, args, kwargs)

    def call_function(
        self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], op: str = ""
    ) -> Any:
        """Record a call of a torch function, and return what it would.

        `name` is the one under which the operator table knows the function, up to underscores;
        `op` the one that the code uses, if that is another.
        """
        spelling = spelling_of(name, args)
        by_chance = self._is_drawn(spelling, args, kwargs)
        if name in VALUE_READS:
            self.reads_values = True
            self.by_chance = self.by_chance or by_chance
        result = self._called_function(func, spelling, name, args, kwargs, op)
        if by_chance:
            written = args[:1] if name == "__setitem__" else ()
            self._drawn.update((id(x), x) for x in (*tensors_of(result), *written))
        return result

    def _called_function(
        self,
        func: Any,
        spelling: str,
        name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        op: str,
    ) -> Any:
        if name == "__deepcopy__":
            return self.ledger.copied(args[0], args[1])
        if spelling in FACTORIES or spelling in LIKE:
            self.reading.check_known((args, kwargs))
            made = self._constant(func, spelling, args, kwargs)
            return self.ledger.zeros(made) if "zeros" in spelling else made
        if spelling == "getitem" and isinstance(args[1], str):
            raise TraceFailed(
                f"forward takes a dictionary: it asks an input for {args[1]!r}",
                hint="rflint gives tensors. Lint a small module around the model, whose forward "
                "takes the tensors one by one and passes them on as a dictionary.",
                source=self._called(),
            )
        args, kwargs = self.reading.with_known_sizes(spelling, args, kwargs)
        tracked = [t for t in tensors_in((args, kwargs)) if self.ledger.is_tracked(t)]
        if not tracked and name in MOVES:
            # to the device of an input that pretends to be elsewhere: values stay readable
            return moved(args[0], name, args[1:], kwargs)
        if not tracked:
            return self._of_constants(func(*args, **kwargs))
        if kwargs.get("out") is not None:
            return self._written_out(func, name, args, kwargs, op)
        if spelling == "assert":
            self.reading.asserted()
            return None
        if spelling == "shape_as_tensor":
            return torch.tensor(args[0].shape)
        if spelling in COMPOSED:
            return self._composed(spelling, args)
        if name in VALUE_READS and all(map(self.ledger.has_values, tracked)):
            self._read += map(self.ledger.node, tracked)
            return func(*args, **kwargs)
        if name in VALUE_READS:
            return self.reading.read(spelling, args, tracked[0])
        if name in TEXTS:
            return self.reading.printed(tracked[0], args)
        if spelling in COMPARISONS and len(args) == 2 and not isinstance(args[1], _OPERANDS):
            answer = self._run_on_nothing(func, args)
            if answer is NotImplemented:
                return answer
        return self._function(func, spelling, name, args, kwargs, op)

    def _written_out(
        self, func: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], op: str
    ) -> Any:
        """`f(x, out=y)` writes f(x) into y, and returns y."""
        rest = {key: value for key, value in kwargs.items() if key != "out"}
        results = list(tensors_of(self.call_function(func, name, args, rest, op)))
        for target, result in zip(tensors_of(kwargs["out"]), results, strict=True):
            if target.shape != result.shape:  # torch makes room for what is written
                with torch._C.DisableTorchFunction():
                    target.resize_(result.shape)
            self.call_function(torch.Tensor.copy_, "copy_", (target, result), {})
        return kwargs["out"]

    def _set(self, func: Any, tensor: torch.Tensor, value: Any) -> None:
        """An attribute of a tensor is assigned to; `data` is what it holds."""
        takes = func.__self__.__name__ == "data" and isinstance(value, torch.Tensor)
        if takes and (self.ledger.is_tracked(tensor) or self.ledger.is_tracked(value)):
            self.ledger.replace(tensor, value)
        else:
            func(tensor, value)

    def _is_drawn(self, spelling: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether a function draws numbers, or computes with such."""
        if spelling in DRAWS:
            return True
        return bool(self._drawn) and any(id(x) in self._drawn for x in tensors_in((args, kwargs)))

    def _of_constants(self, result: Any) -> Any:
        """What was computed from nothing recorded, but where the model's weights lie."""
        for tensor in tensors_of(result):
            if tensor.device.type == "meta":
                self.ledger.constant(tensor)
        return result

    def _constant(
        self, func: Any, spelling: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """New tensors carry nothing of the input; small ones stay real for code that reads them."""
        if spelling in LIKE and self.ledger.is_tracked(args[0]):
            dtype = kwargs.get("dtype") or args[0].dtype
            if spelling == "new_tensor":
                return torch.tensor(args[1], dtype=dtype)
            like = spelling.endswith("_like")
            shape = args[0].shape if like else args[1] if len(args) > 1 else kwargs["size"]
            if not isinstance(shape, tuple | list):
                shape = tuple(a for a in args[1:] if isinstance(a, int))
            if _elements(shape) <= LARGE:
                filled = args[1 if like else 2 :] or (kwargs.get("fill_value"),)
                return _filled(spelling, tuple(shape), dtype, filled[0])
            return self.ledger.constant(torch.empty(tuple(shape), dtype=dtype, device=META))
        if str(kwargs.get("device", default_device() or "cpu")) != "cpu":
            kwargs["device"] = "cpu"
        return func(*args, **kwargs)

    def _function(
        self,
        func: Any,
        spelling: str,
        name: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        op: str,
    ) -> Any:
        row = find(spelling)
        caller = self._called()
        method = is_method(func, name)
        target = name if method else func
        if name in VIEW_PROPERTIES:
            method, target = False, property_getter(name)
        elif name == "__setitem__":
            method, target = False, setitem
        node = self.graph.create_node(
            "call_method" if method else "call_function",
            target,
            self.ledger.as_nodes(args),
            self.ledger.as_nodes(kwargs),
            name=(op or spelling).split("::")[-1],
        )
        owner = self._convolution_class(node)
        layer = self._paths[id(owner)] if owner is not None else node.name
        call = Call(spelling, args, kwargs)
        writes = in_place(name, kwargs) or name == "__setitem__"
        if name in VIEWS_IN_PLACE:
            self.ledger.changes_layout(args[0])
        try:
            if all(map(self.ledger.is_cheap, call.tensors)):
                result = func(*args, **kwargs)
                if name == "__setitem__":
                    result = args[0]  # parameters may have been written into it
                self.ledger.gained_values(result)
            elif name == "__setitem__":
                result = args[0]
                self.ledger.lost_values(result)
            elif row is not None and row.shape is not None and _starts_with_tensor(row, args):
                result = self._shaped(call, row, in_place=writes)
            else:
                result = self._run(func, args, kwargs)
        except ShapeError as error:
            raise mismatch(layer, spelling, call, error, caller) from error
        if not any(True for _ in tensors_of(result)):
            self.graph.erase_node(node)
            return result
        scope = self._scope()
        step = Step(result, spelling, row, None, scope, layer, owner, caller, op, writes)
        self.ledger.bind(node, step)
        if writes and isinstance(result, torch.Tensor):
            self.ledger.overlay(result, caller)
        return None if name == "__setitem__" else result

    def _composed(self, spelling: str, args: tuple[Any, ...]) -> Any:
        """Functions without a row of their own that others say as well."""
        if spelling == "broadcast_tensors":
            tensors = args[0] if isinstance(args[0], (tuple, list)) else args
            shape = broadcast(*(x.shape for x in tensors))
            expand = torch.Tensor.expand
            return tuple(self.call_function(expand, "expand", (x, shape), {}) for x in tensors)
        name = "all" if spelling == "is_all_true" else "any"
        return self.call_function(getattr(torch, name), name, args, {})

    def _run_on_nothing(self, func: Any, args: tuple[Any, ...]) -> Any:
        """What torch says to operands of this kind, whatever the tensors are."""
        try:
            return func(*(torch.zeros(()) if isinstance(x, torch.Tensor) else x for x in args))
        except Exception as error:
            self.torch_error = error
            raise

    # -- modules

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record while the model runs. Not reentrant, and not for several threads at once."""

        def refuse(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            if any(map(self.ledger.is_tracked, tensors_in((args, kwargs)))):
                raise UnsupportedByTracer("this calls TorchScript code", source=self._called())

        with (
            modules_called_by(self.call_module),
            scripts_refused(refuse),
            vmap_unrolled(),
            run_eagerly(),
            torch.no_grad(),
            self,
        ):
            yield

    def call_module(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Keep known modules whole, follow all others into their forward."""
        if self._busy:
            return uncompiled(module)(*args, **kwargs)
        path = self._path(module)
        with torch._C.DisableTorchFunction():
            if isinstance(module, LazyModuleMixin) and module.has_uninitialized_params():
                module._infer_parameters(module, args, kwargs)
            spelling, row = leaf_row(module)
            given = tensors_in((args, kwargs))
            weighted = bool(given) and any(True for _ in parameters(module))
            tracked = weighted or any(map(self.ledger.is_tracked, given))
        if not path or not tracked or row is None:
            return self._followed(module, path, uncompiled(module), args, kwargs)
        found = row

        def forward(*args: Any, **kwargs: Any) -> Any:
            if is_usual_call(module, found, args, kwargs):
                return self._leaf(module, path, spelling, found, args, kwargs)
            own = partial(type(module).forward, module)
            return self._followed(module, path, own, args, kwargs)

        return around_hooks(module, forward, args, kwargs)

    def _followed(
        self,
        module: nn.Module,
        path: str,
        forward: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        self.stack.append(module)
        try:
            return forward(*args, **kwargs)
        except Exception as error:
            self.failed_in = self.failed_in or path
            if isinstance(error, TypeError) and isinstance(forward, partial):
                self.torch_error = error  # arguments that torch's own forward does not take
            raise
        finally:
            self.stack.pop()

    def _leaf(
        self,
        module: nn.Module,
        path: str,
        spelling: str,
        row: Row,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        with torch._C.DisableTorchFunction():
            return self._recorded_leaf(module, path, spelling, row, args, kwargs)

    def _recorded_leaf(
        self,
        module: nn.Module,
        path: str,
        spelling: str,
        row: Row,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        caller = self._called()
        call = Call(spelling, args, kwargs, module)
        try:
            if row.shape is not None:
                result = self._shaped(call, row, in_place=bool(getattr(module, "inplace", False)))
            else:
                result = self._run(type(module).forward, (module, *args), kwargs)
        except ShapeError as error:
            place = caller or constructed_at(module)
            raise mismatch(path, type(module).__name__, call, error, place) from error
        node = self.graph.create_node(
            "call_module", path, self.ledger.as_nodes(args), self.ledger.as_nodes(kwargs)
        )
        scope = self._scope()
        writes = bool(getattr(module, "inplace", False))
        step = Step(
            result,
            spelling,
            row,
            module,
            scope,
            path,
            None,
            caller,
            writes=writes,
            parameters=self.ledger.names(parameters(module)),
            held=self.ledger.held(_tensors_held_by(module)),
            training=module.training,
        )
        self.ledger.bind(node, step)
        if writes:
            self.ledger.overlay(result, caller)
        return result

    def _path(self, module: nn.Module) -> str:
        """What the model calls a module; forward may have just registered it."""
        if id(module) not in self._paths:
            self._late.append(module)
            self._paths[id(module)] = ""
            for path, found in named_modules(self.model):
                if not self._paths.get(id(found)):
                    self._paths[id(found)] = path
        return self._paths[id(module)]

    def _scope(self) -> str:
        """The path of the innermost module that has one."""
        paths = (self._paths.get(id(module), "") for module in reversed(self.stack))
        return next((path for path in paths if path), "")

    def _convolution_class(self, node: fx.Node) -> nn.Module | None:
        """The user's own subclass of a convolution in whose forward a functional one is called.

        To its author that class is the layer; a node's name would say nothing.
        """
        module = self.stack[-1] if self.stack else None
        is_convolution = isinstance(module, nn.modules.conv._ConvNd) and self._paths.get(id(module))
        if is_convolution and node.name.startswith("conv"):
            return module
        return None

    # -- results

    def _run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Let PyTorch compute the result without storage."""
        self._busy = True
        try:
            return func(*self.ledger.on_meta(args), **self.ledger.on_meta(kwargs))
        except Exception as error:
            if is_library_operator(func):
                # there may be no kernel for tensors without storage
                return self._run_for_real(func, args, kwargs, error)
            self.torch_error = error
            raise
        finally:
            self._busy = False

    def _run_for_real(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], error: Exception
    ) -> Any:
        """What a library's operator returns, found out by running it."""
        try:
            return results_like(func, args, kwargs)
        except CannotRun as reason:
            if not isinstance(error, NotImplementedError) and "fake impl" not in str(error):
                self.torch_error = error
                raise error from reason
            name = name_of(func)
            raise TraceFailed(
                f"the shape of what {name} returns is unknown: it has no fake kernel, and {reason}",
                hint=f'Give it one with torch.library.register_fake("{name}").',
                source=self._called(),
            ) from error

    def _shaped(self, call: Call, row: Row, *, in_place: bool) -> Any:
        assert row.shape is not None
        shape = row.shape(call)
        first: torch.Tensor = call.input
        if in_place and isinstance(shape, tuple) and tuple(first.shape) != shape:
            raise ShapeError(f"the result is {show(shape)} and cannot be written in place")
        if in_place and tuple(first.shape) == shape:
            self.ledger.lost_values(first)
            return first
        return produced(call, row, shape, META)

    def _called(self) -> SourceLocation | None:
        """The user's line that makes the call that is being recorded."""
        return innermost_user_line(sys._getframe(1))


def produced(call: Call, row: Row, shape: Shapes, device: torch.device) -> Any:
    """New tensors of the shapes that a row of the operator table gives."""
    dtype = result_dtype(call, row)
    if isinstance(shape, list):
        indices = torch.int64 if row.kind in (Kind.POOL, Kind.REDUCE) else dtype
        values = _empty(shape[0], dtype, device)
        return _Several(values, _empty(shape[1], indices, device))
    return _empty(shape, dtype, device)


def _empty(shape: Any, dtype: torch.dtype, device: torch.device) -> Any:
    """Tensors of these shapes, nested as they are."""
    if shape is None:
        return None
    if isinstance(shape, list):
        return tuple(_empty(item, dtype, device) for item in shape)
    return torch.empty(shape, dtype=dtype, device=device)


_STRICT = frozenset(
    {Kind.CONV, Kind.CONV_TRANSPOSE, Kind.POOL, Kind.NORM, Kind.ACTIVATION, Kind.LINEAR, Kind.PAD}
    | {Kind.UPSAMPLE}
)
"""Kinds of functions that take a tensor in front, and nothing that holds tensors."""


def _starts_with_tensor(row: Row, args: tuple[Any, ...]) -> bool:
    """Whether a function is given what it takes; else torch is to refuse it."""
    return row.kind not in _STRICT or not args or not isinstance(args[0], (tuple, list, dict))


def _filled(spelling: str, shape: tuple[int, ...], dtype: torch.dtype, value: Any) -> torch.Tensor:
    """A small tensor with the numbers that `ones_like`, `new_full` and so on give it."""
    if "full" in spelling and not (isinstance(value, torch.Tensor) and value.is_meta):
        return torch.full(shape, value, dtype=dtype)
    return torch.ones(shape, dtype=dtype) if "ones" in spelling else torch.zeros(shape, dtype=dtype)


def _elements(shape: Sequence[int]) -> int:
    return torch.Size(shape).numel()


def _tensors_held_by(module: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """All tensors of a module and what is in it, by attribute."""
    for path, holder in named_modules(module):
        for attributes in (holder._parameters, holder._buffers, vars(holder)):
            for name, value in attributes.items():
                if isinstance(value, torch.Tensor):
                    yield f"{path}.{name}" if path else name, value
