/** What is drawn as one node: a layer, with the pointwise layers that do nothing but follow it. */

import type { Layer } from "../data";

/** One or more layers that are drawn as one node; the first one names it. */
export interface Unit {
  kind: "unit";
  key: string;
  /** Indices of its layers, in the order in which they run. */
  layers: readonly number[];
  /** The modules around it, outermost first. */
  path: readonly string[];
}

/** What of a model the graph is made of: its layers, and which of them it returns. */
export interface Wired {
  layers: readonly Layer[];
  inputs: readonly { label: string }[];
  outputs: readonly number[];
}

const POINTWISE = new Set(["norm", "activation", "reshape"]);

/** Whether a layer brings several values together, position by position or side by side. */
export function isJoin(layer: Layer): boolean {
  const joins = layer.kind === "arithmetic" || layer.kind === "merge" || layer.kind === "mix";
  return joins && layer.inputs.length > 1;
}

/** Whether a layer only changes every value for itself: drawn slim, or with what it follows. */
export function isSlim(layer: Layer): boolean {
  if (layer.inputs.length > 1) return false;
  return POINTWISE.has(layer.kind) || layer.kind === "arithmetic";
}

/** Every layer by itself. */
export function singleUnits(layers: readonly Layer[]): Unit[] {
  return layers.map((layer) => ({
    kind: "unit",
    key: `layer ${layer.index}`,
    layers: [layer.index],
    path: layer.path,
  }));
}

/**
 * Draw pointwise layers with the layer that alone they follow, if `together` allows it.
 *
 * A layer is moved to where the one that it follows stands: what it reads is still in front of it,
 * and what reads it still behind.
 */
export function contract(
  units: readonly Unit[],
  model: Wired,
  together: (first: Unit, second: Unit) => boolean,
): Unit[] {
  const readers = readersOf(model);
  const returned = new Set(model.outputs);
  const unitOf = new Map<number, Unit>();
  const merged = new Map<string, number[]>();
  const kept: Unit[] = [];
  for (const unit of units) {
    const source = follows(unit, model.layers);
    const before = source === null ? undefined : unitOf.get(source);
    if (before && source !== null) {
      const layers = merged.get(before.key) ?? [];
      const alone = readers.get(source) === 1 && !returned.has(source) && layers.at(-1) === source;
      if (alone && mayFollow(before, unit, model.layers) && together(before, unit)) {
        layers.push(...unit.layers);
        for (const layer of unit.layers) unitOf.set(layer, before);
        continue;
      }
    }
    kept.push(unit);
    merged.set(unit.key, [...unit.layers]);
    for (const layer of unit.layers) unitOf.set(layer, unit);
  }
  return kept.map((unit) => ({ ...unit, layers: merged.get(unit.key) ?? unit.layers }));
}

/** The one layer that a pointwise unit follows. */
function follows(unit: Unit, layers: readonly Layer[]): number | null {
  const first = layers[unit.layers[0] ?? -1];
  if (!first || !isSlim(first)) return null;
  const input = first.inputs[0];
  return input && !input.gate && input.from >= 0 ? input.from : null;
}

function mayFollow(before: Unit, unit: Unit, layers: readonly Layer[]): boolean {
  const first = layers[before.layers[0] ?? -1];
  if (!first || first.kind === "input") return false;
  // a normalisation behind a join begins what comes next: it is no part of the join
  return !isJoin(first) || unit.layers.every((index) => layers[index]?.kind !== "norm");
}

function readersOf(model: Wired): Map<number, number> {
  const readers = new Map<number, number>();
  for (const layer of model.layers) {
    for (const { from } of layer.inputs) readers.set(from, (readers.get(from) ?? 0) + 1);
  }
  return readers;
}
