"""What was measured of a trained model: plain numbers, as reports show and files keep them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rflint.measurement.contribution import ContributionMap, contribution_map_from
from rflint.measurement.tail import tail


@dataclass(frozen=True, slots=True)
class MeasuredField:
    """The effective receptive field of a layer, measured by gradients."""

    deviation: tuple[float, ...]
    """Per axis, the standard deviation of the input positions, weighted by squared gradients."""
    areas: tuple[tuple[float, float, float], ...]
    """Of contributions: a share of their sum, the part of the input's area that the smallest
    centred square takes which holds it, and the same of log10(x + 1)."""
    map: ContributionMap | None = None
    """Where in the input contributions come from; None where nothing contributes, and in files of
    rflint that kept none."""


@dataclass(frozen=True, slots=True)
class MeasuredLayer:
    """What was measured at one call of a layer; None where it was not."""

    name: str
    call: int
    saturation: float | None
    """s_l (paper, section II-B)."""
    probe: float | None = None
    """p_l (paper, section II-A): a linear classifier's accuracy on test samples."""
    probe_error: float | None = None
    """Its standard error."""
    field: MeasuredField | None = None

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from the other layers of its model."""
        return self.name, self.call


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of a model on data."""

    samples: int
    """Of the training data: saturation and probes come from them."""
    test_samples: int
    """Of the test data: accuracies are told on them."""
    classes: int
    accuracy: float | None
    """Of the model itself; None where its output is no score for each class."""
    delta: float
    """The share of the variance that saturation explains."""
    layers: tuple[MeasuredLayer, ...]
    """In execution order."""
    trunk: frozenset[tuple[str, int]] = frozenset()
    """The convolutions that carry features: the tail is looked for among them."""
    weights: str = ""
    """Where the weights come from; empty: as the model was built."""
    data: str = ""
    """Where the data comes from, and what was done to it."""
    complete: bool = True
    """Whether it was not interrupted."""
    notes: tuple[str, ...] = ()
    """Sentences that say what was not measured, and why."""
    commonest: float | None = None
    """The share of the commonest class among the test samples; None in files of earlier versions.
    """

    @property
    def accuracy_of_guessing(self) -> float:
        """The accuracy of whoever names the same class always, as far as that is known."""
        return 1 / self.classes if self.commonest is None else self.commonest

    @property
    def tail(self) -> tuple[MeasuredLayer, ...]:
        """The layers of the tail pattern (paper, section II-B)."""
        told = [
            (layer, layer.saturation)
            for layer in self.layers
            if layer.key in self.trunk and layer.saturation is not None
        ]
        found = tail([saturation for _, saturation in told])
        return tuple(told[position][0] for position in found)

    def layer(self, name: str, call: int) -> MeasuredLayer | None:
        """What was measured at a call of a layer, if anything."""
        return next((layer for layer in self.layers if layer.key == (name, call)), None)

    def to_dict(self) -> dict[str, Any]:
        """The entry `measured` of a model in the JSON report."""
        return {
            "samples": self.samples,
            "test_samples": self.test_samples,
            "classes": self.classes,
            "accuracy": self.accuracy,
            "commonest": self.commonest,
            "delta": self.delta,
            "weights": self.weights or None,
            "data": self.data,
            "complete": self.complete,
            "notes": list(self.notes),
            "tail": [layer.name for layer in self.tail],
            "layers": [_layer_entry(layer, layer.key in self.trunk) for layer in self.layers],
        }


def _layer_entry(layer: MeasuredLayer, in_trunk: bool) -> dict[str, Any]:
    return {
        "name": layer.name,
        "call": layer.call,
        "trunk": in_trunk,
        "s": layer.saturation,
        "p": layer.probe,
        "p_stderr": layer.probe_error,
        "erf": list(layer.field.deviation) if layer.field else None,
        "erf_areas": [
            {"share": share, "area": area, "area_of_log10": log_area}
            for share, area, log_area in (layer.field.areas if layer.field else ())
        ],
        "erf_map": layer.field.map.to_dict() if layer.field and layer.field.map else None,
    }


def measured_from(entry: Mapping[str, Any]) -> Measured:
    """What `to_dict` gave, read again. Raises KeyError or TypeError for anything else."""
    layers = tuple(
        MeasuredLayer(
            one["name"],
            one["call"],
            one["s"],
            one["p"],
            one["p_stderr"],
            MeasuredField(
                tuple(one["erf"]),
                tuple((x["share"], x["area"], x["area_of_log10"]) for x in one["erf_areas"]),
                contribution_map_from(one.get("erf_map")),
            )
            if one["erf"] is not None
            else None,
        )
        for one in entry["layers"]
    )
    trunk = frozenset((one["name"], one["call"]) for one in entry["layers"] if one["trunk"])
    return Measured(
        entry["samples"],
        entry["test_samples"],
        entry["classes"],
        entry["accuracy"],
        entry["delta"],
        layers,
        trunk,
        entry["weights"] or "",
        entry["data"],
        entry["complete"],
        tuple(entry.get("notes", ())),
        entry.get("commonest"),
    )
