"""Which models torchvision and timm have, how each is built, and what it wants to see."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from zoo.torchvision_import import import_torchvision

Shape = tuple[int, ...]

ZOOS = ("torchvision", "timm")

GROUPS = {
    "torchvision.models": "classification",
    "torchvision.models.segmentation": "segmentation",
    "torchvision.models.video": "video",
    "torchvision.models.detection": "detection",
    "torchvision.models.optical_flow": "flow",
    "torchvision.models.quantization": "quantization",
}
"""torchvision's packages of models, and what the tables call them."""

FRAMES = 16
"""The length of a clip. torchvision's weights were trained on clips of 16 to 128 frames."""


@dataclass(frozen=True, slots=True)
class ZooModel:
    """A model of a zoo: plain data, so that it travels between processes."""

    zoo: str
    group: str
    name: str
    inputs: tuple[Shape, ...]
    """Batch, channels and native size of everything that forward takes."""

    @property
    def title(self) -> str:
        """Zoo and name."""
        return f"{self.zoo}/{self.name}"

    @property
    def builder(self) -> Callable[[], Any]:
        """A function without parameters that builds the model, with random weights."""
        if self.zoo == "timm":
            return partial(_timm().create_model, self.name, pretrained=False)
        create = partial(_torchvision_models().get_model, self.name, weights=None)
        if self.name.startswith("vit_"):
            return partial(create, image_size=self.inputs[0][-1])
        if self.group in ("segmentation", "detection"):
            return partial(create, weights_backbone=None)
        return create


def zoo_models(zoo: str) -> Iterator[ZooModel]:
    """All models of a zoo, by group, then by name. Raises ValueError for an unknown zoo."""
    if zoo == "timm":
        timm = _timm()
        for name in timm.list_models():
            config = timm.get_pretrained_cfg(name)
            size = config.input_size if config is not None else (3, 224, 224)
            yield ZooModel("timm", "classification", name, ((1, *size),))
    elif zoo == "torchvision":
        models = _torchvision_models()
        for package, group in GROUPS.items():
            for name in models.list_models(module=importlib.import_module(package)):
                inputs = _torchvision_inputs(group, name, models.get_model_weights(name))
                yield ZooModel("torchvision", group, name, inputs)
    else:
        raise ValueError(f"no zoo {zoo!r}; there are {', '.join(ZOOS)}")


@cache
def all_models() -> dict[str, ZooModel]:
    """All models of all zoos, by title."""
    return {model.title: model for zoo in ZOOS for model in zoo_models(zoo)}


def _torchvision_inputs(group: str, name: str, weights: Any) -> tuple[Shape, ...]:
    """What the preprocessing of the default weights makes.

    Detectors resize images themselves: theirs is the size that they resize to. Optical flow has no
    size of its own: two images of 224x224.
    """
    if group == "detection":
        side = 320 if "320" in name else 300 if "300" in name else 800
        return ((1, 3, side, side),)
    if group == "flow":
        return ((1, 3, 224, 224),) * 2
    preprocessing = weights.DEFAULT.transforms()
    sizes = getattr(preprocessing, "crop_size", None) or preprocessing.resize_size
    height, width = (*sizes, *sizes)[:2]
    clip = (FRAMES,) if group == "video" else ()
    return ((1, 3, *clip, height, width),)


def _torchvision_models() -> Any:
    import_torchvision()
    return importlib.import_module("torchvision.models")


def _timm() -> Any:
    import_torchvision()  # which timm imports
    return importlib.import_module("timm")


def warm_up() -> None:
    """Import what the zoos need and lint one model of each, so that no other pays for the first."""
    import torch

    import rflint

    torch.set_num_threads(1)  # what is forked from a process with more waits for them for ever
    for zoo, name, side in (("torchvision", "squeezenet1_1", 224), ("timm", "test_vit", 160)):
        model = ZooModel(zoo, "classification", name, ((1, 3, side, side),))
        rflint.lint(model.builder, input=list(model.inputs)).to_dict()
