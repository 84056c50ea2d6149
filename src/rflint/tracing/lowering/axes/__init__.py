"""The spatial axes of a model: the dimensions of its inputs that convolutions slide over.

Most models take (batch, channels, *spatial), and their first convolution shows it. For all others,
every dimension of every input is followed as if it were an axis, through views, permutes and
whatever else stands in front, to the layers that slide or sum. What a convolution slides over is an
axis; what it sums over are channels; what neither happens to (frames, a batch) is carried along.

An axis may also be made inside of the model: the frequencies of a spectrogram, or the filters of a
filter bank whose outputs are then laid side by side for a convolution of one more dimension. So may
all of them: pixels that come in one row (784) and are folded into a map (28x28).
"""
