"""Arguments that are dataclasses, named tuples, typed dictionaries, or mappings of a class."""

from __future__ import annotations

from collections import UserDict
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypedDict

import pytest
import torch
from torch import Tensor, nn

import rflint
from rflint.errors import RflintError


@dataclass
class Batch:
    image: Tensor
    ids: Tensor
    mode: str = "plain"
    crops: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.flipped = self.image.flip(-1)


class Pair(NamedTuple):
    image: Tensor
    ids: Tensor
    sizes: tuple[int, int] = (3, 4)


class Named(TypedDict):
    image: Tensor
    ids: Tensor


@dataclass(frozen=True)
class Nested:
    first: Batch
    second: Pair | None = None


class Encoding(UserDict[str, Any]):
    """Like that of a tokeniser: its keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self.data[name]
        except KeyError:
            raise AttributeError(name) from None


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.table = nn.Conv2d(3, 4, 3), nn.Embedding(100, 4)

    def both(self, image: Tensor, ids: Tensor) -> Tensor:
        out: Tensor = self.conv(image) + self.table(ids).mean(1)[:, :, None, None]
        return out


class OfBatch(Net):
    def forward(self, batch: Batch) -> Any:
        assert isinstance(batch, Batch)
        assert batch.mode in ("plain", "other")
        crops = [self.conv(crop) for crop in batch.crops]
        return self.both(batch.image, batch.ids), self.conv(batch.flipped), crops


class OfPair(Net):
    def forward(self, pair: Pair | None = None, *, scale: float = 1.0) -> Any:
        assert isinstance(pair, Pair)
        assert pair.sizes == (3, 4)
        image, ids, _ = pair
        return self.both(image, ids) * scale


class OfNamed(Net):
    def forward(self, batch: Named) -> Any:
        return self.both(batch["image"], batch["ids"])


class OfTuple(Net):
    def forward(self, pair: tuple[Tensor, Tensor]) -> Any:
        assert isinstance(pair, tuple)
        return self.both(*pair)


class OfTwo(OfTuple):
    def forward(self, x: Tensor, pair: tuple[Tensor, Tensor]) -> Any:  # type: ignore[override]
        return self.conv(x), pair


class OfNested(Net):
    def forward(self, x: Tensor, nested: Nested) -> Any:
        second = nested.second
        assert isinstance(nested.first, Batch)
        assert isinstance(second, Pair)
        return self.both(nested.first.image, nested.first.ids), self.both(second.image, second.ids)


class OfEncoding(Net):
    def forward(self, batch: Any) -> Any:
        assert isinstance(batch, Encoding)
        return self.both(batch.image, batch["ids"])


def shapes_of(model: Any, given: Any) -> Any:
    return rflint.lint(model, input=given).models[0].to_dict()["inputs"]


IMAGE, IDS = torch.rand(1, 3, 16, 16), torch.zeros(1, 5, dtype=torch.int64)
SHAPES = [[1, 3, 16, 16], [1, 5]]
TEXTS = {"image": "1x3x16x16", "ids": "1x5:int64"}


@pytest.mark.parametrize("tracer", ["symbolic", "export"])
@pytest.mark.parametrize(
    ("model", "given"),
    [
        (OfBatch, ["batch.image=1x3x16x16", "batch.ids=1x5:int64"]),
        (OfBatch, ["batch.ids=1x5:int64", "batch.image=1x3x16x16"]),
        (OfBatch, {"batch": TEXTS}),
        (OfBatch, TEXTS),
        (OfBatch, Batch(IMAGE, IDS)),
        (OfBatch, (Batch(IMAGE, IDS, mode="other"),)),
        (OfBatch, {"batch": Batch(IMAGE, IDS)}),
        (OfPair, ["pair.image=1x3x16x16", "pair.ids=1x5:int64", "scale=2.0"]),
        (OfPair, ["pair.0=1x3x16x16", "pair.1=1x5:int64"]),
        (OfPair, Pair(IMAGE, IDS)),
        (OfPair, {"pair": Pair(IMAGE, IDS)}),
        (OfPair, {"pair": TEXTS}),
        (OfNamed, {"batch": TEXTS}),
        (OfNamed, ["batch.image=1x3x16x16", "batch.ids=1x5:int64"]),
        (OfTuple, ["pair.0=1x3x16x16", "pair.1=1x5:int64"]),
        (OfTuple, {"pair": ["1x3x16x16", "1x5:int64"]}),
        (OfTuple, ((IMAGE, IDS),)),
        (OfEncoding, Encoding(image=IMAGE, ids=IDS)),
        (OfEncoding, (Encoding(image=IMAGE, ids=IDS),)),
        (OfEncoding, {"batch": Encoding(TEXTS)}),
    ],
)
def test_the_argument_is_what_forward_takes(model: Any, given: Any, tracer: str) -> None:
    report = rflint.lint(model, input=given, tracer=tracer).models[0].to_dict()
    assert report["complete"]
    assert sorted(report["inputs"], reverse=True) == sorted(SHAPES, reverse=True)


def test_parts_have_parts() -> None:
    nested = ["nested.first.image", "nested.first.crops.0", "nested.first.crops.1"]
    pair = {"nested.second.image": "1x3x8x8", "nested.second.ids": "1x3:int64"}
    given = [f"{name}=1x3x16x16" for name in nested] + [f"{n}={x}" for n, x in pair.items()]
    given += ["x=1x3x4x4", "nested.first.ids=1x5:int64", "nested.first.mode=1"]
    report = rflint.lint(OfNested, input=given).models[0].to_dict()
    assert report["inputs"][0] == [1, 3, 4, 4]
    example = Nested(Batch(IMAGE, IDS, crops=[IMAGE]), Pair(IMAGE, IDS))
    found = rflint.lint(OfNested, input=((1, 3, 4, 4), example)).models[0].to_dict()
    assert found["inputs"] == [[1, 3, 4, 4], *SHAPES, SHAPES[0], *SHAPES]
    assert example.first.crops[0] is IMAGE


@pytest.mark.parametrize(
    ("given", "said", "hint"),
    [
        (
            {"input": ["batch.imgae=1x3x8x8"]},
            "a Batch, which has no 'imgae'",
            "Did you mean image?",
        ),
        ({"input": ["batch.image=1x3x8x8"]}, "a Batch, which needs ids too", "for batch.ids too"),
        (
            {"res": 8},
            "batch is a Batch, and not one tensor: it has image, ids, mode, crops",
            'input=["batch.image=1x3x8x8", "batch.ids=1x128:int64"]',
        ),
    ],
)
def test_what_is_no_part_is_an_error(given: dict[str, Any], said: str, hint: str) -> None:
    with pytest.raises(RflintError) as raised:
        rflint.lint(OfBatch, **given)
    assert said in raised.value.message
    assert hint in raised.value.hint
    assert raised.value.kind in ("usage", "input")


def test_a_missing_dataclass_is_proposed_by_its_parts() -> None:
    with pytest.raises(RflintError, match="needs 'nested' too") as raised:
        rflint.lint(OfNested, res=8)
    proposed = 'input=["x=1x3x8x8", "nested.first.image=1x3x8x8", "nested.first.ids=1x128:int64"]'
    assert proposed in raised.value.hint
    with pytest.raises(RflintError) as tuple_wanted:
        rflint.lint(OfTwo, res=8)
    assert 'input=["x=1x3x8x8", "pair.0=1x3x8x8", "pair.1=1x3x8x8"]' in tuple_wanted.value.hint


def test_annotations_that_cannot_be_read_are_no_error() -> None:
    class Local(Net):
        def forward(self, batch: OnlyForCheckers) -> Any:  # type: ignore[name-defined]  # noqa: F821
            return self.both(batch["image"], batch["ids"])

    class Half(Net):
        def forward(self, batch: Batch, scale: OnlyForCheckers = None) -> Any:  # type: ignore[name-defined]  # noqa: F821
            return self.both(batch.image, batch.ids)

    assert rflint.lint(Half, input={"batch": TEXTS}).models[0].analysis.complete
    assert rflint.lint(Local, input={"batch": TEXTS}).models[0].analysis.complete


def test_what_a_tokeniser_returns_is_taken_as_it_is() -> None:
    tokenizers = pytest.importorskip("transformers.tokenization_utils_base", reason="is optional")

    class Reads(OfEncoding):
        def forward(self, batch: Any) -> Any:
            assert isinstance(batch, tokenizers.BatchEncoding)
            return self.both(batch.image, batch["ids"])

    given = tokenizers.BatchEncoding({"image": IMAGE, "ids": IDS})
    for example in (given, (given,), {"batch": given}):
        assert shapes_of(Reads, example) == SHAPES
    assert given["image"] is IMAGE
