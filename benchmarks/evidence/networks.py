"""The networks of the paper, thin: Figs. 4, 6, 8, 9 and 10."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import nn

from zoo.paper.attention import SpatialAttention, SqueezeExcitation, cbam
from zoo.paper.mpnet import mpnet18, mpnet36
from zoo.paper.resnet import resnet18, resnet34
from zoo.paper.vgg import vgg

QUARTER, EIGHTH = 0.25, 0.125


@dataclass(frozen=True)
class ThinNetwork:
    """A network at a part of its width, and the size of the images that it is trained with."""

    name: str
    figure: str
    """Where the paper shows the same network at its full width."""
    build: Callable[[], nn.Module]
    width: float
    res: int = 32

    @property
    def key(self) -> str:
        """What its results are filed under."""
        return f"{self.name} w{self.width:g} {self.res}px".lower().replace(" ", "-")


def _network(
    name: str, figure: str, build: Callable[..., nn.Module], width: float = QUARTER, res: int = 32
) -> ThinNetwork:
    return ThinNetwork(name, figure, partial(build, width=width), width, res)


_se = partial(SqueezeExcitation, reduction=4)
_without_skips = partial(resnet18, skip=False)

NETWORKS = (
    _network("VGG11", "4", partial(vgg, 11)),
    _network("VGG13", "4", partial(vgg, 13)),
    _network("VGG16", "4", partial(vgg, 16)),
    _network("VGG19", "4", partial(vgg, 19)),
    _network("VGG19 dilated", "6", partial(vgg, 19, 3, normalised=True)),
    _network("ResNet18 without skips", "6", _without_skips),
    _network("MPNet18", "8", mpnet18, EIGHTH),
    _network("MPNet36", "8", mpnet36, EIGHTH),
    _network("ResNet18", "9", resnet18),
    _network("ResNet34", "9", resnet34),
    _network("ResNet18", "9", resnet18, res=64),
    _network("ResNet18 SE", "10", partial(resnet18, attention=_se)),
    _network("ResNet18 spatial", "10", partial(resnet18, attention=SpatialAttention)),
    _network("ResNet18 CBAM", "10", partial(resnet18, attention=cbam)),
    _network("ResNet18 without skips SE", "10", partial(_without_skips, attention=_se)),
)
"""What is trained once and measured: receptive fields, probes and saturation beside each other."""

REPAIRED = (
    _network("VGG11 normalised", "11", partial(vgg, 11, normalised=True), EIGHTH),
    _network("VGG16 normalised", "11", partial(vgg, 16, normalised=True), EIGHTH),
    _network("ResNet18", "11", resnet18, EIGHTH),
    _network("ResNet18 without skips", "11", _without_skips, EIGHTH),
    _network("ResNet34", "11", resnet34, EIGHTH),
)
"""What is trained beside each of its repairs."""
