"""`timm:NAME`: a model of timm's registry, without weights."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from rflint.usercode.schemes.named import check_name, unknown_name
from rflint.usercode.schemes.scheme import Builder, Scheme, imported, without_weights


def _load(name: str, root: Path) -> Builder:
    timm = imported("timm")
    if timm.is_model(name):
        create = partial(timm.create_model, name)
        return without_weights(create, {"pretrained": False, "checkpoint_path": ""})
    if callable(builder := getattr(timm, name, None)):
        return without_weights(builder, {"pretrained": False})  # timm:create_model
    raise unknown_name("timm", name, [*timm.list_models(), *timm.list_models(pretrained=True)])


SCHEME = Scheme(
    prefix="timm",
    package="timm",
    install="timm",
    example="timm:resnet18",
    load=_load,
    code=lambda name: ("timm", f'functools.partial(timm.create_model, "{name}")'),
    check=lambda name, root: check_name("timm", name),
)
