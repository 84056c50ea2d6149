"""What `rflint sizes` says of every size, against the model traced at each of them by itself.

Whether it runs is asked of PyTorch (of large networks, on tensors without storage). Forty networks
of torchvision and timm at every size from 16 to 256 (a few of them at some sizes, unless `make
fuzz` runs all), and networks that hypothesis draws.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import rflint
from rflint.analysis.sizes.at_size import AtSize, Fails, traced_at_size
from rflint.analysis.sizes.survey import SizeSurvey, survey_sizes
from rflint.errors import RflintError
from rflint.inputs.tracing_options import TracingOptions
from rflint.linting.settings import RuleOptions
from rflint.tracing.model.build import build
from rflint.usecases.analysed_model import AnalysedModel, analyse_model
from tests.helpers.nets_and_sizes import OTHERS, PLAIN
from tests.helpers.positions import C
from tests.helpers.random_chains import chains
from zoo.models import ZooModel

TORCHVISION = """
    alexnet convnext_tiny densenet121 efficientnet_b0 googlenet inception_v3 maxvit_t mnasnet0_5
    mobilenet_v2 mobilenet_v3_small regnet_x_400mf resnet18 shufflenet_v2_x1_0 squeezenet1_1 swin_t
    vgg11 vit_b_32 deeplabv3_mobilenet_v3_large fcn_resnet50 lraspp_mobilenet_v3_large
"""
TIMM = """
    botnet26t_256 coat_lite_tiny convmixer_768_32 cspresnet50 darknet53 dla34 dpn68
    edgenext_xx_small efficientnet_lite0 ghostnet_100 hrnet_w18_small mixer_s32_224 nfnet_f0
    poolformer_s12 repvgg_a0 res2net50_26w_4s selecsls42 tf_efficientnet_b0 visformer_tiny
    xception41
"""
FORTY = [
    *(f"torchvision/{name}" for name in TORCHVISION.split()),
    *(f"timm/{name}" for name in TIMM.split()),
]
FEW = [
    "torchvision/alexnet",
    "torchvision/shufflenet_v2_x1_0",
    "torchvision/squeezenet1_1",
    "torchvision/vit_b_32",
    "timm/repvgg_a0",
]
FUZZED = "FUZZ_EXAMPLES" in os.environ
NETWORKS, STEP = (FORTY, 1) if FUZZED else (FEW, 16)
SIZES = range(16, 257)

Size = tuple[int, ...]


def followed(model: nn.Module, shape: Sequence[int]) -> AnalysedModel:
    built = build(model, {}, "model")
    return analyse_model(built, None, [tuple(shape)], TracingOptions(), RuleOptions())


def surveyed(model: nn.Module, shape: Sequence[int], sizes: Sequence[Size]) -> SizeSurvey:
    return survey_sizes(followed(model, shape).analysis, sizes)


def runs(model: nn.Module, channels: int, size: Size) -> bool:
    where = next((x.device for x in model.parameters()), torch.device("cpu"))
    try:
        with torch.no_grad():
            model(torch.zeros(1, channels, *size, device=where))
    except (RuntimeError, ValueError, AssertionError, TypeError, IndexError):
        return False
    return True


def check(model: nn.Module, survey: SizeSurvey, channels: int, step: int = 1) -> None:
    """Hold what is said of every `step`th size against a trace, and against PyTorch."""
    for outcome in survey.outcomes[::step]:
        size = outcome.size
        assert isinstance(outcome, AtSize) == runs(model, channels, size), outcome
        if isinstance(outcome, AtSize):
            there = followed(model, (1, channels, *size)).analysis
            assert outcome == traced_at_size(there)


@pytest.mark.parametrize("title", NETWORKS)
def test_every_size_of_real_networks(title: str, zoo: dict[str, ZooModel]) -> None:
    model = zoo[title].builder().to("meta").eval()
    survey = surveyed(model, zoo[title].inputs[0], [(n, n) for n in SIZES[::STEP]])
    check(model, survey, 3, 1 if FUZZED else 2)


@pytest.mark.parametrize("name", [*PLAIN, *OTHERS])
def test_every_size_of_all_kinds(name: str) -> None:
    builder, side = (PLAIN | OTHERS)[name]
    model = builder().to("meta").eval()
    survey = surveyed(model, (1, 3, side, side), [(n, n) for n in range(8, 97)])
    check(model, survey, 3, 1 if FUZZED else 7)


@settings(max_examples=int(os.environ.get("FUZZ_EXAMPLES", 1000)) if FUZZED else 25)
@given(st.data())
def test_every_size_of_drawn_networks(data: st.DataObject) -> None:
    axes = data.draw(st.sampled_from([1, 2]))
    model = data.draw(chains(axes, most=5)).eval()
    size = tuple(data.draw(st.integers(8, 24)) for _ in range(axes))
    if not runs(model, C, size):
        return
    survey = surveyed(model, (1, C, *size), [(n,) * axes for n in range(1, 33)])
    check(model, survey, C)


@pytest.mark.parametrize("side", [31, 32, 33, 64, 75])
def test_borders_are_what_rules_say(side: int) -> None:
    """RF203 and RF510, of a network some sizes of which have either."""
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, 2, 1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2),
    )  # fmt: skip
    survey = surveyed(model, (1, 3, 32, 32), [(n, n) for n in range(31, 76)])
    (found,) = (x for x in survey.outcomes if x.size == (side, side))
    report = rflint.lint(model, res=side, select="RF203,RF510").models[0]
    assert isinstance(found, AtSize)
    codes = {finding.code for finding in report.findings}
    assert codes == {
        *(["RF203"] if found.unread_border else []),
        *(["RF510"] if found.uneven_padding else []),
    }


def test_ranges_meet_what_reports_say_of_the_feasible_sizes(zoo: dict[str, ZooModel]) -> None:
    """The authors' toolbox: sizes from which on nothing is unproductive, up to the widest unit."""
    model = zoo["torchvision/resnet18"].builder()
    survey = surveyed(model, (1, 3, 224, 224), [(n, n) for n in range(32, 513)])
    feasible = rflint.lint(model, res=224).to_dict()["models"][0]["feasible_resolution"]
    ((first, last),) = survey.sound
    assert [list(first.size), list(last.size)] == [feasible["min"], feasible["max"]]
    assert survey.smallest_sound == first


