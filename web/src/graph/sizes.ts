/** How large what is drawn is, in pixels. */

import type { Layer } from "../data";
import type { Box, Item } from "./tree";
import { boxDetail, boxTitle, lookOf, textWidth, unitName } from "./words";

export interface Size {
  w: number;
  h: number;
}

export const HEADER = 30;
export const PADDING = 14;
/** Between the rows of a column, and between neighbours. */
export const ROW_GAP = 30;
export const COLUMN_GAP = 28;
/** Between the lanes of edges that bypass something. */
export const LANE = 11;
export const PILL = 28;
const NODE = 190;

export function pillWidth(label: string): number {
  return Math.max(64, textWidth(label) + 28);
}

export function sizeOfUnit(item: Exclude<Item, Box>, layers: readonly Layer[]): Size {
  const look = lookOf(item, layers);
  if (look === "full") return { w: NODE, h: 44 };
  if (look === "slim") return { w: NODE, h: 28 };
  const width = textWidth(unitName(item, layers, ""), 13);
  return { w: Math.max(30, width + 20), h: 30 };
}

export function sizeOfFolded(box: Box, layers: readonly Layer[], within: string): Size {
  const text = Math.max(
    textWidth(boxTitle(box, within)) + 64,
    textWidth(boxDetail(box, layers), 11),
  );
  return { w: Math.min(280, Math.max(200, text + 28)), h: 62 };
}

/** How wide the header of an open box is at least. */
export function headerWidth(box: Box, within: string): number {
  return Math.min(300, textWidth(boxTitle(box, within)) + 150);
}
