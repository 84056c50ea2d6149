/** Which boxes are open: what is drawn first, and what a reader's click changes. */

import type { Box, Item, Tree } from "./tree";

export type Opened = ReadonlySet<string>;

/** At most so many nodes are drawn before a reader opens anything. */
const DRAWN_AT_FIRST = 40;
/** Fewer nodes than that show nothing of a network. */
const TOO_FEW = 4;

/** Open the boxes that give an overview: depth by depth, as long as there is room. */
export function openedAtFirst(tree: Tree): Opened {
  let opened: Opened = new Set([tree.root.key]);
  for (;;) {
    const next = folded(tree.root, opened);
    if (next.length === 0) return opened;
    const deeper = new Set([...opened, ...next.map((box) => box.key)]);
    if (countDrawn(tree.root, deeper) <= DRAWN_AT_FIRST) opened = deeper;
    else {
      const modules = next.filter((box) => box.repeat === 0);
      if (countDrawn(tree.root, opened) >= TOO_FEW || modules.length === 0) return opened;
      opened = new Set([...opened, ...modules.map((box) => box.key)]);
    }
  }
}

export function openedAll(tree: Tree): Opened {
  return new Set(tree.boxOf.keys());
}

/** Open the boxes of the outermost `depth` levels; runs of equal blocks stay together. */
export function openedToDepth(tree: Tree, depth: number): Opened {
  const opened = new Set<string>([tree.root.key]);
  const visit = (box: Box, level: number) => {
    if (level > depth) return;
    if (box.repeat === 0) opened.add(box.key);
    for (const child of box.children) {
      if (child.kind === "box" && box.repeat === 0) visit(child, level + 1);
    }
  };
  visit(tree.root, 0);
  return opened;
}

/** How many levels of boxes there are. */
export function depthOf(tree: Tree): number {
  return Math.max(0, ...[...tree.around.values()].map((boxes) => boxes.length)) - 1;
}

export function toggled(opened: Opened, key: string): Opened {
  const changed = new Set(opened);
  if (!changed.delete(key)) changed.add(key);
  return changed;
}

/** Open whatever hides a layer. */
export function revealing(tree: Tree, opened: Opened, layer: number): Opened {
  const around = tree.around.get(tree.unitOf[layer]?.key ?? "") ?? [];
  if (around.every((box) => opened.has(box.key))) return opened;
  return new Set([...opened, ...around.map((box) => box.key)]);
}

/** What a layer is drawn in: its own unit, or the outermost folded box around it. */
export function drawnAs(tree: Tree, opened: Opened, layer: number): Item | undefined {
  const unit = tree.unitOf[layer];
  const around = [...(tree.around.get(unit?.key ?? "") ?? [])].reverse();
  return around.find((box) => !opened.has(box.key)) ?? unit;
}

/** The outermost boxes that are folded. */
function folded(box: Box, opened: Opened): Box[] {
  return box.children.flatMap((child) => {
    if (child.kind === "unit") return [];
    return opened.has(child.key) ? folded(child, opened) : [child];
  });
}

/** How many nodes are drawn: units and folded boxes. */
export function countDrawn(box: Box, opened: Opened): number {
  let count = 0;
  for (const child of box.children) {
    count += child.kind === "box" && opened.has(child.key) ? countDrawn(child, opened) : 1;
  }
  return count;
}
