"""Operators that are in no table: measured, taught, or reported; and parts that depend on data."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import run
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import rflint
from rflint.analysis.analysed_layer import AnalysedLayer, Verdict
from rflint.errors import TraceFailed, UsageError
from rflint.operators.taught import _taught
from tests.helpers.program import write

NAMESPACE = "rflint_tests"


def library_operator(name: str, function: Callable[..., Any], *, fake: bool = True) -> Any:
    """A custom operator, which rflint cannot look into."""
    made = torch.library.custom_op(
        f"{NAMESPACE}::{name}", function, mutates_args=(), schema="(Tensor x) -> Tensor"
    )
    if fake:
        made.register_fake(lambda x: torch.empty_like(function(x)))
    return made


def blurred(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 3, 2, 1)


def refused(x: Tensor) -> Tensor:
    raise RuntimeError("this wants an accelerator")


BLUR = library_operator("blur", blurred)
HALVE = library_operator("halve", lambda x: F.max_pool2d(x, 2), fake=False)
DILATE = library_operator("dilate", lambda x: F.max_pool2d(x, (3, 1), 1, 0, (2, 1)))
DOUBLE = library_operator("double", lambda x: F.interpolate(x, scale_factor=2))
WINDOWED = library_operator(
    "windowed", lambda x: F.avg_pool2d(x, 4).repeat_interleave(4, 2).repeat_interleave(4, 3)
)
CENTRE = library_operator("centre", lambda x: x - x.mean((2, 3), keepdim=True))
ROWS = library_operator("rows", lambda x: x.cumsum(2).flip(2).cumsum(2).contiguous())
SWAP = library_operator("swap", lambda x: x.transpose(2, 3).contiguous())
COMPARE = library_operator("compare", lambda x: (x > 0.3).float())
REFUSE = torch.library.custom_op(
    f"{NAMESPACE}::refuse", refused, mutates_args=(), schema="(Tensor x) -> Tensor"
)
REFUSE.register_fake(torch.empty_like)
SHAPELESS = library_operator("shapeless", refused, fake=False)
STRANGE = library_operator("strange", lambda x: x.flatten(2)[..., ::3].repeat(1, 1, 3)[..., :1024])


class Between(nn.Module):
    """An operator between two convolutions."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.before = nn.Conv2d(3, 8, 1)
        self.function = function
        self.after = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.after(self.function(self.before(x)))


@pytest.fixture(autouse=True)
def nothing_taught() -> Iterator[None]:
    yield
    _taught.clear()


def linted(function: Callable[[Tensor], Tensor], **options: Any) -> rflint.Report:
    return rflint.lint(Between(function), res=32, **options)


def named(report: rflint.Report, name: str) -> AnalysedLayer:
    return next(x for x in report.layers if x.layer.name == name)


@pytest.mark.parametrize(
    ("operator", "r_max", "jump"),
    [
        (BLUR, (3, 3), (2, 2)),
        (HALVE, (2, 2), (2, 2)),
        (DILATE, (5, 1), (1, 1)),
        (DOUBLE, (1, 1), (0.5, 0.5)),
        (WINDOWED, (4, 4), (1, 1)),
        (CENTRE, (None, None), (1, 1)),
        (ROWS, (None, 1), (1, 1)),
        (SWAP, (1, 1), (1, 1)),
        (COMPARE, (1, 1), (1, 1)),
    ],
    ids=lambda case: getattr(case, "_name", None),
)
def test_an_operator_in_no_table_is_measured(
    operator: Any, r_max: tuple[Any, ...], jump: tuple[Any, ...]
) -> None:
    report = linted(operator)
    layer = named(report, operator._name)
    assert layer.layer.kind.value == "measured"
    assert layer.layer.op == f"{NAMESPACE}::{operator._name}"
    assert tuple(axis.r_max for axis in layer.output_field) == r_max
    if None not in r_max:
        assert tuple(axis.jump for axis in layer.output_field) == jump
        # behind what makes the map finer than the input, positions are drawn
        assert named(report, "after").is_judged is (operator is not DOUBLE)
    assert report.models[0].analysis.complete
    assert "RF901" not in {finding.code for finding in report.findings}


