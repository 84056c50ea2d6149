/** Layers whose names hold what a reader types. */

import type { Layer } from "../data";

/** Indices of the layers that match, in the order in which they run. */
export function search(layers: readonly Layer[], text: string): number[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return [];
  return layers
    .filter((layer) => `${layer.title} ${layer.op}`.toLowerCase().includes(wanted))
    .map((layer) => layer.index);
}
