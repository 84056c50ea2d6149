import { describe, expect, it } from "vitest";
import type { ContributionMap, MeasuredLayer } from "../src/data";
import { figureData, shownLayers } from "../src/figure";
import { colourOf, extent, LEVELS, levelOf, levelPaths, lifted, outline } from "../src/heatmap";
import { atSize } from "../src/verdicts";
import { measuredRows } from "../src/views/measured";
import { MODEL } from "./fixture";

const MAP: ContributionMap = {
  block: [2, 2],
  size: [5, 4],
  centre: [2.5, 1.5],
  rows: [
    [0, 0],
    [0, 1],
    [0.1, 0.5],
  ],
};

const LAYER: MeasuredLayer = {
  name: "second",
  call: 0,
  s: 0.472,
  p: 0.6734,
  p_stderr: 0.0094,
  erf: [4.41, 4.38],
  erf_areas: [
    { share: 0.5, area: 0.08 },
    { share: 0.99, area: 0.94 },
  ],
  erf_map: MAP,
};

describe("a map of contributions", () => {
  it("lifts what is small, and leaves nothing and the largest where they are", () => {
    expect([0, 0.1, 1].map((x) => Number(lifted(x).toFixed(3)))).toEqual([0, 0.279, 1]);
    expect([levelOf(0), levelOf(1)]).toEqual([0, LEVELS - 1]);
  });

  it("has for nothing nearly the colour of the page, light or dark", () => {
    expect(colourOf(0)).toBe("light-dark(rgb(252, 253, 191), rgb(0, 0, 4))");
    expect(colourOf(LEVELS - 1)).toBe("light-dark(rgb(0, 0, 4), rgb(252, 253, 191))");
  });

  it("is a path for each level, around neighbours at once, and ends with the input", () => {
    const paths = levelPaths(MAP);
    expect(extent(MAP)).toEqual({ width: 4, height: 5 });
    expect(paths[0]).toBe("M0 0h4v2H0zM0 2h2v2H0z");
    expect(paths[LEVELS - 1]).toBe("M2 2h2v2H2z");
    expect(paths[levelOf(0.1)]).toBe("M0 4h2v1H0z");
    expect(paths[levelOf(0.5)]).toBe("M2 4h2v1H2z");
    expect(paths.filter((d) => d !== "")).toHaveLength(4);
  });

  it("has receptive fields around the centre, within the input", () => {
    expect(outline(MAP, [3, 1])).toEqual({ x: 1, y: 1, width: 1, height: 3 });
    expect(outline(MAP, [9, 5])).toEqual({ x: 0, y: 0, width: 4, height: 5 });
    expect(outline(MAP, [null, 1])).toEqual({ x: 1, y: 0, width: 1, height: 5 });
    expect(outline(MAP, [7, 3, 1])).toEqual({ x: 1, y: 1, width: 1, height: 3 });
  });

  it("is a strip of a series", () => {
    const series = { block: [2], size: [16], centre: [8.5], rows: [[0, 0, 0, 0, 1, 0, 0, 0]] };
    expect(extent(series)).toEqual({ width: 16, height: 2 });
    expect(levelPaths(series)[LEVELS - 1]).toBe("M8 0h2v2H8z");
    expect(outline(series, [3])).toEqual({ x: 7, y: 0, width: 3, height: 2 });
  });
});

describe("what was measured of a layer", () => {
  it("is told in numbers", () => {
    expect(measuredRows(LAYER, 0.0123, true)).toEqual([
      ["Saturation", "0.47, part of the tail"],
      ["Probe's accuracy", "67.3 ± 0.9 %"],
      ["Gain", "+1.2 points on those before"],
      ["Spread (σ)", "4.4 px"],
      ["Of the input", "50 % in 8 %, 99 % in 94 %"],
    ]);
  });

  it("tells nothing that was not measured", () => {
    const nothing = { s: null, p: null, p_stderr: null, erf: null, erf_areas: [], erf_map: null };
    expect(measuredRows({ ...LAYER, ...nothing }, null, false)).toEqual([]);
    expect(measuredRows({ ...LAYER, ...nothing, p: 0.5 }, -0.02, false)).toEqual([
      ["Probe's accuracy", "50.0 %"],
      ["Gain", "−2.0 points on those before"],
    ]);
  });

  it("is at its layer in the figure", () => {
    const { points } = figureData(shownLayers(MODEL), atSize(MODEL, null), 0, [
      LAYER,
      { ...LAYER, name: "first", call: 1 },
    ]);
    expect(points.map(({ saturation, probe }) => [saturation, probe])).toEqual([
      [null, null],
      [0.472, 0.6734],
      [null, null],
    ]);
  });
});
