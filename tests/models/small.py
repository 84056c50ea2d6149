"""Small models, each with something of its own that a tracer has to follow."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.other = nn.Conv2d(8, 8, 3, padding=1)
        self.bn = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(8, 10)


class SharedModules(Small):
    def __init__(self) -> None:
        super().__init__()
        self.alias = self.other

    def forward(self, x: Tensor) -> Tensor:
        x = self.other(self.relu(self.conv(x)))
        return self.alias(F.max_pool2d(self.relu(x), 2))


class InPlace(Small):
    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x += self.other(x)
        x.mul_(2).clamp_(0, 1)
        x[:, :4].add_(1)
        return F.relu(x, inplace=True)


class Assigned(Small):
    def forward(self, x: Tensor) -> Tensor:
        out = torch.zeros(x.shape[0], 8, *x.shape[2:])
        out[:, :4] = self.conv(x)[:, 4:]
        out[:, 4:, ::2] = 1.0
        return self.other(out)


class Resized(Small):
    def forward(self, x: Tensor) -> Tensor:
        y = F.interpolate(self.conv(F.avg_pool2d(x, 2)), size=x.shape[2:], mode="bilinear")
        y = F.interpolate(y, scale_factor=0.5, mode="area")
        return F.normalize(F.pad(F.lp_pool2d(self.other(y), 2, 2), (1, 2, 0, 1)), dim=1)


class Hooked(Small):
    def __init__(self) -> None:
        super().__init__()
        self.conv.register_forward_pre_hook(lambda module, args: (F.avg_pool2d(args[0], 2),))
        self.other.register_forward_hook(lambda module, args, out: out + args[0])

    def forward(self, x: Tensor) -> Tensor:
        return self.other(self.conv(x))


class SeveralInputs(Small):
    def forward(self, x: Tensor, *, scale: Tensor | None = None, **_: Any) -> Tensor:
        return self.conv(x)


class Siamese(Small):
    def forward(self, x: Tensor, y: Tensor, z: Tensor) -> tuple[Tensor, list[Tensor]]:
        return self.conv(x) - self.conv(y), [self.other(self.conv(z)).mean((2, 3)) * 2]


class Outputs(Small):
    def forward(self, x: Tensor) -> dict[str, Any]:
        x = self.conv(x)
        head = self.fc(x.mean((2, 3)))
        return OrderedDict(z=x, a={"deep": [self.other(x), None]}, logits=head, number=3)


@dataclass
class Pair:
    first: Tensor
    second: Tensor


class DataclassOutput(Small):
    def forward(self, x: Tensor) -> Pair:
        x = self.conv(x)
        return Pair(x, self.other(x))


class Indexed(Small):
    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = torch.cat([x[..., ::2, ::2], x[:, :, 1::2, 1::2]], 1)
        first, second = x.chunk(2, 1)
        gated = first * second[:, None, 0].sigmoid()
        return self.other(gated) + x[:, 8:].flip(1)


class Attended(Small):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.norm = nn.LayerNorm(8)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.conv(x).flatten(2).transpose(1, 2)
        mixed, _ = self.attention(tokens, tokens, tokens, need_weights=False)
        tokens = self.norm(tokens + mixed)
        query, key = tokens.split(4, -1)
        weights = torch.softmax(query @ key.transpose(1, 2) * 0.5, -1)
        return self.fc((weights @ tokens).mean(1))


class Parametrised(Small):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.utils.parametrizations.weight_norm(self.conv)
        self.scale = nn.Parameter(torch.ones(8, 1, 1))
        self.register_buffer("mask", torch.ones(1, 8, 1, 1))
        self.plain = torch.ones(8, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.other.weight - self.other.weight.mean((1, 2, 3), keepdim=True)
        return F.conv2d(self.conv(x) * self.scale * self.mask, weight) + self.plain


class OwnConvolution(nn.Conv2d):
    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(F.pad(x, (1, 1, 1, 1)), self.weight, self.bias, self.stride)


class Contexts(Small):
    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            x = self.conv(x)
        with torch.autocast("cpu", enabled=False):
            x = self.other(x.float())
        return checkpoint(self.other, x, use_reentrant=False)


class Negated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return -x

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        return -gradients[0]


class OwnGradient(Small):
    def forward(self, x: Tensor) -> Tensor:
        return self.other(Negated.apply(self.conv(x)))


class MadeOnTheWay(Small):
    def forward(self, x: Tensor) -> Tensor:
        x = nn.Conv2d(8, 8, 1, bias=False)(self.conv(x))
        return nn.Softmax(1)(self.other(x))


OUTSIDE = nn.Parameter(torch.ones(8, 1, 1))
"""A parameter that lies in no module."""


class Unregistered(Small):
    """Parameters in a list, outside of the model and made on the way, beside one that is none."""

    def __init__(self) -> None:
        super().__init__()
        self.listed = [nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1)]
        self.scale = torch.ones(8, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x) * OUTSIDE
        x = self.listed[1](self.listed[0](x)) * self.scale
        y = F.linear(x.mT, nn.Parameter(torch.zeros(4, x.shape[2])))
        return y + nn.Parameter(y.detach())


class Recurrent(Small):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 4, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        tokens, (hidden, _) = self.lstm(self.conv(x).flatten(2).transpose(1, 2))
        return tokens, hidden


class Dropping(Small):
    def forward(self, x: Tensor) -> Tensor:
        x = self.dropout(self.bn(self.conv(x)))
        return self.fc(F.dropout(x, 0.1, self.training).amax((2, 3)))


@torch.jit.script
def scripted(x: Tensor) -> Tensor:
    return x * F.relu6(x + 3)


def unscripted(x: Tensor) -> Tensor:
    return x * F.relu6(x + 3)


class Activated(Small):
    def __init__(self, activation: Any) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return self.other(self.activation(self.conv(x)))
