"""What a rule says of many findings at once is about those that are listed, and no others.

A comment suppresses some of a rule's findings, or a baseline holds some: names and numbers of the
summary are then those of the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from torch import Tensor, nn

import rflint
from rflint.linting.finding import Finding, layers_of
from rflint.linting.rule_files import load_rules
from rflint.report.model_report import ModelReport

RULES = {rule.code: rule for rule in load_rules()}


def summary(model: ModelReport, findings: list[Finding]) -> str:
    summarise = RULES[findings[0].code].summarise
    assert summarise is not None
    return summarise(model.analysis, findings)


def linted(build: Callable[[], nn.Module], res: int, code: str) -> ModelReport:
    (model,) = rflint.lint(build, res, select=code).models
    assert len(model.findings) > 1
    return model


class Behind(nn.Module):
    """Three convolutions that come too late, of different widths."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 16, 3, padding=1),
        )
        self.y = nn.Conv2d(16, 24, 3, padding=1)
        self.z = nn.Conv2d(24, 32, 3, padding=1)
        self.w = nn.Conv2d(32, 8, 3, padding=1)
        self.fc = nn.Linear(8, 10)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc(self.w(self.z(self.y(self.stem(x)))).mean((2, 3)))
        return out


class Collapsed(nn.Module):
    """Two kernels that find one position, and another that is padded on every side."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 16)
        self.one = nn.Conv2d(8, 4, 3, padding=1)
        self.two = nn.Conv2d(4, 2, 5, padding=2)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.two(self.one(self.stem(x)))
        return out


class Forgotten(nn.Module):
    """Two modules that forward never calls, and a scale that it never uses."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.left = nn.Linear(5, 5)
        self.right = nn.Linear(7, 7)
        self.scale = nn.Parameter(nn.init.ones_(nn.Linear(1, 1).weight)[0])

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return out


class Subtracted(nn.Module):
    """Two biases that batch normalisation subtracts again."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
        self.b = nn.Sequential(nn.Conv2d(8, 5, 3), nn.BatchNorm2d(5))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.b(self.a(x))
        return out


class Listed(nn.Module):
    """Two layers in a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.plain = [nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 3)]

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.plain:
            x = layer(x)
        return x


def numbers(text: str) -> list[int]:
    return [int(x.replace(",", "")) for x in re.findall(r"(?<![\w.])\d[\d,]*(?![\w.x])", text)]


def test_the_border_is_where_the_listed_layers_begin() -> None:
    model = linted(Behind, 16, "RF101")
    y, z, w = model.findings
    params = {"y": 16 * 24 * 9 + 24, "z": 24 * 32 * 9 + 32, "w": 32 * 8 * 9 + 8}
    macs = {"y": 16 * 24 * 9 * 16, "z": 24 * 32 * 9 * 16, "w": 32 * 8 * 9 * 16}
    for listed in ([y, z, w], [z, w], [y, w], [y, z]):
        text = summary(model, listed)
        names = [finding.layer for finding in listed]
        assert text.startswith(f"From {names[0]} on, {len(names)} convolutions of 6 ")
        assert sum(params[name] for name in names) in numbers(text)
        share = 100 * sum(macs[name] for name in names) / model.analysis.totals.macs
        assert f"{share:.0f} % of the MACs" in text
    assert summary(model, [w]).startswith("w is predicted")


@pytest.mark.parametrize(
    ("build", "code", "counts"),
    [
        (Collapsed, "RF201", {"one": 8 * 4 * 8, "two": 4 * 2 * 24}),
        (Collapsed, "RF301", {"one": 8 * 4 * 8, "two": 4 * 2 * 24}),
        (Forgotten, "RF302", {"left": 30, "right": 56, "scale": 1}),
        (Subtracted, "RF303", {"a.0": 8, "b.0": 5}),
        (Listed, "RF304", {"plain[0]": 12, "plain[1]": 84}),
    ],
)
def test_what_is_counted_is_what_is_listed(
    build: Callable[[], nn.Module], code: str, counts: dict[str, int]
) -> None:
    model = linted(build, 16, code)
    assert {finding.layer for finding in model.findings} == set(counts)
    for left_out in (None, *model.findings):
        listed = [finding for finding in model.findings if finding is not left_out]
        assert sum(counts[x.layer] for x in listed) in numbers(summary(model, listed))
    for alone in model.findings:
        assert counts[alone.layer] in numbers(summary(model, [alone]))


def test_one_is_not_many() -> None:
    model = linted(Forgotten, 16, "RF302")
    (scale,) = [finding for finding in model.findings if finding.layer == "scale"]
    assert scale.message.startswith("1 parameter: forward never uses it;")
    assert "1 parameter (<1 %) is built" in summary(model, [scale])


def test_a_finding_knows_which_call_it_is_about() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, 8, 16, padding=8)
            self.again = nn.Conv2d(8, 8, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.again(self.again(self.stem(x)))
            return out

    (model,) = rflint.lint(Twice, 8, select="RF101").models
    first, second = model.findings
    assert (first.title, second.title) == ("again", "again (call 2)")
    assert [x.layer.call for x in layers_of(model.analysis, [second])] == [1]
    assert [x["call"] for x in model.to_dict()["findings"]] == [0, 1]
    assert replace(second, layer="").title == ""