@pytest.mark.parametrize(
    ("operator", "why"),
    [(REFUSE, "this wants an accelerator"), (STRANGE, "no window describes")],
    ids=["cannot run", "no window"],
)
def test_what_cannot_be_measured_is_reported_and_what_follows_not_judged(
    operator: Any, why: str
) -> None:
    function = operator if operator is REFUSE else lambda x: operator(x).view(1, 8, 32, 32)
    report = linted(function)
    (found,) = report.findings
    assert found.code == "RF901"
    assert why in found.message
    assert f"{NAMESPACE}::{operator._name}" in found.message
    assert found.source is not None
    assert report.to_dict()["models"][0]["complete"] is False
    assert named(report, "before").verdict is Verdict.PRODUCTIVE
    assert named(report, "after").verdict is Verdict.NOT_JUDGED


def test_weights_are_not_allocated_to_measure_an_operator() -> None:
    scale = torch.library.custom_op(
        f"{NAMESPACE}::scale",
        lambda x, weight: x * weight.mean(),
        mutates_args=(),
        schema="(Tensor x, Tensor weight) -> Tensor",
    )
    scale.register_fake(lambda x, weight: torch.empty_like(x))

    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3)
            self.weight = nn.Parameter(torch.empty(4096, 8192))

        def forward(self, x: Tensor) -> Tensor:
            return scale(self.conv(x), self.weight)

    (found,) = rflint.lint(Scaled, res=32, select=["RF901"]).findings
    assert "too large (4096x8192)" in found.message


def test_an_allowed_operator_is_not_reported_and_stays_unknown() -> None:
    report = linted(REFUSE, allow_unknown=[f"{NAMESPACE}::refuse"])
    assert not report.findings
    assert report.exit_status(None) == 0
    assert report.to_dict()["models"][0]["complete"] is False
    assert named(report, "after").verdict is Verdict.NOT_JUDGED


def test_what_follows_an_unknown_operator_is_no_unknown_operator() -> None:
    def twice(x: Tensor) -> Tensor:
        return F.avg_pool2d(F.conv2d(REFUSE(x), torch.rand(8, 8, 3, 3)), 2)

    assert [finding.layer for finding in linted(twice).findings] == ["refuse"]
    assert not linted(twice, allow_unknown=f"{NAMESPACE}::refuse,other").findings


def test_an_operator_of_unknown_shape_is_said_with_what_to_do() -> None:
    with pytest.raises(TraceFailed) as caught:
        linted(SHAPELESS)
    assert "wants an accelerator" in caught.value.message
    assert f'torch.library.register_fake("{NAMESPACE}::shapeless")' in caught.value.hint
    assert caught.value.source is not None


# -- teaching


@pytest.mark.parametrize(
    ("reads", "r_max"),
    [
        ("pointwise", (1, 1)),
        ("global", (None, None)),
        (rflint.Window(5), (5, 5)),
        ((rflint.Window(3), "global"), (3, None)),
    ],
)
def test_a_taught_operator_reads_what_one_says(reads: Any, r_max: tuple[Any, ...]) -> None:
    rflint.operator(f"{NAMESPACE}::refuse", reads=reads)
    report = linted(REFUSE)
    layer = named(report, "refuse")
    assert layer.layer.kind.value == "taught"
    assert tuple(axis.r_max for axis in layer.output_field) == r_max
    assert report.models[0].analysis.complete
    assert "RF901" not in {x.code for x in report.findings}


def test_what_an_operator_reads_may_depend_on_its_arguments() -> None:
    @rflint.operator(f"{NAMESPACE}::refuse")
    def refuse(x: Any) -> Any:
        return rflint.Window(x.shape[1] + 1, 1, -4)

    assert [axis.r_max for axis in named(linted(REFUSE), "refuse").output_field] == [9, 9]


