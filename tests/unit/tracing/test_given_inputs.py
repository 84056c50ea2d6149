"""What may be given as `input=` in Python: an answer, or an error that says what to do instead."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import rflint
from rflint.errors import RflintError


class Takes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.time = nn.Embedding(1000, 4)


class Several(Takes):
    def forward(self, *images: Tensor) -> Any:
        return [self.conv(x) for x in images]


class Dict(Takes):
    def forward(self, batch: Any) -> Tensor:
        return self.conv(batch["image"])


class Step(Takes):
    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return self.conv(x) + self.time(t)[:, :, None, None]


class Keyword(Takes):
    def forward(self, *, image: Tensor, scale: float = 1.0) -> Tensor:
        return self.conv(image) * scale


IMAGE = torch.rand(1, 3, 16, 16)


class Nested(Takes):
    def forward(self, pair: Any, crops: list[Tensor], *, extra: Any) -> Any:
        a, (b, c) = pair
        assert isinstance(pair, (tuple, list))
        images = [a, b, c, *crops, extra["e"]["f"]]
        return [self.conv(x) for x in images]


class Scheduled(Takes):
    """Reads the step as a number, which is one for all images."""

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return y if int(t) > 400 else y.relu()


class Crops(Takes):
    def forward(self, crops: list[Tensor]) -> list[Tensor]:
        return [self.conv(crop) for crop in crops]


IMAGES = [torch.rand(1, 3, size, size) for size in (16, 15, 14, 13, 12, 11)]


def shapes_of(model: Any, given: Any, **options: Any) -> Any:
    report = rflint.lint(model, input=given, **options).models[0].to_dict()
    assert report["complete"]
    assert len(report["inputs_layout"]) == len(report["inputs"])
    return report["inputs"]


@pytest.mark.parametrize(
    ("model", "given"),
    [
        (Several, (IMAGE, IMAGE)),
        (Several, [IMAGE, IMAGE]),
        (Several, (1, 3, 16, 16)),
        (Several, [(1, 3, 16, 16), (1, 3, 8, 8)]),
        (Several, IMAGE.shape),
        (Several, (IMAGE, (1, 3, 16, 16), "1x3x8x8")),
        (Step, (IMAGE, torch.tensor([3]))),
        (Keyword, (IMAGE,)),
    ],
)
def test_shapes_and_tensors_are_given_by_position(model: Any, given: Any) -> None:
    assert rflint.lint(model, input=given).models[0].analysis.complete


@pytest.mark.parametrize("tracer", ["symbolic", "export"])
@pytest.mark.parametrize(
    "given",
    [
        {"image": IMAGE},
        ({"image": IMAGE},),
        {"batch": {"image": (1, 3, 16, 16)}},
        {"batch": {"image": "1x3x16x16"}},
        ["batch.image=1x3x16x16"],
        ["image=1x3x16x16"],
    ],
)
def test_a_dictionary_is_one_argument(given: Any, tracer: str) -> None:
    assert shapes_of(Dict, given, tracer=tracer) == [[1, 3, 16, 16]]


@pytest.mark.parametrize("tracer", ["symbolic", "export"])
def test_lists_tuples_and_dictionaries_in_any_order_come_as_forward_takes_them(
    tracer: str,
) -> None:
    a, b, c, d, e, f = IMAGES
    expected = [list(image.shape) for image in IMAGES]
    nested = {"extra": {"e": {"f": f}}, "crops": [d, e], "pair": (a, (b, c))}
    assert shapes_of(Nested, nested, tracer=tracer) == expected
    texts = ["extra.e.f=1x3x11x11", "crops.0=1x3x13x13", "crops.1=1x3x12x12", "pair.0=1x3x16x16"]
    texts += ["pair.1.0=1x3x15x15", "pair.1.1=1x3x14x14"]
    assert shapes_of(Nested, texts, tracer=tracer) == expected


@pytest.mark.parametrize("tracer", ["symbolic", "export"])
def test_keyword_only_arguments_and_constants(tracer: str) -> None:
    for given in ({"image": IMAGE, "scale": 2}, ["scale=0.5", "image=1x3x16x16"]):
        assert shapes_of(Keyword, given, tracer=tracer) == [[1, 3, 16, 16]]
    assert shapes_of(Keyword, None, res=16, tracer=tracer) == [[1, 3, 16, 16]]


@pytest.mark.parametrize("given", [["t=500:int64", "x=1x3x8x8"], ["500:int64", "x=1x3x8x8"]])
def test_a_scalar_is_one_number_or_one_for_each_image(given: list[str]) -> None:
    assert shapes_of(Step, given) == [[1, 3, 8, 8], [1]]
    assert shapes_of(Step, ["x=4x3x8x8", "t=500:int64"]) == [[4, 3, 8, 8], [4]]
    assert shapes_of(Scheduled, given) == [[1, 3, 8, 8], []]


@pytest.mark.parametrize(
    "column", [lambda t: t[:, None], lambda t: t.unsqueeze(1)], ids=["indexed", "unsqueezed"]
)
def test_a_step_that_is_made_a_column_is_one_for_each_image(column: Any) -> None:
    class Embedded(Step):
        def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
            scale: torch.Tensor = column(t) * torch.linspace(0, 1, 4)
            return super().forward(x, t) * scale.sum()

    assert shapes_of(Embedded, ["x=4x3x8x8", "t=500:int64"]) == [[4, 3, 8, 8], [4]]


def test_the_value_of_a_scalar_is_known() -> None:
    def layers(step: int) -> list[str]:
        report = rflint.lint(Scheduled, input=["1x3x8x8", f"t={step}:int64"]).models[0]
        return [x.layer.op for x in report.analysis.layers if x.layer.op != "input"]

    assert (layers(500), layers(3)) == (["Conv2d"], ["Conv2d", "relu"])


def test_layouts_go_where_the_inputs_go() -> None:
    class Clip(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv3d(3, 4, 3)
            self.flat = nn.Conv2d(3, 4, 3)

        def forward(self, image: Tensor, clip: Tensor) -> Any:
            return self.flat(image), self.conv(clip.transpose(1, 2))

    given = ["clip=1x8x3x16x16:BTCHW", "image=1x3x32x32"]
    report = rflint.lint(Clip, input=given).models[0].to_dict()
    assert report["inputs"] == [[1, 3, 32, 32], [1, 8, 3, 16, 16]]
    assert report["inputs_layout"] == ["BCHW", "BTCHW"]


@pytest.mark.parametrize(
    ("model", "given", "said"),
    [
        (Dict, (IMAGE,), "asks an input for 'image'"),
        (Dict, (1, 3, 16, 16), "asks an input for 'image'"),
        (Step, (IMAGE,), "'t'"),
        (Step, {"x": IMAGE, "step": IMAGE}, "no argument 'step'"),
        (Several, {"image": IMAGE}, "no argument 'image'"),
        (Dict, {"batch": {1: IMAGE}}, "the key 1"),
        (Step, ["x=1x3x8x8", "x=1x3x8x8"], "x is given twice"),
        (Step, ["x=1x3x8x8", "x.image=1x3x8x8"], "as a whole, and as x.image in part"),
        (Several, ["images.0=1x3x8x8"], "no argument 'images'"),
        (Crops, ["crops.0=1x3x8x8", "crops.2=1x3x8x8"], "crops.1 is missing"),
        (Crops, ["crops.1=1x3x8x8"], "crops.0 is missing"),
        (Crops, ["crops.0.0=1x3x8x8", "crops.0.2=1x3x8x8"], "crops.0.1 is missing"),
        (Several, IMAGE, "not one tensor"),
        (Several, 16, "not 16"),
        (Several, (1, 3, -1, 16), "positive whole numbers"),
        (Several, [(1, 3, 1.5, 16)], "positive whole numbers"),
        (Several, (IMAGE.numpy(),), "ndarray"),
        (Several, (), "no input size"),
    ],
)
def test_everything_else_is_an_error_that_says_what_it_is(
    model: Any, given: Any, said: str
) -> None:
    with pytest.raises(RflintError) as raised:
        rflint.lint(model, input=given)
    assert said in raised.value.message
    assert raised.value.kind in ("usage", "input")


class Captioned(Takes):
    def forward(self, batch: Any, input_ids: Tensor, crops: list[Tensor], scale: float) -> Any:
        return self.conv(batch["image"]), batch.get("mask"), input_ids, crops, scale


@pytest.mark.parametrize(
    ("model", "given", "proposed"),
    [
        (Step, {"res": 8}, 'input=["x=1x3x8x8", "t=500:int64"]'),
        (Step, {"input": ["t=3:int64"]}, 'input=["t=3:int64", "x=1x3x224x224"]'),
        (Dict, {"res": 8}, 'input=["batch.image=1x3x8x8"]'),
        (
            Captioned,
            {"input": ["input_ids=1x20:int64"]},
            'input=["input_ids=1x20:int64", "batch.image=1x3x224x224", "batch.mask=1x128:int64", '
            '"crops.0=1x3x224x224", "crops.1=1x3x224x224", "scale=1.0"]',
        ),
    ],
)
def test_what_is_missing_is_proposed(model: Any, given: dict[str, Any], proposed: str) -> None:
    with pytest.raises(RflintError) as raised:
        rflint.lint(model, **given)
    assert proposed in raised.value.hint


def test_what_is_proposed_can_be_given() -> None:
    with pytest.raises(RflintError) as raised:
        rflint.lint(Captioned, res=16)
    given = raised.value.hint.partition("input=")[2]
    assert shapes_of(Captioned, json.loads(given))[0] == [1, 3, 16, 16]


def test_a_mistyped_name_gets_its_neighbour() -> None:
    with pytest.raises(RflintError) as raised:
        rflint.lint(Keyword, input={"imgae": IMAGE, "scale": 1.0})
    assert "Did you mean image?" in raised.value.hint


def test_more_inputs_than_forward_takes_are_counted() -> None:
    """A list of crops is one of them."""
    with pytest.raises(RflintError, match=r"takes 1 input \(crops\), not 2") as refused:
        rflint.lint(Crops, input=[(1, 3, 16, 16), (1, 3, 8, 8)])
    assert "crops.0=1x3x32x32" in refused.value.hint


class TwoViews(nn.Module):
    """The same five convolutions for a large view and for a small one."""

    def __init__(self) -> None:
        super().__init__()
        self.large = nn.Sequential(*(nn.Conv2d(3, 3, 3, padding=1) for _ in range(5)))
        self.small = nn.Sequential(*(nn.Conv2d(3, 3, 3, padding=1) for _ in range(5)))

    def forward(self, large: Tensor, pair: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        return self.large(large), self.small(pair["small"])


def test_a_layer_is_held_against_the_input_that_it_sees() -> None:
    """Wherever in the arguments of forward that comes from, and in whatever order it is given."""
    expected = [
        f"small.{i}" for i in range(2, 5)
    ]  # 5 positions in front of the third, and 4 there are
    for given in (
        {"large": "1x3x32x32", "pair": {"small": "1x3x4x4"}},
        ["pair.small=1x3x4x4", "large=1x3x32x32"],
    ):
        found = rflint.lint(TwoViews, input=given).models[0]
        assert [x.name for x in found.analysis.unproductive] == expected
        assert found.to_dict()["inputs"] == [[1, 3, 32, 32], [1, 3, 4, 4]]


def test_a_small_view_in_front_is_no_measure_for_a_large_one() -> None:
    class Swapped(TwoViews):
        def forward(self, small: Tensor, *, large: Tensor) -> Any:
            return self.small(small), self.large(large)

    found = rflint.lint(Swapped, input=["large=1x3x32x32", "small=1x3x4x4"]).models[0]
    assert [x.name for x in found.analysis.unproductive] == [f"small.{i}" for i in range(2, 5)]


class NestedBatch(nn.Module):
    """Takes what a data loader collates."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.table = nn.Embedding(100, 8)

    def forward(self, batch: Any, scale: float = 1.0) -> Tensor:
        words = self.table(batch["text"]["input_ids"]).mean(1)
        return self.conv(batch["image"]).mean((2, 3)) * words * scale


