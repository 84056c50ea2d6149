"""Rules that are on by default and fire on more than one model in twenty, and why they are right.

A rule that fires on a good share of the networks in use had better be right about each of them. Who
runs the zoo finds here what was looked into; models that no entry covers stand in docs/zoo.md as
"not looked into".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

ALLOWED = 0.05
"""The share of the zoo above which a rule has to answer for itself."""

_STEM = "the stem's first convolution has a bias, and batch normalisation follows"
_BLOCKS = "convolutions of its blocks have a bias, and batch normalisation follows"
_POOLED_GATE = "batch normalisation in attention gates, behind their global pooling (info)"
_POOLED_HEAD = "batch normalisation in the head, behind global pooling (info)"
_GATES = "the first convolution of each attention gate has a bias, and batch normalisation follows"

REASONS: Mapping[str, Mapping[str, Sequence[str]]] = {
    # python -m benchmarks.zoo_biases tries it on the models themselves
    "RF303": {
        "every convolution keeps nn.Conv2d's default bias=True, in front of batch normalisation": (
            "torchvision/vgg*_bn",
            "timm/vgg*_bn",
        ),
        "encoders with nn.Conv2d's default bias in front of batch or instance normalisation": (
            "torchvision/raft_*",
        ),
        _STEM: ("timm/inception_next_*", "timm/maxvit_*_tf_*"),
        _GATES: ("timm/resnest*", "timm/rexnet*"),
        _BLOCKS: (
            "timm/cpubone_*",
            "timm/lowformer_*",
            "timm/efficientformer*",
            "timm/starnet_*",
            "timm/swiftformer_*",
            "timm/visformer_*",
        ),
        "the convolutions of its head have a bias, and batch normalisation follows": (
            "timm/hrnet_*",
        ),
    },
    # python -m benchmarks.zoo_single_samples asks PyTorch itself
    "RF501": {
        _POOLED_GATE: ("timm/resnest*", "timm/rexnet*", "timm/skres*"),
        _POOLED_HEAD: (
            "timm/efficientvit_m*",
            "timm/iformer_*",
            "timm/levit_*",
            "timm/mobilenetv4_*",
            "timm/repvit_*",
            "timm/shvit_*",
            "timm/resnet50_mlp",
        ),
        "batch normalisation behind the global pooling of its context branch (info)": (
            "torchvision/deeplabv3_*",
        ),
        "layer normalisation of one feature: what comes out is constant (a warning)": (
            "timm/csatv2*",
        ),
    },
}
"""By rule and reason, the models (as patterns of their titles) that it explains."""


@dataclass(frozen=True)
class Explained:
    """Models on which a rule fires for one reason; an empty reason is none."""

    reason: str
    titles: tuple[str, ...]


def explained(code: str, titles: Iterable[str]) -> tuple[Explained, ...]:
    """These models, grouped by why the rule is right about them."""
    reasons = REASONS.get(code, {})
    groups: dict[str, list[str]] = {}
    for title in titles:
        reason = next(
            (
                reason
                for reason, patterns in reasons.items()
                if any(fnmatchcase(title, pattern) for pattern in patterns)
            ),
            "",
        )
        groups.setdefault(reason, []).append(title)
    return tuple(Explained(reason, tuple(members)) for reason, members in groups.items())
