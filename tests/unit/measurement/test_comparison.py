"""What was measured beside what was predicted: gains of probes, and a sentence on the border."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from torch import nn

import rflint
from rflint.analysis.analysis import Analysis
from rflint.measurement.comparison import compare, gains
from rflint.measurement.results import Measured, MeasuredField, MeasuredLayer
from zoo.paper.resnet import resnet18
from zoo.paper.vgg import vgg


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    """ResNet18 at 32 px: the border is layer3.1.conv2, then layer4.0.conv2 and layer4.1.conv2."""
    return rflint.lint(resnet18(width=0.25), res=32).models[0].analysis


def measured(
    analysis: Analysis,
    probes: Mapping[str, float] | None = None,
    saturations: Mapping[str, float] | None = None,
    error: float = 0.002,
    accuracy: float | None = 0.8,
    commonest: float | None = 0.1,
) -> Measured:
    """Every convolution with saturation 0.5 and a probe of 0.8, but those that are named."""
    names = [x.name for x in analysis.layers if x.is_judged]
    layers = tuple(
        MeasuredLayer(
            name,
            0,
            (saturations or {}).get(name, 0.5),
            None if probes is None else probes.get(name, 0.8),
            None if probes is None else error,
        )
        for name in names
    )
    trunk = frozenset((name, 0) for name in names)
    return Measured(1000, 1000, 10, accuracy, 0.99, layers, trunk, commonest=commonest)


def test_a_gain_is_held_against_the_best_of_all_layers_before(analysis: Analysis) -> None:
    found = gains(analysis, measured(analysis, {"conv1": 0.7, "layer2.1.conv2": 0.9}))
    assert ("conv1", 0) not in found, "there is nothing before it"
    assert found["layer1.0.conv1", 0] == pytest.approx(0.1)
    assert found["layer2.1.conv2", 0] == pytest.approx(0.1)
    assert found["layer4.1.conv2", 0] == pytest.approx(-0.1), "the best is seven layers before"


def test_a_layer_beside_another_is_not_held_against_it(analysis: Analysis) -> None:
    found = gains(analysis, measured(analysis, {"layer2.0.conv2": 0.9}))
    assert found["layer2.0.downsample.0", 0] == 0


def test_a_tail_behind_the_border_is_told_in_a_sentence(analysis: Analysis) -> None:
    low = {x.name: 0.1 for x in analysis.layers if x.name.startswith("layer4")}
    probes = {"conv1": 0.7}
    found = compare(analysis, measured(analysis, probes, low))
    assert found.holds
    assert found.sentence == (
        "predicted border layer3.1.conv2; saturation falls at layer4.0.conv1 from 0.50 to 0.10 and "
        "stays low; probes stop improving at layer1.0.conv1: the prediction holds, as far as gains "
        "from 0.5 points on can be told"
    )


def test_an_unproductive_layer_that_gains_refutes_it(analysis: Analysis) -> None:
    found = compare(analysis, measured(analysis, {"layer4.0.conv2": 0.9}))
    assert found.holds is False
    assert found.sentence.endswith(
        "saturation has no tail; probes stop improving at layer4.0.conv2; layer4.0.conv2 is called "
        "unproductive, and its probe is 10.0 points better than those of all productive layers "
        "before it: the prediction does not hold"
    )


def test_small_gains_of_unproductive_layers_add_up(analysis: Analysis) -> None:
    """Each is within what chance may be against the one before it; together they are not."""
    probes = {"layer3.1.conv2": 0.803, "layer4.0.conv2": 0.806, "layer4.1.conv2": 0.809}
    found = compare(analysis, measured(analysis, probes))
    assert found.holds is False
    assert "layer4.0.conv2 is called unproductive, and its probe is 0.6 points" in found.sentence


def test_small_steps_are_improvements_where_they_add_up(analysis: Analysis) -> None:
    names = [x.name for x in analysis.layers if x.is_judged]
    probes = {name: min(0.7 + 0.004 * step, 0.74) for step, name in enumerate(names)}
    found = compare(analysis, measured(analysis, probes))
    assert f"probes stop improving at {names[9]}" in found.sentence, "half a point below the best"


def test_of_a_model_that_guesses_nothing_follows(analysis: Analysis) -> None:
    """Random features can be told apart, too: the probes of an untrained model say little."""
    found = compare(analysis, measured(analysis, {"conv1": 0.7}, accuracy=0.11))
    assert found.holds is None
    assert found.sentence.endswith(
        "the model's accuracy of 11.0 % is no better than guessing (10.0 %), as of one that was "
        "not trained for these labels, so that nothing follows"
    )


def test_of_probes_that_guess_nothing_follows(analysis: Analysis) -> None:
    """Also where one class is so common that guessing is right most of the time."""
    found = compare(analysis, measured(analysis, {}, accuracy=None, commonest=0.8))
    assert found.holds is None
    assert found.sentence.endswith(
        "no probe is better than guessing (80.0 %), so that nothing follows"
    )


def test_what_an_earlier_version_saved_guesses_as_its_classes_do(analysis: Analysis) -> None:
    assert compare(analysis, measured(analysis, {}, accuracy=0.11, commonest=None)).holds is None
    assert compare(analysis, measured(analysis, {}, accuracy=0.2, commonest=None)).holds


def test_a_model_without_scores_is_taken_to_be_trained(analysis: Analysis) -> None:
    found = compare(analysis, measured(analysis, {}, accuracy=None))
    assert found.holds
    assert found.sentence.endswith("can be told, and if the model was trained for these labels")


def test_a_layer_behind_the_border_that_a_skip_reaches_may_gain(analysis: Analysis) -> None:
    found = compare(analysis, measured(analysis, {"layer4.0.conv1": 0.9}))
    assert found.holds, "it is not called unproductive"


def test_what_chance_may_be_counts_for_nothing(analysis: Analysis) -> None:
    """A gain of three points, of which each probe may be off by two."""
    found = compare(analysis, measured(analysis, {"layer4.0.conv2": 0.83}, error=0.02))
    assert found.holds
    assert found.sentence.endswith(
        "no probe is clearly better than that of conv1: the prediction holds, as far as gains from "
        "4.0 points on can be told"
    )


def test_without_probes_nothing_is_decided(analysis: Analysis) -> None:
    found = compare(analysis, measured(analysis))
    assert found.holds is None
    assert found.sentence.endswith("saturation has no tail; no probes were fitted")


@pytest.mark.parametrize(
    ("low", "holds"), [((), True), (("layer4.0.conv2", "layer4.1.conv1"), False)]
)
def test_where_no_border_is_predicted_a_tail_refutes_it(low: tuple[str, ...], holds: bool) -> None:
    large = rflint.lint(resnet18(width=0.25), res=224).models[0].analysis
    found = compare(large, measured(large, {}, dict.fromkeys((*low, "layer4.0.downsample.0"), 0.1)))
    assert found.holds is holds
    assert found.sentence.startswith("no border predicted; ")


def test_a_tail_that_ends_before_the_model_does() -> None:
    model: nn.Module = vgg(11)
    analysis = rflint.lint(model, res=32).models[0].analysis
    found = compare(analysis, measured(analysis, {}, {"13": 0.1, "16": 0.1}))
    assert "saturation falls at 13 from 0.50 to 0.10 and stays low up to 16" in found.sentence


def test_effective_fields_may_be_interrupted_and_the_rest_still_says_something(
    analysis: Analysis,
) -> None:
    """They are measured last, and of some layers nothing else is."""
    whole = measured(analysis, {"conv1": 0.7})
    *others, last = whole.layers
    alone = replace(
        last, saturation=None, probe=None, field=MeasuredField((4.4, 4.4), ((0.2, 0.1, 0.1),))
    )
    stopped = replace(whole, layers=(*others, alone), complete=False)
    assert "interrupted" not in compare(analysis, stopped).sentence
    assert compare(analysis, stopped).holds is not None
    unreached = replace(stopped, layers=(*others, replace(alone, field=None)))
    assert compare(analysis, unreached).holds is None
