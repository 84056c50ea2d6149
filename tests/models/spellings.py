"""One network in functions, and the many ways in which people write what is around layers."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Functional(nn.Module):
    """One network in functions: every spelling beside its module is below."""

    def __init__(self) -> None:
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(8, 3, 3, 3))
        self.w2 = nn.Parameter(torch.randn(16, 8, 3, 3))
        self.w3 = nn.Parameter(torch.randn(10, 32))

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(F.conv2d(x, self.w1, padding=1))
        x = F.max_pool2d(x, 2)
        y = torch.conv2d(x, self.w2, stride=2, padding=1)
        z = F.avg_pool2d(F.conv2d(x, self.w2, None, 1, 1), 2)
        x = torch.cat([y, z], dim=1)
        x = x.mean((2, 3))
        return F.linear(x, self.w3)


class Spellings(nn.Module):
    """Code as people write it around convolutions; `mode` picks the idiom."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.mode = mode
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.blocks = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1) for _ in range(3))
        self.named = nn.ModuleDict({"a": nn.Conv2d(8, 8, 1), "b": nn.Identity()})
        self.fc = nn.Linear(8, 10)
        self.register_buffer("mask", torch.ones(1, 8, 1, 1))
        self.scale = nn.Parameter(torch.ones(8, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = getattr(self, f"_{self.mode}")(x)
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))

    def _list(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = x + block(x).relu_()
        return x

    def _dict(self, x: Tensor) -> Tensor:
        return self.named["b"](self.named["a"](x))

    def _views(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        x = x.view(b, 2, c // 2, h, w).transpose(1, 2).contiguous().view(b, -1, h, w)
        return x.permute(0, 2, 3, 1).reshape(b, h * w, c).transpose(1, 2).unflatten(2, (h, w))

    def _channels_last(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        x = F.layer_norm(x, (8,))
        x = F.gelu(F.linear(x, torch.eye(8)))
        return x.permute(0, 3, 1, 2)

    def _assertions(self, x: Tensor) -> Tensor:
        assert x.dim() == 4
        assert len(x) == 1
        assert isinstance(x, Tensor)
        if x.shape[-1] > 16 and int(x.size(2)) > 4:
            x = x * self.mask
        torch._assert(x.shape[1] == 8, "eight channels")
        return x * self.scale + 0.5 - x / 2

    def _unpacking(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, dim=1)
        c, d = torch.split(x, 4, 1)
        first, *_ = x
        stacked = torch.stack([a, b, c, d])
        return torch.cat([stacked[0], stacked[1]], 1) + first

    def _items(self, x: Tensor) -> Tensor:
        out = torch.zeros_like(x)
        out[:, :4] = x[:, 4:]
        out[:, 4:] = x[:, :4]
        return out

    def _in_place(self, x: Tensor) -> Tensor:
        x += self.blocks[0](x)
        x.mul_(2).add_(1)
        x[:, 0] = 0
        return F.relu(x, inplace=True)

    def _maximum(self, x: Tensor) -> Tensor:
        values, _ = torch.max(x, dim=1, keepdim=True)
        return torch.max(x, values).clamp(min=0) + x.amax(1, keepdim=True) + x.norm(dim=1)[:, None]

    def _autocast(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            return self.blocks[0](x.float()).to(x.dtype).type_as(x)

    def _numbers(self, x: Tensor) -> Tensor:
        steps = torch.linspace(0, 1, x.shape[2])
        middle = steps[len(steps) // 2].item()
        grid = torch.arange(x.shape[3], device=x.device, dtype=x.dtype)
        return x * middle + grid.view(1, 1, 1, -1)

    def _checkpoint(self, x: Tensor) -> Tensor:
        from torch.utils.checkpoint import checkpoint

        return checkpoint(self.blocks[0], x, use_reentrant=False)


MODES = sorted(
    name[1:]
    for name in vars(Spellings)
    if name.startswith("_") and not name.startswith("__") and name != "_in_place_"
)
