"""Follow a model below Python, with torch.export, where the recorder cannot follow its code.

torch.export sees every ATen operator at PyTorch's dispatcher, whoever calls it: TorchScript, tensor
subclasses, operators in C++. What the operator table knows as one thing stays one thing: modules
of torch.nn, functions that PyTorch itself composes of others and item assignments go into the
exported graph as one node (`rflint::kept`). The graph is then replayed through the recorder, so
that a recording is the same whoever made it.
"""

from __future__ import annotations

import io
import itertools
import logging
import operator
import sys
import types
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.export.graph_signature import InputKind
from torch.overrides import TorchFunctionMode

from rflint.errors import RflintError, TraceFailed, error_text, internal_error
from rflint.graph.layer import Kind
from rflint.graph.source_location import SourceLocation
from rflint.operators.call import Call, mapped, tensors_in
from rflint.operators.find import find
from rflint.operators.shapes import ShapeError
from rflint.operators.table import Row
from rflint.tracing.aten import with_results
from rflint.tracing.model.construction import constructed_at
from rflint.tracing.model.tree import modules, named_modules
from rflint.tracing.recording.failures import mismatch
from rflint.tracing.recording.functions import (
    in_place,
    is_usual_call,
    leaf_row,
    name_of,
    tensors_of,
)
from rflint.tracing.recording.patching import (
    around_hooks,
    modules_called_by,
    run_eagerly,
    uncompiled,
)
from rflint.tracing.recording.record import Recorder, produced
from rflint.tracing.recording.recording import Recording
from rflint.usercode.frame_marks import enters_user_code
from rflint.usercode.interrupts import is_ctrl_c
from rflint.usercode.source_lines import innermost_user_line, innermost_user_line_of

_PATH = "_rflint_path"
_CALLED = "rflint_called"
_STACK = "rflint_stack"
_WRITTEN = "rflint_written"
_CPU = torch.device("cpu")


@enters_user_code
def record(model: nn.Module, inputs: Sequence[torch.Tensor]) -> Recording:
    """What `rflint.tracing.recording.record.record` gives, by way of torch.export.

    Raises InputMismatch where a layer cannot run on what reaches it, TraceFailed where torch.export
    fails. The model is to be on meta (see `temporarily_on_meta`): parts of it are replaced.
    """
    root = _without_scripts(model)
    keeper = _Keeper(root)
    try:
        program = keeper.exported(inputs)
    except RflintError:
        raise
    except BaseException as error:
        if is_ctrl_c(error):
            raise
        raise TraceFailed(
            f"torch.export fails: {error_text(error).splitlines()[0]}",
            hint="rflint follows more with --tracer auto.",
            source=innermost_user_line_of(error),
        ) from error
    replay = _Replay(root, program, keeper.calls)
    try:
        return replay.recording_of(inputs)
    except RflintError:
        raise
    except Exception as error:
        if error is not replay.torch_error:
            raise internal_error(error) from error
        raise TraceFailed(f"the exported graph does not fit: {error_text(error)}") from error


# -- calls that are kept whole


@dataclass(frozen=True)
class _Slot:
    """Stands for the index-th tensor among the arguments of a call."""

    index: int


