"""Which classes of a project are modules of PyTorch's, and which expressions make one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from rflint.usercode.project_source import (
    Definition,
    ProjectSource,
    SourceModule,
    dotted_name,
    table_and_key,
)

_LIBRARIES = re.compile(
    r"^(torch\.nn\.(modules\..+\.)?[A-Z]\w*"
    r"|(torchvision|timm|segmentation_models_pytorch|monai|diffusers|kornia|ultralytics)\..*\b[A-Z]\w*"
    r"|transformers\..*\b[A-Z]\w*(Model|For[A-Z]\w+|Net|Backbone))$"
)
"""Classes of installed packages that are modules, by their habits of naming."""
_NO_MODULES = re.compile(
    r"\b([A-Z]\w*_Weights|Parameter|Buffer|\w*Config|\w*Transforms?|Data\w+|\w+Loss)$"
)
_LOSSES = re.compile(r"\w(Loss|Criterion)$")
"""What classes are called that compare what a model says with what is right: no models."""
_LIGHTNING = re.compile(r"(^|\.)LightningModule$")
_FUNCTIONS = re.compile(
    r"^(timm\.create_model|timm\.models\.create_model|torchvision\.models\.(\w+\.)*[a-z]\w+)$"
)
"""Functions of installed packages that return a module."""
_PASSED_THROUGH = frozenset({"torch.compile", "torch.jit.script"})
"""Functions that return the module that they are given, or one like it."""
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class ModuleClasses:
    """Knows the classes of a project by reading it, and remembers what it found."""

    def __init__(self, source: ProjectSource) -> None:
        self.source = source
        self._known: dict[Definition, bool] = {}
        self._makers: dict[Definition, bool] = {}

    def lineage(self, of: Definition) -> Iterator[Definition | str]:
        """A class and those that it is derived from, its own first: the project's, and others."""
        pending: list[Definition | str] = [of]
        seen: set[Definition | str] = set()
        while pending:
            current = pending.pop(0)
            if current in seen:
                continue
            seen.add(current)
            yield current
            if isinstance(current, Definition) and isinstance(current.node, ast.ClassDef):
                names = [dotted_name(_unsubscripted(base)) for base in current.node.bases]
                pending += [self.source.meaning(current.module, x) for x in names if x]

    def is_module_class(self, of: Definition) -> bool:
        """Whether a class is derived from nn.Module, directly or through others."""
        if of not in self._known:
            self._known[of] = isinstance(of.node, ast.ClassDef) and self._is_derived(of)
        return self._known[of]

    def _is_derived(self, of: Definition) -> bool:
        if _LOSSES.search(of.name):
            return False
        others = [x for x in self.lineage(of) if isinstance(x, str)]
        if any(is_module_name(x) for x in others):
            return True
        # a base class of a package that nobody here knows: then its forward tells
        unknown = [
            x for x in others if "." in x and not x.startswith(("torch.", "abc.", "typing."))
        ]
        return bool(unknown) and _method(of, "forward") is not None

    def is_lightning(self, of: Definition) -> bool:
        """Whether a class is a LightningModule, which holds the model."""
        return any(isinstance(x, str) and _LIGHTNING.search(x) for x in self.lineage(of))

    def runs(self, of: Definition) -> bool:
        """Whether a class says what its forward does, and leaves no method abstract."""
        lineage = list(self.lineage(of))
        own = [x for x in lineage if isinstance(x, Definition)]
        others = {x for x in lineage if isinstance(x, str) and is_module_name(x)}
        inherits = bool(others - {"torch.nn.Module", "torch.nn.modules.module.Module"})
        defined = [_method(x, "forward") for x in own]
        known = [x for x in defined if x is not None]
        runs = bool(known) if not inherits or self.is_lightning(of) else True
        if self.is_lightning(of) and not known:
            runs = any(_method(x, "training_step") for x in own)
        return runs and not (known and _only_raises(known[0])) and not _is_abstract(of)

    def makes_module(self, module: SourceModule, value: ast.expr | None) -> bool:
        """Whether an expression obviously makes a module: `Net(3)`, `nn.Sequential(...)`."""
        if isinstance(value, ast.IfExp):
            return self.makes_module(module, value.body) and self.makes_module(module, value.orelse)
        if not isinstance(value, ast.Call):
            return False
        function = value.func
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Call):
            chained = function.attr in ("to", "eval", "train", "cuda", "cpu", "half", "float")
            return chained and self.makes_module(module, function.value)
        table, _ = table_and_key(function)
        if table:
            meant = self.source.meaning(module, table)
            held = self.source.table(meant).values() if isinstance(meant, Definition) else ()
            return any(self.is_maker(x, value, module) for x in held)
        name = dotted_name(function)
        return bool(name) and self.is_maker(self.source.meaning(module, name), value, module)

    def is_maker(self, made_by: Definition | str, call: ast.Call, module: SourceModule) -> bool:
        """Whether a call of this gives a module."""
        if isinstance(made_by, str):
            if made_by in _PASSED_THROUGH:
                return bool(call.args) and self.makes_module(module, call.args[0])
            return is_module_name(made_by) or bool(_FUNCTIONS.match(made_by))
        return self.is_module_class(made_by) or self.is_builder(made_by)

    def is_builder(self, of: Definition) -> bool:
        """Whether a function is annotated to return a module, or obviously returns one."""
        if of not in self._makers:
            self._makers[of] = False  # a function that calls itself
            self._makers[of] = self._builds(of)
        return self._makers[of]

    def _builds(self, of: Definition) -> bool:
        if isinstance(of.value, ast.Lambda):
            return self.makes_module(of.module, of.value.body)
        if isinstance(of.value, ast.Call) and _is_partial(self.source, of):
            made = dotted_name(of.value.args[0]) if of.value.args else ""
            meant = self.source.meaning(of.module, made)
            return bool(made) and self.is_maker(meant, of.value, of.module)
        if not isinstance(of.node, ast.FunctionDef):
            return False
        if of.node.returns is not None:
            return self._is_module_annotation(of, of.node.returns)
        returned = [x.value for x in _own_statements(of.node) if isinstance(x, ast.Return)]
        given = [x for x in returned if x is not None]
        if not given or any(isinstance(x, ast.Yield | ast.YieldFrom) for x in ast.walk(of.node)):
            return False
        return all(self._returns_module(of, x) for x in given)

    def _is_module_annotation(self, of: Definition, annotation: ast.expr) -> bool:
        name = dotted_name(annotation)
        meant = self.source.meaning(of.module, name) if name else ""
        if isinstance(meant, Definition):
            return self.is_module_class(meant)
        return is_module_name(meant)

    def _returns_module(self, of: Definition, value: ast.expr) -> bool:
        """Whether what is returned is made there, or was assigned to a variable of the function."""
        if not isinstance(value, ast.Name):
            return self.makes_module(of.module, value)
        values = [
            x.value
            for x in _own_statements(of.node)
            if isinstance(x, ast.Assign)
            and any(isinstance(y, ast.Name) and y.id == value.id for y in x.targets)
        ]
        return any(self.makes_module(of.module, x) for x in values)


