/** The model as nested boxes: its modules, and runs of equal blocks, around its units. */

import type { Layer } from "../data";
import { groupRepeats } from "./repeats";
import { contract, singleUnits, type Unit, type Wired } from "./units";

/** A module, or a run of equal blocks; the outermost box is the model itself. */
export interface Box {
  kind: "box";
  key: string;
  /** The module's full path; of a run the first and the last one's. */
  path: string;
  /** Of a run of equal blocks, how many there are; else 0. */
  repeat: number;
  /** Which call of the module it is, from 0 on. */
  call: number;
  children: readonly Item[];
  /** Indices of all layers inside. */
  layers: readonly number[];
}

export type Item = Unit | Box;

/** A tree in which everything knows what it lies in. */
export interface Tree {
  root: Box;
  /** The unit that a layer is drawn in, by index of the layer. */
  unitOf: readonly Unit[];
  boxOf: ReadonlyMap<string, Box>;
  /** The boxes around an item, innermost first, by the item's key. */
  around: ReadonlyMap<string, readonly Box[]>;
}

/** The tree of a model; `everyLayer`: without drawing pointwise layers with what they follow. */
export function buildTree(model: Wired, everyLayer = false): Tree {
  let units = singleUnits(model.layers);
  let children = boxesIn(units, 0);
  // drawing layers together leaves boxes of a single unit, which are no boxes: its parent may
  // then have more to draw together
  while (!everyLayer) {
    const parents = parentsIn(children);
    const fewer = contract(units, model, (a, b) => parents.get(a.key) === parents.get(b.key));
    if (fewer.length === units.length) break;
    units = fewer;
    children = boxesIn(units, 0);
  }
  const root = boxOf("", "", groupRepeats(withCalls(children, model.layers), model.layers));
  return index(root, model.layers.length);
}

function boxOf(key: string, path: string, children: readonly Item[], repeat = 0, call = 0): Box {
  const layers = children.flatMap((child) => child.layers);
  return { kind: "box", key, path, repeat, call, children, layers };
}

/**
 * Boxes around units that follow each other in the same module.
 *
 * A module that is left and entered again has a box for each time: boxes are then runs of units
 * in the order in which they execute, and no path leads out of a box and back into it.
 */
function boxesIn(units: readonly Unit[], depth: number): Item[] {
  const items: Item[] = [];
  for (let start = 0; start < units.length; ) {
    const path = units[start]?.path[depth];
    let end = start + 1;
    while (path !== undefined && units[end]?.path[depth] === path) end += 1;
    const run = units.slice(start, end);
    const inner = path === undefined || run.length === 1 ? run : boxesIn(run, depth + 1);
    const only = inner.length === 1 ? inner[0] : undefined;
    if (path === undefined || only) items.push(...inner);
    else items.push(boxOf(`${path} @${run[0]?.layers[0]}`, path, inner));
    start = end;
  }
  return items;
}

function parentsIn(items: readonly Item[], parent = "", found = new Map<string, string>()) {
  for (const item of items) {
    if (item.kind === "box") parentsIn(item.children, item.key, found);
    else found.set(item.key, parent);
  }
  return found;
}

function withCalls(items: readonly Item[], layers: readonly Layer[]): Item[] {
  return items.map((item) => {
    if (item.kind === "unit") return item;
    const inside = item.layers.flatMap((index) => layers[index] ?? []);
    const calls = inside.filter((x) => x.name.startsWith(`${item.path}.`)).map((x) => x.call);
    const call = calls.length > 0 ? Math.min(...calls) : 0;
    return { ...item, call, children: withCalls(item.children, layers) };
  });
}

function index(root: Box, count: number): Tree {
  const unitOf = new Array<Unit>(count);
  const boxes = new Map<string, Box>();
  const around = new Map<string, readonly Box[]>();
  const visit = (box: Box, outer: readonly Box[]) => {
    boxes.set(box.key, box);
    around.set(box.key, outer);
    const inside = [box, ...outer];
    for (const child of box.children) {
      if (child.kind === "box") visit(child, inside);
      else {
        around.set(child.key, inside);
        for (const layer of child.layers) unitOf[layer] = child;
      }
    }
  };
  visit(root, []);
  return { root, unitOf, boxOf: boxes, around };
}
