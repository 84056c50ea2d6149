"""The modules whose forward is running, and what the model calls its modules."""

from __future__ import annotations

from torch import nn

from rflint.tracing.model.tree import named_modules


class ModuleStack:
    """The modules of a model by path, and those that are running, innermost last."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.running: list[nn.Module] = []
        self.failed_in: str | None = None
        """The path of the innermost module whose forward raised an exception."""
        self._paths = {id(module): path for path, module in named_modules(model)}
        self._late: list[nn.Module] = []
        """Modules that were not registered at first, kept alive."""

    def path(self, module: nn.Module) -> str:
        """What the model calls a module; forward may have just registered it."""
        if id(module) not in self._paths:
            self._late.append(module)
            self._paths[id(module)] = ""
            for path, found in named_modules(self.model):
                if not self._paths.get(id(found)):
                    self._paths[id(found)] = path
        return self._paths[id(module)]

    def scope(self) -> str:
        """The path of the innermost running module that has one."""
        paths = (self._paths.get(id(module), "") for module in reversed(self.running))
        return next((path for path in paths if path), "")

    def running_convolution(self) -> tuple[str, nn.Module] | None:
        """Path and module of the user's own subclass of a convolution, if its forward is running.

        To its author that class is the layer, and not the functional convolution that it calls.
        """
        module = self.running[-1] if self.running else None
        if isinstance(module, nn.modules.conv._ConvNd):
            path = self._paths.get(id(module))
            return (path, module) if path else None
        return None
