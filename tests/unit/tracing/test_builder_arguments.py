"""What a builder is called with, and what is proposed where something is missing."""

from __future__ import annotations

import enum
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Optional

import pytest
from torch import nn

from rflint.errors import BuildFailed
from rflint.tracing.model.build import build
from rflint.tracing.model.builder_arguments import fitting_arguments


class Kind(enum.Enum):
    SMALL = "s"
    LARGE = "l"


@dataclass
class Head:
    classes: int
    kind: Kind = Kind.SMALL


@dataclass
class Settings:
    width: int = 8
    head: Head = field(default_factory=lambda: Head(10))


def many(
    num_classes: int,
    in_channels: int,
    width: int,
    rate: float,
    mode: Literal["same", "valid"],
    strides: list[int],
    kernel: tuple[int, int],
    settings: Settings,
    head: Head,
    maybe: Optional[int],  # noqa: UP045
    plain,  # type: ignore[no-untyped-def]
    name: str,
    *,
    bias: bool,
    given: int = 3,
) -> None: ...


def hint(builder: Callable[..., Any], **given: object) -> str:
    with pytest.raises(BuildFailed) as raised:
        fitting_arguments(builder, given, "net:f")
    return raised.value.hint


def test_all_missing_arguments_are_proposed_with_values_like_their_annotations() -> None:
    assert (
        "Give values like --arg num_classes=10 --arg in_channels=3 --arg width=64 --arg rate=0.1 "
        "--arg mode=same --arg strides=[1,1] --arg kernel=(3,3,) --arg settings={} "
        "--arg head=@FILE.yaml --arg maybe=1 --arg plain=VALUE --arg name=VALUE --arg bias=True."
    ) in hint(many)
    assert "--arg width" not in hint(many, width=3)


def test_an_object_is_not_proposed_but_a_function() -> None:
    def around(backbone: nn.Module, width: int) -> None: ...

    said = hint(around)
    assert "--arg backbone" not in said
    assert "write a function that builds the model" in said


def test_a_table_becomes_the_dataclass_that_is_asked_for() -> None:
    def build(settings: Settings | None, other) -> None: ...  # type: ignore[no-untyped-def]

    table = {"width": 4, "head": {"classes": 2, "kind": "LARGE"}}
    made = fitting_arguments(build, {"settings": table, "other": table}, "net:f")
    assert made["settings"] == Settings(4, Head(2, Kind.LARGE))
    assert made["other"] is table


def test_a_table_becomes_a_namespace() -> None:
    def build(args: Namespace) -> None: ...

    assert fitting_arguments(build, {"args": {"a": 1}}, "f")["args"] == Namespace(a=1)


def test_a_text_becomes_a_member_of_an_enumeration() -> None:
    def build(kind: Kind) -> None: ...

    assert fitting_arguments(build, {"kind": "SMALL"}, "f") == {"kind": Kind.SMALL}
    assert fitting_arguments(build, {"kind": "l"}, "f") == {"kind": Kind.LARGE}


def test_what_an_enumeration_does_not_have_is_told() -> None:
    def build(kind: Kind | None, settings: Settings | None = None) -> None: ...

    def or_text(kind: Kind | str) -> None: ...

    with pytest.raises(BuildFailed) as raised:
        fitting_arguments(build, {"kind": "SMAL"}, "net:f")
    assert raised.value.message == ("net:f: kind: Kind has no member 'SMAL'; it has: SMALL, LARGE")
    assert raised.value.hint == "Did you mean SMALL?"
    table = {"head": {"classes": 2, "kind": "TINY"}}
    with pytest.raises(BuildFailed, match=r"settings\.head\.kind: Kind has no member 'TINY'"):
        fitting_arguments(build, {"kind": None, "settings": table}, "net:f")
    assert fitting_arguments(or_text, {"kind": "other"}, "f") == {"kind": "other"}
    assert fitting_arguments(or_text, {"kind": "s"}, "f") == {"kind": Kind.SMALL}


def convolution(width: int, rate: float | None = None) -> nn.Module:
    return nn.Conv2d(3, width, 3)


def configured(head: Head, name: str = "") -> nn.Module:
    return nn.Linear(3, head.classes)


@pytest.mark.parametrize(
    ("builder", "given", "hint"),
    [
        (convolution, {"width": "abc"}, "width is 'abc', and its annotation asks for int."),
        (
            configured,
            {"head": {"classes": "five"}},
            "head.classes is 'five', and its annotation asks for int.",
        ),
        (convolution, {"width": -1, "rate": 1}, ""),
    ],
)
def test_a_builder_that_fails_tells_what_does_not_fit(
    builder: Callable[..., Any], given: dict[str, Any], hint: str
) -> None:
    with pytest.raises(BuildFailed) as raised:
        build(builder, given, "net:f")
    assert raised.value.hint == hint


def test_an_annotation_is_no_check() -> None:
    def lenient(width: int) -> nn.Module:
        return nn.Conv2d(3, int(width), 3)

    assert isinstance(build(lenient, {"width": "8"}, "net:f").model, nn.Conv2d)


def test_a_key_that_a_dataclass_does_not_have_is_told() -> None:
    def build(settings: Settings) -> None: ...

    with pytest.raises(BuildFailed, match="settings: Settings has no field 'wdith'") as raised:
        fitting_arguments(build, {"settings": {"wdith": 4}}, "net:f")
    assert raised.value.hint == "Did you mean width?"


def test_a_field_that_is_missing_is_told() -> None:
    def build(head: Head) -> None: ...

    with pytest.raises(BuildFailed, match=r"as Head raised TypeError: .*'classes'"):
        fitting_arguments(build, {"head": {}}, "net:f")
