"""RF503: what is said of a sample depends on the others.

The oracle is a NaN: in evaluation one sample is nothing but NaN, and others come out as NaN too.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import rflint

TOKENS, FEATURES = 5, 8
Forward = Callable[[nn.Module, Tensor], Tensor]


class Net(nn.Module):
    """Layers of several kinds, and a forward that is given images of 8 x 8."""

    def __init__(self, forward: Forward, *, first: bool = False) -> None:
        super().__init__()
        self.run = forward
        self.conv = nn.Conv2d(3, FEATURES, 3, padding=1)
        self.lstm = nn.LSTM(FEATURES, FEATURES, 2, batch_first=first)
        self.gru = nn.GRU(FEATURES, FEATURES, batch_first=first)
        self.mix = nn.MultiheadAttention(FEATURES, 2, batch_first=first)
        self.block = nn.TransformerEncoderLayer(FEATURES, 2, 16, batch_first=first)
        self.head = nn.LazyLinear(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self, x)


def tokens(model: nn.Module, x: Tensor) -> Tensor:
    """(batch, 64, features) of an image."""
    out: Tensor = model.conv(x).flatten(2).transpose(1, 2)
    return out


FORWARDS: dict[str, Forward] = {
    "an LSTM": lambda model, x: model.head(model.lstm(tokens(model, x))[0][:, -1]),
    "a GRU": lambda model, x: model.head(model.gru(tokens(model, x))[0].mean(1)),
    "attention": lambda model, x: model.mix(*[tokens(model, x)] * 3)[0],
    "a transformer": lambda model, x: model.block(tokens(model, x)),
}
MIXED: dict[str, Forward] = {
    "flatten": lambda model, x: model.head(model.conv(x).flatten()),
    "flatten of two dimensions": lambda model, x: model.head(
        model.conv(x).transpose(0, 1).flatten(1)
    ),
    "softmax": lambda model, x: model.conv(x).mean((2, 3)).softmax(0),
    "a softmax that nobody told a dimension": lambda model, x: nn.Softmax()(tokens(model, x)),
}
APART: dict[str, Forward] = {
    "flatten(1)": lambda model, x: model.head(model.conv(x).flatten(1)),
    "softmax over classes": lambda model, x: model.conv(x).mean((2, 3)).softmax(1),
    "permuted for attention": lambda model, x: model.mix(*[tokens(model, x).transpose(0, 1)] * 3)[
        0
    ].transpose(0, 1),
    "permuted for an LSTM": lambda model, x: model.lstm(tokens(model, x).transpose(0, 1))[0][-1],
    "windows": lambda model, x: model.mix(
        *[
            model.conv(x)
            .view(-1, FEATURES, 2, 4, 2, 4)
            .permute(3, 5, 0, 2, 4, 1)
            .reshape(16, -1, FEATURES)
        ]
        * 3
    )[0],
    "frames of one clip": lambda model, x: model.lstm(model.conv(x).mean((2, 3)).unsqueeze(1))[0],
    "scores of all pairs": lambda model, x: model.conv(x).flatten(1) @ model.conv(x).flatten(1).t(),
    "deviations over the batch": lambda model, x: (
        model.conv(x) + model.conv(x).std(0, keepdim=True).mean()
    ),
}
STATES: dict[str, tuple[bool, Forward]] = {
    "a view": (True, lambda model, h: h.reshape(h.shape[1], -1)),
    "a transpose": (False, lambda model, h: h.transpose(0, 1).flatten(1)),
    "the last layer": (False, lambda model, h: h[-1]),
    "as numbers lie": (True, lambda model, h: h.view(h.shape[1], -1)),
    "both joined": (False, lambda model, h: torch.cat([h[0], h[1]], 1)),
}


def findings(model: nn.Module, shape: tuple[int, ...] = (1, 3, 8, 8)) -> set[str]:
    report = rflint.lint(model, input=shape, select="RF503")
    return {x.layer for x in report.models[0].findings}


def reaches_others(model: nn.Module, shape: tuple[int, ...] = (3, 8, 8)) -> bool:
    """Whether a NaN in the second of three samples comes out beside the second."""
    x = torch.randn(3, *shape)
    model.eval()
    with torch.no_grad():
        model(x)  # lazy layers take their sizes
        x[1] = torch.nan
        out = model(x)
    if len(out) != 3:
        return True
    return bool(torch.isnan(out[[0, 2]]).any())


@pytest.mark.parametrize("name", FORWARDS)
@pytest.mark.parametrize("first", [True, False])
def test_the_batch_is_told_to_come_first(name: str, first: bool) -> None:
    assert reaches_others(Net(FORWARDS[name], first=first)) is not first
    assert bool(findings(Net(FORWARDS[name], first=first))) is not first


@pytest.mark.parametrize("name", MIXED)
def test_what_mixes_samples_is_reported(name: str) -> None:
    assert reaches_others(Net(MIXED[name]))
    assert len(findings(Net(MIXED[name]))) == 1


@pytest.mark.parametrize("name", APART)
def test_what_does_not_or_means_to_is_not(name: str) -> None:
    assert findings(Net(APART[name])) == set()


@pytest.mark.parametrize("name", ["flatten(1)", "permuted for attention", "softmax over classes"])
def test_what_keeps_samples_apart(name: str) -> None:
    assert not reaches_others(Net(APART[name]))


@pytest.mark.parametrize("name", STATES)
def test_states_of_a_recurrent_network(name: str) -> None:
    mixes, forward = STATES[name]
    model = Net(
        lambda model, x: model.head(forward(model, model.lstm(tokens(model, x))[1][0])), first=True
    )
    assert reaches_others(model) is mixes
    assert findings(model) == ({"head"} if mixes else set())


def sequences(forward: Forward, first: bool) -> nn.Module:
    """The same layers on sequences: nobody knows whether the batch comes first."""
    return Net(forward, first=first)


@pytest.mark.parametrize(
    ("forward", "reported"),
    [
        (lambda model, x: model.head(model.lstm(x)[0][:, -1]), {"lstm"}),
        (lambda model, x: model.head(model.lstm(x)[0].mean(1)), {"lstm"}),
        (lambda model, x: model.head(model.lstm(x)[0].flatten(1)), {"lstm"}),
        (lambda model, x: model.head(torch.relu(model.lstm(x)[0])[:, -1]), {"lstm"}),
        (lambda model, x: model.head(model.lstm(x)[0][-1]), set()),
        (lambda model, x: model.head(model.lstm(x)[0]), set()),
        (lambda model, x: model.block(x), set()),
    ],
)
def test_of_sequences_what_follows_tells(forward: Forward, reported: set[str]) -> None:
    assert findings(sequences(forward, first=False), (1, TOKENS, FEATURES)) == reported
    assert findings(sequences(forward, first=True), (1, TOKENS, FEATURES)) == set()


PARTED: dict[str, tuple[int, Forward]] = {
    "all channels of one position, as it seems": (
        4,
        lambda model, x: model.head(F.avg_pool2d(model.conv(x), 4).view(-1, FEATURES)),
    ),
    "made for smaller maps": (
        4,
        lambda model, x: model.head(model.conv(x).view(-1, FEATURES * 16)),
    ),
    "behind an activation and a pooling": (
        4,
        lambda model, x: model.head(
            F.max_pool2d(model.conv(x).relu(), 4).reshape(-1, FEATURES)
        ).softmax(-1),
    ),
}
MEANT_ROWS: dict[str, Forward] = {
    "positions": lambda model, x: model.head(
        model.conv(x).permute(0, 2, 3, 1).reshape(-1, FEATURES)
    ),
    "positions as tokens": lambda model, x: model.head(tokens(model, x).reshape(-1, FEATURES)),
    "channels": lambda model, x: model.head(model.conv(x).view(-1, 64)),
    "rows of channels": lambda model, x: model.head(model.conv(x).view(-1, 8)),
    "scores of patches": lambda model, x: model.conv(x).mean(1, keepdim=True).view(-1, 1),
    "brought back": lambda model, x: model.head(model.conv(x).view(-1, FEATURES * 16)).view(
        x.shape[0], -1
    ),
    "the whole map": lambda model, x: model.head(model.conv(x).view(-1, FEATURES * 64)),
}


@pytest.mark.parametrize("name", PARTED)
def test_samples_that_are_cut_into_rows_are_reported(name: str) -> None:
    rows, forward = PARTED[name]
    assert Net(forward)(torch.rand(3, 3, 8, 8)).shape[0] == 3 * rows
    (finding,) = rflint.lint(Net(forward), res=8, select="RF503").models[0].findings
    assert finding.layer == "head"
    assert f"is given {rows} rows of each sample" in finding.message


@pytest.mark.parametrize("name", MEANT_ROWS)
def test_rows_that_may_be_meant_are_not(name: str) -> None:
    assert findings(Net(MEANT_ROWS[name])) == set()


STEPS: dict[str, Forward] = {
    "turn": lambda model, x: x.transpose(0, 1),
    "lstm": lambda model, x: model.lstm(x)[0],
    "gru": lambda model, x: model.gru(x)[0],
    "attend": lambda model, x: model.mix(x, x, x)[0],
    "block": lambda model, x: model.block(x),
    "relu": lambda model, x: x.relu(),
    "shift": lambda model, x: x + 1,
    "cut anew": lambda model, x: x.reshape(x.shape[0], 4, -1).reshape(x.shape),
    "view as if turned": lambda model, x: (
        x if x.shape[0] == 64 else x.reshape(x.shape[0], x.shape[2], x.shape[1]).transpose(1, 2)
    ),
}


@given(steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=5), first=st.booleans())
@settings(max_examples=60, deadline=None)
def test_of_drawn_networks(steps: list[str], first: bool) -> None:
    """Behind a convolution, samples are called mixed if, and only if, a NaN reaches others."""

    def forward(model: nn.Module, x: Tensor) -> Tensor:
        x = tokens(model, x)
        for step in steps:
            x = STEPS[step](model, x)
        if steps.count("turn") % 2:
            x = x.transpose(0, 1)
        return x.mean(1)

    mixed = reaches_others(Net(forward, first=first))
    assert bool(findings(Net(forward, first=first))) is mixed
