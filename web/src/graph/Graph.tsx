import type { Model, Verdict } from "../data";
import type { LayerFields } from "../verdicts";

export interface GraphProps {
  model: Model;
  /** The verdict on a layer, by its index, at the size that is chosen. */
  verdictOf: (layer: number) => Verdict;
  /** The receptive fields and the kernel of a layer at the size that is chosen. */
  fieldsOf: (layer: number) => LayerFields;
  /** Index of the selected layer. */
  selected: number | null;
  onSelect: (layer: number | null) => void;
}

/** The model as a graph, layer by layer and module by module. */
export function Graph(_props: GraphProps) {
  return null;
}
