"""What linting leaves behind: the model, and the process, are as they were."""

from __future__ import annotations

import io
import random
import sys
import threading
from collections import OrderedDict, deque
from contextlib import suppress
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

import rflint
from rflint.errors import RflintError


class Remembers(nn.Module):
    """Its forward changes all that it can reach."""

    shared: ClassVar[dict[str, Any]] = {}
    """Of the class."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3)
        self.log: list[Any] = []
        self.cache: dict[str, Any] = {"kept": 1}
        self.nested = {"inner": [[0]], "queue": deque([1], maxlen=3)}
        self.names = {"a"}
        self.ordered = OrderedDict(a=1, b=2)
        self.state = SimpleNamespace(calls=0, history=[])
        self.count = 0
        self.grid = torch.zeros(4)
        self.register_buffer("seen", torch.zeros(1))
        self.bare: list[nn.Module] = [nn.Conv2d(3, 3, 1)]

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        self.log.append(y)
        self.cache.setdefault("y", y)
        del self.cache["kept"]
        self.nested["inner"][0].append(y)
        self.nested["queue"].append(y)
        self.names.add("b")
        self.ordered.move_to_end("a")
        self.state.calls += 1
        self.state.history.append(y)
        self.count += 1
        self.grid += 1
        self.seen += 1
        self.shared["y"] = y
        self.bare[0].extra = y
        self.conv.weight.requires_grad_(False)
        return y + self.cache["y"]


def test_what_forward_changes_is_put_back() -> None:
    model = Remembers()
    model.conv.train()
    model.eval()
    model.conv.training = True
    queue = model.nested["queue"]
    rflint.lint(model, res=16)
    assert model.log == []
    assert model.cache == {"kept": 1}
    assert model.nested == {"inner": [[0]], "queue": deque([1])}
    assert model.nested["queue"] is queue
    assert queue.maxlen == 3
    assert model.names == {"a"}
    assert list(model.ordered) == ["a", "b"]
    assert vars(model.state) == {"calls": 0, "history": []}
    assert model.count == 0
    assert model.grid.tolist() == [0] * 4
    assert model.seen.tolist() == [0]
    assert Remembers.shared == {}
    assert not hasattr(model.bare[0], "extra")
    assert model.conv.weight.requires_grad
    assert (model.training, model.conv.training) == (False, True)
    assert model(torch.rand(1, 3, 16, 16)).shape == (1, 3, 14, 14)


class Frozen(OrderedDict[str, int]):
    """A configuration that forbids to be changed, by any method of its class."""

    def update(self, *args: Any, **kwargs: Any) -> None:
        raise TypeError("this configuration is frozen")

    __setitem__ = clear = pop = update  # type: ignore[assignment]


class Configured(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(nn.Conv2d(3, 8, 3))
        config: Any = Frozen()
        OrderedDict.__setitem__(config, "channels", 8)
        self.config = config


def test_a_dictionary_that_forbids_changes_is_left_alone() -> None:
    model = Configured()
    config = model.config
    assert rflint.lint(model, res=16).layers[0].layer.out_shape == (1, 8, 14, 14)
    assert model.config is config
    assert dict(config) == {"channels": 8}


class Missing:
    """Stands for a package that is not installed: every attribute is refused."""

    def __getattr__(self, name: str) -> Any:
        raise ImportError(f"{name}: the package is missing")


def test_an_attribute_may_refuse_to_be_looked_into() -> None:
    class Holds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.optional, self.several = nn.Conv2d(3, 3, 3), Missing(), [Missing()]

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x)

    assert rflint.lint(Holds, res=16).models[0].analysis.complete


def test_where_the_analysis_fails_the_model_is_put_back_too() -> None:
    class Fails(Remembers):
        def forward(self, x: Tensor) -> Tensor:
            super().forward(x)
            raise ValueError("no")

    model = Fails()
    with pytest.raises(RflintError, match="no"):
        rflint.lint(model, res=16)
    assert (model.log, model.count) == ([], 0)
    assert model.conv.weight.device.type == "cpu"


# -- the mode


class Fits(nn.Module):
    """A wrapper whose train() trains."""

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        assert not self.model.training
        return self.model(x)

    def train(self, trainer: Any = None, **settings: Any) -> Any:
        raise RuntimeError("a training run was started")


@pytest.mark.parametrize("wrap", [lambda m: m, lambda m: nn.Sequential(m)])
def test_a_train_that_fits_the_model_is_not_called(wrap: Any) -> None:
    model = wrap(Fits())
    found = rflint.lint(model, res=16)
    assert found.layers[0].layer.out_shape == (1, 8, 14, 14)
    assert all(module.training for module in model.modules()), "as it was before"
    assert "train" not in vars(model)


def test_a_train_that_keeps_norms_frozen_is_honoured() -> None:
    class FrozenNorms(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)
            self.modes: list[bool] = []

        def train(self, mode: bool = True) -> Any:
            super().train(mode)
            self.norm.eval()
            return self

        def forward(self, x: Tensor) -> Tensor:
            assert self.training
            assert not self.norm.training
            return self.norm(self.conv(x))

    assert rflint.lint(FrozenNorms, res=16, train=True).models[0].analysis.complete


def test_attributes_may_be_called_like_methods_of_a_module() -> None:
    class Hides(nn.Module):
        def __init__(self, name: str) -> None:
            super().__init__()
            layers = nn.ModuleList([nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)])
            self.layers = layers
            self.__dict__[name] = list(layers)

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers:
                x = layer(x)
            return x

    names = ("modules", "children", "parameters", "named_modules", "named_parameters", "buffers")
    for name in (*names, "named_children", "train", "eval", "to", "apply", "named_buffers"):
        found = rflint.lint(Hides(name), res=16)
        assert found.layers[-1].output_field[0].r_max == 5, name


def test_a_list_called_modules_holds_layers_that_are_not_registered() -> None:
    class Hidden(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.modules = [nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)]  # type: ignore[assignment]

        def forward(self, x: Tensor) -> Tensor:
            for module in self.modules:
                x = module(x)
            return x

    found = rflint.lint(Hidden, res=16)
    assert {f.code for f in found.findings} == {"RF304"}
    assert found.layers[-1].output_field[0].r_max == 5


# -- TorchScript


def loaded(model: nn.Module) -> nn.Module:
    file = io.BytesIO()
    torch.jit.save(torch.jit.script(model), file)  # type: ignore[no-untyped-call]
    file.seek(0)
    return torch.jit.load(file)  # type: ignore[no-any-return, no-untyped-call]


@pytest.mark.filterwarnings("ignore")
def test_loaded_torchscript_is_analysed_as_what_it_was_made_of() -> None:
    class Around(nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.first, self.inner = nn.Conv2d(3, 3, 3), inner

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(self.first(x))

    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3))
    scripted = torch.jit.script(plain.eval())
    forms = {
        "scripted": scripted,
        "loaded": loaded(plain),
        "traced": torch.jit.trace(plain, torch.rand(1, 3, 9, 9)),  # type: ignore[no-untyped-call]
        "frozen": torch.jit.freeze(scripted),
    }
    for name, form in forms.items():
        for model, shape in ((form, (1, 8, 12, 12)), (Around(form), (1, 8, 10, 10))):
            x = torch.rand(1, 3, 16, 16)
            before = model(x)
            report = rflint.lint(model, input=(1, 3, 16, 16)).models[0]
            assert report.layers[-1].layer.out_shape == shape, name
            assert report.analysis.totals.convs == (2 if model is form else 3), name
            torch.testing.assert_close(model(x), before)


# -- the process


def test_the_process_is_as_it_was() -> None:
    class Sets(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(3)
            random.seed(3)
            self.conv = nn.Conv2d(3, 3, 3).double()
            torch.set_default_dtype(torch.float64)

        def forward(self, x: Tensor) -> Tensor:
            torch.set_grad_enabled(False)
            torch.rand(3)
            random.random()
            return self.conv(x)

    torch.rand(1)
    state, python, limit = torch.get_rng_state(), random.getstate(), sys.getrecursionlimit()
    rflint.lint(Sets, res=16)
    assert torch.equal(torch.get_rng_state(), state)
    assert random.getstate() == python
    assert torch.get_default_dtype() is torch.float32
    assert torch.is_grad_enabled()
    assert sys.getrecursionlimit() == limit


@pytest.mark.parametrize("device", ["cpu", "meta", "cuda"])
def test_a_default_device_is_that_of_the_model_only(device: str) -> None:
    class Sets(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.set_default_device(device)
            self.conv = nn.Conv2d(3, 3, 3)
            self.rates = [float(r) for r in torch.linspace(0, 1, 3)] if device != "meta" else [1]
            self.scale = nn.Parameter(torch.zeros(1))

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x) * self.scale + torch.zeros(1) + self.rates[0]

    assert rflint.lint(Sets, res=16).models[0].analysis.complete
    assert torch.zeros(1).device.type == "cpu"
    assert torch.overrides._get_current_function_mode_stack() == []


def names_of_torch() -> dict[tuple[str, ...], int]:
    """Everything that torch's modules and their classes hold, by identity."""
    found: dict[tuple[str, ...], int] = {}
    for name, module in list(sys.modules.items()):
        if name.startswith("torch") and isinstance(module, ModuleType):
            for own, value in list(vars(module).items()):
                found[name, own] = id(value)
                if isinstance(value, type) and value.__module__ == name:
                    found |= {(name, own, x): id(y) for x, y in list(vars(value).items())}
    for cls in (torch._C.ScriptFunction, torch._C.ScriptMethod):
        found |= {(cls.__name__, x): id(y) for x, y in list(vars(cls).items())}
    return found


