"""`ultralytics:yolov8n.yaml`: a model that a YAML file of ultralytics describes.

The file is one of the package's own, with the letter of a scale, or a path.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

from rflint.errors import ImportFailed, UsageError
from rflint.text.suggest import did_you_mean, similar
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
    if not name.endswith(_ENDINGS):
        stem = name.removesuffix(".pt")
        weights = "weights are not loaded; " if stem != name else ""
        raise UsageError(
            f"{weights}{name!r} is no YAML file",
            hint=f"Name the file that describes the model, like ultralytics:{stem}.yaml.",
        )
    if "/" in name and not (root / name).is_file():
        raise ImportFailed(f"no file {name}")


def _load(name: str, root: Path) -> Builder:
    package = Path(imported("ultralytics").__file__).parent
    tasks = imported("ultralytics.nn.tasks")
    if not (root / name).is_file():
        _check_known(name, package)
    path = str(root / name) if (root / name).is_file() else name
    with offline():
        table: Any = tasks.yaml_model_load(path)
    head = str(table["head"][-1][2])
    kind = _BY_HEAD.get(head) or _BY_TASK.get(tasks.guess_model_task(table), "")
    if not hasattr(tasks, kind):
        raise ImportFailed(f"{name}: rflint knows no model that ends with {head}")
    return without_weights(partial(getattr(tasks, kind), table), {"verbose": False})


def _check_known(name: str, package: Path) -> None:
    """Raise ImportFailed for a name of no file in the package, which would be looked for online."""
    known = {x.name for ending in _ENDINGS for x in (package / "cfg/models").rglob(f"*{ending}")}
    if name not in known and _SCALED.sub("", name, count=1) not in known:
        near = similar(name, known, 4)
        raise ImportFailed(
            f"ultralytics has no {name}, and there is no such file",
            hint=did_you_mean([f"ultralytics:{x}" for x in near]),
        )


SCHEME = Scheme(
    prefix="ultralytics",
    package="ultralytics",
    install="ultralytics",
    example="ultralytics:yolov8n.yaml",
    load=_load,
    check=_check,
    path=lambda name: name,
)
