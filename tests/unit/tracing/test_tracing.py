"""What the tracer follows: the spellings of real code."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

import rflint
from rflint.analysis.analysed_layer import Verdict
from rflint.analysis.analysis import Analysis
from rflint.analysis.roles import Role
from rflint.tracing.example_inputs.build import example_inputs
from rflint.tracing.model.temporary import temporarily_on_meta
from rflint.tracing.recording.symbolic import record_symbolically
from tests.helpers.linted import analysis, named
from tests.models.spellings import MODES, Functional, Spellings
from zoo.paper.attention import cbam
from zoo.paper.mpnet import mpnet18
from zoo.paper.resnet import resnet18
from zoo.torchvision_import import import_torchvision


class Modules(nn.Module):
    """The same network in modules."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.pool = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False)
        self.conv3 = nn.Conv2d(8, 16, 3, padding=1, bias=False)
        self.pool2 = nn.AvgPool2d(2)
        self.flatten = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.fc = nn.Linear(32, 10, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(torch.relu(self.conv1(x)))
        return self.fc(self.flatten(torch.cat((self.conv2(x), self.pool2(self.conv3(x))), 1)))


def test_functions_and_modules_are_the_same_to_rflint() -> None:
    functions, modules = analysis(Functional), analysis(Modules)
    kinds = ("conv", "pool", "linear")

    def summary(found: Analysis) -> list[tuple[Any, ...]]:
        return [
            (
                x.layer.kind.value,
                x.layer.geometry,
                x.input_field,
                x.output_field,
                x.layer.macs,
                x.verdict,
            )
            for x in found.layers
            if x.layer.kind.value in kinds and x.layer.operation != "adaptive_avg_pool2d"
        ]

    assert summary(functions) == summary(modules)
    assert functions.totals.macs == modules.totals.macs


def test_a_function_is_named_by_its_node_and_keeps_its_parameters() -> None:
    layers = named(analysis(Functional))
    assert layers["conv2d"].layer.params == 8 * 3 * 9
    assert layers["conv2d_1"].layer.params == 16 * 8 * 9
    assert layers["conv2d_2"].layer.params == 0, "w2 was counted at its first use"
    assert layers["linear"].layer.params == 320


@pytest.mark.parametrize("mode", MODES)
def test_an_idiom_is_followed_completely(mode: str) -> None:
    found = analysis(lambda: Spellings(mode))
    assert found.complete
    pooled = next(x for x in found.layers if x.layer.operation == "adaptive_avg_pool2d")
    expected = {"list": (3, 9), "in_place": (3, 5), "autocast": (5, 5), "checkpoint": (5, 5)}
    low, high = expected.get(mode, (3, 3))
    for axis in pooled.input_field:
        assert (axis.r_min, axis.r_max, axis.jump) == (low, high, 1)


@pytest.mark.parametrize(
    "build",
    [
        Functional,
        Modules,
        resnet18,
        mpnet18,
        lambda: resnet18(attention=cbam),
        *[lambda mode=mode: Spellings(mode) for mode in MODES],
    ],
)
def test_the_recorded_graph_computes_what_the_model_computes(build: Callable[[], Any]) -> None:
    """The torch.fx graph, run on real tensors, gives the model's own output."""
    torch.manual_seed(0)
    model = build().eval()
    with temporarily_on_meta(model, train=False):
        recording = record_symbolically(model, example_inputs(model, (32,), ()))
    for name, tensor in recording.constants.items():
        model.register_buffer(name, tensor)
    x = torch.randn(1, 3, 32, 32)
    graph = fx.GraphModule(model, recording.graph)
    with torch.no_grad():
        expected = model(x.clone())
        (output,) = fx.Interpreter(graph).run(x.clone())
    torch.testing.assert_close(output, expected)


def test_a_module_called_twice_appears_twice_and_counts_once() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3, padding=1, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(self.conv(x))

    found = analysis(Twice)
    calls = [x.layer for x in found.layers if x.layer.name == "conv"]
    assert [layer.call for layer in calls] == [0, 1]
    assert [layer.params for layer in calls] == [81, 0]
    assert found.totals.params == 81
    assert found.totals.convs == 2


class ScaledConv(nn.Conv2d):
    """A convolution class of the user's own."""

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight * 0.5, self.bias, self.stride, self.padding)


