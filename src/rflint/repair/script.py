"""A change as lines of plain PyTorch that edit a model `m`: what `rflint fix` writes.

These lines are the change: `apply.py` runs the very text that a person is shown. There may be
several ways to say a change; they come in order of preference, and the first that gives the model
that was foreseen is taken.

New layers with weights go into a Sequential of their own, so that they have names of their own: a
state dict of the original model then loads with strict=False, which forbids other shapes, not
other names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import nn

from rflint.analysis import Analysis
from rflint.architecture import INPUT, POINTWISE, Extent, Kind, Layer
from rflint.figures import compact, size
from rflint.repair.change import Candidate, Edit
from rflint.repair.cuts import lineage, modules_within
from rflint.repair.forecast import SMALL_STEM
from rflint.repair.groups import module_of
from rflint.repair.names import LISTS, Names
from rflint.repair.rewrite import NOTHING, Inexpressible, Rewriting, rewritten
from rflint.roles import Role

_DILATABLE = (nn.modules.conv._ConvNd, nn.modules.pooling._MaxPoolNd)

_GONE = "cut off"
_DILATED = "sees as far as it did, on a larger map"
_REWRITTEN = "the same submodules, under the same names, in another forward"
_AUXILIARY = "trained beside what is cut off"
_HEAD = (
    "the new classifier; its weights have names of their own, so that old state dicts still load"
)


def scripts(model: nn.Module, analysis: Analysis, candidate: Candidate) -> list[tuple[Edit, ...]]:
    """Ways to make a change, each as statements about the module `m`.

    Raises Inexpressible where there is none.
    """
    writer = _Writer(model, analysis, candidate)
    ways = list(dict.fromkeys(writer.ways()))
    if not ways:
        raise Inexpressible("; ".join(writer.reasons) or "no edit of modules says this")
    return ways


def without_auxiliaries(model: nn.Module, analysis: Analysis) -> tuple[tuple[Edit, ...], int]:
    """Edits that take out the modules that only training uses, and how many parameters they have.

    Such heads branch off layers that a cut may have removed. Models that have them allow them to be
    None, or else the edited model fails where it is verified.
    """
    unused = dict(analysis.architecture.unused)
    found: dict[str, int] = {}
    for path, module in model.named_modules():
        sizes = [unused.get(f"{path}.{name}") for name, _ in module.named_parameters()]
        inside = any(path.startswith(f"{outer}.") for outer in found)
        if path and sizes and None not in sizes and not inside:
            found[path] = sum(size for size in sizes if size is not None)
    names = Names(model)
    edits = (
        # the name is to be free, or else the state dict still has a place for its weights
        Edit(f"del {names.expression(path)}\n{names.assigned(path, 'None')}", _AUXILIARY)
        for path in found
        if not names.is_numbered(path)
    )
    return tuple(edits), sum(found.values())


class _Writer(Names):
    def __init__(self, model: nn.Module, analysis: Analysis, candidate: Candidate) -> None:
        super().__init__(model)
        self.model = model
        self.reasons: dict[str, None] = {}
        """Why further ways were not taken."""
        self.layers = analysis.architecture.layers
        self.axes = analysis.architecture.axes
        self.classes = (analysis.architecture.output_shapes or ((0,),))[0][-1]
        self.candidate = candidate
        trunk = [i for i, x in enumerate(analysis.layers) if x.role is not Role.HEAD]
        # from here on, nothing has positions any more but what pools or flattens them
        self.head = max((i for i in trunk if not _loses_positions(self.layers[i])), default=-1) + 1
        self.by_name: dict[str, Layer] = {}
        for layer in self.layers:
            self.by_name.setdefault(layer.name, layer)
        self.keywords = _keywords(model)
        self.names_of_weights = {name for name, _ in model.named_parameters()}
        self._global_pooling = f"nn.AdaptiveAvgPool{self.axes}d(1)"

    # -- all together

    def ways(self) -> Iterator[tuple[Edit, ...]]:
        """Module edits first, then those that write the model's own forward anew."""
        cut, head = self.candidate.change.cut, self.candidate.pooled_before
        if cut is not None:
            for edits in self.truncations(cut):
                yield from self._complete((*self.removals(), *edits))
            yield from self._ended_in_forward(cut)
        elif head is None:
            yield from self._complete(tuple(self.removals()))
        elif self.candidate.head_inputs:
            yield from self._complete((*self.removals(), *self.resized_head(head)))
        else:
            for place, edit in self.poolings_in_front_of(head):
                yield from self._complete((*self.removals(without=place), edit))
            yield from self._resized_in_forward(head)

    def _complete(
        self, edits: tuple[Edit, ...], root: Rewriting = NOTHING
    ) -> Iterator[tuple[Edit, ...]]:
        """Edits of modules, and the forwards that have to be written anew beside them."""
        classes: list[Edit] = []
        nested: list[Edit] = []
        last: list[Edit] = []
        changes = self._rewritings()
        if root != NOTHING:
            in_root = changes.get("", NOTHING)
            changes[""] = replace(root, left_out=in_root.left_out, slowed=in_root.slowed)
        try:
            for path, change in changes.items():
                name = self._class_name(path, change, len(classes))
                source = rewritten(self.model, path, self.layers, change, name)
                classes.append(Edit(source, "", defines=True))
                if path:
                    put = self.assigned(path, f"{name}({self.expression(path)})")
                    nested.append(Edit(put, _REWRITTEN))
                else:
                    last.append(Edit(f"m = {name}(m)", _REWRITTEN))
        except Inexpressible as error:
            self.reasons.setdefault(str(error))
            return
        yield (*classes, *nested, *edits, *last)

    def _rewritings(self) -> dict[str, Rewriting]:
        """Poolings that are function calls, by the module in whose forward they are."""
        change = self.candidate.change
        found: dict[str, Rewriting] = {}
        for layer in self.layers:
            if layer.name not in change.without_downsampling or module_of(self.layers, layer):
                continue
            here = found.get(layer.scope, NOTHING)
            if layer.name in change.removed:
                here = replace(here, left_out=(*here.left_out, layer))
            else:
                here = replace(here, slowed=(*here.slowed, layer))
            found[layer.scope] = here
        return found

    def _class_name(self, path: str, change: Rewriting, number: int) -> str:
        of = type(self.modules[path]).__name__
        return f"{of}{'Truncated' if change.cut is not None else 'Changed'}{number or ''}"

    def _ended_in_forward(self, cut: int) -> Iterator[tuple[Edit, ...]]:
        """The model's forward up to a layer, and a head."""
        children = {path.split(".")[0] for x in self.layers[: cut + 1] for path in lineage(x)[:1]}
        gone = modules_within(self.layers, range(cut + 1, len(self.layers)))
        inside = [path for path in gone if path.split(".")[0] in children]
        whole = f"nn.Sequential({self._global_pooling}, nn.Flatten(), {self._linear(cut)})"
        edits = tuple(self._without(inside, delete=True))
        yield from self._complete(edits, Rewriting(cut=cut, head=whole))

    def _resized_in_forward(self, head: int) -> Iterator[tuple[Edit, ...]]:
        """The model's forward, with a pooling where the map is last seen whole."""
        chain = self._chain(self.layers[head])
        if chain:
            pool = _pooling_to(self.layers[chain[-1]].positions)
            change = Rewriting(resized_behind=chain[-1], size=pool)
            yield from self._complete(tuple(self.removals()), change)

    def _linear(self, cut: int) -> str:
        """A new classifier for what a layer makes."""
        channels = self.layers[cut].out_shape[1]
        return f"nn.Linear({channels}, {self.classes}{self.keywords})"

    # -- downsampling

    def removals(self, without: str = "") -> Iterator[Edit]:
        """Strides set to one, poolings taken out; the module `without` is seen to elsewhere."""
        change = self.candidate.change
        dilation = dict(self.candidate.dilation)
        changed = change.without_downsampling
        for layer in self.by_name.values():
            path = module_of(self.layers, layer) or layer.name
            if path == without or (not layer.is_module and not module_of(self.layers, layer)):
                continue
            if layer.name == change.small_stem:
                was = f"was {size(layer.geometry.kernel)}, stride {compact(layer.geometry.stride)}"
                yield Edit(self.assigned(path, self._small_stem(path)), f"{was}; has new weights")
            elif layer.name in change.removed:
                was = f"was {layer.op}, stride {compact(layer.geometry.stride)}"
                yield Edit(self.assigned(path, "nn.Identity()"), was)
            elif layer.name in changed:
                yield self._unit_stride(path)
            if layer.name in dilation:
                yield from self._dilated(path, dilation[layer.name])

    def _unit_stride(self, path: str) -> Edit:
        module = self.modules[path]
        stride = getattr(module, "stride", None)
        if isinstance(stride, tuple | list):
            ones = (1,) * len(stride)
            return Edit(f"{self.expression(path)}.stride = {ones!r}", f"was {tuple(stride)!r}")
        if stride is None:
            raise Inexpressible(f"{path} ({type(module).__name__}) has no stride that could be set")
        return Edit(f"{self.expression(path)}.stride = 1", f"was {stride!r}")

    def _dilated(self, path: str, times: Sequence[int]) -> Iterator[Edit]:
        module = self.modules[path]
        pads_with_zeros = getattr(module, "padding_mode", "zeros") == "zeros"
        if not isinstance(module, _DILATABLE) or not pads_with_zeros:
            raise Inexpressible(f"{path} ({type(module).__name__}) cannot be dilated")
        spatial = self.by_name[path].geometry.kernel
        along = times[-len(spatial) :]
        dilation = _times(module.dilation, along)
        yield Edit(f"{self.expression(path)}.dilation = {dilation!r}", _DILATED)
        if not isinstance(module.padding, str):
            padding = _times(module.padding, along)
            if any(padding):
                yield Edit(f"{self.expression(path)}.padding = {padding!r}", _DILATED)

    def _small_stem(self, path: str) -> str:
        stem = self.modules[path]
        if type(stem) not in (nn.Conv1d, nn.Conv2d, nn.Conv3d):
            raise Inexpressible(f"{path} is a {type(stem).__name__}, whose kernel may not shrink")
        assert isinstance(stem, nn.modules.conv._ConvNd)
        options = {"padding": "1"}
        if stem.groups != 1:
            options["groups"] = str(stem.groups)
        if stem.bias is None:
            options["bias"] = "False"
        if stem.padding_mode != "zeros":
            options["padding_mode"] = repr(stem.padding_mode)
        listed = "".join(f", {name}={value}" for name, value in options.items())
        shape = f"{stem.in_channels}, {stem.out_channels}, {SMALL_STEM}"
        return f"nn.Sequential(nn.{type(stem).__name__}({shape}{listed}{self.keywords}))"

    # -- truncation

    def truncations(self, cut: int) -> Iterator[tuple[Edit, ...]]:
        """Ends for a network behind a layer, the model's own pooling and head kept if they fit."""
        layers = self.layers
        end = len(layers)
        behind_cut = range(max(cut + 1, self.head), end)
        gone = next((index for index in behind_cut if _loses_positions(layers[index])), end)
        in_front = self._units(range(cut + 1, gone))
        flattens = gone < end and layers[gone].kind in (Kind.LINEAR, Kind.CONV)
        behind = self._units(range(gone if flattens else gone + 1, end))
        everything = self._units(range(cut + 1, end))
        for delete in (True, False):
            if flattens:
                yield from self._pooled_then_flattened(in_front, behind, cut)
            elif behind:
                # the model's own global pooling stays
                yield (*self._without(in_front, delete), *self._ending(behind, cut))
            yield from self._pooled_and_classified(everything, cut, delete)

    def _pooled_then_flattened(
        self, in_front: Sequence[str], behind: Sequence[str], cut: int
    ) -> Iterator[tuple[Edit, ...]]:
        """The last module in front of a model's own flattening becomes global pooling."""
        maps = [unit for unit in in_front if not self._flattens(unit)]
        if maps and behind:
            *between, last = maps
            pooled = Edit(self.assigned(last, self._global_pooling), "pools all that is left")
            yield (*self._without(between, delete=False), pooled, *self._ending(behind, cut))

    def _pooled_and_classified(
        self, units: Sequence[str], cut: int, delete: bool
    ) -> Iterator[tuple[Edit, ...]]:
        """One module becomes pooling and classifier, and the others pass that on."""
        head = (self._global_pooling, "nn.Flatten()")
        if units:
            first, *rest = units
            yield (self._classifier(first, cut, head), *self._without(rest, delete))
            if rest and self._weighs(rest[-1]):
                *between, last = units
                yield (*self._without(between, delete), self._classifier(last, cut, head))

    def _units(self, indices: range) -> list[str]:
        """The largest modules among these layers, but for those that only pass on what they get."""
        units = modules_within(self.layers, indices)
        return [
            unit
            for unit in units
            if self._weighs(unit)
            or any(
                x.kind not in (Kind.ACTIVATION, Kind.ARITHMETIC)
                for x in self.layers
                if unit in lineage(x)
            )
            or isinstance(self.modules[unit.rpartition(".")[0]], LISTS)
        ]

    def _weighs(self, path: str) -> bool:
        return any(True for _ in self.modules[path].parameters())

    def _flattens(self, path: str) -> bool:
        return isinstance(self.modules[path], nn.Flatten)

    def _ending(self, units: Sequence[str], cut: int) -> Iterator[Edit]:
        """The last of these that has weights becomes the head, the others pass on what they get."""
        weighing = [unit for unit in units if self._weighs(unit)]
        for unit in weighing[:-1]:
            yield Edit(self.assigned(unit, "nn.Identity()"), _GONE)
        if weighing and not self._is_classifier(weighing[-1], cut):
            yield self._classifier(weighing[-1], cut)

    def _classifier(self, path: str, cut: int, in_front: Sequence[str] = ()) -> Edit:
        """A new classifier in the place of a module, with weights by names that are new."""
        code, name = self._linear(cut), f"{path}.{len(in_front)}"
        while f"{name}.weight" in self.names_of_weights:
            code, name = f"nn.Sequential({code})", f"{name}.0"
        layers = ", ".join([*in_front, code])
        return Edit(self.assigned(path, f"nn.Sequential({layers})"), _HEAD)

    def _is_classifier(self, path: str, cut: int) -> bool:
        """Whether a module is the very layer that would replace it, so that it can stay."""
        module = self.modules[path]
        return (
            type(module) is nn.Linear
            and module.bias is not None
            and f"nn.Linear({module.in_features}, {module.out_features}{self.keywords})"
            == self._linear(cut)
        )

    def _without(self, units: Sequence[str], delete: bool) -> Iterator[Edit]:
        """Take modules out: the ends of lists are deleted, others become nn.Identity()."""
        remaining = list(units)
        while remaining:
            unit = remaining.pop(0)
            parent, _, number = unit.rpartition(".")
            siblings = [number]
            while remaining and self._follows(parent, siblings[-1], remaining[0]):
                siblings.append(remaining.pop(0).rpartition(".")[2])
            container = self.modules[parent]
            reference = self.expression(parent)
            if self.is_numbered(unit) and len(siblings) < len(container._modules):
                first, last = int(siblings[0]), int(siblings[-1])
                if delete and last == len(container._modules) - 1:
                    yield Edit(f"del {reference}[{first}:]", _GONE)
                    continue
                if len(siblings) > 2:
                    loop = (
                        f"for i in range({first}, {last + 1}):\n    {reference}[i] = nn.Identity()"
                    )
                    yield Edit(loop, _GONE)
                    continue
            for sibling in siblings:
                path = f"{parent}.{sibling}" if parent else sibling
                empty = (
                    "ModuleList" if isinstance(self.modules[path], nn.ModuleList) else "Identity"
                )
                yield Edit(self.assigned(path, f"nn.{empty}()"), _GONE)

    def _follows(self, parent: str, number: str, other: str) -> bool:
        """Whether a module is the next in the same list."""
        other_parent, _, other_number = other.rpartition(".")
        numbered = self.is_numbered(other) and number.isdigit()
        return other_parent == parent and numbered and int(other_number) == int(number) + 1

    # -- heads that depend on the size of the map

    def poolings_in_front_of(self, index: int) -> Iterator[tuple[str, Edit]]:
        """Places for a pooling to the old size: a module that it takes the place of, and how."""
        head = self.layers[index]
        chain = self._chain(head)
        old = self.layers[chain[-1]].positions if chain else ()
        if not old:
            return
        pool = _pooling_to(old)
        why = f"brings the map back to the {size(old)} positions that {head.name} wants"
        if head.kind is Kind.POOL and head.is_module:
            everything = f"nn.AdaptiveAvgPool{len(old)}d(1)"
            yield head.name, Edit(self.assigned(head.name, everything), "pools the whole map still")
        last = self.layers[chain[-1]]
        removed = module_of(self.layers, last) if last.name in self.candidate.change.removed else ""
        if removed and self._called_once(removed):
            yield removed, Edit(self.assigned(removed, pool), why)
        for at in reversed(chain):
            layer = self.layers[at]
            once = layer.is_module and self._called_once(layer.name)
            if not once or self._weighs(layer.name) or layer.name == removed:
                continue
            expression = self.expression(layer.name)
            inside = (
                f"{pool}, {expression}" if self._flattens(layer.name) else f"{expression}, {pool}"
            )
            if layer.is_map or self._flattens(layer.name):
                yield "", Edit(self.assigned(layer.name, f"nn.Sequential({inside})"), why)
        for at in chain:
            for path in lineage(self.layers[at])[:-1]:
                inside_of = [i for i, x in enumerate(self.layers) if path in lineage(x)]
                module = self.modules[path]
                if (
                    type(module) is nn.Sequential
                    and inside_of[-1] == at
                    and self._called_once(path)
                ):
                    yield "", Edit(f"{self.expression(path)}.append({pool})", why)

    def resized_head(self, index: int) -> Iterator[Edit]:
        """A linear layer for as many features as there are now."""
        path = self.layers[index].name
        linear = self.modules[path]
        if type(linear) is not nn.Linear:
            raise Inexpressible(f"{path} is a {type(linear).__name__}, not an nn.Linear")
        bias = "" if linear.bias is not None else ", bias=False"
        shape = f"{self.candidate.head_inputs}, {linear.out_features}"
        new = f"nn.Linear({shape}{bias}{self.keywords})"
        was = f"had {linear.in_features} inputs; has new weights"
        yield Edit(self.assigned(path, f"nn.Sequential({new})"), was)

    def _chain(self, head: Layer) -> list[int]:
        """What lies between the last layer that makes a map and a head, that layer included."""
        chain: list[int] = []
        layer = head
        while len(layer.inputs) == 1 and layer.inputs[0].source != INPUT:
            index = layer.inputs[0].source
            chain.append(index)
            layer = self.layers[index]
            if any(reach != POINTWISE for edge in layer.inputs for reach in edge.reach):
                break
        return chain

    def _called_once(self, path: str) -> bool:
        inside = [layer for layer in self.layers if path in lineage(layer)]
        shared = sum(module is self.modules[path] for module in self.modules.values())
        return shared == 1 and all(layer.call == 0 for layer in inside)


def _times(numbers: int | Sequence[int], times: Sequence[int]) -> tuple[int, ...]:
    """Hyper-parameters along the axes, multiplied."""
    each = (numbers,) * len(times) if isinstance(numbers, int) else numbers
    return tuple(number * factor for number, factor in zip(each, times, strict=True))


def _pooling_to(positions: Sequence[int]) -> str:
    side = str(positions[0]) if len(set(positions)) == 1 else repr(tuple(positions))
    return f"nn.AdaptiveAvgPool{len(positions)}d({side})"


def _loses_positions(layer: Layer) -> bool:
    return bool(layer.inputs) and all(
        reach is Extent.GLOBAL for edge in layer.inputs for reach in edge.reach
    )


def _keywords(model: nn.Module) -> str:
    """What a new layer needs to be told to fit the model: its type of numbers, if unusual."""
    kinds: Iterable[torch.dtype] = (p.dtype for p in model.parameters())
    dtype = next((kind for kind in kinds if kind.is_floating_point), torch.float32)
    return "" if dtype is torch.float32 else f", dtype={dtype}"
