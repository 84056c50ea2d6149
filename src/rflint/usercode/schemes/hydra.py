"""`hydra:conf/config.yaml#model`: what a Hydra configuration instantiates."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rflint.errors import ImportFailed, UsageError, error_text
from rflint.text.suggest import did_you_mean, similar
from rflint.usercode.builder_values import broken_yaml
from rflint.usercode.file_hints import missing_file
from rflint.usercode.parameters import check_names
from rflint.usercode.schemes.builder_code import BuilderCode, WrittenFile
from rflint.usercode.schemes.scheme import Builder, Scheme, imported


def _parts(name: str) -> tuple[str, str]:
    file, _, key = name.partition("#")
    return file, key


def _check(name: str, root: Path) -> None:
    file, _ = _parts(name)
    if not file.endswith((".yaml", ".yml")):
        raise UsageError(
            f"{file!r} is no YAML file",
            hint="Name the file, and where in it the model is: hydra:conf/config.yaml#model.",
        )
    if not (root / file).is_file():
        raise ImportFailed(f"no file {file}", hint=missing_file(file, root))


def _load(name: str, root: Path) -> Builder:
    file, key = _parts(name)
    node = _composed(root / file, file)
    walked = file
    for part in filter(None, key.split(".")):
        there = list(map(str, node)) if isinstance(node, Mapping) or hasattr(node, "keys") else []
        if part not in there:
            raise ImportFailed(
                f"{walked} has no key {part!r}",
                hint=did_you_mean(similar(part, there)) or f"It has: {', '.join(there[:8])}.",
            )
        node = node[part]
        walked = f"{walked}.{part}" if "#" in walked else f"{walked}#{part}"
    if not hasattr(node, "keys") or "_target_" not in node:
        raise ImportFailed(
            f"{walked} has no _target_, so nothing is instantiated from it",
            hint=_where_targets_are(node, file, key),
        )
    utils = imported("hydra.utils")

    def build(**arguments: Any) -> Any:
        _check_arguments(utils, node, arguments, f"hydra:{name}")
        return utils.instantiate(node, **arguments)

    return build


def _check_arguments(utils: Any, node: Any, arguments: Mapping[str, Any], described: str) -> None:
    """Raise BuildFailed for what the object that is instantiated does not take."""
    target = str(node["_target_"])
    try:
        parameters = inspect.signature(utils.get_object(target)).parameters
    except Exception:  # Hydra tells what is wrong with a target, and built-ins have no signature
        return
    names = (x for x in arguments if not x.startswith("_"))  # _convert_, _partial_
    check_names(names, parameters, f"{described}: {target}")


def _code(name: str, file: WrittenFile) -> BuilderCode:
    path, key = _parts(name)
    keys = "".join(f"[{json.dumps(part)}]" for part in key.split(".") if part)
    head = f"""import sys
from pathlib import Path

import hydra
import hydra.utils
from torch import nn

{file.search_path("hydra")}

def _original(**changed: object) -> nn.Module:
    folder = {file.path(str(Path(path).parent))}
    with hydra.initialize_config_dir(str(folder), version_base=None):
        config = hydra.compose({json.dumps(Path(path).stem)})
    made: nn.Module = hydra.utils.instantiate(config{keys}, **changed)
    return made
"""
    return BuilderCode(head, "_original")


def _composed(path: Path, file: str) -> Any:
    """The configuration with its defaults list followed, as the program with this file sees it."""
    hydra = imported("hydra")
    state = imported("hydra.core.global_hydra").GlobalHydra
    before = state.instance().hydra
    state.instance().clear()
    try:
        with hydra.initialize_config_dir(str(path.resolve().parent), version_base=None):
            return hydra.compose(path.stem)
    except Exception as error:
        if broken := broken_yaml(error, path):
            raise broken from error
        raise ImportFailed(f"composing {file} raised {error_text(error)}") from error
    finally:
        state.instance().hydra = before  # hydra may have made another instance


def _where_targets_are(node: Any, file: str, key: str) -> str:
    """The parts of a node that say what they instantiate."""
    keys = [str(x) for x in node] if hasattr(node, "keys") else []
    start = f"{key}." if key else ""
    found = [x for x in keys if hasattr(node[x], "keys") and "_target_" in node[x]]
    return did_you_mean([f"hydra:{file}#{start}{x}" for x in found[:4]])


SCHEME = Scheme(
    prefix="hydra",
    package="hydra",
    install="hydra-core",
    example="hydra:conf/config.yaml#model",
    load=_load,
    code=_code,
    check=_check,
    path=lambda name: _parts(name)[0],
    imports_user_code=True,
)
