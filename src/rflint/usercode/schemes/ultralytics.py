"""`ultralytics:yolov8n.yaml`: a model that a YAML file of ultralytics describes.

The file is one of the package's own, with the letter of a scale, or a path. A name that is no file
is what the package itself defines: `ultralytics:YOLO`.
"""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

from rflint.errors import ImportFailed, UsageError
from rflint.text.suggest import did_you_mean, similar
from rflint.usercode.schemes.builder_code import BuilderCode, WrittenFile
from rflint.usercode.schemes.named import (
    attribute_code,
    attribute_of,
    similar_attributes,
    weightless,
)
from rflint.usercode.schemes.offline import offline
from rflint.usercode.schemes.scheme import Builder, Scheme, imported, without_weights

_ENDINGS = (".yaml", ".yml")
_BY_HEAD = {
    "RTDETRDecoder": "RTDETRDetectionModel",
    "WorldDetect": "WorldModel",
    "YOLOEDetect": "YOLOEModel",
    "YOLOESegment": "YOLOESegModel",
}
"""Classes of models by the module that their files end with."""
_BY_TASK = {
    "classify": "ClassificationModel",
    "detect": "DetectionModel",
    "segment": "SegmentationModel",
    "pose": "PoseModel",
    "obb": "OBBModel",
}
"""All others, by what ultralytics takes a file to be for."""
_SCALED = re.compile(r"(?<=\d)[nslmx](?=-|\.|$)")
"""The letter of a scale: the file of yolov8n.yaml is yolov8.yaml."""


def _check(name: str, root: Path) -> None:
    if not name.endswith(_ENDINGS) and (name.endswith(".pt") or not _is_attribute(name)):
        stem = name.removesuffix(".pt")
        weights = "weights are not loaded; " if stem != name else ""
        raise UsageError(
            f"{weights}{name!r} is no YAML file",
            hint=f"Name the file that describes the model, like ultralytics:{stem}.yaml.",
        )
    if "/" in name and not (root / name).is_file():
        raise ImportFailed(f"no file {name}")


def _load(name: str, root: Path) -> Builder:
    if not name.endswith(_ENDINGS):
        if builder := attribute_of("ultralytics", name):
            return weightless(builder)
        raise _unknown(name)
    table, kind = _described(name, root)
    tasks = imported("ultralytics.nn.tasks")
    return without_weights(partial(getattr(tasks, kind), table), {"verbose": False})


def _described(name: str, root: Path) -> tuple[Any, str]:
    """What a file says, and the class of `ultralytics.nn.tasks` that is made of it."""
    tasks = imported("ultralytics.nn.tasks")
    is_own = (root / name).is_file()
    known = set() if is_own else _known()
    if not is_own and name not in known and _SCALED.sub("", name, count=1) not in known:
        raise _unknown(name)  # it would be looked for online
    with offline():
        table: Any = tasks.yaml_model_load(str(root / name) if is_own else name)
    head = str(table["head"][-1][2])
    kind = _BY_HEAD.get(head) or _BY_TASK.get(tasks.guess_model_task(table), "")
    if not hasattr(tasks, kind):
        raise ImportFailed(f"{name}: rflint knows no model that ends with {head}")
    return table, kind


def _known() -> set[str]:
    """The names of the files in the package."""
    folder = Path(imported("ultralytics").__file__).parent / "cfg/models"
    return {x.name for ending in _ENDINGS for x in folder.rglob(f"*{ending}")}


def _unknown(name: str) -> ImportFailed:
    """The error for what is no file and no attribute, with the nearest of both."""
    known = _known()
    file = name if name.endswith(_ENDINGS) else f"{name}.yaml"
    near = [file] if _SCALED.sub("", file, count=1) in known else similar(file, known, 4)
    if file == name:
        event = f"ultralytics has no {name}, and there is no such file"
    else:
        event = f"ultralytics has no {name!r}"
        near += similar_attributes("ultralytics", name)
    return ImportFailed(event, hint=did_you_mean([f"ultralytics:{x}" for x in near]))


def _is_attribute(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def _code(name: str, file: WrittenFile) -> BuilderCode:
    if not name.endswith(_ENDINGS):
        return attribute_code("ultralytics", name)
    _, kind = _described(name, file.root)
    is_own = (file.root / name).is_file()
    table = f"tasks.yaml_model_load({file.path(name) if is_own else json.dumps(name)})"
    path = "from pathlib import Path\n" if is_own else ""
    return BuilderCode(
        f"import functools\n{path}\nfrom torch import nn\nfrom ultralytics.nn import tasks\n",
        f"functools.partial(tasks.{kind}, {table}, verbose=False)",
    )


SCHEME = Scheme(
    prefix="ultralytics",
    package="ultralytics",
    install="ultralytics",
    example="ultralytics:yolov8n.yaml",
    load=_load,
    code=_code,
    check=_check,
    path=lambda name: name,
    names=lambda: sorted(_known()),
)
