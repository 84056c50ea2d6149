"""Architectures of layers one behind the other, as another front end would hand them over."""

from __future__ import annotations

from dataclasses import dataclass, field

from rflint.graph.architecture import Architecture
from rflint.graph.layer import INPUT, Edge, Geometry, Kind, Layer
from rflint.graph.windows import Extent, Reach, Window


@dataclass
class Chain:
    """Square images, and layers that are put behind each other."""

    size: int
    channels: int = 3
    layers: list[Layer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.input = self.shape

    @property
    def shape(self) -> tuple[int, ...]:
        return (1, self.channels, self.size, self.size)

    def convolution(self, channels: int, kernel: int = 3) -> None:
        """Same-padded."""
        weights = self.channels * channels * kernel**2
        geometry = Geometry((kernel,) * 2, (1, 1), (1, 1), (kernel // 2,) * 2)
        self._add(
            Kind.CONV,
            "conv2d",
            Window(kernel, 1, -(kernel // 2)),
            geometry,
            (channels, self.size),
            weights,
        )

    def pooling(self) -> None:
        """2x2."""
        geometry = Geometry((2, 2), (2, 2), (1, 1), (0, 0))
        self._add(
            Kind.POOL, "max_pool2d", Window(2, 2), geometry, (self.channels, self.size // 2), 0
        )

    def activation(self) -> None:
        self._add(Kind.ACTIVATION, "relu", Window(), _POINTWISE, (self.channels, self.size), 0)

    def classifier(self, classes: int = 10) -> None:
        """Global pooling and a linear layer."""
        unbounded = Geometry((None,) * 2, (None,) * 2, (1, 1), (None,) * 2)
        self._add(Kind.POOL, "adaptive_avg_pool2d", Extent.GLOBAL, unbounded, (self.channels, 1), 0)
        weights = self.channels * classes
        self._add(Kind.LINEAR, "linear", Window(), _POINTWISE, (classes, 1), weights)

    def architecture(self) -> Architecture:
        """All of it."""
        return Architecture(
            inputs=(self.input,),
            resolution=self.input[2:],
            layers=tuple(self.layers),
            outputs=(len(self.layers) - 1,),
            output_shapes=(self.shape,),
            params=sum(layer.params for layer in self.layers),
        )

    def _add(
        self,
        kind: Kind,
        operation: str,
        reach: Reach,
        geometry: Geometry,
        becomes: tuple[int, int],
        weights: int,
    ) -> None:
        before = self.shape
        self.channels, self.size = becomes
        index = len(self.layers)
        self.layers.append(
            Layer(
                name=f"{operation}_{index}",
                call=0,
                kind=kind,
                op=operation,
                operation=operation,
                inputs=(Edge(index - 1 if index else INPUT, (reach, reach)),),
                geometry=geometry,
                in_shape=before,
                out_shape=self.shape,
                params=weights,
                macs=weights * self.size**2,
                weights=weights,
                positions=(self.size, self.size),
                is_map=True,
                is_module=True,
            )
        )


_POINTWISE = Geometry((1, 1), (1, 1), (1, 1), (0, 0))


def vgg11(size: int = 32) -> Architecture:
    """VGG11 for small images, as in zoo/paper/vgg.py."""
    chain = Chain(size)
    for convolutions, channels in zip((1, 1, 2, 2, 2), (64, 128, 256, 512, 512), strict=True):
        for _ in range(convolutions):
            chain.convolution(channels)
            chain.activation()
        chain.pooling()
    chain.classifier()
    return chain.architecture()
