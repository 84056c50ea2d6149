"""Tables that are looked into: pointwise in their indices, whatever they hold.

In every model here a convolution of 8 positions with stride 4 makes codes, rows of a table (which
starts as zeros, as codebooks do that are filled later) take the codes' places, and a convolution of
3 reads them: 8 + 2 * 4 positions.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import rflint

Lookup = Callable[[Tensor, Tensor], Tensor]


def scattered(codes: Tensor, book: Tensor) -> Tensor:
    flat = codes.reshape(-1, 1)
    chosen = torch.zeros(flat.shape[0], len(book)).scatter_(1, flat, 1)
    return (chosen @ book).view(*codes.shape, -1)


def gathered(codes: Tensor, book: Tensor) -> Tensor:
    rows = book.expand(len(codes), -1, -1)
    return rows.gather(1, codes[..., None].expand(-1, -1, book.shape[-1]))


def as_parameters(codes: Tensor, book: Tensor) -> Tensor:
    return F.embedding(codes, nn.Parameter(book))


def in_bags(codes: Tensor, book: Tensor) -> Tensor:
    return F.embedding_bag(codes.reshape(-1, 1), book).view(*codes.shape, -1)


def compared(codes: Tensor, book: Tensor) -> Tensor:
    return (codes[..., None] == torch.arange(len(book))).float() @ book


LOOKUPS: dict[str, Lookup] = {
    "F.embedding": lambda codes, book: F.embedding(codes, book),
    "F.embedding with a name": lambda codes, book: F.embedding(input=codes, weight=book),
    "torch.embedding": lambda codes, book: torch.embedding(book, codes),
    "a parameter": as_parameters,
    "bags of one": in_bags,
    "an index": lambda codes, book: book[codes],
    "index_select": lambda codes, book: book.index_select(0, codes.reshape(-1)).view(
        *codes.shape, -1
    ),
    "gather": gathered,
    "take_along_dim": lambda codes, book: torch.take_along_dim(book[None], codes[..., None], 1),
    "one-hot vectors": lambda codes, book: F.one_hot(codes, len(book)).float() @ book,
    "one-hot vectors, einsum": lambda codes, book: torch.einsum(
        "btn,nc->btc", F.one_hot(codes, len(book)).float(), book
    ),
    "scattered ones": scattered,
    "compared with all": compared,
}


class Quantiser(nn.Module):
    """A convolution, the nearest entry of a codebook for every position, a convolution."""

    def __init__(self, lookup: Lookup) -> None:
        super().__init__()
        self.encode = nn.Conv1d(1, 4, 8, 4, 2)
        self.decode = nn.Conv1d(4, 4, 3, padding=1)
        self.lookup = lookup
        self.register_buffer("book", torch.zeros(32, 4))

    def forward(self, x: Tensor) -> Tensor:
        z = self.encode(x).transpose(1, 2)
        codes = torch.cdist(z.reshape(-1, 4), self.book).argmin(-1).view(z.shape[:-1])
        return self.decode(self.lookup(codes, self.book).transpose(1, 2))


@pytest.mark.parametrize("lookup", LOOKUPS.values(), ids=LOOKUPS)
@pytest.mark.parametrize("tracer", ["symbolic", "export"])
def test_a_table_is_read_where_its_index_lies(lookup: Lookup, tracer: str) -> None:
    x = torch.zeros(1, 1, 256)
    assert Quantiser(lookup)(x).shape == (1, 4, 64)
    report = rflint.lint(Quantiser(lookup), input=(1, 1, 256), tracer=tracer)
    assert report.models[0].analysis.complete
    (field,) = report.layers[-1].output_field
    assert (field.r_min, field.r_max) == (16, 16)


class Tokens(nn.Module):
    """Numbers from 0 to 255 that are looked up, as WaveNet does."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(256, 8)
        self.filter = nn.Conv1d(8, 8, 3, dilation=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.filter(self.embed(x[:, 0].long()).transpose(1, 2))


def test_an_embedding_is_a_layer_with_its_parameters() -> None:
    report = rflint.lint(Tokens, input=(1, 1, 64))
    embed, convolution = (x for x in report.layers if x.layer.params)
    assert (embed.layer.name, embed.layer.kind.value) == ("embed", "embedding")
    assert (embed.layer.params, embed.layer.macs) == (256 * 8, 0)
    assert [field.r_max for field in (*embed.output_field, *convolution.output_field)] == [1, 5]


def test_an_index_per_image_is_added_everywhere() -> None:
    class Conditioned(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 8, 3, padding=1)
            self.after = nn.Conv2d(8, 8, 3, padding=1)
            self.classes = nn.Embedding(10, 8)

        def forward(self, x: Tensor) -> Tensor:
            scores = self.conv(x).mean((2, 3)).argmax(1)
            return self.after(self.conv(x) + self.classes(scores)[:, :, None, None])

    (*_, last) = rflint.lint(Conditioned, res=32).layers
    assert [(field.r_min, field.r_max) for field in last.output_field] == [(5, None)] * 2


def test_a_table_that_depends_on_the_input_is_read_from_end_to_end() -> None:
    class Gathering(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(1, 4, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            rows = self.conv(x)[0].t()
            return F.embedding(torch.arange(16), rows)

    (*_, last) = rflint.lint(Gathering, input=(1, 1, 64)).layers
    assert last.output_field[0].r_max is None
