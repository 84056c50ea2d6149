"""A file of models that a command line can name."""

NET = """
import functools
from torch import nn

def build():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(8, 10),
    )

def too_deep():
    '''At 16 px, the last convolution reads a receptive field of 18. At 32 px, all is well.'''
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 10),
    )

def of_width(width):
    return nn.Conv2d(3, width, 3)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = build()

    def forward(self, x):
        return self.features(x)

class Zoo:
    small = staticmethod(build)

instance = build()
partial = functools.partial(of_width, width=4)

def one_dimensional():
    return nn.Sequential(nn.Conv1d(2, 4, 3), nn.ReLU(), nn.Conv1d(4, 4, 3))

def wanting(width, kind, shape, flag=False):
    assert (width, kind, shape, flag) == (12, "wide", (3, 5), True), (width, kind, shape, flag)
    return nn.Conv2d(3, width, shape)
"""