@dataclass
class _Kept:
    """A call that is one node in the exported graph."""

    spelling: str
    row: Row
    function: Any
    """The function, or a module's forward."""
    module: nn.Module | None
    path: str
    template: Any
    """Positional and keyword arguments, with slots in the place of tensors."""
    scope: str
    called: SourceLocation | None
    result: Any = None

    def filled(self, tensors: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments with these tensors in their places."""
        args, kwargs = mapped(self.template, _Slot, lambda slot: tensors[slot.index])
        return args, kwargs

    def call(self, tensors: Sequence[Any]) -> Call:
        """As the operator table wants it."""
        args, kwargs = self.filled(tensors)
        return Call(self.spelling, args, kwargs, self.module)

    def run(self, tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """New tensors like those that the call returns."""
        if self.row.shape is not None:
            call = self.call(tensors)
            self.result = produced(call, self.row, self.row.shape(call), _CPU)
        else:
            args, kwargs = self.filled(tensors)
            self.result = self.function(
                *(() if self.module is None else (self.module,)), *args, **kwargs
            )
        return [torch.empty_like(tensor) for tensor in tensors_of(self.result)]


_in_progress: dict[int, _Kept] = {}
"""By number: fake kernels get numbers and tensors only."""

_numbers = itertools.count()

_LIBRARY = torch.library.Library("rflint", "DEF")  # type: ignore[no-untyped-call]
_LIBRARY.define(  # type: ignore[no-untyped-call]
    "kept(Tensor[] tensors, int number) -> Tensor[]"
)
_LIBRARY.define(  # type: ignore[no-untyped-call]
    "kept_in_place(Tensor(a!) tensor, Tensor[] others, int number) -> ()"
)


def _kept(tensors: list[torch.Tensor], number: int) -> list[torch.Tensor]:
    return _in_progress[number].run(tensors)


def _kept_in_place(tensor: torch.Tensor, others: list[torch.Tensor], number: int) -> None:
    return None


torch.library.register_fake("rflint::kept", _kept, lib=_LIBRARY)
torch.library.register_fake("rflint::kept_in_place", _kept_in_place, lib=_LIBRARY)


class _Keeper(TorchFunctionMode):
    """Runs a model under torch.export, and keeps whole what the operator table knows as one."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.calls: dict[int, _Kept] = {}
        self.stack: list[str] = []
        self.modules = dict(named_modules(model))
        self.busy = False
        self.written: _Written | None = None

    def exported(self, inputs: Sequence[torch.Tensor]) -> torch.export.ExportedProgram:
        """The program of one forward pass; its outputs are the model's, in a flat tuple."""
        for path, module in self.modules.items():
            module.__dict__[_PATH] = path
        fake = FakeTensorMode(allow_non_fake_inputs=True)
        with fake:
            examples = tuple(torch.empty(t.shape, dtype=t.dtype) for t in inputs)
        try:
            with (
                _silence(),
                _faked(self.model, fake),
                modules_called_by(self._call_module),
                _nodes_marked_by(self._mark),
                run_eagerly(),
                _silence(),
                torch.no_grad(),
            ):
                return torch.export.export(self.model, examples, strict=False)
        finally:
            for number in self.calls:
                del _in_progress[number]

    def _call_module(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        path = vars(module).get(_PATH)
        if path is None or self.busy:
            return uncompiled(module)(*args, **kwargs)
        spelling, row = leaf_row(self.modules[path])
        if path and row is not None and tensors_in((args, kwargs)):
            base, found = self.modules[path], row

            def forward(*args: Any, **kwargs: Any) -> Any:
                if not is_usual_call(base, found, args, kwargs):
                    return type(base).forward(module, *args, **kwargs)
                kept = self._kept(spelling, found, type(base).forward, args, kwargs, base, path)
                return self._keep(kept, args, kwargs, writes=bool(getattr(base, "inplace", False)))

            return around_hooks(module, forward, args, kwargs)
        self.stack.append(path)
        try:
            if len(self.stack) > 1:
                return uncompiled(module)(*args, **kwargs)
            with self:
                result = uncompiled(module)(*args, **kwargs)
            return tuple(tensors_of(result)) if not path else result
        finally:
            self.stack.pop()

    def __torch_function__(
        self,
        func: Any,
        types_: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Keep what PyTorch writes in Python: below, it is no longer what the table knows."""
        kwargs = dict(kwargs or {})
        name = name_of(func)
        row = find(name.strip("_"))
        writes = name == "__setitem__"
        composed = isinstance(func, types.FunctionType) and not in_place(name, kwargs)
        keep = row is not None and (writes or (composed and _makes_new_tensors(row)))
        if row is not None and keep and not self.busy and tensors_in((args, kwargs)):
            kept = self._kept(name.strip("_"), row, func, args, kwargs)
            return self._keep(kept, args, kwargs, writes=writes)
        index = args[1] if name == "__getitem__" and _is_basic(args[1]) else None
        self.written = _Written(next(_numbers), name.strip("_"), index)
        try:
            return func(*args, **kwargs)
        finally:
            self.written = None

    def _mark(self, node: fx.Node) -> None:
        """Note on a node what in the model's code it comes from."""
        node.meta[_CALLED] = innermost_user_line(sys._getframe())
        node.meta[_STACK] = tuple(self.stack)
        if self.written is not None:
            node.meta[_WRITTEN] = self.written

    def _kept(
        self,
        spelling: str,
        row: Row,
        function: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        module: nn.Module | None = None,
        path: str = "",
    ) -> _Kept:
        slots = itertools.count()
        template = mapped((args, kwargs), torch.Tensor, lambda _: _Slot(next(slots)))
        scope = next((path for path in reversed(self.stack) if path), "")
        called = innermost_user_line(sys._getframe())
        return _Kept(spelling, row, function, module, path, template, scope, called)

    def _keep(
        self, kept: _Kept, args: tuple[Any, ...], kwargs: dict[str, Any], *, writes: bool
    ) -> Any:
        tensors = tensors_in((args, kwargs))
        if kept.row.shape is not None:
            call = kept.call(tensors)
            try:
                kept.row.shape(call)
            except ShapeError as error:
                place = kept.called or (constructed_at(kept.module) if kept.module else None)
                name = kept.path or kept.spelling
                raise mismatch(name, kept.spelling, call, error, place) from error
        number = next(_numbers)
        self.calls[number] = _in_progress[number] = kept
        self.busy = True
        try:
            if writes:
                torch.ops.rflint.kept_in_place(tensors[0], tensors[1:], number)
                return tensors[0]
            made = iter(torch.ops.rflint.kept(tensors, number))
        finally:
            self.busy = False
        return mapped(kept.result, torch.Tensor, lambda _: next(made))


@dataclass(frozen=True)
class _Written:
    """One call of a torch function in Python, which may become several nodes."""

    number: int
    spelling: str
    index: Any = None
    """Of `tensor[index]`, if it is made of numbers and slices."""


def _number(node: fx.Node) -> int | None:
    """That of the call which a node comes from."""
    written = node.meta.get(_WRITTEN)
    return None if written is None else written.number


def _is_basic(index: Any) -> bool:
    items = index if isinstance(index, tuple) else (index,)
    return all(item is None or item is ... or type(item) in (int, slice) for item in items)


@contextmanager
def _nodes_marked_by(mark: Callable[[fx.Node], None]) -> Iterator[None]:
    """Show `mark` every node that is made meanwhile, in any graph."""
    original = fx.Graph.create_node

    def create_node(graph: fx.Graph, *args: Any, **kwargs: Any) -> fx.Node:
        node = original(graph, *args, **kwargs)
        mark(node)
        return node

    fx.Graph.create_node = create_node  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        fx.Graph.create_node = original  # type: ignore[method-assign]


def _makes_new_tensors(row: Row) -> bool:
    """Whether an operator's results are certainly no views of its arguments."""
    return row.shape is not None or row.kind not in (Kind.RESHAPE, Kind.SLICE)


# -- models that torch.export takes


@contextmanager
def _silence() -> Iterator[None]:
    """Keep to oneself the graphs that torch.export logs and prints where it fails."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(level)


@contextmanager
def _faked(model: nn.Module, fake: FakeTensorMode) -> Iterator[None]:
    """Have what lies on meta pretend to lie on the CPU, beside what really does."""
    twins: dict[int, torch.Tensor] = {}

    def twin(tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) not in twins:
            with fake:
                made = torch.empty(tensor.shape, dtype=tensor.dtype)
                is_parameter = isinstance(tensor, nn.Parameter)
                twins[id(tensor)] = nn.Parameter(made, False) if is_parameter else made
        return twins[id(tensor)]

    replaced: list[tuple[dict[str, Any], str, torch.Tensor]] = []
    for module in modules(model):
        holders: tuple[Any, ...] = (module._parameters, module._buffers, vars(module))
        for holder in holders:
            for name, value in list(holder.items()):
                if isinstance(value, torch.Tensor) and value.device.type == "meta":
                    replaced.append((holder, name, value))
                    holder[name] = twin(value)
    try:
        yield
    finally:
        for holder, name, value in replaced:
            holder[name] = value


class _Scripted(nn.Module):
    """A TorchScript module as a plain one, with the same tree of parameters."""

    def __init__(self, script: torch.jit.ScriptModule) -> None:
        super().__init__()
        for name, parameter in script.named_parameters(recurse=False):
            # a loaded module has plain tensors in their place
            own = isinstance(parameter, nn.Parameter)
            self.register_parameter(name, parameter if own else nn.Parameter(parameter))
        for name, buffer in script.named_buffers(recurse=False):
            self.register_buffer(name, buffer)
        for name, child in script.named_children():
            self.add_module(name, _Scripted(child))  # type: ignore[arg-type]
        vars(self)["_script"] = script

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the script on the tensors that torch.export has put in the place of its own."""
        own: list[tuple[Any, str, torch.Tensor]] = []
        try:
            for module in self.modules():
                script = vars(module)["_script"]._c
                for name, tensor in (*module._parameters.items(), *module._buffers.items()):
                    own.append((script, name, script.getattr(name)))
                    script.setattr(name, tensor)
            return vars(self)["_script"]._c._get_method("forward")(*args, **kwargs)
        finally:
            for script, name, tensor in own:
                script.setattr(name, tensor)


def _without_scripts(model: nn.Module) -> nn.Module:
    """The model with `_Scripted` in the place of TorchScript modules, which export refuses."""
    if isinstance(model, torch.jit.ScriptModule):
        return _Scripted(model)
    for name, child in model.named_children():
        model._modules[name] = _without_scripts(child)
    return model


# -- replaying


class _Replay(Recorder):
    """Calls the recorder for every node of an exported graph."""

    def __init__(
        self,
        model: nn.Module,
        program: torch.export.ExportedProgram,
        calls: Mapping[int, _Kept],
    ) -> None:
        super().__init__(model)
        self.model = model
        self.program = program
        self.calls = calls
        self.nodes_of: Counter[int | None] = Counter(map(_number, program.graph.nodes))
        """How many nodes every call of a torch function has become."""
        self.place: SourceLocation | None = None

    def recording_of(self, inputs: Sequence[torch.Tensor]) -> Recording:
        """The recording that following the model's own forward would leave."""
        values = dict(self._placeholders(inputs))
        with torch.no_grad():
            result = self._run_graph(self.program.graph_module, values)
        return self.finished(result)

    def _placeholders(self, inputs: Sequence[torch.Tensor]) -> Iterator[tuple[fx.Node, Any]]:
        nodes = [node for node in self.program.graph.nodes if node.op == "placeholder"]
        examples = enumerate(inputs)
        for node, spec in zip(nodes, self.program.graph_signature.input_specs, strict=True):
            if spec.kind is InputKind.USER_INPUT:
                i, tensor = next(examples)
                yield node, self.ledger.placeholder(f"input_{i}" if i else "input", tensor)
            elif spec.kind in (InputKind.PARAMETER, InputKind.BUFFER):
                owner, _, name = str(spec.target).rpartition(".")
                yield node, getattr(self.model.get_submodule(owner), name)
            else:
                yield node, self._stored_constant(self.program.constants[str(spec.target)])

    def _stored_constant(self, value: Any) -> Any:
        if not isinstance(value, FakeTensor):
            return value
        return self.ledger.constant(torch.empty(value.shape, dtype=value.dtype, device="meta"))

    def _run_graph(self, module: nn.Module, values: dict[fx.Node, Any]) -> Any:
        """Replay a graph whose placeholders have their values; what it returns."""
        graph = module.graph
        assert isinstance(graph, fx.Graph)
        for node in graph.nodes:
            if node in values:
                continue
            args, kwargs = mapped((node.args, node.kwargs), fx.Node, values.__getitem__)
            if node.op == "output":
                return args[0]
            if node.op == "get_attr":
                values[node] = self._stored_constant(operator.attrgetter(str(node.target))(module))
                continue
            self._at(node)
            written = node.meta.get(_WRITTEN)
            if written is None or written.index is None:
                values[node] = self._replayed(node, args, kwargs)
                continue
            indexed = (args[0], written.index)
            result = self.call_function(torch.Tensor.__getitem__, "__getitem__", indexed, {})
            while _number(node) == written.number:
                values[node] = result  # what lies between, nothing else uses
                node = node.next
        raise AssertionError("a graph ends with its output")

    def _at(self, node: fx.Node) -> None:
        """Stand where the model's forward stood when it made the node."""
        self.stack = [self.model.get_submodule(path) for path in node.meta.get(_STACK, ())]
        self.place = node.meta.get(_CALLED)

    def _called(self) -> SourceLocation | None:
        return self.place

    def _replayed(self, node: fx.Node, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        target = node.target
        if target is torch.ops.rflint.kept.default:
            return list(tensors_of(self._call_kept(self.calls[args[1]], args[0])))
        if target is torch.ops.rflint.kept_in_place.default:
            return self._call_kept(self.calls[args[2]], [args[0], *args[1]])
        if isinstance(target, torch._ops.HigherOrderOperator):
            return self._inlined(args)
        if not isinstance(target, torch._ops.OpOverload):
            return target(*args, **kwargs) if target is operator.getitem else None
        name = name_of(target)
        if name.startswith(("_assert", "sym_constrain")):
            return None
        results = len(target._schema.returns)
        op = self._op(node, name)
        return self.call_function(target, with_results(name, results), args, kwargs, op)

    def _call_kept(self, kept: _Kept, tensors: Sequence[torch.Tensor]) -> Any:
        self.place = kept.called
        self.stack = [self.model.get_submodule(kept.scope)]
        args, kwargs = kept.filled(tensors)
        if kept.module is not None:
            return self._leaf(kept.module, kept.path, kept.spelling, kept.row, args, kwargs)
        return self.call_function(kept.function, kept.function.__name__, args, kwargs)

    def _inlined(self, args: tuple[Any, ...]) -> Any:
        """Code under torch.no_grad() or autocast is a graph of its own, called with its inputs."""
        graphs = [(i, arg) for i, arg in enumerate(args) if isinstance(arg, fx.GraphModule)]
        if len(graphs) != 1:
            raise TraceFailed("torch.export leaves control flow in the graph")
        ((at, module),) = graphs
        places = [node for node in module.graph.nodes if node.op == "placeholder"]
        return self._run_graph(module, dict(zip(places, args[at + 1 :], strict=True)))

    def _op(self, node: fx.Node, name: str) -> str:
        """What the code calls an operator, where that is the same operator."""
        written, own = node.meta.get(_WRITTEN), find(name.strip("_"))
        if written is None or own is None or self.nodes_of[written.number] > 1:
            return name.strip("_")
        row = find(written.spelling)
        return written.spelling if row and row.kind is own.kind else name.strip("_")
