/** The paper's figure (Figs. 4, 8 and 9) as plain data: what each layer reads, against the input. */

import { max } from "d3-array";
import type { Layer, MeasuredLayer, Model, Verdict } from "./data";
import type { AtSize } from "./verdicts";

/** A layer of the figure: null is unbounded, and lies on the upper edge. */
export interface Point {
  layer: Layer;
  rMin: number | null;
  rMax: number | null;
  verdict: Verdict;
  /** Of a trained model that was measured: between 0 and 1. */
  saturation: number | null;
  probe: number | null;
}

export interface FigureData {
  points: Point[];
  /** The input's length along the axis that is drawn. */
  input: number;
  /** Position among the points of the first unproductive layer. */
  border: number | null;
  /** The largest finite length. */
  top: number;
}

/** The layers that the figure shows: convolutions and poolings of the trunk. */
export function shownLayers(model: Model): Layer[] {
  const judged = new Set((model.page.sizes?.verdicts ?? []).map(([layer]) => layer));
  return model.layers.filter(
    (layer) =>
      layer.verdict !== "not judged" ||
      judged.has(layer.index) ||
      (layer.role === "trunk" && ["conv", "conv_transpose", "pool"].includes(layer.kind)),
  );
}

export function figureData(
  layers: readonly Layer[],
  at: AtSize,
  axis: number,
  measured: readonly MeasuredLayer[] = [],
): FigureData {
  const there = new Map(measured.map((layer) => [`${layer.name} ${layer.call}`, layer]));
  const points = layers.map((layer): Point => {
    const fields = at.fieldsOf(layer.index);
    const [rMin, rMax] = [fields.r_in_min[axis], fields.r_in_max[axis]];
    const shown = there.get(`${layer.name} ${layer.call}`);
    return {
      layer,
      rMin: rMin ?? null,
      rMax: rMax ?? null,
      verdict: at.verdictOf(layer.index),
      saturation: shown?.s ?? null,
      probe: shown?.p ?? null,
    };
  });
  const border = points.findIndex((point) => point.verdict === "unproductive");
  const input = at.size[axis] ?? 1;
  const top = max(points, (point) => Math.max(point.rMin ?? 0, point.rMax ?? 0)) ?? 0;
  return { points, input, border: border < 0 ? null : border, top: Math.max(top, input) };
}

/** Whether the axes tell different stories, so that the reader may want to choose one. */
export function axesDiffer(layers: readonly Layer[], at: AtSize): boolean {
  const differs = (values: readonly unknown[]) => values.some((value) => value !== values[0]);
  return (
    differs(at.size) ||
    layers.some(({ index }) => {
      const fields = at.fieldsOf(index);
      return differs(fields.r_in_min) || differs(fields.r_in_max);
    })
  );
}

/** Every how manieth layer is named, so that names keep `space` pixels apart. */
export function tickStep(count: number, width: number, space: number): number {
  return Math.max(Math.ceil((count * space) / Math.max(width, 1)), 1);
}

/** A name with its middle left out: ends of layer names tell most. */
export function shortened(name: string, most: number): string {
  if (name.length <= most) return name;
  const head = Math.floor((most - 1) / 3);
  return `${name.slice(0, head)}…${name.slice(head + 1 - most)}`;
}
