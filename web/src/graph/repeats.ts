/** Equal blocks in a row: the same operators, sizes and wiring, each reading the one before it. */

import type { Layer } from "../data";
import type { Box, Item } from "./tree";

/** From how many on a run is drawn as one: of boxes, and of single units. */
const FEWEST_BOXES = 3;
const FEWEST_UNITS = 4;

/** Put runs of equal siblings into a box of their own, at every depth. */
export function groupRepeats(items: readonly Item[], layers: readonly Layer[]): Item[] {
  const inner = items.map((item): Item => {
    if (item.kind === "unit") return item;
    return { ...item, children: groupRepeats(item.children, layers) };
  });
  const grouped: Item[] = [];
  for (let start = 0; start < inner.length; ) {
    const end = endOfRun(inner, start, layers);
    const run = inner.slice(start, end);
    if (run.length >= fewest(run[0])) grouped.push(boxOfRun(run, layers));
    else grouped.push(...run);
    start = end;
  }
  return grouped;
}

function fewest(item: Item | undefined): number {
  return item?.kind === "box" ? FEWEST_BOXES : FEWEST_UNITS;
}

function endOfRun(items: readonly Item[], start: number, layers: readonly Layer[]): number {
  const first = items[start];
  if (!first) return start + 1;
  const structure = structureOf(first, layers);
  let wiring: string | null = null;
  let end = start + 1;
  for (; end < items.length; end += 1) {
    const [before, item] = [items[end - 1], items[end]];
    if (!before || !item || structureOf(item, layers) !== structure) break;
    // the first one reads what is in front of the run; from the second on all read alike
    const reads = wiringOf(item, before, layers);
    if (reads === null || (wiring !== null && reads !== wiring)) break;
    wiring = reads;
  }
  return end;
}

/** What an item is made of, and how that is wired, whatever its place in the model is. */
function structureOf(item: Item, layers: readonly Layer[]): string {
  const position = new Map(item.layers.map((layer, k) => [layer, k]));
  const parts = item.layers.map((index) => {
    const layer = layers[index];
    if (!layer) return null;
    const { op, kind, kernel, stride, dilation, padding, params } = layer;
    const channels = [layer.in_shape[1], layer.out_shape[1]];
    const reads = layer.inputs.map(({ from, gate }) => [position.get(from) ?? "outside", gate]);
    return [op, kind, kernel, stride, dilation, padding, params, channels, reads];
  });
  return JSON.stringify([item.kind, parts]);
}

/** What an item reads from outside; null where it does not read the item before it. */
function wiringOf(item: Item, before: Item, layers: readonly Layer[]): string | null {
  const own = new Set(item.layers);
  const position = new Map(before.layers.map((layer, k) => [layer, k]));
  const outside = item.layers.flatMap((index, k) =>
    (layers[index]?.inputs ?? [])
      .filter(({ from }) => !own.has(from))
      .map(({ from }) => [k, position.has(from) ? `before ${position.get(from)}` : from]),
  );
  const inRow = outside.some(([, from]) => typeof from === "string");
  return inRow ? JSON.stringify(outside) : null;
}

function boxOfRun(run: readonly Item[], layers: readonly Layer[]): Box {
  const [first, last] = [run[0], run.at(-1)];
  const name = (item: Item | undefined) => {
    if (item?.kind === "box") return item.path;
    return layers[item?.layers[0] ?? -1]?.name ?? "";
  };
  return {
    kind: "box",
    key: `${first?.key} x${run.length}`,
    path: `${name(first)} … ${name(last)}`,
    repeat: run.length,
    call: 0,
    children: run,
    layers: run.flatMap((item) => item.layers),
  };
}
