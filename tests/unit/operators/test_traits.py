"""What an operator is like is declared by its row, and asked of layers as a trait."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import rflint
from rflint.graph.layer import Kind, Layer
from rflint.graph.traits import Trait
from rflint.operators.find import find
from rflint.operators.table import known_row, spellings
from rflint.operators.taught import _taught
from tests.helpers.against_torch import traced

_SOURCES = Path(rflint.__file__).parent
_RULES = _SOURCES.parents[1] / "rules"

_KNOW_NAMES = ("operators", "tracing")
"""The packages that know operators by their names."""

IMAGE = torch.rand(1, 4, 8, 8)

_OF_FX_NODES = {"placeholder", "get_attr", "call_function", "call_method", "call_module", "output"}
"""What torch.fx calls the op of a node is no operator."""


def last(*layers: nn.Module) -> Layer:
    """The last layer of these modules, on a small image."""
    return traced(nn.Sequential(*layers), IMAGE).layers[-1]


def is_operators_name(node: ast.AST) -> bool:
    """Whether an expression is the `op` or `operation` of something, or a text made of it."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return is_operators_name(node.func.value)
    return isinstance(node, ast.Attribute) and node.attr in ("op", "operation")


def texts_in(node: ast.AST) -> list[str]:
    """The text that an expression is, or those that a literal collection holds."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.Set | ast.Tuple | ast.List):
        return [text for item in node.elts for text in texts_in(item)]
    if isinstance(node, ast.Call):
        is_set = isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset")
        return [text for item in node.args for text in texts_in(item)] if is_set else []
    return []


def comparisons_with_names(source: str) -> list[int]:
    """The lines on which an operator's name is compared with texts, or looked into."""
    tree = ast.parse(source)
    collections = {
        target.id: texts_in(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = []
    for node in ast.walk(tree):
        texts: list[str] = []
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(map(is_operators_name, sides)):
                texts = [text for side in sides for text in texts_in(side)]
                texts += [
                    text
                    for side in sides
                    if isinstance(side, ast.Name)
                    for text in collections.get(side.id, [])
                ]
        elif isinstance(node, ast.Call) and is_operators_name(node):
            texts = [text for argument in node.args for text in texts_in(argument)]
        if set(texts) - _OF_FX_NODES:
            found.append(node.lineno)
    return found


@pytest.mark.parametrize(
    "source",
    [
        'layer.op == "roll"',
        'layer.layer.operation in ("cat", "stack")',
        'JOINS = frozenset({"cat"})\nlayer.operation not in JOINS',
        'layer.op.startswith("MaxPool")',
        '"dropout" in layer.operation.lower()',
    ],
)
def test_a_comparison_with_a_name_is_seen(source: str) -> None:
    assert comparisons_with_names(source)


@pytest.mark.parametrize("source", ['node.op == "call_module"', "layer.op in settings['allowed']"])
def test_other_comparisons_are_none(source: str) -> None:
    assert not comparisons_with_names(source)


def test_only_the_table_and_tracing_know_operators_by_name() -> None:
    files = [
        path
        for path in (*_SOURCES.rglob("*.py"), *_RULES.glob("*.py"))
        if not any(path.is_relative_to(_SOURCES / package) for package in _KNOW_NAMES)
    ]
    found = {str(path): comparisons_with_names(path.read_text("utf-8")) for path in files}
    assert len(files) > 100
    assert not {path: lines for path, lines in found.items() if lines}


def test_a_layer_has_the_traits_of_its_row() -> None:
    assert last(nn.Sigmoid()).traits == {Trait.BOUNDED}
    assert last(nn.ReLU()).traits == frozenset()
    assert Trait.AVERAGES in last(nn.AvgPool2d(2)).traits
    assert Trait.AVERAGES not in last(nn.MaxPool2d(2)).traits


def test_other_spellings_of_an_operator_have_the_same_traits() -> None:
    assert last(nn.Softmax(1)).traits == traced(lambda x: F.softmax(x, 1), IMAGE).layers[-1].traits
    assert known("cat") == known("concat") == known("concatenate") == known("hstack")
    assert known("mul") == known("multiply") == known("quantized::mul")


def known(spelling: str) -> frozenset[Trait]:
    row = known_row(spelling)
    assert row is not None
    return row.traits


def test_every_trait_is_some_operators() -> None:
    assert set().union(*map(known, spellings())) == set(Trait)


def test_what_a_user_has_taught_has_no_traits() -> None:
    rflint.operator("sigmoid", reads="pointwise")
    try:
        row = find("sigmoid")
    finally:
        del _taught["sigmoid"]
    assert row is not None
    assert row.kind is Kind.TAUGHT
    assert row.traits == frozenset()
