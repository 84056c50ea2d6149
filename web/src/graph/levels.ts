/** The edges between what lies side by side in a box, and where edges enter and leave the box. */

import type { Box, Item, Tree } from "./tree";
import type { Wired } from "./units";

/** An edge of the model: from a layer, or the model's input -1-k, to a layer or an output. */
export interface Wire {
  from: number;
  /** Index of the layer; of the k-th output, the number of layers plus k. */
  to: number;
  gate: boolean;
  shape: readonly number[] | null;
}

/** Where an edge begins or ends: at a child of the box, or at the box's own border. */
export interface End {
  /** Index of the child; null: the border of the box. */
  child: number | null;
  /** Which of the places where edges enter (leave) the child, or the box. */
  port: number;
}

export interface LevelEdge {
  from: End;
  to: End;
  wires: readonly Wire[];
}

/** What lies directly in a box. */
export interface Level {
  edges: readonly LevelEdge[];
  /** How many places there are where edges enter and leave. */
  ins: number;
  outs: number;
}

export function wiresOf(model: Wired): Wire[] {
  const wires = model.layers.flatMap((layer) =>
    layer.inputs.map(({ from, gate, shape }): Wire => ({ from, to: layer.index, gate, shape })),
  );
  const count = model.layers.length;
  const outputs = model.outputs.map(
    (from, k): Wire => ({
      from,
      to: count + k,
      gate: false,
      shape: model.layers[from]?.out_shape ?? null,
    }),
  );
  return [...wires, ...outputs];
}

/** A wire within one box, before it is known which ports it takes. */
interface Strand {
  box: Box;
  from: number | null;
  to: number | null;
  wire: Wire;
}

interface Ports {
  /** For a value that enters, the port; likewise for one that leaves. */
  ins: Map<number, number>;
  outs: Map<number, number>;
}

/** The levels of all boxes of a tree, by key of the box. They do not depend on what is folded. */
export function levelsOf(tree: Tree, model: Wired): Map<string, Level> {
  const strands = wiresOf(model).flatMap((wire) => strandsOf(wire, tree, model.layers.length));
  const byBox = new Map<string, Strand[]>();
  for (const key of tree.boxOf.keys()) byBox.set(key, []);
  for (const strand of strands) byBox.get(strand.box.key)?.push(strand);
  const ports = new Map<string, Ports>();
  for (const [key, own] of byBox) ports.set(key, key === "" ? rootPorts(model) : portsOf(own));
  const levels = new Map<string, Level>();
  for (const [key, own] of byBox) {
    const { ins, outs } = ports.get(key) ?? { ins: new Map(), outs: new Map() };
    const edges = edgesOf(own, ports, model.layers.length);
    levels.set(key, { edges, ins: new Set(ins.values()).size, outs: new Set(outs.values()).size });
  }
  return levels;
}

/** What a wire is within each of the boxes that it crosses. */
function strandsOf(wire: Wire, tree: Tree, count: number): Strand[] {
  const from = wire.from < 0 ? null : tree.unitOf[wire.from];
  const to = wire.to >= count ? null : tree.unitOf[wire.to];
  if (from && to && from === to) return [];
  const aboveFrom = chain(from, tree);
  const aboveTo = chain(to, tree);
  const boxesTo = new Set(aboveTo.map(({ box }) => box));
  const strands: Strand[] = [];
  let common: Box = tree.root;
  let start: number | null = null;
  for (const { box, child } of aboveFrom) {
    if (boxesTo.has(box)) {
      common = box;
      start = child;
      break;
    }
    strands.push({ box, from: child, to: null, wire });
  }
  for (const { box, child } of aboveTo) {
    if (box === common) {
      strands.push({ box, from: start, to: child, wire });
      return strands;
    }
    strands.push({ box, from: null, to: child, wire });
  }
  return strands;
}

/** The boxes around an item, innermost first, each with the child through which it leads there. */
function chain(item: Item | null | undefined, tree: Tree): { box: Box; child: number | null }[] {
  if (!item) return [{ box: tree.root, child: null }];
  let child: Item = item;
  return (tree.around.get(item.key) ?? []).map((box) => {
    const at = { box, child: placeIn(box, child) };
    child = box;
    return at;
  });
}

const places = new WeakMap<Box, Map<string, number>>();

function placeIn(box: Box, child: Item): number {
  let known = places.get(box);
  if (!known) {
    known = new Map(box.children.map((x, k) => [x.key, k]));
    places.set(box, known);
  }
  return known.get(child.key) ?? 0;
}

/** Values that the same children read enter together; what a child gives away leaves together. */
function portsOf(strands: readonly Strand[]): Ports {
  const readers = new Map<number, Set<number>>();
  const ports: Ports = { ins: new Map(), outs: new Map() };
  const leaving = new Map<number, number>();
  for (const { from, to, wire } of strands) {
    if (from === null && to !== null) {
      const set = readers.get(wire.from) ?? new Set();
      readers.set(wire.from, set.add(to));
    } else if (from !== null && to === null) {
      if (!leaving.has(from)) leaving.set(from, leaving.size);
      ports.outs.set(wire.from, leaving.get(from) ?? 0);
    }
  }
  const together = new Map<string, number>();
  for (const [value, children] of readers) {
    const key = [...children].sort((a, b) => a - b).join();
    if (!together.has(key)) together.set(key, together.size);
    ports.ins.set(value, together.get(key) ?? 0);
  }
  return ports;
}

/** Every input and every output of the model has a place of its own. */
function rootPorts(model: Wired): Ports {
  const ins = new Map(model.inputs.map((_, k) => [-1 - k, k]));
  for (const { inputs } of model.layers) {
    for (const { from } of inputs) if (from < 0 && !ins.has(from)) ins.set(from, ins.size);
  }
  return { ins, outs: new Map(model.outputs.map((_, k) => [model.layers.length + k, k])) };
}

function edgesOf(
  strands: readonly Strand[],
  ports: ReadonlyMap<string, Ports>,
  count: number,
): LevelEdge[] {
  const edges = new Map<string, { from: End; to: End; wires: Wire[] }>();
  for (const { box, from, to, wire } of strands) {
    const own = ports.get(box.key);
    const at = (child: number | null) => {
      const item = child === null ? undefined : box.children[child];
      return item?.kind === "box" ? ports.get(item.key) : undefined;
    };
    const leaves = wire.to >= count && box.key === "" ? wire.to : wire.from;
    const start = from === null ? own?.ins.get(wire.from) : at(from)?.outs.get(wire.from);
    const stop = to === null ? own?.outs.get(leaves) : at(to)?.ins.get(wire.from);
    const ends = [
      { child: from, port: start ?? 0 },
      { child: to, port: stop ?? 0 },
    ] as const;
    const key = ends.map(({ child, port }) => `${child}:${port}`).join(" ");
    const known = edges.get(key);
    if (known) known.wires.push(wire);
    else edges.set(key, { from: ends[0], to: ends[1], wires: [wire] });
  }
  return [...edges.values()];
}
