"""`hf:CONFIG`: the model of a configuration of transformers, without weights.

CONFIG is a config.json, a folder with one, or a configuration class (`hf:ResNetConfig`). Behind a
hash stands the class of the model, where it is to be another than the configuration says.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any

from rflint.errors import BuildFailed, ImportFailed, error_text
from rflint.text.suggest import did_you_mean, similar
from rflint.usercode.file_hints import missing_file
from rflint.usercode.schemes.builder_code import BuilderCode, WrittenFile
from rflint.usercode.schemes.offline import offline
from rflint.usercode.schemes.scheme import Builder, Scheme, imported

_FILE = "config.json"
_AUTO = "AutoModel.from_config"
"""What makes the model that belongs to a configuration."""


def _parts(name: str) -> tuple[str, str]:
    described, _, model = name.partition("#")
    return described, model


def _check(name: str, root: Path) -> None:
    described, _ = _parts(name)
    path = root / described
    if described.endswith(".json") and not path.is_file():
        raise ImportFailed(f"no file {described}", hint=missing_file(described, root))
    if path.is_dir() and not (path / _FILE).is_file():
        raise ImportFailed(f"the folder {described} has no {_FILE}")


def _load(name: str, root: Path) -> Builder:
    described, model = _parts(name)
    transformers = imported("transformers")
    make = _configuration(transformers, described, root)
    if model and _defined(transformers, model) is None:
        raise _no_such(transformers, model, "")

    def build(**arguments: Any) -> Any:
        with offline():
            config = make({})
            _check_arguments(config, arguments, f"hf:{name}")
            config = make(arguments) if arguments else config
            if getattr(config, "use_pretrained_backbone", False):
                config.use_pretrained_backbone = False  # or its weights would be downloaded
            kind = _model_name(transformers, config, model)
            if kind == _AUTO and type(config) not in transformers.MODEL_MAPPING:
                raise BuildFailed(
                    f"hf:{name}: {type(config).__name__} does not say which model is meant",
                    hint=_with_model(transformers, config, described),
                )
            return attrgetter(kind)(transformers)(config)

    return build


def _names() -> list[str]:
    """The configurations that transformers has models for."""
    auto = imported("transformers.models.auto.configuration_auto")
    return sorted(set(auto.CONFIG_MAPPING_NAMES.values()))


def _code(name: str, file: WrittenFile) -> BuilderCode:
    """A function that makes the configuration as `_load` does, and the model of it."""
    described, wanted = _parts(name)
    transformers = imported("transformers")
    with offline():
        config = _configuration(transformers, described, file.root)({})
    kind = _model_name(transformers, config, wanted)
    steps = _configuration_code(described, file)
    if getattr(config, "use_pretrained_backbone", False):
        steps.append("config.use_pretrained_backbone = False")
    steps += [f"made: nn.Module = transformers.{kind}(config)", "return made"]
    body = "\n".join(f"    {line}" for line in steps)
    is_users = any(line.startswith("from ") for line in steps)
    search_path = file.search_path("transformers") if is_users else ""
    needed = [x for x in ("import sys", "from pathlib import Path") if is_users]
    if not is_users and any("Path(" in line for line in steps):
        needed = ["from pathlib import Path"]
    standard = "".join(f"{line}\n" for line in needed)
    head = f"""{standard}
import transformers
from torch import nn

