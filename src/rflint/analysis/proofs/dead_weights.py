"""Weights that can never do anything at this input size.

A tap of a kernel is live if it meets data in some window whose result is read. All others are
dead. A tap whose every position lies in the zero padding multiplies zeros in every window, and so
does one that meets only zeros on the map (a padding in front, the gaps of a map that was spread
out). Where a map is cropped or pooled, the results of the windows that are left out are never read.
The product of a dead tap is zero or is thrown away, and the gradient of its weight is zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rflint.analysis.analysis import Analysis
from rflint.analysis.passes import is_repeatable, other_architectures
from rflint.analysis.proofs.kernels import SharedKernel, kernels
from rflint.graph.architecture import Architecture
from rflint.graph.layer import Layer


def dead_weights(architecture: Architecture, *others: Architecture) -> tuple[int, ...]:
    """Per layer, the dead weights of the kernel that it is the first to use.

    `others` are other passes of the model: what works there is not dead.
    """
    dead = [0] * len(architecture.layers)
    for kernel in kernels(architecture, *others):
        # a parameter that is normalised has a gradient through its statistics
        if kernel.calls[0] < len(dead) and not kernel.mixed:
            dead[kernel.calls[0]] = kernel.dead
    return tuple(dead)


def proved_kernels(
    analysis: Analysis, holds: Callable[[SharedKernel, Sequence[Layer]], bool]
) -> tuple[SharedKernel, ...]:
    """The kernels of which something holds in the analysed pass and in the others that are known.

    `holds` gets a kernel, and the layers that its calls are indices of.
    """
    own = analysis.architecture
    if not any(holds(kernel, own.layers) for kernel in kernels(own)) or not is_repeatable(analysis):
        return ()
    passes = (own, *other_architectures(analysis))
    layers = [layer for architecture in passes for layer in architecture.layers]
    return tuple(
        kernel
        for kernel in kernels(*passes)
        if kernel.calls[0] < len(own.layers) and holds(kernel, layers)
    )