def is_module_name(name: str) -> bool:
    """Whether a name of an installed package is a class of modules."""
    if _LIGHTNING.search(name):
        return True
    return bool(_LIBRARIES.match(name)) and not _NO_MODULES.search(name)


def constructor(classes: ModuleClasses, of: Definition) -> ast.FunctionDef | None:
    """The `__init__` of a class, its own or inherited from another of the project."""
    for one in classes.lineage(of):
        if isinstance(one, str):
            continue
        if (found := _method(one, "__init__")) is not None:
            return found
    return None


def _method(of: Definition, name: str) -> ast.FunctionDef | None:
    body = of.node.body if isinstance(of.node, ast.ClassDef) else []
    for x in body:
        if isinstance(x, ast.FunctionDef) and x.name == name:
            static = any(dotted_name(y) == "staticmethod" for y in x.decorator_list)
            return None if static else x  # as torch.autograd.Function has it
    return None


def _is_abstract(of: Definition) -> bool:
    body = of.node.body if isinstance(of.node, ast.ClassDef) else []
    return any(
        dotted_name(y).endswith("abstractmethod")
        for x in body
        if isinstance(x, ast.FunctionDef)
        for y in x.decorator_list
    )


def _only_raises(function: ast.FunctionDef) -> bool:
    """Whether a method is there to be overridden."""
    body = [x for x in function.body if not (isinstance(x, ast.Expr) and _is_text(x.value))]
    return len(body) == 1 and isinstance(body[0], ast.Raise)


def _is_text(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _is_partial(source: ProjectSource, of: Definition) -> bool:
    value = of.value
    name = dotted_name(value.func) if isinstance(value, ast.Call) else ""
    return bool(name) and source.meaning(of.module, name) in ("functools.partial", "partial")


def _own_statements(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, without those of functions and classes inside of it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _SCOPES):
            yield child
            yield from _own_statements(child)


def _unsubscripted(node: ast.expr) -> ast.expr:
    """`Base` for `Base[T]`."""
    return node.value if isinstance(node, ast.Subscript) else node
