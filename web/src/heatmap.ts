/** An effective receptive field as a picture: colours, and where things lie on the input. */

import { range } from "d3-array";
import { scaleLinear } from "d3-scale";
import type { ContributionMap, Lengths } from "./data";

export const LEVELS = 24;
/** A series has no height: its map is a strip, so many times as wide as high. */
const STRIP = 8;

/** Perceptually uniform, from nothing to the largest contribution on a dark page. */
const magma = scaleLinear<string>()
  .domain(range(9).map((k) => k / 8))
  .range([
    "#000004",
    "#1d1147",
    "#51127c",
    "#832681",
    "#b73779",
    "#e75263",
    "#fc8961",
    "#fec488",
    "#fcfdbf",
  ]);

/** What is small is lifted: log10(1 + 9 x), which leaves 0 and 1 as they are. */
export const lifted = (x: number): number => Math.log10(1 + 9 * x);

export const levelOf = (x: number): number =>
  Math.min(LEVELS - 1, Math.max(0, Math.floor(lifted(x) * LEVELS)));

/** Nothing has nearly the colour of the page, be it light or dark. */
export function colourOf(level: number): string {
  const x = level / (LEVELS - 1);
  return `light-dark(${magma(1 - x)}, ${magma(x)})`;
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The input as it is drawn: in its own positions, but for the height of a series. */
export function extent({ size }: ContributionMap): { width: number; height: number } {
  const width = size[size.length - 1] ?? 1;
  return { width, height: size.length > 1 ? (size[0] ?? 1) : width / STRIP };
}

/** For each level, one path around all blocks that have it; empty where none does. */
export function levelPaths(map: ContributionMap): string[] {
  const { width, height } = extent(map);
  const across = map.block[map.block.length - 1] ?? 1;
  const down = map.size.length > 1 ? (map.block[0] ?? 1) : height;
  const paths = Array<string>(LEVELS).fill("");
  map.rows.forEach((row, k) => {
    const top = k * down;
    const tall = Math.min(top + down, height) - top;
    let from = 0;
    row.forEach((x, column) => {
      const level = levelOf(x);
      const next = row[column + 1];
      if (next !== undefined && levelOf(next) === level) return;
      const [left, right] = [from * across, Math.min((column + 1) * across, width)];
      paths[level] += `M${left} ${top}h${right - left}v${tall}H${left}z`;
      from = column + 1;
    });
  });
  return paths;
}

/** What a receptive field takes of the input around the centre; null is all of an axis. */
export function outline(map: ContributionMap, lengths: Lengths): Box {
  const along = lengths.slice(-map.size.length);
  const { width, height } = extent(map);
  const interval = (axis: number): [number, number] => {
    const size = map.size[axis] ?? 1;
    const length = along[axis];
    if (length === null || length === undefined) return [0, size];
    const centre = map.centre[axis] ?? size / 2;
    const within = (x: number) => Math.min(Math.max(x, 0), size);
    return [within(centre - length / 2), within(centre + length / 2)];
  };
  const [left, right] = interval(map.size.length - 1);
  const [top, bottom] = map.size.length > 1 ? interval(0) : [0, height];
  return {
    x: Math.min(left, width),
    y: top,
    width: right - left,
    height: bottom - top,
  };
}