_COUNTERS = ("next_id", "DESCRIBER_NEXT_ID", "cache_hits", "cache_misses")
"""What torch itself counts on."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("tracer", ["symbolic", "export"])
def test_nothing_of_torch_stays_replaced(tracer: str) -> None:
    class FailsInForward(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            raise ValueError("no")

    class FailsToBuild(nn.Conv2d):
        def __init__(self) -> None:
            super().__init__(3, 3, 3)
            raise ValueError("no")

    def fails() -> nn.Module:
        return nn.Sequential(FailsInForward(3, 3, 3))

    def scripted() -> nn.Module:
        return torch.jit.script(nn.Sequential(nn.Conv2d(3, 8, 3)))  # type: ignore[return-value]

    def lint_all() -> None:
        for build in (lambda: nn.Sequential(nn.Conv2d(3, 8, 3)), scripted, fails, FailsToBuild):
            with suppress(RflintError):
                rflint.lint(build, input=(1, 3, 16, 16), tracer=tracer)

    lint_all()  # torch imports what it needs
    before = names_of_torch()
    lint_all()
    after = names_of_torch()
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    assert not {name for name in changed if name[-1] not in _COUNTERS}
    script = scripted()
    assert script(torch.rand(1, 3, 8, 8)).shape == (1, 8, 6, 6)


def nested(levels: int) -> nn.Module:
    """A classifier whose convolutions lie so many modules deep."""
    convolutions = [nn.Conv2d(8, 8, 3, padding=1, stride=1 + i % 2) for i in range(8)]
    model: nn.Module = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), *convolutions)
    for _ in range(levels):
        model = nn.Sequential(model)
    return nn.Sequential(model, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2))


@pytest.mark.parametrize(
    ("levels", "tracer"), [(220, "symbolic"), (350, "symbolic"), (40, "export")]
)
def test_modules_within_modules_are_no_trouble(levels: int, tracer: str) -> None:
    """PyTorch itself runs some 300 levels, and more where a program lets calls nest deeper."""
    limit = sys.getrecursionlimit()
    report = rflint.lint(lambda: nested(levels), res=32, tracer=tracer)
    found = report.models[0]
    assert found.layers[0].layer.name == ".".join("0" * (levels + 2))
    assert found.repairs
    model = nested(levels)
    smaller = found.repairs[0].apply(model)
    assert sum(p.numel() for p in smaller.parameters()) < sum(p.numel() for p in model.parameters())
    assert report.to_dict()["models"][0]["repairs"]
    assert found.layers[0].layer.name in report._repr_html_()
    assert sys.getrecursionlimit() == limit


def test_several_threads_may_lint() -> None:
    def net(extra: int) -> nn.Module:
        convolutions = [nn.Conv2d(4, 4, 3, padding=1) for _ in range(extra)]
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), *convolutions)

    def answers(extra: int) -> Any:
        report = rflint.lint(lambda: net(extra), res=8)
        return report.models[0].analysis.totals, [f.message for f in report.findings]

    wanted = {extra: answers(extra) for extra in range(1, 5)}
    calls = nn.Module.__call__, nn.Module._call_impl, nn.Module.__init__
    got: dict[int, Any] = {}
    threads = [threading.Thread(target=lambda i=i: got.__setitem__(i, answers(i))) for i in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == wanted
    assert (nn.Module.__call__, nn.Module._call_impl, nn.Module.__init__) == calls
    assert net(1)(torch.rand(1, 3, 8, 8)).shape == (1, 4, 3, 3)


def test_other_threads_go_on_with_their_own_models() -> None:
    """While one thread lints, torch works as usual in all others."""
    model, script = nn.Conv2d(3, 3, 3), torch.jit.script(nn.Conv2d(3, 3, 3))
    image = torch.rand(1, 3, 8, 8)
    expected = [f(image).sum().item() for f in (model, script)]
    results: list[list[float]] = []

    class Waits(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3)

        def forward(self, x: Tensor) -> Tensor:
            def elsewhere() -> None:
                results.append([f(image).sum().item() for f in (model, script)])

            other = threading.Thread(target=elsewhere)
            other.start()
            other.join()
            return self.conv(x)

    found = rflint.lint(Waits, res=16).models[0]
    assert results  # one for each pass that is followed
    assert all(result == pytest.approx(expected) for result in results)
    assert [x.layer.name for x in found.layers] == ["conv"]


def test_a_network_without_findings_is_followed_once() -> None:
    """Further passes cost its user time: a rule asks for them where it has something to ask."""
    sizes: list[torch.Size] = []

    class Counts(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            sizes.append(x.shape)
            return super().forward(x)

    def build() -> nn.Module:
        stages = [nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()]
        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2), nn.Softmax(1)]
        return Counts(*stages, *head)

    assert not rflint.lint(build, res=16).findings
    assert sizes == [(1, 3, 16, 16)]
