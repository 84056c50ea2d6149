"""`torchvision:NAME`: a model of torchvision's registry, without weights."""

from __future__ import annotations

import inspect
from pathlib import Path

from rflint.usercode.schemes.named import check_name, unknown_name
from rflint.usercode.schemes.scheme import Builder, Scheme, imported, without_weights

_WEIGHTS = ("weights", "weights_backbone")
"""Parameters that name weights; torchvision gives detectors those of a backbone unless told."""


def _load(name: str, root: Path) -> Builder:
    models = imported("torchvision.models")
    if name not in models.list_models():
        raise unknown_name("torchvision", name, models.list_models())
    builder = models.get_model_builder(name)
    parameters = inspect.signature(builder).parameters
    return without_weights(builder, {x: None for x in _WEIGHTS if x in parameters})


def _code(name: str) -> tuple[str, str]:
    builder = imported("torchvision.models").get_model_builder(name)
    parameters = inspect.signature(builder).parameters
    fixed = "".join(f", {x}=None" for x in _WEIGHTS if x in parameters)
    get = f'functools.partial(torchvision.models.get_model, "{name}"{fixed})'
    return "torchvision", get


SCHEME = Scheme(
    prefix="torchvision",
    package="torchvision",
    install="torchvision",
    example="torchvision:resnet18",
    load=_load,
    code=_code,
    check=lambda name, root: check_name("torchvision", name),
)