def test_a_convolution_class_of_the_users_own_is_a_layer_under_its_own_name() -> None:
    model = nn.Sequential(ScaledConv(3, 8, 3, padding=1), nn.ReLU())
    layer = named(analysis(model))["0"]
    assert layer.layer.params == 8 * 3 * 9 + 8
    assert layer.verdict is not Verdict.NOT_JUDGED


@pytest.mark.parametrize(
    "wrap",
    [
        nn.utils.parametrizations.weight_norm,
        nn.utils.parametrizations.spectral_norm,
        nn.utils.weight_norm,
        nn.utils.spectral_norm,
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_weight_parametrisations_are_looked_through(wrap: Callable[[nn.Module], nn.Module]) -> None:
    def build() -> nn.Module:
        return nn.Sequential(wrap(nn.Conv2d(3, 8, 3, padding=1)), nn.ReLU())

    found = analysis(build)
    layer = named(found)["0"].layer
    assert (layer.op, layer.geometry.kernel) == ("Conv2d", (3, 3))
    assert found.totals.params == sum(p.numel() for p in build().parameters())
    assert layer.params == found.totals.params


@pytest.mark.parametrize("wrap", [nn.DataParallel, torch.compile])
def test_wrappers_are_looked_through(wrap: Callable[[nn.Module], Any]) -> None:
    found = analysis(lambda: wrap(resnet18()))
    assert found.border_min is not None
    assert found.border_min.layer.name == "layer3.1.conv2"


class Interface(nn.Module):
    """Predicts from whatever it is given, in a way that cannot be followed."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Any:
        return self.network(x) if x.max() > 1 else None


@pytest.mark.parametrize("wrapped", [True, False])
def test_an_interface_that_cannot_be_followed_names_the_network_inside(*, wrapped: bool) -> None:
    network = Modules() if wrapped else nn.Conv2d(3, 8, 3)
    with pytest.raises(rflint.RflintError) as raised:
        rflint.lint(Interface(network), res=16)
    hint = f"All its weights are in .network, a Modules of {__name__}: lint that instead."
    assert (hint in raised.value.hint) is wrapped


def test_lazy_modules_take_their_channels_from_the_input() -> None:
    def build() -> nn.Module:
        return nn.Sequential(nn.LazyConv2d(8, 3, padding=1), nn.Flatten(), nn.LazyLinear(10))

    found = analysis(build, res=8)
    assert found.totals.params == 8 * 3 * 9 + 8 + 10 * 512 + 10
    model = build()
    analysis(model, res=8)
    assert isinstance(model[0], nn.LazyConv2d), "a lazy module passed in stays lazy"


class Auxiliary(nn.Module):
    """A head that only exists in training, as in GoogLeNet."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
        self.main = nn.Conv2d(8, 10, 1)
        self.auxiliary = nn.Conv2d(8, 10, 3)

    def forward(self, x: Tensor) -> Any:
        x = self.conv(x)
        if self.training:
            return self.main(x), self.auxiliary(x)
        return self.main(x)


def test_auxiliary_heads_are_linted_with_train_only() -> None:
    assert "auxiliary" not in named(analysis(Auxiliary))
    trained = analysis(Auxiliary, train=True)
    assert "auxiliary" in named(trained)
    assert named(trained)["conv.0"].layer.macs == named(analysis(Auxiliary))["conv.0"].layer.macs


@pytest.mark.parametrize(
    ("build", "res", "shape"),
    [
        (lambda: nn.Conv1d(4, 8, 3), 100, (1, 4, 100)),
        (lambda: nn.Sequential(nn.Conv1d(4, 8, 3)), 100, (1, 4, 100)),
        (lambda: nn.Sequential(nn.Conv3d(2, 8, 3)), (8, 16, 16), (1, 2, 8, 16, 16)),
        (lambda: nn.Sequential(nn.Conv2d(1, 8, 3)), (20, 40), (1, 1, 20, 40)),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), 28, (1, 1, 28, 28)),
        (Functional, 32, (1, 3, 32, 32)),
    ],
)
def test_channels_and_dimensions_come_from_the_first_layer(
    build: Any, res: Any, shape: tuple[int, ...]
) -> None:
    assert analysis(build, res=res).architecture.inputs == (shape,)


