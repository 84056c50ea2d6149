"""What a drawn figure shows, read back from its SVG: lengths by the axis, names, dots."""

from __future__ import annotations

import math
from dataclasses import dataclass
from xml.etree import ElementTree as ET

SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Dot:
    x: float
    length: float
    """By the axis; infinite at its mark for what has no size."""
    stroke: str
    is_hollow: bool
    told: str


class Drawn:
    """A figure as someone sees it who has nothing but the picture."""

    def __init__(self, svg: str) -> None:
        self.root = ET.fromstring(svg)
        self.texts = {text.text: text for text in self.root.iter(f"{SVG}text")}
        ticks = {
            float((text.text or "").replace(",", "")): float(text.get("y", "")) - 4
            for text in self.root.iter(f"{SVG}text")
            if text.get("text-anchor") == "end" and not text.get("transform") and text.text != "∞"
        }
        self._is_logarithmic = 0 not in ticks
        (self._low, self._low_y), *_, (self._high, self._high_y) = sorted(ticks.items())

    def length(self, y: float) -> float:
        """What the axis says at a height."""
        if "∞" in self.texts and y <= float(self.texts["∞"].get("y", "")) - 3.9:
            return math.inf
        share = (self._low_y - y) / (self._low_y - self._high_y)
        if self._is_logarithmic:
            return float(self._low * (self._high / self._low) ** share)
        return self._low + share * (self._high - self._low)

    @property
    def dots(self) -> list[Dot]:
        """Those of layers, from left to right; not those of the legend."""
        found = [
            Dot(
                float(circle.get("cx", "")),
                self.length(float(circle.get("cy", ""))),
                circle.get("stroke", ""),
                circle.get("fill") == "#ffffff",
                title.text or "",
            )
            for circle in self.root.iter(f"{SVG}circle")
            if (title := circle.find(f"{SVG}title")) is not None
        ]
        return sorted(found, key=lambda dot: dot.x)

    def curve(self, *strokes: str) -> list[Dot]:
        """The dots of some colours."""
        return [dot for dot in self.dots if dot.stroke in strokes]

    @property
    def input_lengths(self) -> list[float]:
        """Where the dotted lines of the input's size lie, by the axis."""
        paths = [x.get("d", "") for x in self.root.iter(f"{SVG}path") if _is_input(x)]
        return [self.length(float(path.split()[1].split("H")[0])) for path in paths if "H" in path]

    @property
    def bars(self) -> list[float]:
        """Where bars of border layers stand."""
        paths = [x for x in self.root.iter(f"{SVG}path") if x.get("stroke-width") == "4"]
        return [float(x.get("d", "")[1:].split()[0]) for x in paths if "V" in x.get("d", "")]


def _is_input(path: ET.Element) -> bool:
    return path.get("stroke-dasharray") == "2 3"
