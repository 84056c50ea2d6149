"""What follows from an architecture and its input size, whatever the weights and the data are.

Each module answers one question about the graph, and the rules that are "proved" ask it:

    dead_weights   which weights only ever meet zeros, or work where nobody reads
    reads          which positions of every value somebody reads
    borders        which rows and columns at the end no window reaches, and which sizes have none
    unreached      which parameters no output depends on
    coverage       what a unit sees of the map in front of a row of convolutions
    alignment      where in the input the centre of what a value sees lies
"""