def test_layers_registered_out_of_order_do_not_mislead() -> None:
    class HeadFirst(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Conv2d(16, 10, 1)
            self.stem = nn.Conv2d(3, 16, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.stem(x))

    assert analysis(HeadFirst).architecture.inputs == ((1, 3, 32, 32),)


def test_several_inputs_and_example_tensors() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Conv2d(3, 8, 3, padding=1)
            self.b = nn.Conv2d(1, 8, 3, padding=1)

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return self.a(x) + self.b(y)

    shapes = [(1, 3, 32, 32), (1, 1, 32, 32)]
    assert analysis(Two, None, input=shapes).architecture.inputs == tuple(shapes)
    tensors = tuple(torch.zeros(shape) for shape in shapes)
    assert analysis(Two, None, input=tensors).architecture.inputs == tuple(shapes)


def test_weights_are_never_allocated() -> None:
    def build() -> nn.Module:
        return nn.Sequential(*(nn.Linear(100_000, 100_000) for _ in range(4)))

    found = analysis(build, None, input=(1, 100_000))
    assert found.totals.params == 4 * (10**10 + 10**5)


def test_values_that_a_builder_computes_are_real() -> None:
    def build() -> nn.Module:
        rates = torch.linspace(0, 1, 5).tolist()
        widths = [int(w) for w in (torch.ones(3) * 8).tolist()]
        assert rates[-1] == 1.0
        return nn.Sequential(nn.Conv2d(3, widths[0], 3), nn.Dropout(rates[2]))

    report = rflint.lint(build, res=8).models[0]
    assert report.notes == ()


def test_a_builder_that_reads_its_weights_is_run_for_real_and_says_so() -> None:
    def build() -> nn.Module:
        conv = nn.Conv2d(3, 8, 3)
        assert conv.weight.abs().max().item() > 0
        return nn.Sequential(conv)

    report = rflint.lint(build, res=8).models[0]
    assert "built with real weights" in report.notes[0]


@pytest.mark.parametrize("train", [False, True])
def test_a_module_passed_in_comes_back_unchanged(train: bool) -> None:
    class Stateful(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 8, 3))
            self.bn = nn.BatchNorm2d(8)
            self.register_buffer("calls", torch.zeros(1))
            self.seen: list[Any] = []

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            self.last = self.bn(self.conv(x))
            return self.last

    model = Stateful().train()
    model.bn.eval()
    hooked: list[Any] = []
    model.conv.register_forward_hook(lambda *args: hooked.append(args))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes = {name: module.training for name, module in model.named_modules()}
    identities = {name: id(p) for name, p in model.named_parameters()}
    attributes = set(vars(model))
    rflint.lint(model, res=8, train=train)
    assert {name: module.training for name, module in model.named_modules()} == modes
    assert {name: id(p) for name, p in model.named_parameters()} == identities
    assert set(vars(model)) == attributes
    assert len(model.conv._forward_hooks) == 1
    for name, tensor in model.state_dict().items():
        assert tensor.device.type == "cpu"
        assert torch.equal(tensor, before[name]), name
    model(torch.randn(2, 3, 8, 8)).sum().backward()


