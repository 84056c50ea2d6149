"""RF102 and RF103: verdicts by their definition, on networks of one path.

A convolution is critical where its input still sees less than the image and its output more, along
every axis; partial where its input sees more along some axes only (Eq. 1, by hand).
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import rflint
from rflint.linting.finding import Finding

Ints = tuple[int, ...]


def findings(model: nn.Module, code: str, *size: int) -> list[Finding]:
    return list(rflint.lint(model, input=(1, 1, *size), select=code).findings)


# -- verdicts along one path


@st.composite
def chains(draw: st.DrawFn) -> list[tuple[Ints, Ints]]:
    """Kernels and strides, per axis."""
    kernels = st.sampled_from([(1, 1), (3, 3), (1, 7), (7, 1), (5, 5), (3, 1)])
    strides = st.sampled_from([(1, 1), (1, 1), (2, 2), (2, 1)])
    return draw(st.lists(st.tuples(kernels, strides), min_size=1, max_size=6))


def network(chain: Sequence[tuple[Ints, Ints]]) -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 1, k, s, (k[0] // 2, k[1] // 2)) for k, s in chain),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(1, 2),
    )


@settings(max_examples=40, deadline=None)
@given(chains(), st.tuples(st.integers(12, 40), st.integers(12, 40)))
def test_verdicts_follow_from_eq_1(chain: list[tuple[Ints, Ints]], size: Ints) -> None:
    critical, partial = [], []
    r, jump = [1, 1], [1, 1]
    for index, (kernel, stride) in enumerate(chain):
        before = [a > i for a, i in zip(r, size, strict=True)]
        r = [a + (k - 1) * j for a, k, j in zip(r, kernel, jump, strict=True)]
        jump = [j * s for j, s in zip(jump, stride, strict=True)]
        after = [a > i for a, i in zip(r, size, strict=True)]
        extends = any(k > 1 and done for k, done in zip(kernel, before, strict=True))
        if any(before) and not all(before) and extends:
            partial.append(str(index))
        if all(after) and not any(before):
            critical.append(str(index))
    assert [x.layer for x in findings(network(chain), "RF103", *size)] == partial
    assert [x.layer for x in findings(network(chain), "RF102", *size)] == critical[:1]


def test_the_critical_layer_is_named_with_both_fields() -> None:
    model = network([((9, 9), (2, 2)), ((5, 5), (1, 1))])
    (found,) = findings(model, "RF102", 16, 16)
    assert found.layer == "1"
    assert "outgrow the 16x16 input: 9x9 in front of it, 17x17 behind it" in found.message
    assert not findings(model, "RF102", 17, 17)  # 17 is not more than 17


def test_the_first_of_two_critical_layers_is_named() -> None:
    class Twins(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.Conv2d(1, 1, 9), nn.Conv2d(1, 1, 9)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.one(x) + self.two(x)

    class Padded(Twins):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = (nn.Conv2d(1, 1, 17, padding=8) for _ in range(2))

    assert not findings(Twins(), "RF102", 16, 16)
    assert [x.layer for x in findings(Padded(), "RF102", 16, 16)] == ["one"]


def test_crossing_along_one_axis_is_not_critical() -> None:
    assert not findings(network([((9, 9), (1, 1))]), "RF102", 8, 64)


@pytest.mark.parametrize(
    ("kernel", "cure"),
    [
        ((3, 3), "a 1x3 kernel is predicted to do as well as its 3x3 one"),
        ((7, 1), "its 7x1 kernel extends there only, and is predicted to contribute nothing"),
    ],
)
def test_the_cure_fits_the_kernel(kernel: Ints, cure: str) -> None:
    """On a wide image; kernels of 1x7 and 7x1 as in Inception networks."""
    (found,) = findings(network([((9, 9), (1, 1)), (kernel, (1, 1))]), "RF103", 8, 64)
    assert found.layer == "1"
    assert found.message.startswith(
        "along height the receptive field of what it reads is larger than the input (9 of 8 "
        "pixels): "
    )
    assert found.message.endswith(cure)


@pytest.mark.parametrize("kernel", [(1, 7), (1, 1)])
def test_a_kernel_that_does_not_extend_where_everything_is_seen_wastes_nothing(
    kernel: Ints,
) -> None:
    assert not findings(network([((9, 9), (1, 1)), (kernel, (1, 1))]), "RF103", 8, 64)


def test_a_kernel_that_makes_the_map_smaller_is_not_to_be_thinned() -> None:
    """As where a recogniser of text lines collapses the height: another kernel would not."""
    model = nn.Sequential(
        nn.Conv2d(1, 1, 7, padding=3), nn.MaxPool2d((4, 1)), nn.Conv2d(1, 1, 2, padding=0)
    )
    (found,) = findings(model, "RF103", 8, 64)
    assert found.message.endswith(
        "what its 2x2 kernel extends there is predicted to contribute nothing"
    )
