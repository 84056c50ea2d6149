"""What may be asked of a layer's operator, beside its kind and what it reads."""

from __future__ import annotations

from enum import Enum


class Trait(Enum):
    """A property of an operator, which its row in the operator table declares.

    An operator that is in no table has none, and neither has one that a user has taught.
    """

    BOUNDED = "bounded"
    """Its values lie in a bounded range: a sigmoid, a softmax, a clamp."""
    PRODUCT = "product"
    """It multiplies its inputs, position by position."""
    MIXES_CHANNELS = "mixes channels"
    """It makes a number of those of other channels: softmax, channel shuffle, flip."""
    KEEPS_NUMBERS = "keeps numbers"
    """Its result is its first input, each number where it was: a copy, a cast, dropout."""
    REGROUPS = "regroups"
    """Its result holds the numbers of its input in the same order, cut into other dimensions."""
    EXACT = "exact"
    """It keeps numbers without rounding any, or cutting off their gradients."""
    DROPS = "drops"
    """In training it leaves out numbers by chance."""
    MASKS = "masks"
    """It may leave out any position of an input, by a mask or by comparing values: where, tril."""
    AVERAGES = "averages"
    """Its windows take means."""
    DILATABLE = "dilatable"
    """The taps of its windows can be set further apart: torch.nn's module takes a dilation."""
    RESIZABLE_KERNEL = "resizable kernel"
    """It is a convolution whose kernel can be exchanged for one of another size."""
    READS_EVERYTHING = "reads everything"
    """What it reads leaves out no position of its input: adaptive pooling, Fourier transforms."""
    CROPS = "crops"
    """What it makes may be cropped to a size that is given: the sum of windows by a fold."""
    CHANNELS_TO_POSITIONS = "channels to positions"
    """It takes the positions that it adds from channels: a pixel shuffle."""
    SPECTRAL = "spectral"
    """It makes frequencies of positions or the other way round, or shifts frequencies."""
    FOURIER = "fourier"
    """It makes as many frequencies of the positions along an axis."""
    INVERSE_FOURIER = "inverse fourier"
    """It makes positions of frequencies."""
    CONCATENATES = "concatenates"
    """It puts its inputs one behind the other along a dimension, all of each."""
    STACKS = "stacks"
    """It puts its inputs side by side along a new dimension, all of each."""
    WRAPS_AROUND = "wraps around"
    """It shifts positions; those that leave at one end come back at the other."""
    RUNNING_STATISTICS = "running statistics"
    """In evaluation it normalises by statistics that it has kept from training."""
    TOLD_LENGTHS = "told lengths"
    """It is told how long the dimensions are that it works along: layer normalisation."""
    UNBATCHED = "unbatched"
    """Of an input with one dimension less it takes the first for channels, and not for a batch."""
