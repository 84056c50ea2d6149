"""Torchvision's deformable convolution."""

from __future__ import annotations

from dataclasses import replace

from rflint.graph.layer import Kind
from rflint.graph.traits import Trait
from rflint.operators.call import Call
from rflint.operators.effect import Effect, reach_per_axis
from rflint.operators.rows.convolution import (
    conv,
    conv_shape,
)
from rflint.operators.shapes import (
    Shape,
)
from rflint.operators.table import operator


def deformable_shape(call: Call) -> Shape:
    """The shape that a convolution of these hyper-parameters returns."""
    return conv_shape(_undeformed(call))


@operator(
    *("torchvision::deform_conv2d", "DeformConv2d"),
    kind=Kind.CONV,
    shape=deformable_shape,
    traits=[Trait.DILATABLE],
)
def deformable_conv(call: Call) -> Effect:
    """Torchvision's deformable convolution, counted as the regular grid that its offsets start on.

    The branches that compute offsets and masks are read at the position that is written.
    """
    effect = conv(_undeformed(call))
    beside = reach_per_axis(call.axes, {})
    reaches = tuple(effect.reaches[0] if v is call.input else beside for v in call.data)
    return replace(effect, reaches=reaches, taps=(), weights=0, covers_map=False)


def _undeformed(call: Call) -> Call:
    """The plain convolution of the same hyper-parameters."""
    if call.module is not None:
        return replace(call, name="Conv2d", args=call.args[:1], kwargs={})
    # torch.ops.torchvision.deform_conv2d(input, weight, offset, mask, bias, stride, ..., groups)
    x, weight = call.args[:2]
    numbers = call.args[5:12]
    stride, padding, dilation, groups = numbers[0:2], numbers[2:4], numbers[4:6], numbers[6]
    args = (x, weight, None, stride, padding, dilation, groups)
    return replace(call, name="conv2d", args=args, kwargs={})
