"""Edits for heads that are made for one size of the map: flatten + linear."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import nn

from rflint.graph.layer import INPUT, Kind, Layer
from rflint.graph.windows import POINTWISE
from rflint.repair.edit import Edit
from rflint.repair.edits.writer import Inexpressible, Writer
from rflint.text.numbers import size


class SizedHeads(Writer):
    """Writes how a head gets the size that it is made for, or another size."""

    def poolings_in_front_of(self, index: int) -> Iterator[tuple[str, Edit]]:
        """Places for a pooling to the old size: a module that it takes the place of, and how."""
        head = self.layers[index]
        chain = self.chain(head)
        old = self.layers[chain[-1]].positions if chain else ()
        if not old:
            return
        pool = pooling_to(old)
        why = f"brings the map back to the {size(old)} positions that {head.name} wants"
        if head.kind is Kind.POOL and head.is_module:
            everything = f"nn.AdaptiveAvgPool{len(old)}d(1)"
            yield (
                head.name,
                self.edit(
                    head.name, self.assigned(head.name, everything), "pools the whole map still"
                ),
            )
        last = self.layers[chain[-1]]
        removed = self.module_of(last) if last.name in self.candidate.change.left_out else ""
        if removed and self._called_once(removed):
            yield removed, self.edit(removed, self.assigned(removed, pool), why)
        for at in reversed(chain):
            layer = self.layers[at]
            once = layer.is_module and self._called_once(layer.name)
            if not once or self.weighs(layer.name) or layer.name == removed:
                continue
            expression = self.expression(layer.name)
            inside = (
                f"{pool}, {expression}" if self.is_flatten(layer.name) else f"{expression}, {pool}"
            )
            if layer.is_map or self.is_flatten(layer.name):
                code = self.assigned(layer.name, f"nn.Sequential({inside})")
                yield "", self.edit(layer.name, code, why)
        for at in chain:
            for path in self.layers[at].modules_around[:-1]:
                layers = self.analysis.architecture.relations.layers_of_module[path]
                module = self.modules[path]
                if type(module) is nn.Sequential and layers[-1] == at and self._called_once(path):
                    yield "", self.edit(path, f"{self.expression(path)}.append({pool})", why)

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
        yield self.edit(path, self.assigned(path, f"nn.Sequential({new})"), was)

    def chain(self, head: Layer) -> list[int]:
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
        layers = self.analysis.architecture.relations.layers_of_module.get(path, ())
        shared = sum(module is self.modules[path] for module in self.modules.values())
        return shared == 1 and all(self.layers[index].call == 0 for index in layers)


def pooling_to(positions: Sequence[int]) -> str:
    """A module that pools a map to so many positions along each axis."""
    side = str(positions[0]) if len(set(positions)) == 1 else repr(tuple(positions))
    return f"nn.AdaptiveAvgPool{len(positions)}d({side})"
