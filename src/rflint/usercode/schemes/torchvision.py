"""`torchvision:NAME`: a model of torchvision's registry, or what torchvision itself defines.

Both without weights.
"""

from __future__ import annotations

from pathlib import Path

from rflint.usercode.schemes.builder_code import BuilderCode, WrittenFile
from rflint.usercode.schemes.named import (
    attribute_code,
    attribute_of,
    check_name,
    unknown_name,
    weightless,
    weightless_code,
)
from rflint.usercode.schemes.scheme import Builder, Scheme, imported


def _load(name: str, root: Path) -> Builder:
    models = imported("torchvision.models")
    if name in models.list_models():
        return weightless(models.get_model_builder(name))
    if builder := attribute_of("torchvision", name):
        return weightless(builder)
    known = models.list_models()
    listed = f"It has {len(known)} models; torchvision.models.list_models() lists them."
    raise unknown_name("torchvision", name, known, listed)


def _names() -> list[str]:
    found: list[str] = imported("torchvision.models").list_models()
    return found


def _code(name: str, file: WrittenFile) -> BuilderCode:
    models = imported("torchvision.models")
    if name not in models.list_models():
        return attribute_code("torchvision", name)
    builder = models.get_model_builder(name)
    return weightless_code("torchvision", builder, "torchvision.models.get_model", f'"{name}"')


SCHEME = Scheme(
    prefix="torchvision",
    package="torchvision",
    install="torchvision",
    example="torchvision:resnet18",
    load=_load,
    code=_code,
    check=lambda name, root: check_name("torchvision", name),
    registry="models",
    names=_names,
)
