"""An architecture that did not come from PyTorch: analysed, held against rules, and reported on."""

from __future__ import annotations

import doctest
import io
import subprocess
import sys
from dataclasses import replace

import pytest
from torch import nn

import rflint
from rflint.linting.finding import Severity
from rflint.report.reporters import FORMATS, reporter
from tests.helpers.handmade_architectures import Chain, vgg11
from zoo.paper.vgg import vgg

IN_A_FRESH_PROCESS = """
import io, json, sys
import rflint
from rflint.report.reporters import FORMATS, reporter
from tests.helpers.handmade_architectures import vgg11

report = rflint.lint_architecture(vgg11(), name="vgg11")
for name in FORMATS:
    stream = io.StringIO()
    reporter(name)(report, stream, True)
    assert stream.getvalue(), name
assert report.models[0].to_dict()["totals"]["unproductive"] == 3
assert "torch" not in sys.modules, "torch was imported"
print(json.dumps([x.layer for x in report.findings if x.code == "RF101"]))
"""


def printed(report: rflint.Report, name: str, *, verbose: bool = False) -> str:
    stream = io.StringIO()
    reporter(name)(report, stream, verbose)
    return stream.getvalue()


def test_vgg11_by_hand_has_the_values_of_the_paper() -> None:
    """Of eight convolutions the sixth is the first unproductive one (design: theory)."""
    report = rflint.lint_architecture(vgg11())
    (model,) = report.models
    convolutions = [x.name for x in model.layers if x.kind.is_convolution]
    assert model.analysis.totals.convs == 8
    assert model.analysis.border_min is not None
    assert model.analysis.border_min.name == convolutions[5]
    assert [x.name for x in model.analysis.unproductive] == convolutions[5:]
    assert [x.layer for x in report.findings if x.code == "RF101"] == convolutions[5:]


@pytest.mark.parametrize("size", [32, 40, 64, 224])
def test_the_front_end_makes_no_difference_to_receptive_fields(size: int) -> None:
    (by_hand,) = rflint.lint_architecture(vgg11(size), select="RF101,RF102,RF103").models
    (traced,) = rflint.lint(vgg(11), res=size, select="RF101,RF102,RF103").models
    convolutions = [
        [x for x in model.layers if x.kind.is_convolution] for model in (by_hand, traced)
    ]
    for one, other in zip(*convolutions, strict=True):
        assert (one.verdict, one.input_field, one.output_field) == (
            other.verdict,
            other.input_field,
            other.output_field,
        )
    assert [x.code for x in by_hand.findings] == [x.code for x in traced.findings]
    assert by_hand.analysis.feasible_min == traced.analysis.feasible_min


def test_no_torch_is_needed_for_any_of_it() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", IN_A_FRESH_PROCESS], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == '["conv2d_13", "conv2d_16", "conv2d_18"]\n'


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_tells_of_it(name: str) -> None:
    text = printed(rflint.lint_architecture(vgg11(), name="by hand"), name)
    assert "conv2d_13" in text or "unproductive" in text


def test_what_needs_the_module_is_said() -> None:
    report = rflint.lint_architecture(vgg11())
    (model,) = report.models
    (note,) = model.notes
    assert "repairs" in note
    assert "training is not known" in note
    assert model.repairs == ()
    assert "Not offered: repairs are edits of an nn.Module" in " ".join(
        printed(report, "text").split()
    )
    assert "No change to the model was found" not in printed(report, "text")


def test_a_sound_model_is_told_of_no_repairs() -> None:
    report = rflint.lint_architecture(vgg11(224))
    assert report.models[0].not_offered == ()
    assert "Not offered" not in printed(report, "text", verbose=True)


def test_what_is_proved_is_proved_of_the_pass_that_is_known() -> None:
    """Nobody knows what training reads, so nothing is claimed of it."""
    chain = Chain(2)
    chain.convolution(8)
    report = rflint.lint_architecture(chain.architecture(), select="ALL")
    analysis = report.models[0].analysis
    assert analysis.retracer.other_passes().other_mode is None
    assert analysis.retracer.other_passes().same_mode == ()
    drawn = rflint.lint_architecture(replace(chain.architecture(), is_random=True))
    assert drawn.models[0].analysis.retracer.other_passes().same_mode is None
    assert analysis.retracer.at_size((4, 4)) is None


def test_rules_are_chosen_and_set_as_for_models() -> None:
    report = rflint.lint_architecture(vgg11(), select="RF102", name="mine")
    assert {x.code for x in report.findings} == {"RF102"}
    assert [rule.code for rule in report.rules] == ["RF102"]
    assert report.models[0].target == "mine"
    assert report.fail_on is Severity.WARNING
    with pytest.raises(rflint.RflintError, match="no rule 'RF777'"):
        rflint.lint_architecture(vgg11(), select="RF777")
    with pytest.raises(rflint.RflintError, match="has no setting"):
        rflint.lint_architecture(vgg11(), settings={"RF101": {"depth": 3}})


def test_a_setting_reaches_the_analysis() -> None:
    chain = Chain(8)
    for _ in range(3):
        chain.pooling()
        chain.convolution(8, kernel=3)
    chain.convolution(8, kernel=1)
    judged = rflint.lint_architecture(chain.architecture())
    ignored = rflint.lint_architecture(
        chain.architecture(), settings={"RF101": {"pointwise": "ignore"}}
    )
    convs = [x.models[0].analysis.totals.convs for x in (judged, ignored)]
    assert convs == [convs[0], convs[0] - 1]


def test_the_example_of_the_documentation_runs() -> None:
    tests = doctest.DocTestFinder().find(rflint.lint_architecture, globs={"rflint": rflint})
    assert any(test.examples for test in tests)
    for test in tests:
        assert doctest.DocTestRunner().run(test).failed == 0


def test_reports_of_models_have_their_rules_too() -> None:
    """So that all of them are printed in the same way."""
    report = rflint.lint(nn.Sequential(nn.Conv2d(3, 4, 3)), res=8, select="RF101")
    assert [rule.code for rule in report.rules] == ["RF101"]
    assert "No findings." in printed(report, "text")