def test_of_resnet50_ten_traces_tell_of_497_sizes(zoo: dict[str, ZooModel]) -> None:
    """The values of the paper's Table I for ResNet-50, and the ends of its sound range."""
    model = zoo["torchvision/resnet50"].builder()
    survey = surveyed(model, (1, 3, 224, 224), [(n, n) for n in range(16, 513)])
    ((first, last),) = survey.sound
    assert (first.size, last.size) == ((75, 75), (427, 427))
    assert len(survey.traced) <= 12
    assert not survey.each_traced_because


# -- advice


def padded() -> nn.Module:
    """Its strided layers pad evenly where sizes are 8 n + 1."""
    return nn.Sequential(
        *(nn.Sequential(nn.Conv2d(3 if i == 0 else 8, 8, 3, 2, 1), nn.ReLU()) for i in range(3)),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "smaller", "larger"),
    [
        ((64, 64), (57, 57), (65, 65)),
        ((60, 80), (57, 73), (65, 81)),
        ((57, 80), (57, 73), (57, 81)),
    ],
)
def test_tidy_sizes_around_one(asked: Size, smaller: Size, larger: Size) -> None:
    sizes = [(n, n) for n in range(16, 129)] if asked[0] == asked[1] else [asked]
    found = survey_sizes(followed(padded(), (1, 3, *asked)).analysis, sizes, asked)
    assert [x and x.size for x in found.advice.tidy] == [smaller, larger]


@pytest.mark.parametrize("model", [PLAIN["unet"][0], padded], ids=["unet", "padded"])
@pytest.mark.parametrize("asked", [(50, 70), (41, 41), (33, 48)])
def test_advice_is_truly_the_nearest(model: Callable[[], nn.Module], asked: Size) -> None:
    """Against all sizes in reach: side by side, or square."""
    network = model().eval()
    analysis = followed(network, (1, 3, 64, 64)).analysis
    found = survey_sizes(analysis, [(n, n) for n in range(16, 129)], asked)

    def outcome(size: Size) -> AtSize | Fails:
        try:
            return traced_at_size(followed(network, (1, 3, *size)).analysis)
        except RflintError as error:
            return Fails(size, error.message)

    for way, sides in enumerate((range(-1, -17, -1), range(1, 17))):
        for pair, holds in (
            (found.advice.running, lambda x: isinstance(x, AtSize)),
            (found.advice.tidy, lambda x: isinstance(x, AtSize) and x.is_tidy),
        ):
            proposed = pair[way]
            if pair is found.advice.running and found.advice.asked is not None:
                assert proposed is None
                continue
            if proposed is None:
                continue
            assert holds(outcome(proposed.size))
            if asked[0] == asked[1]:
                nearer = (s for s in sides if abs(s) < abs(proposed.size[0] - asked[0]))
                assert not any(holds(outcome((asked[0] + s,) * 2)) for s in nearer)
                continue
            for axis in (0, 1):  # no nearer length of one side does with the other one
                for step in sides:
                    if abs(step) >= abs(proposed.size[axis] - asked[axis]):
                        break
                    sizes = list(proposed.size)
                    sizes[axis] = asked[axis] + step
                    assert not holds(outcome(tuple(sizes)))
