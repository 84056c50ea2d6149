/** A model over the slider's stops, as lines: its unproductive layers, and what it costs. */

import { max, min } from "d3-array";
import { scaleLinear } from "d3-scale";
import { area, curveStep, line } from "d3-shape";
import type { Sizes } from "./data";
import { stopLengths } from "./slider";
import { plural, short } from "./text";
import { stopMarks, unproductiveCounts } from "./verdicts";

/** The drawing's own units: it is stretched to the slider's width. */
export const WIDTH = 100;
export const HEIGHT = 40;
const MARGIN = 2;

export interface SizeCurve {
  /** By stop; null where the model does not run, or nobody knows. */
  unproductive: (number | null)[];
  macs: (number | null)[];
  mostUnproductive: number;
  mostMacs: number;
  /** What it shows, for those who do not see it. */
  says: string;
}

export function sizeCurve(sizes: Sizes): SizeCurve {
  const counts = unproductiveCounts(sizes);
  const runs = stopMarks(sizes).map((mark) => mark === "sound" || mark === "unproductive");
  const unproductive = runs.map((does, stop) => (does ? (counts[stop] ?? 0) : null));
  const macs = runs.map((does, stop) => (does ? (sizes.macs[stop] ?? null) : null));
  const known = macs.filter((count) => count !== null);
  const mostUnproductive = max(unproductive, (count) => count ?? 0) ?? 0;
  const mostMacs = max(known) ?? 0;
  const lengths = stopLengths(sizes);
  const wasted = mostUnproductive
    ? `up to ${plural(mostUnproductive, "unproductive convolution")}`
    : "no unproductive convolution";
  const costs = known.length ? `; ${short(min(known) ?? 0)} to ${short(mostMacs)} MACs` : "";
  const says = `At input sizes from ${lengths[0]} to ${lengths.at(-1)}: ${wasted}${costs}`;
  return { unproductive, macs, mostUnproductive, mostMacs, says };
}

/** Where a length stands along the drawing. */
export function placeOf(lengths: readonly number[]): (length: number) => number {
  const [low = 0, high = 1] = [lengths[0], lengths.at(-1)];
  return scaleLinear([low, Math.max(high, low + 1)], [0, WIDTH]);
}

export interface CurvePaths {
  /** What is below the line of unproductive layers. */
  wasted: string;
  unproductive: string;
  macs: string;
  /** Of stops between two at which nothing is known, which no line goes through. */
  unproductiveDots: string;
  macsDots: string;
}

/** The lines, each from nothing at the bottom to its own most at the top, with gaps. */
export function curvePaths(curve: SizeCurve, lengths: readonly number[]): CurvePaths {
  const x = placeOf(lengths);
  const at = (_: number | null, stop: number) => x(lengths[stop] ?? 0);
  const there = (count: number | null) => count !== null;
  const up = (most: number) => {
    const scale = scaleLinear([0, Math.max(most, 1)], [HEIGHT - MARGIN, MARGIN]);
    return (count: number | null) => scale(count ?? 0);
  };
  const [wasted, costs] = [up(curve.mostUnproductive), up(curve.mostMacs)];
  const steps = line<number | null>(at, wasted).defined(there).curve(curveStep);
  const below = area<number | null>(at, HEIGHT - MARGIN, wasted)
    .defined(there)
    .curve(curveStep);
  const dots = (counts: readonly (number | null)[], y: (count: number | null) => number) =>
    counts
      .flatMap((count, stop) => {
        const alone = (counts[stop - 1] ?? null) === null && (counts[stop + 1] ?? null) === null;
        return count !== null && alone ? [`M${x(lengths[stop] ?? 0)},${y(count)}h0.01`] : [];
      })
      .join("");
  return {
    unproductiveDots: dots(curve.unproductive, wasted),
    macsDots: dots(curve.macs, costs),
    wasted: below(curve.unproductive) ?? "",
    unproductive: steps(curve.unproductive) ?? "",
    macs: line<number | null>(at, costs).defined(there)(curve.macs) ?? "",
  };
}
