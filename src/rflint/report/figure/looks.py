"""Colours and words that all drawers of a figure share."""

from __future__ import annotations

from collections.abc import Collection

# Blue and orange are Okabe and Ito's, which nobody confuses, as in the pictures of the rules.
INK, GREY, PALE, CARD = "#1f2328", "#59636e", "#e4e8ec", "#d1d9e0"
GOOD, BAD, SHADE = "#0072b2", "#d55e00", "#fbe6d6"
OTHER = "#7f8a96"
"""Of what is shown for comparison: the longest path, a model before its change."""
SOUND_SHADE, BEYOND_SHADE = "#dcebf5", "#eceff2"
"""Of input sizes that are sound, and of those that no receptive field spans."""
SATURATION_COLOUR, PROBE_COLOUR = "#009e73", "#cc79a7"

SHORTEST, LONGEST, ONLY = "along the shortest path", "along the longest path", "receptive field"
INPUT, BORDER, UNPRODUCTIVE = "size of the input", "border layer", "unproductive"
INPUT_BEFORE, BORDER_BEFORE = "size of the input before", "border layer before"
UNJUDGED, UNBOUNDED = "not judged", "no bound"
SATURATION, PROBE = "saturation s, measured", "probe accuracy p, measured"
SHARES = "saturation, accuracy"
FIELDS = "effective receptive fields, measured: what the input gives to the middle of the output"
R_MIN, R_MAX, R_BOTH = "r_min", "r_max, within the input", "r_min and r_max, within the input"
LIFT = 9
"""Colours of contributions x follow log10(1 + 9 x): what is small is lifted, 0 and 1 stay."""
COLOURING = f"contribution x,\nthe largest is 1;\ncolours follow\nlog10(1 + {LIFT} x)"
UNPRODUCTIVE_LAYERS = "unproductive convolutions"
MACS, COSTS = "MACs", "multiply-accumulates (MACs)"
ACTIVATIONS, MEMORY = "activations", "activations of a sample, float32"
SOUND, BEYOND = "sound", "beyond all fields"
FAILING, NOT_FOLLOWED = "does not run", "cannot be followed"
TIDY = "nothing lost at the border, padding even"
AT_DOTS = "runs at the dots only"
SMALLEST_SOUND, ASKED, ASSUMED = "smallest sound", "asked for", "assumed"
NOT_JUDGED = "no convolution is compared with the input"
LAYERS = "layers, in the order in which they run"
NOTHING = "no convolution and no pooling on the way through this model"


def lengths_label(axis_name: str, units: Collection[str]) -> str:
    """What the y axis shows, of figures in these units."""
    along = f" ({axis_name})" if axis_name else ""
    counted = " or ".join(sorted(set(units), reverse=True))
    return f"receptive field of what it reads{along}, {counted}"
