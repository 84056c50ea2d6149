/** What the ways of arranging things have in common. */

import type { LevelEdge } from "./levels";
import type { Item } from "./tree";

export interface Point {
  x: number;
  y: number;
}

/** A thing in a box: where edges enter at its top and leave at its bottom, from its left edge. */
export interface Slot {
  w: number;
  h: number;
  ins: readonly number[];
  outs: readonly number[];
  /** How far below its top edges may enter from the side. */
  side: number;
}

export interface Placed extends Point {
  item: Item;
  w: number;
  h: number;
  /** What is inside; null where it is a unit, or folded. */
  inside: Inside | null;
}

/** A drawn edge, or the part of one that lies in one box. */
export interface Line {
  points: readonly Point[];
  /** Whether its corners are rounded; else it swings from point to point. */
  angular: boolean;
  /** Whether it bypasses something. */
  skip: boolean;
  /** Whether it ends here, and not at the border of a box, behind which it goes on. */
  ends: boolean;
  edge: LevelEdge;
  /** Where its label may stand; null where there is no room for one. */
  label: Point | null;
}

/** What lies in an open box, from the box's top left corner. */
export interface Inside {
  w: number;
  h: number;
  leaves: number;
  ins: readonly number[];
  outs: readonly number[];
  placed: readonly Placed[];
  lines: readonly Line[];
}

/** What is to be arranged: things in order, and the edges between them and the borders. */
export interface Arrangement {
  slots: readonly Slot[];
  edges: readonly LevelEdge[];
  /** How wide what stands at the places where edges enter and leave is. */
  ins: readonly number[];
  outs: readonly number[];
}

/** An arrangement with places: its borders are the lines y = 0 and y = h. */
export interface Arranged {
  w: number;
  h: number;
  /** How far down edges leave: a model has no border, and its outputs stand where it ends. */
  leaves: number;
  at: readonly Point[];
  ins: readonly number[];
  outs: readonly number[];
  lines: readonly Line[];
}

/** Where edges enter a thing; in its middle where it has no places of its own. */
export function inX(slot: Slot, port: number): number {
  return slot.ins[port] ?? slot.w / 2;
}

export function outX(slot: Slot, port: number): number {
  return slot.outs[port] ?? slot.w / 2;
}
