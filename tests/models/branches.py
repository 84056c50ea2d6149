"""A branch for images beside one for a series of tokens: their axes have nothing in common."""

from __future__ import annotations

import torch
from torch import Tensor, nn

IMAGE_AND_TOKENS = ["image=1x3x64x64", "tokens=1x20:int64"]


class ImageAndTokens(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.image = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1)
        )
        self.embedding, self.series = nn.Embedding(100, 8), nn.Conv1d(8, 8, 5, padding=2)
        self.head = nn.Linear(16, 10)

    def forward(self, image: Tensor, tokens: Tensor) -> Tensor:
        text = self.series(self.embedding(tokens).transpose(1, 2)).mean(-1)
        return self.head(torch.cat([self.image(image).mean((2, 3)), text], 1))
