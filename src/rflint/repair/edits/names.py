"""How code refers to the modules of a model."""

from __future__ import annotations

import json
import keyword

from torch import nn

from rflint.tracing.model.tree import named_modules

LISTS = (nn.Sequential, nn.ModuleList)


class Names:
    """The modules of a model that code calls `root`."""

    def __init__(self, model: nn.Module, root: str = "m") -> None:
        self.root = root
        self.modules = dict(named_modules(model, each_once=False))

    def expression(self, path: str) -> str:
        """How code refers to a module by its path."""
        written = self.root
        parent = ""
        for part in path.split(".") if path else []:
            child = f"{parent}.{part}" if parent else part
            if self.is_numbered(child):
                written = f"{written}[{part}]"
            elif part.isidentifier() and not keyword.iskeyword(part):
                written = f"{written}.{part}"
            else:
                written = f"getattr({written}, {json.dumps(part)})"
            parent = child
        return written

    def assigned(self, path: str, value: str) -> str:
        """The statement that puts another module in the place of one."""
        parent, _, name = path.rpartition(".")
        plain = self.is_numbered(path) or (name.isidentifier() and not keyword.iskeyword(name))
        if plain:
            return f"{self.expression(path)} = {value}"
        return f"setattr({self.expression(parent)}, {json.dumps(name)}, {value})"

    def deleted(self, path: str) -> str:
        """The statement that takes a module, or a parameter, away."""
        parent, _, name = path.rpartition(".")
        if name.isidentifier() and not keyword.iskeyword(name):
            return f"del {self.expression(parent)}.{name}"
        return f"delattr({self.expression(parent)}, {json.dumps(name)})"

    def is_numbered(self, path: str) -> bool:
        """Whether a module is written as an item of a list."""
        parent, _, name = path.rpartition(".")
        container = self.modules[parent]
        names = list(container._modules)
        number = int(name) if name.isdigit() else len(names)
        return isinstance(container, LISTS) and number < len(names) and names[number] == name