class Scan(nn.Module):
    """Something that rflint would follow into, and find convolutions that are none of its own."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.kernel = kernel
        self.inner = nn.Conv2d(8, 8, kernel, padding=kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


@pytest.mark.parametrize("name", ["Scan", f"{__name__}.Scan"])
def test_a_taught_module_is_kept_whole(name: str) -> None:
    @rflint.operator(name)
    def scan(module: Scan, x: Any) -> Any:
        return rflint.Window(module.kernel, 1, -(module.kernel // 2))

    report = linted(Scan(7))
    layer = named(report, "function")
    assert layer.layer.op == name
    assert layer.layer.params == 7 * 7 * 8 * 8 + 8
    assert [axis.r_max for axis in layer.output_field] == [7, 7]
    assert not [x for x in report.layers if x.layer.name == "function.inner"]


def test_what_is_taught_goes_before_what_is_known() -> None:
    rflint.operator("avg_pool2d", reads="global")
    assert [axis.r_max for axis in named(linted(blurred), "avg_pool2d").output_field] == [
        None,
        None,
    ]


@pytest.mark.parametrize(
    "reads", ["everything", 3, rflint.Window(0), rflint.Window(3, 0), (rflint.Window(3), "all")]
)
def test_nonsense_is_refused_when_it_is_taught(reads: Any) -> None:
    with pytest.raises(UsageError, match="op reads"):
        rflint.operator("op", reads=reads)


def test_nonsense_is_refused_when_it_is_used() -> None:
    rflint.operator(f"{NAMESPACE}::refuse")(lambda x: (rflint.Window(3),) * 3)
    with pytest.raises(UsageError, match="refuse reads"):
        linted(REFUSE)


def test_teaching_wants_a_name() -> None:
    with pytest.raises(UsageError, match="takes the names"):
        rflint.operator()


def test_an_error_in_what_is_taught_is_said() -> None:
    rflint.operator(f"{NAMESPACE}::refuse")(lambda x: x.no_such_thing)
    with pytest.raises(UsageError, match="no_such_thing"):
        linted(REFUSE)


def test_teaching_needs_no_torch() -> None:
    code = (
        "import rflint, sys; rflint.operator('x', reads=rflint.Window(3)); "
        "print('torch' in sys.modules)"
    )
    assert run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


# -- parts that depend on data


@pytest.mark.parametrize(
    "read",
    [
        lambda x: x if x.sum() > 0 else -x,
        lambda x: x[..., : int(x.mean().item())],
        lambda x: x[x > 0],
        lambda x: x * float(x[0, 0, 0, 0]),
        lambda x: x[x.nonzero()[0]],
    ],
)
def test_the_analysis_ends_where_the_model_reads_data(read: Callable[[Tensor], Tensor]) -> None:
    report = linted(read)
    model = report.to_dict()["models"][0]
    assert [finding.code for finding in report.findings] == ["RF902"]
    assert [finding.severity.value for finding in report.findings] == ["info"]
    assert model["complete"] is False
    assert "only exist at run time" in model["left_out"]["reason"]
    assert model["left_out"]["source"]["path"].endswith(Path(__file__).name)
    assert named(report, "before").verdict is Verdict.PRODUCTIVE
    assert not [x for x in report.layers if x.layer.name == "after"]


def test_a_model_that_reads_data_before_its_first_convolution_is_refused() -> None:
    class Reads(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x if x.max() < 2 else x / 255)

    with pytest.raises(TraceFailed) as caught:
        rflint.lint(Reads, res=8)
    assert "only exist at run time" in caught.value.message
    assert caught.value.source is not None
    assert caught.value.source.path.endswith(Path(__file__).name)


def test_a_model_that_reads_no_data_leaves_nothing_out() -> None:
    assert linted(blurred).to_dict()["models"][0]["left_out"] is None


def test_a_buffer_that_is_filled_with_the_input_carries_it() -> None:
    """As detectors batch images of several sizes."""

    def batched(x: Tensor) -> Tensor:
        padded = x.new_full((1, 8, 40, 40), 0)
        for i in range(len(x)):
            padded[i, :, : x.shape[2], : x.shape[3]].copy_(x[i])
        return padded

    report = linted(batched)
    assert [axis.r_max for axis in named(report, "after").output_field] == [3, 3]
    assert named(report, "after").is_judged


def test_on_the_command_line(tmp_path: Path) -> None:
    net = f"""
        import torch
        from torch import nn

        def refused(x: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("this wants an accelerator")

        refuse = torch.library.custom_op("{NAMESPACE}::refuse", refused, mutates_args=())
        refuse.register_fake(torch.empty_like)

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.before, self.after = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 3, padding=1)

            def forward(self, x):
                return self.after(refuse(self.before(x)))
    """
    write(tmp_path, {"net.py": net})
    command = [sys.executable, "-m", "rflint", "net.py:Net", "--res", "32", "--format", "json"]
    found = run(command, cwd=tmp_path, capture_output=True, text=True)
    assert found.returncode == 1
    assert json.loads(found.stdout)["models"][0]["findings"][0]["code"] == "RF901"
    allowed = [*command, "--allow-unknown", f"{NAMESPACE}::refuse"]
    assert run(allowed, cwd=tmp_path, capture_output=True, text=True).returncode == 0
