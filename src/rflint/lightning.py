"""A callback for Lightning that lints a model when its training begins.

trainer = Trainer(callbacks=[rflint.lightning.LintCallback()])

It works with `lightning` and with `pytorch_lightning`, whichever the program has imported.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

from rflint.errors import RflintError, UsageError, as_rflint_error, error_text
from rflint.inputs.notation import InputShape
from rflint.testing import UnsoundArchitecture, assert_sound, check_options
from rflint.text.suggest import did_you_mean, similar

_PACKAGES = ("lightning.pytorch", "pytorch_lightning")
_ON_FINDINGS = ("warn", "raise")


def _callback_classes() -> tuple[Any, ...]:
    """The class of callbacks of every Lightning that is imported, or else of one that can be."""
    loaded = [module for name in _PACKAGES if (module := sys.modules.get(name))]
    if loaded:
        return tuple(module.Callback for module in loaded)
    for name in _PACKAGES:
        try:
            return (import_module(name).Callback,)
        except ModuleNotFoundError as error:
            if error.name not in (name, name.partition(".")[0]):
                raise
    raise ModuleNotFoundError(
        "rflint.lightning needs Lightning: pip install lightning (or pytorch-lightning)",
        name="lightning",
    )


_Callback: Any = type("_Callback", _callback_classes(), {"__module__": __name__})


def tensor_of_batch(batch: Any) -> Any:
    """What a model is fed of a batch: its first tensor that has axes, or else its first one."""
    tensors = list(_tensors(batch))
    return next((x for x in tensors if len(x.shape) > 2), tensors[0] if tensors else None)


class LintCallback(_Callback):  # type: ignore[misc]
    """Lint the model at the beginning of `fit`, with inputs of the size of the first batch.

    The model, its mode, its device and the random numbers are left as they are. In distributed
    training every process lints, and all come to the same.

    Args:
        res: the input size; without it (and without `input=` among the options), the shape of the
            first training batch is taken, before the first step.
        on_findings: "warn", or "raise" to end the training with the report as the message.
        fail_on: the severity from which on findings count: "info", "warning" or "error".
        submodule: the part that is linted, by its name in the module; without it, the module.
        input_of: gives of a batch the tensor that the model is fed, or a list of tensors; without
            it, that is the first one in the batch that has axes.
        options: as for `rflint.lint`: input=, select=, ignore=, train=, ...

    A model that cannot be linted is warned of as well, or ends the training.
    """

    def __init__(
        self,
        res: int | tuple[int, ...] | Sequence[int | tuple[int, ...]] | None = None,
        *,
        on_findings: str = "warn",
        fail_on: str = "warning",
        submodule: str = "",
        input_of: Callable[[Any], Any] = tensor_of_batch,
        **options: Any,
    ) -> None:
        super().__init__()
        own = ("res", "on_findings", "fail_on", "submodule", "input_of")
        check_options("LintCallback", options, own)
        if on_findings not in _ON_FINDINGS:
            raise UsageError(f"on_findings is {on_findings!r}, and can be 'warn' or 'raise'")
        self.res = res
        self.on_findings = on_findings
        self.fail_on = fail_on
        self.submodule = submodule
        self.input_of = input_of
        self.options = options
        self._linted = False

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Lint now, if the size is known."""
        self._linted = self.res is not None or self.options.get("input") is not None
        if self._linted:
            self._tell(lambda: self._lint(pl_module, self.options))

    def on_train_batch_start(
        self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int
    ) -> None:
        """Lint with the first batch's shape, if not done yet."""
        if self._linted:
            return
        self._linted = True
        self._tell(lambda: self._lint(pl_module, {**self.options, "input": self._shapes(batch)}))

    def _shapes(self, batch: Any) -> list[InputShape]:
        """The shapes of what the model is fed of a batch."""
        try:
            given = self.input_of(batch)
        except Exception as error:
            raise UsageError(f"input_of raised {error_text(error)}") from error
        tensors = given if isinstance(given, list | tuple) else [given]
        if not all(hasattr(x, "shape") for x in tensors):
            raise UsageError("no tensor in the batch", hint="Give res=, input= or input_of=.")
        return [_shape_of(x) for x in tensors]

    def _lint(self, pl_module: Any, options: Mapping[str, Any]) -> None:
        model = _submodule(pl_module, self.submodule)
        assert_sound(model, self.res, fail_on=self.fail_on, **options)

    def _tell(self, lint: Callable[[], None]) -> None:
        """Say what linting finds, and why it fails: no training ends by that, if it may warn."""
        try:
            lint()
        except UnsoundArchitecture as found:
            self._say(found)
        except Exception as error:
            self._say(as_rflint_error(error))

    def _say(self, found: UnsoundArchitecture | RflintError) -> None:
        if self.on_findings == "raise":
            raise found
        failed = "rflint could not lint the model: " if isinstance(found, RflintError) else ""
        warnings.warn(f"{failed}{found}", stacklevel=4)


def _submodule(module: Any, path: str) -> Any:
    """A part of a module by its name. Raises UsageError where it has none of that name."""
    walked = type(module).__name__
    for name in filter(None, path.split(".")):
        children = list(dict(module.named_children()))
        if name not in children:
            did = did_you_mean(similar(name, children))
            has = f"Its children: {', '.join(children)}." if children else "It has no children."
            raise UsageError(f"{walked} has no submodule {name!r}", hint=f"{did} {has}".strip())
        module, walked = module.get_submodule(name), f"{walked}.{name}"
    return module


def _tensors(batch: Any) -> Iterator[Any]:
    if hasattr(batch, "shape") and hasattr(batch, "dtype"):
        yield batch
    elif isinstance(batch, Mapping):
        yield from (tensor for item in batch.values() for tensor in _tensors(item))
    elif isinstance(batch, list | tuple):
        yield from (tensor for item in batch for tensor in _tensors(item))


def _shape_of(tensor: Any) -> InputShape:
    """The shape of one example of a batch, with its type if that is no floating-point one."""
    dtype = "" if tensor.is_floating_point() else str(tensor.dtype).removeprefix("torch.")
    return InputShape((1, *tensor.shape[1:]), dtype)