class ThroughNames(NestedBatch):
    """The dictionary inside has another name where it is asked."""

    def forward(self, batch: Any, scale: float = 1.0) -> Tensor:
        inside = batch["text"]
        words = self.table(inside["input_ids"]).mean(1)
        return self.conv(batch["image"]).mean((2, 3)) * words * scale


@pytest.mark.parametrize("net", [NestedBatch, ThroughNames])
def test_a_proposal_has_what_was_given_and_runs(net: type[nn.Module]) -> None:
    given = ["batch.image=1x3x40x40:BCHW", "batch.text=1x7:int64", "scale=0.5"]
    with pytest.raises(RflintError) as raised:
        rflint.lint(net(), input=given)
    proposed = re.findall(r"[\w.]+=[\w.:]+\w", raised.value.hint.replace("input=", ""))
    assert proposed == [
        "batch.image=1x3x40x40:BCHW",
        "batch.text.input_ids=1x128:int64",
        "scale=0.5",
    ]
    assert rflint.lint(net(), input=proposed).to_dict()["models"][0]["inputs"][0] == [1, 3, 40, 40]


def test_dictionaries_in_dictionaries_are_read_in_one_step() -> None:
    with pytest.raises(RflintError) as raised:
        rflint.lint(NestedBatch(), res=32)
    assert "batch.text.input_ids=1x128:int64" in raised.value.hint
    assert "batch.image=1x3x32x32" in raised.value.hint
