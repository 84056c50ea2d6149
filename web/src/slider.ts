/** Where the stops of the size slider lie: its value is a length in pixels, not a position. */

import { bisectCenter } from "d3-array";
import type { Sizes } from "./data";

/** The axis along which the stops differ most; the first of those. */
export function movingAxis(stops: readonly (readonly number[])[]): number {
  const [first, last] = [stops[0], stops.at(-1)];
  if (!first || !last) return 0;
  const spans = first.map((length, axis) => (last[axis] ?? length) - length);
  return Math.max(spans.indexOf(Math.max(...spans)), 0);
}

/** The length that the slider has for each stop. */
export function stopLengths(sizes: Sizes): number[] {
  const axis = movingAxis(sizes.stops);
  return sizes.stops.map((size) => size[axis] ?? 0);
}

/** The stop nearest to a length. */
export function nearestStop(lengths: readonly number[], length: number): number {
  return bisectCenter(lengths as number[], length);
}

/** Where a key moves the slider; null: the key means nothing to it. */
export function stopForKey(key: string, stop: number, count: number): number | null {
  const leap = Math.max(Math.round(count / 10), 1);
  const moves: Record<string, number> = {
    ArrowRight: stop + 1,
    ArrowUp: stop + 1,
    ArrowLeft: stop - 1,
    ArrowDown: stop - 1,
    PageUp: stop + leap,
    PageDown: stop - leap,
    Home: 0,
    End: count - 1,
  };
  const moved = moves[key];
  return moved === undefined ? null : Math.min(Math.max(moved, 0), count - 1);
}
