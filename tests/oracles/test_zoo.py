"""A sample of torchvision and timm, held against PyTorch's own counts.

benchmarks/zoo.py lints all of both, and docs/zoo.md says what came of it. Here are sixty small
models, chosen for variety. Each has a report, which is complete; its parameters are those of the
model, and its MACs half of what torch.utils.flop_counter counts while the model runs.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import rflint
from zoo.models import ZooModel
from zoo.sample import SAMPLE

PROPOSALS = "which boxes are kept depends on their scores: what follows cannot be judged"
INCOMPLETE = {
    "torchvision/fasterrcnn_mobilenet_v3_large_320_fpn": PROPOSALS,
    "torchvision/fcos_resnet50_fpn": PROPOSALS,
    "torchvision/retinanet_resnet50_fpn": PROPOSALS,
    "torchvision/ssdlite320_mobilenet_v3_large": PROPOSALS,
}
"""Models whose report is incomplete, and why it has to be."""


@pytest.fixture(scope="module", autouse=True)
def attention_as_written() -> Iterator[None]:
    """The fused encoder of torch.nn does its multiplications where no counter sees them."""
    was_enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    yield
    torch.backends.mha.set_fastpath_enabled(was_enabled)


@pytest.mark.filterwarnings("ignore:The default weight initialization:FutureWarning")
@pytest.mark.parametrize("title", SAMPLE)
def test_report_agrees_with_pytorch(title: str, zoo: dict[str, ZooModel]) -> None:
    model = zoo[title]
    report = rflint.lint(model.builder, input=list(model.inputs)).models[0]
    totals = report.analysis.totals
    running = without_storage(model)
    assert {
        "complete": report.analysis.complete,
        "params": totals.params,
        "macs": totals.macs,
        "unknown operators": {x.layer.op for x in report.layers if x.is_unknown},
    } == {
        "complete": title not in INCOMPLETE,
        "params": sum(parameter.numel() for parameter in running.parameters()),
        "macs": counted_macs(running, model, whole=title not in INCOMPLETE),
        "unknown operators": set(),
    }


def test_sample_is_as_large_as_it_claims() -> None:
    assert len(set(SAMPLE)) == 60
    assert set(INCOMPLETE) <= set(SAMPLE)


def without_storage(model: ZooModel) -> nn.Module:
    """The model as PyTorch builds it on the meta device, or for real where its builder computes."""
    try:
        with torch.device("meta"):
            module: nn.Module = model.builder()
    except NotImplementedError:
        module = model.builder().to("meta")
    return module.eval()


def counted_macs(module: nn.Module, model: ZooModel, *, whole: bool) -> int:
    """Half the flops of a forward pass; of its part in front of what needs values, if not whole."""
    counter = FlopCounterMode(display=False)
    inputs = [torch.empty(shape, device="meta") for shape in model.inputs]
    with torch.no_grad(), counter:
        if whole:
            module(*inputs)
        else:
            with pytest.raises(NotImplementedError, match="nonzero"):
                module(*inputs)
    flops = counter.get_total_flops()
    assert flops % 2 == 0
    return flops // 2
