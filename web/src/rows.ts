/** The rows of the table: which layers pass the filter, and in which order they come. */

import { ascending, descending } from "d3-array";
import type { Layer, Lengths, Verdict } from "./data";
import { VERDICTS } from "./looks";
import type { Filter } from "./state";
import type { AtSize } from "./verdicts";

export type Column =
  | "order"
  | "name"
  | "op"
  | "kernel"
  | "stride"
  | "map"
  | "channels"
  | "r_min"
  | "r_max"
  | "params"
  | "macs"
  | "dead"
  | "verdict"
  | "source";

export interface Sort {
  column: Column;
  down: boolean;
}

/** Of a length for each axis of the model, those of the axes that a layer has. */
export function along(layer: Layer, values: Lengths): Lengths {
  return layer.axes.map((axis) => values[axis] ?? null);
}

/** Unbounded is larger than every number. */
const largest = (lengths: Lengths) =>
  lengths.length === 0 ? 0 : Math.max(...lengths.map((x) => x ?? Number.POSITIVE_INFINITY));

const area = (lengths: readonly (number | null)[]) =>
  lengths.reduce<number>((product, x) => product * (x ?? Number.POSITIVE_INFINITY), 1);

function key(layer: Layer, column: Column, at: AtSize): number | string {
  switch (column) {
    case "order":
      return layer.index;
    case "name":
      return layer.title;
    case "op":
      return layer.op;
    case "kernel":
      return area(along(layer, at.fieldsOf(layer.index).kernel));
    case "stride":
      return area(along(layer, layer.stride));
    case "map":
      return layer.map.length > 0 ? area(layer.map) : 0;
    case "channels":
      return layer.channels ?? 0;
    case "r_min":
      return largest(at.fieldsOf(layer.index).r_in_min);
    case "r_max":
      return largest(at.fieldsOf(layer.index).r_in_max);
    case "params":
      return layer.params;
    case "macs":
      return layer.macs;
    case "dead":
      return layer.dead_weights;
    case "verdict":
      return VERDICTS.indexOf(at.verdictOf(layer.index));
    case "source":
      return layer.source ? `${layer.source.path}:${String(layer.source.line).padStart(9)}` : "";
  }
}

export function passes(layer: Layer, verdict: Verdict, filter: Filter): boolean {
  if (filter.verdict && verdict !== filter.verdict) return false;
  if (filter.kind && layer.kind !== filter.kind) return false;
  const wanted = filter.text.trim().toLowerCase();
  if (!wanted) return true;
  const place = layer.source ? `${layer.source.path}:${layer.source.line}` : "";
  return [layer.title, layer.name, layer.op, place].some((x) => x.toLowerCase().includes(wanted));
}

export function rowsOf(
  layers: readonly Layer[],
  at: AtSize,
  filter: Filter,
  sort: Sort,
): readonly Layer[] {
  const kept = layers.filter((layer) => passes(layer, at.verdictOf(layer.index), filter));
  if (sort.column === "order" && !sort.down) return kept;
  const order = sort.down ? descending : ascending;
  const keyed = kept.map((layer) => ({ layer, by: key(layer, sort.column, at) }));
  return keyed
    .sort((a, b) => order(a.by, b.by) || ascending(a.layer.index, b.layer.index))
    .map(({ layer }) => layer);
}
