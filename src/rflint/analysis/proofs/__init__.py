"""What follows from an architecture and its input size, whatever the weights and the data are.

Each module answers one question about the graph, and the rules that are "proved" ask it:

    dead_weights        which weights only ever meet zeros, or make what nobody reads; kernels
    unused_parameters   which parameters no output depends on
    read_positions      which positions of every value some output depends on, at most
    certain_reads       whether some output depends on every position of the input, for certain
    unread_maps         which maps have positions that nobody reads; unread_remedies, what helps
    unread_ends         which ends of maps no window reaches; fitting_sizes, which inputs have none
    gridding            which positions a unit of a stack of dilated convolutions skips
    alignment           whether merged branches look at the same places; causality, in time
"""
