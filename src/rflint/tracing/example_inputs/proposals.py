"""Inputs to propose for arguments of forward that nobody gave, as one would write them.

What an argument is called and annotated with says what it is likely to be. The sizes are examples.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from inspect import Parameter
from typing import Any, get_args, get_origin, is_typeddict

import torch
from torch import nn

from rflint.inputs.forward_call import Slot
from rflint.inputs.notation import InputShape
from rflint.inputs.tracing_options import TracingOptions
from rflint.operators.shapes import shape_text
from rflint.operators.weights import linear_weight
from rflint.tracing.example_inputs.annotated import (
    argument_types,
    fields_of,
    hints_of,
    is_made_of_parts,
    only_type,
)
from rflint.tracing.model.signature import parameter_names, signature_of
from rflint.tracing.model.tree import modules

_BY_NAME = (
    (r"(^|_)(t|time|times|timesteps?|time_steps?|steps?)$", "500:int64"),
    (r"(^|_)(sigmas?|noise|noise_levels?|gamma)$", "0.5:float32"),
    (r"(^|_)(scale|weight|alpha|beta|strength|temperature|rate|ratio)$", "1.0"),
    (r"mask", "1x128:int64"),
    (r"ids?$|tokens?|texts?$|captions?|prompts?|questions?|words?", "1x128:int64"),
    (r"labels?$|targets?$|class|^y$", "0:int64"),
    (r"lengths?$|lens?$", "1:int64:B"),
    (
        r"context|cond|embed|embs?$|hidden|states?$|memory|feature|^(query|key|value|tgt)$",
        "1x16x512",
    ),
)
_ASKS = r"""(?:\[|\.get\()["']{}["'](?:,[^()]*)?[\])]"""
"""How code asks a dictionary for a key."""
_KEY = r"([^\W\d][\w-]*)"
_OF_GRAPHS = re.compile(r"^edge_index$|^adj(acency)?(_matrix|_mat|_t)?$")
"""Arguments that only models of graphs have."""
_NODES, _EDGES = 32, 64
_BY_NAME_IN_GRAPHS = (
    (r"^edge_index$", f"2x{_EDGES}:int64"),
    (r"^adj", f"{_NODES}x{_NODES}"),
    (r"^edge_weights?$", f"{_EDGES}:float32:B"),
    (r"^batch$|_batch$", f"{_NODES}:int64:B"),
)
_BY_ANNOTATION = {"bool": "true", "int": "1", "float": "1.0"}


def proposal(
    model: nn.Module,
    inputs: Sequence[torch.Tensor],
    options: TracingOptions,
    missing: Sequence[str],
    *,
    inferred: bool = False,
) -> str:
    """Options that give a model all its inputs: those that it has, and the missing ones.

    Of inputs that were inferred and not given, names may say more than the first layer.
    """
    image = next((x for x in inputs if x.dim() > 2), None)
    like = shape_text(image.shape) if image is not None else "1x3x224x224"
    signature = signature_of(model)
    parameters = {p.name: p for p in (signature.named if signature else ())}
    graph = _graph_inputs(model, parameters)
    texts = []
    for shape in _given(model, inputs, options).values():
        if shape.name in graph and inferred:
            texts.append(f"{shape.name}={graph[shape.name]}")
            continue
        # an image was inferred where forward wants several: it has to be told their names
        parts = _parts(model, parameters[shape.name], like) if shape.name in parameters else []
        texts += parts or [repr(shape)]
    for name in missing:
        in_graph = [f"{name}={graph[name]}"] if name in graph else []
        texts += in_graph or _proposed(model, parameters[name], like)
    return " ".join(f"--input {text}" for text in texts)


def _graph_inputs(model: nn.Module, parameters: Iterable[str]) -> dict[str, str]:
    """The arguments of a model of graphs: features of nodes, and what connects them; else none."""
    names = list(parameters)
    if not any(map(_OF_GRAPHS.match, names)):
        return {}
    found = {
        name: text
        for name in names
        for pattern, text in _BY_NAME_IN_GRAPHS
        if re.search(pattern, name)
    }
    first = next((x for x in modules(model) if isinstance(x, nn.Linear)), None)
    if first is not None and names[0] not in found:
        found[names[0]] = f"{_NODES}x{linear_weight(first)[-1]}"
    return found


def parts_proposal(model: nn.Module, like: torch.Tensor, name: str) -> str:
    """Options that give a model an argument which is made of parts."""
    signature = signature_of(model)
    parameters = {p.name: p for p in (signature.named if signature else ())}
    texts = _parts(model, parameters[name.split(".")[0]], shape_text(like.shape))
    return " ".join(f"--input {text}" for text in texts)


def dictionary_proposal(
    model: nn.Module, inputs: Sequence[torch.Tensor], options: TracingOptions, index: int, key: str
) -> str:
    """Options that give a model all its inputs, one of which is a dictionary that has a key."""
    name = options.call.path_of(index, parameter_names(model))
    texts: list[str] = []
    for path, shape in _given(model, inputs, options).items():
        if path != name:
            texts.append(repr(shape))
            continue
        keys = dict.fromkeys([key, *_keys_of(model, name)])
        like = shape_text(inputs[index].shape)
        texts += (text for k in keys for text in _of_key(model, f"{name}.{k}", like))
    return " ".join(f"--input {text}" for text in texts)


def _of_key(model: nn.Module, path: str, like: str) -> list[str]:
    """What a part of a dictionary may be given as: another one, where forward asks it for keys."""
    if keys := _keys_of(model, path):
        return [text for key in keys for text in _of_key(model, f"{path}.{key}", like)]
    return [f"{path}={_of_name(path.rpartition('.')[2], like)}"]


def _given(
    model: nn.Module, inputs: Sequence[torch.Tensor], options: TracingOptions
) -> dict[str, InputShape]:
    """What a model is given, as it is written on the command line, by the name of its place.

    Objects that no option can say are left out.
    """
    found: dict[str, InputShape] = {}
    for path, what in options.call.places(len(inputs), parameter_names(model)):
        if isinstance(what, Slot):
            shape = stated(inputs[what.index], path)
            layout = next(iter(options.layouts[what.index : what.index + 1]), "") or shape.layout
            found[path] = InputShape(shape, shape.dtype, layout, path, shape.value)
        elif what is None or isinstance(what, bool | int | float):
            found[path] = InputShape((), name=path, value=what)
    return found


def stated(tensor: torch.Tensor, path: str) -> InputShape:
    """An input as it is written on the command line."""
    is_default = tensor.dtype == torch.float32
    dtype = "" if is_default else str(tensor.dtype).removeprefix("torch.")
    if tensor.dim() == 0:
        known = tensor.device.type != "meta"
        return InputShape((), dtype or "float32", "", path, tensor.item() if known else 0)
    return InputShape(tensor.shape, dtype, "B" * (tensor.dim() == 1), path)


def _proposed(model: nn.Module, parameter: Parameter, like: str) -> list[str]:
    """What an argument may be given as."""
    said = _annotation(parameter)
    if said in _BY_ANNOTATION:
        return [f"{parameter.name}={_BY_ANNOTATION[said]}"]
    parts = _parts(model, parameter, like)
    return parts or [f"{parameter.name}={_of_name(parameter.name, like)}"]


def _annotation(parameter: Parameter) -> str:
    annotation = parameter.annotation
    name = getattr(annotation, "__name__", "")
    return annotation if isinstance(annotation, str) else name or str(annotation)


def _parts(model: nn.Module, parameter: Parameter, like: str) -> list[str]:
    """What is in an argument that is a dictionary or a list."""
    kind = only_type(argument_types(model).get(parameter.name))
    of_type = _of_type(parameter.name, kind, like)
    if len(of_type) > 1:
        return of_type
    keys = _keys_of(model, parameter.name)
    if keys:
        paths = (f"{parameter.name}.{key}" for key in keys)
        return [text for path in paths for text in _of_key(model, path, like)]
    if re.match(r"(typing\.)?([Ll]ist|[Tt]uple|Sequence|Iterable)\b", _annotation(parameter)):
        return [f"{parameter.name}.{i}={like}" for i in range(2)]
    return []


def _of_type(name: str, kind: Any, like: str) -> list[str]:
    """What an argument of a type, or a part of one, may be given as."""
    kind = only_type(kind)
    hints: dict[str, Any] = {}
    if is_made_of_parts(kind):
        known = hints_of(kind)
        hints = {part: known.get(part) for part, required in fields_of(kind).items() if required}
    elif is_typeddict(kind):
        hints = {**hints_of(kind)}
    elif get_origin(kind) is tuple and Ellipsis not in get_args(kind):
        hints = {str(i): part for i, part in enumerate(get_args(kind))}
    if hints:
        return [x for part, of in hints.items() for x in _of_type(f"{name}.{part}", of, like)]
    simple = _BY_ANNOTATION.get(getattr(kind, "__name__", ""))
    return [f"{name}={simple or _of_name(name.rpartition('.')[2], like)}"]


def _of_name(name: str, like: str) -> str:
    found = (text for pattern, text in _BY_NAME if re.search(pattern, name.lower()))
    return next(found, like)


def _keys_of(model: nn.Module, path: str) -> list[str]:
    """The keys for which forward asks an argument, or a part of it, in the order of its code."""
    try:
        source = inspect.getsource(type(model).forward)
    except (OSError, TypeError):  # there is no source
        return []
    name, *keys = path.split(".")
    at = re.escape(name) + "".join(_ASKS.format(re.escape(key)) for key in keys)
    asked = re.findall(rf"\b{at}{_ASKS.format(_KEY)}", source)
    return list(dict.fromkeys(asked))
