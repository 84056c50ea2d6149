"""What is known of tiles, as an entry of the JSON that `rflint sizes` writes."""

from __future__ import annotations

from fractions import Fraction

from rflint.analysis.tiling.obstacles import NotTileable, Obstacle
from rflint.analysis.tiling.tiling import OutputMap, TileAdvice, Tiling
from rflint.report.schema import JsonObject


def tiling_entry(found: Tiling | NotTileable) -> JsonObject:
    """The entry `tiling`; docs/tiling.md says what its fields mean."""
    if isinstance(found, NotTileable):
        return {
            "possible": False if found.is_certain else None,
            "why": found.why,
            "because": [_obstacle_entry(x) for x in found.obstacles],
        }
    image = found.padded(found.image)
    return {
        "possible": True,
        "halo": [list(ends) for ends in found.halo],
        "stride": list(found.stride),
        "remainder": list(found.remainder),
        "smallest": list(found.smallest),
        "image": list(image),
        "any_size": found.any_size,
        "outputs": [
            _output_entry(x, found.output_size(image, number))
            for number, x in enumerate(found.outputs)
        ],
        "tiles": [_advice_entry(x) for x in found.advice],
    }


def _obstacle_entry(obstacle: Obstacle) -> JsonObject:
    layer = obstacle.layer
    return {
        "layer": layer.name,
        "call": layer.call,
        "op": layer.op,
        "what": obstacle.what,
        "certain": obstacle.is_certain,
        "source": {"path": layer.source.path, "line": layer.source.line} if layer.source else None,
    }


def _output_entry(output: OutputMap, size: tuple[int, ...]) -> JsonObject:
    jumps = [Fraction(along.jump) for along in output.axes]
    return {
        "size": list(size),
        "dimensions": list(output.dimensions),
        "jump": [[jump.numerator, jump.denominator] for jump in jumps],
        "spoilt": [[along.before, along.after] for along in output.axes],
    }


def _advice_entry(advice: TileAdvice) -> JsonObject:
    return {
        "tile": list(advice.tile),
        "step": list(advice.step),
        "overhead": round(advice.overhead, 4),
        "count": advice.tiles,
    }