{search_path}
def _original(**changed: object) -> nn.Module:
{body}
"""
    return BuilderCode(head.lstrip(), "_original")


def _configuration_code(described: str, file: WrittenFile) -> list[str]:
    """The statements that make the configuration, changed by `changed`."""
    is_path = (file.root / described).exists()
    if is_path or "/" in described or described.endswith(".json"):
        place = file.path(described) if is_path else json.dumps(described)
        return [
            f"place = {place}",
            "config = transformers.AutoConfig.from_pretrained(",
            "    place, local_files_only=True, **changed",
            ")",
        ]
    module, _, attribute = described.rpartition(".")
    if module in ("", "transformers"):
        return [f"config = transformers.{attribute}(**changed)"]
    return [f"from {module} import {attribute}", "", f"config = {attribute}(**changed)"]


def _configuration(transformers: Any, described: str, root: Path) -> Any:
    """What makes the configuration, given the arguments that change it."""
    if (root / described).exists():
        return _from_pretrained(transformers, str(root / described))
    if "/" in described or described.endswith(".json"):
        return _from_pretrained(transformers, described)
    module, _, attribute = described.rpartition(".")
    if module in ("", "transformers"):
        found = _defined(transformers, attribute)
        if found is None:
            raise _no_such(transformers, attribute, "Config")
    else:
        try:
            found = getattr(importlib.import_module(module), attribute)
        except Exception as error:
            raise ImportFailed(f"importing {described} raised {error_text(error)}") from error
    if not isinstance(found, type) or not issubclass(found, transformers.PretrainedConfig):
        raise ImportFailed(
            f"{described} is no configuration class of transformers",
            hint="Name one, like hf:ResNetConfig, and the model behind a hash, if need be: "
            "hf:ResNetConfig#ResNetForImageClassification.",
        )
    return lambda arguments: found(**arguments)


def _from_pretrained(transformers: Any, place: str) -> Any:
    def make(arguments: Mapping[str, Any]) -> Any:
        try:
            return transformers.AutoConfig.from_pretrained(
                place, local_files_only=True, **arguments
            )
        except OSError as error:
            raise ImportFailed(
                f"{place} is no file, no folder, and not in the cache of Hugging Face",
                hint="rflint downloads nothing: save the model's config.json, and name it.",
            ) from error

    return make


def _model_name(transformers: Any, config: Any, wanted: str) -> str:
    """The class that is asked for, that the configuration names, or what makes the one for it."""
    said = [wanted] if wanted else getattr(config, "architectures", None) or []
    for name in said[:1]:
        if _defined(transformers, name) is not None:
            return str(name)
    return _AUTO


def _with_model(transformers: Any, config: Any, described: str) -> str:
    """The target with the classes behind a hash that transformers has for such a configuration."""
    auto = importlib.import_module(f"{transformers.__name__}.models.auto.modeling_auto")
    names: dict[str, None] = {}
    for mapping, models in vars(auto).items():
        of_models = mapping.startswith("MODEL_") and mapping.endswith("_MAPPING_NAMES")
        if of_models and isinstance(models, Mapping):
            found = models.get(config.model_type, ())
            names.update(dict.fromkeys([found] if isinstance(found, str) else found))
    own = type(config).__name__.removesuffix("Config")
    # not every model is in a mapping, and most are called as their configuration
    names.update({x: None for x in (f"{own}Model",) if x in dir(transformers)})
    if not names:
        example = f"hf:{described}#ResNetForImageClassification"
        return f"Name the class of the model behind a hash, like {example}."
    targets = [f"hf:{described}#{x}" for x in list(names)[:3]]
    return f"Name the class of the model behind a hash: {' or '.join(targets)}."


def _defined(transformers: Any, name: str) -> Any:
    """What transformers defines by a name, or None. It is imported when it is first asked for."""
    try:
        return getattr(transformers, name, None)
    except Exception as error:
        cause = error.__cause__ or error
        raise ImportFailed(
            f"importing {name} of transformers raised {error_text(cause)}",
            hint="See whether Python alone can import it here: "
            f"{sys.executable} -c 'from transformers import {name}'",
        ) from error


def _check_arguments(config: Any, arguments: Mapping[str, Any], described: str) -> None:
    """Raise BuildFailed for what a configuration does not have: it would take anything."""
    for name in arguments:
        if not hasattr(config, name):
            known = list(config.to_dict())
            did = did_you_mean(similar(name, known, 3))
            raise BuildFailed(f"{described}: {type(config).__name__} has no {name!r}", hint=did)


def _no_such(transformers: Any, name: str, ending: str) -> ImportFailed:
    known = [x for x in dir(transformers) if x.endswith(ending) and x[:1].isupper()]
    near = similar(name, known, 3, ignore_case=True)
    near += [x for x in known if x.lower() == f"{name}{ending}".lower()]
    did = did_you_mean([f"hf:{x}" if ending else x for x in dict.fromkeys(near)])
    hint = did or "A file is named with its ending, a folder with its path: hf:models/config.json."
    return ImportFailed(f"transformers has no {name!r}", hint=hint)


SCHEME = Scheme(
    prefix="hf",
    package="transformers",
    install="transformers",
    example="hf:ResNetConfig",
    load=_load,
    code=_code,
    check=_check,
    path=lambda name: _parts(name)[0],
    file_in_folder=_FILE,
    names=_names,
    imports_user_code=True,
)