def test_forward_hooks_see_their_layers() -> None:
    class Collecting(nn.Module):
        """Taps a feature map with a hook, as feature extractors do."""

        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Conv2d(3, 8, 3, padding=1)
            self.b = nn.Conv2d(8, 8, 3, padding=1)
            self.a.register_forward_hook(self._keep)

        def _keep(self, module: nn.Module, args: Any, output: Tensor) -> None:
            self.kept = output

        def forward(self, x: Tensor) -> Tensor:
            return self.b(self.a(x)) + self.kept

    add = named(analysis(Collecting))["add"]
    assert [(axis.r_min, axis.r_max) for axis in add.input_field] == [(3, 5), (3, 5)]


def test_writing_into_a_view_changes_what_it_is_a_view_of() -> None:
    class Writes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(4, 4, 3, padding=1)
            self.after = nn.Conv2d(8, 4, 1)

        def forward(self, x: Tensor) -> Tensor:
            half = x[:, :4]
            half.add_(self.conv(half))
            return self.after(x)

    after = named(analysis(lambda: Writes(), None, input=(1, 8, 16, 16)))["after"]
    assert [(axis.r_min, axis.r_max) for axis in after.input_field] == [(1, 3), (1, 3)]


def test_a_chain_of_a_thousand_diamonds() -> None:
    class Diamonds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convs = nn.ModuleList(nn.Conv2d(1, 1, 3, padding=1) for _ in range(1000))

        def forward(self, x: Tensor) -> Tensor:
            for conv in self.convs:
                x = x + conv(x)
            return x

    found = analysis(Diamonds)
    last = found.layers[-1]
    assert [(axis.r_min, axis.r_max) for axis in last.output_field] == [(1, 2001), (1, 2001)]


def test_a_chain_of_ten_thousand_convolutions() -> None:
    def build() -> nn.Module:
        return nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=1) for _ in range(10_000)))

    found = analysis(build)
    assert found.totals.convs == 10_000
    assert [axis.r_min for axis in found.layers[-1].output_field] == [20_001, 20_001]
    assert found.border_min is not None
    assert found.border_min.layer.name == "16", "r = 2 * 16 + 1 is the first above 32"


def test_upsampling_convolutions_and_one_pixel_latents_are_not_judged() -> None:
    def generator() -> nn.Module:
        return nn.Sequential(
            nn.ConvTranspose2d(100, 16, 4),
            nn.ConvTranspose2d(16, 8, 4, 2, 1),
            nn.Conv2d(8, 3, 3, padding=1),
        )

    assert analysis(generator, None, input=(1, 100, 1, 1)).totals.convs == 0
    on_a_map = named(analysis(generator, None, input=(1, 100, 8, 8)))
    verdicts = [on_a_map[name].verdict for name in ("0", "1", "2")]
    # the last one draws: it works on a map that is finer than the input
    assert verdicts == [Verdict.PRODUCTIVE, Verdict.NOT_JUDGED, Verdict.NOT_JUDGED]


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_large"])
def test_a_quantised_model_sees_what_it_saw_before(name: str) -> None:
    import_torchvision()
    from torchvision.models import quantization

    build = partial(getattr(quantization, name), weights=None)
    quantised = analysis(partial(build, quantize=True), 64)
    plain = analysis(partial(build, quantize=False), 64)
    assert quantised.complete
    assert quantised.totals.macs == plain.totals.macs
    found, expected = (
        [(x.layer.name, x.verdict, x.role) for x in one.layers if x.layer.kind.is_convolution]
        for one in (quantised, plain)
    )
    assert found == expected


def test_a_gate_may_be_multiplied_in_place() -> None:
    class Squeezed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gate = nn.Conv2d(8, 8, 1)
            self.conv = nn.Conv2d(8, 8, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            y = self.conv(x)
            y *= self.gate(y.mean((2, 3), keepdim=True)).sigmoid()
            return y

    assert named(analysis(Squeezed))["gate"].role is Role.ATTENTION
