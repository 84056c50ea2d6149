"""Pieces of forward passes that ask tensors for their numbers, as people write them.

Not in a test's own file: pytest rewrites assertions there.
"""

# ruff: noqa: T201, PT018, UP031, C419, PLR, SIM

from __future__ import annotations

import logging
import warnings
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

logger = logging.getLogger(__name__)


def asserts_all(x: Tensor) -> None:
    out = F.pad(x, (1, 1))
    assert (out[..., 1:-1] == x).all()


def asserts_nothing_is_nan(x: Tensor) -> None:
    assert not torch.isnan(x).any(), "NaN"


def asserts_several(x: Tensor) -> None:
    assert x.dim() == 4 and x.min() >= -1 and not x.isinf().any()
    assert x.max() > 0 or x.min() < 0
    assert 0 <= x.abs().min() <= 1


def asserts_over_lines(x: Tensor) -> None:
    assert (
        (x > 0).all()
        and not (x > 1).any()
    ), f"from {x.min():.3f} to {x.max().item()}"  # fmt: skip


def asserts_each(x: Tensor) -> None:
    assert all((part > 0).all() for part in x)
    assert bool((x > 0).all())
    assert not any([part.isnan().any() for part in x])


def asserts_equal(x: Tensor) -> None:
    assert torch.equal(x, x.clone())
    assert torch.allclose(x, x * 1.0)
    assert x.sum().item() <= 1


def raises(x: Tensor) -> None:
    if not torch.equal(x, x.clone()):
        raise ValueError("changed")
    if torch.isnan(x).any():
        place = x.isnan().nonzero()
        raise ValueError(f"NaN at {place}")


def raises_otherwise(x: Tensor) -> Any:
    if (x > 0).all():
        return x + 1
    raise ValueError("negative")


def asks_a_helper(x: Tensor) -> None:
    def is_normalised() -> Any:
        return torch.allclose(x.sum(1), torch.ones(()))

    assert is_normalised()


def asserts_in_one_line(x: Tensor) -> None:
    # fmt: off
    if not (x > 0).all(): raise ValueError("negative")  # noqa: E701
    if x.isnan().any(): logger.error("NaN"); raise ValueError  # noqa: E701, E702
    y = x * 2; assert (y > x).all(), y.min(); x = y  # noqa: E702
    if x.max() > 1: warnings.warn("large")  # noqa: E701, B028
    # fmt: on


def _is_finite(x: Tensor) -> bool:
    if torch.isnan(x).any():
        return False
    return not x.isinf().any()


def _is_broken(x: Tensor) -> bool:
    if (x.sum(1) == 0).any():
        logger.warning("empty")
        return True
    return False


def asserts_what_helpers_return(x: Tensor) -> None:
    assert _is_finite(x)
    if _is_broken(x) or not _is_finite(x):
        raise ValueError("broken")
    torch._check(_is_finite(x))
    torch._check(bool((x > 0).all()), lambda: "negative")


def asserts_and_says_it_in_other_words(x: Tensor) -> None:
    try:
        assert (x > 0).all()
    except AssertionError as error:
        raise ValueError("negative") from error


def asks_a_helper_what_to_do(x: Tensor) -> Any:
    if _is_finite(x):
        return x * 2
    return None


def tells_torch(x: Tensor) -> None:
    torch._assert((x > 0).all(), "negative")
    torch._check((x > 0).all().item())
    torch._assert_async((x > 0).all())
    torch.testing.assert_close(x, x * 1.0)


def checks_inside_a_library(x: Tensor) -> Any:
    distribution = torch.distributions.Normal(x, x.exp(), validate_args=True)
    return distribution.rsample()


class Warned:
    told = False


def warns(x: Tensor) -> None:
    if x.abs().mean() > 50:
        print("large")
    if x.dim() == 4 and x.abs().mean() > 50:
        warnings.warn("large", stacklevel=2)
    if x.abs().max() > 50 or x.min() < -50:
        mean = x.mean().item()
        logger.warning("mean %f", mean)


def warns_once(x: Tensor) -> None:
    if x.max() > 50 and not Warned.told:
        logger.warning("large")
        Warned.told = True


def prints(x: Tensor) -> None:
    print(x.mean(), x, x.shape)
    print(f"{x.max():.3f} {x.argmax():d} {x.mean().item():8.2f} {x}")
    print("%.3f" % float(x.mean()), "%d" % x.sum().item(), x.flatten()[:3].tolist())
    logger.info("mean %s", x.mean().item())
    message = f"{x.max():.3f}"
    logger.info(message)


def keeps(x: Tensor) -> None:
    history: list[Any] = []
    history.append(x.mean().item())
    round(x.std().item() * 2 + 1, 3)


def chooses(x: Tensor) -> Any:
    return x if x.mean() > 0 else -x


def returns_early(x: Tensor) -> Any:
    if x.mean() > 0:
        print("positive")
        return x * 2
    return x


def sets_what_is_used(x: Tensor) -> Any:
    scale = 1
    if x.mean() > 0:
        print("positive")
        scale = 2
    return x * scale


def handles(x: Tensor) -> Any:
    try:
        assert (x > 0).all()
    except AssertionError:
        x = x.abs()
    return x


def takes_a_size(x: Tensor) -> Any:
    return x[..., : int(x.sum())]


def takes_a_size_from_an_item(x: Tensor) -> Any:
    return x[..., : x.argmax().item()]


def finds_places(x: Tensor) -> Any:
    images, rows = torch.where(x.amax(dim=(1, 3)) > 0)
    return x[images, :, rows]


def makes_a_size(x: Tensor) -> Any:
    return x + torch.zeros(x.argmax().item())


def repeats(x: Tensor) -> Any:
    while x.norm() > 1:
        x = x / 2
    return x


def warns_or_works(x: Tensor) -> Any:
    if x.mean() > 0:
        print("positive")
    else:
        x = -x
    return x
