"""Predictors of what adds nothing, held against what was measured: precision, recall, AUC.

A predictor with a threshold or weights is fitted on one half of the networks and tested on the
other, both ways; what is told of it are the two tested halves together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log
from statistics import fmean

from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, precision_score, recall_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.evidence.observed import ObservedConv, ObservedNetwork

Score = Callable[[ObservedConv], float]
"""The more, the less a convolution is expected to add."""


@dataclass(frozen=True)
class Label:
    """What a convolution is found to be by measurement."""

    name: str
    of: Callable[[ObservedConv], bool]


LABELS = (
    Label("its probe gains nothing", lambda conv: conv.gains_nothing),
    Label("it is in the saturation tail", lambda conv: conv.in_tail),
)


@dataclass(frozen=True)
class Predictor:
    """A rule that says which convolutions add nothing, and what it ranks them by."""

    name: str
    scores: tuple[Score, ...]
    threshold: float | None = None
    """Of the one score; None where it is fitted, with the weights of several scores."""


PREDICTORS = (
    Predictor("r_min > i, the verdict", (lambda conv: conv.r_min,), 1),
    Predictor("from the border layer on", (lambda conv: conv.behind,), 0.5),
    Predictor("r_max > i", (lambda conv: conv.r_max,), 1),
    Predictor("r_min > t i", (lambda conv: conv.r_min,)),
    Predictor("r_max > t i", (lambda conv: conv.r_max,)),
    Predictor("effective field > t i", (lambda conv: conv.erf,)),
    Predictor("border, r_min", (lambda conv: conv.behind, lambda conv: log(conv.r_min))),
    Predictor("border, r_max", (lambda conv: conv.behind, lambda conv: log(conv.r_max))),
    Predictor(
        "border, r_min, r_max, effective field",
        (
            lambda conv: conv.behind,
            lambda conv: log(conv.r_min),
            lambda conv: log(conv.r_max),
            lambda conv: log(conv.erf),
        ),
    ),
    Predictor("place among the convolutions > t", (lambda conv: conv.depth,)),
)
"""Those of one score without a threshold have the best one of the half that they are fitted on.

The last knows nothing of receptive fields: what others do better than this is theirs.
"""


@dataclass(frozen=True)
class Scored:
    """How a predictor fares against a label."""

    thresholds: tuple[float, ...]
    """Those of a single score that were fitted, one for each half; else none."""
    precision: float
    recall: float
    balanced: float
    """The mean of the recalls of both classes: one half is chance."""
    area: float
    """Under the ROC curve, over the convolutions of all networks."""
    area_within: float | None
    """The mean of the same within each network that has convolutions of both classes; None where
    there is no such network."""


def scored(networks: Sequence[ObservedNetwork], predictor: Predictor, label: Label) -> Scored:
    """A predictor against a label, over all networks; what is fitted is tested on others."""
    truths: list[list[bool]] = []
    scores: list[list[float]] = []
    said: list[bool] = []
    thresholds = []
    halves = networks[::2], networks[1::2]
    for fitted_on, tested in (halves, halves[::-1]):
        score, threshold = _fitted(predictor, label, [x for n in fitted_on for x in n.convs])
        if predictor.threshold is None and len(predictor.scores) == 1:
            thresholds.append(threshold)
        for network in tested:
            truths.append([label.of(conv) for conv in network.convs])
            scores.append(score(network.convs))
            said += [one > threshold for one in scores[-1]]
    within = [
        float(roc_auc_score(truth, score))
        for truth, score in zip(truths, scores, strict=True)
        if len(set(truth)) == 2
    ]
    all_truths = [truth for own in truths for truth in own]
    return Scored(
        tuple(thresholds),
        float(precision_score(all_truths, said, zero_division=0)),
        float(recall_score(all_truths, said)),
        float(balanced_accuracy_score(all_truths, said)),
        float(roc_auc_score(all_truths, [one for own in scores for one in own])),
        fmean(within) if within else None,
    )


def _fitted(
    predictor: Predictor, label: Label, convs: Sequence[ObservedConv]
) -> tuple[Callable[[Sequence[ObservedConv]], list[float]], float]:
    """The score of a predictor, and the threshold above which it says that nothing is added."""

    def values(of: Sequence[ObservedConv]) -> list[list[float]]:
        return [[float(score(conv)) for score in predictor.scores] for conv in of]

    if len(predictor.scores) == 1:
        return (
            lambda of: [value for (value,) in values(of)],
            _best_threshold(values(convs), [label.of(conv) for conv in convs])
            if predictor.threshold is None
            else predictor.threshold,
        )
    model = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced"))
    model.fit(values(convs), [label.of(conv) for conv in convs])
    return lambda of: [float(x) for x in model.decision_function(values(of))], 0.0


def _best_threshold(values: Sequence[Sequence[float]], truths: Sequence[bool]) -> float:
    """The one with the largest balanced accuracy, amid two neighbouring values."""
    ordered = sorted({value for (value,) in values})
    between = [(low + high) / 2 for low, high in pairwise(ordered)]
    return max(
        between,
        key=lambda t: float(balanced_accuracy_score(truths, [value > t for (value,) in values])),
    )
