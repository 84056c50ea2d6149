"""`timm:NAME`: a model of timm's registry, or what timm itself defines, without weights."""

from __future__ import annotations

from functools import partial
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
    timm = imported("timm")
    if timm.is_model(name):
        return weightless(partial(timm.create_model, name))
    if builder := attribute_of("timm", name):
        return weightless(builder)
    known = [*timm.list_models(), *timm.list_models(pretrained=True)]
    listed = f"It has {len(known)} models; timm.list_models() lists them."
    raise unknown_name("timm", name, known, listed)


def _names() -> list[str]:
    found: list[str] = imported("timm").list_models()
    return found


def _code(name: str, file: WrittenFile) -> BuilderCode:
    timm = imported("timm")
    if not timm.is_model(name):
        return attribute_code("timm", name)
    return weightless_code("timm", timm.create_model, "timm.create_model", f'"{name}"')


SCHEME = Scheme(
    prefix="timm",
    package="timm",
    install="timm",
    example="timm:resnet18",
    load=_load,
    code=_code,
    check=lambda name, root: check_name("timm", name),
    registry="models",
    names=_names,
)
