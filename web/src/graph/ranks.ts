/** Things in ranks, as dagre lays them out: wherever paths lie side by side. */

import { layout as dagre, Graph } from "@dagrejs/dagre";
import type { Arranged, Arrangement, Line, Point } from "./geometry";
import { inX, outX } from "./geometry";
import type { End, LevelEdge } from "./levels";
import { COLUMN_GAP, ROW_GAP } from "./sizes";

/** Above so many things and passing edges, this takes longer than a reader waits. */
const TOO_MANY = 1500;
/** What holds the borders together: an edge to them must never be longer than others. */
const BORDER_WEIGHT = 60;

/** Whether this is quick enough: an edge costs a thing for each rank that it passes. */
export function isSmall({ slots, edges }: Arrangement): boolean {
  const ranks = ranksOf(slots.length, edges);
  const passed = edges.map(({ from, to }) =>
    from.child === null || to.child === null
      ? 1
      : (ranks[to.child] ?? 0) - (ranks[from.child] ?? 0),
  );
  return slots.length + passed.reduce((sum, x) => sum + x, 0) < TOO_MANY;
}

export function layOutRanks(arrangement: Arrangement): Arranged {
  const { slots, edges, ins, outs } = arrangement;
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ nodesep: COLUMN_GAP, edgesep: 14, ranksep: ROW_GAP + 6 });
  for (const [k, { w, h }] of slots.entries()) graph.setNode(`child ${k}`, { width: w, height: h });
  setBorder(graph, "in", ins);
  setBorder(graph, "out", outs);
  const name = ({ child, port }: End, side: string) =>
    child === null ? `${side} ${port}` : `child ${child}`;
  for (const [k, edge] of edges.entries()) {
    const weight = edge.wires.every((wire) => wire.gate) ? 1 : 2;
    graph.setEdge(name(edge.from, "in"), name(edge.to, "out"), { weight }, String(k));
  }
  dagre(graph);
  return read(graph, arrangement, name);
}

/** The places at a border; where there are several, an end that holds them in one rank. */
function setBorder(graph: Graph, side: "in" | "out", widths: readonly number[]): void {
  if (widths.length > 1) graph.setNode(`end ${side}`, { width: 0, height: 0 });
  for (const [k, w] of widths.entries()) {
    const place = `${side} ${k}`;
    graph.setNode(place, { width: Math.max(w, 6), height: 0 });
    if (widths.length < 2) continue;
    if (side === "in") graph.setEdge("end in", place, { weight: BORDER_WEIGHT }, "end");
    else graph.setEdge(place, "end out", { weight: BORDER_WEIGHT }, "end");
  }
}

function read(
  graph: Graph,
  { slots, edges, ins, outs }: Arrangement,
  name: (end: End, side: string) => string,
): Arranged {
  const nodeAt = (id: string): Point => {
    const { x = 0, y = 0 } = graph.node(id) as Partial<Point>;
    return { x, y };
  };
  const centres = slots.map((_, k) => nodeAt(`child ${k}`));
  const inNodes = ins.map((_, k) => nodeAt(`in ${k}`));
  const outNodes = outs.map((_, k) => nodeAt(`out ${k}`));
  const tops = slots.map((slot, k) => (centres[k]?.y ?? 0) - slot.h / 2);
  const bottoms = slots.map((slot, k) => (centres[k]?.y ?? 0) + slot.h / 2);
  const top = Math.min(...tops.map((y) => y - ROW_GAP), ...inNodes.map(({ y }) => y));
  const bottom = Math.max(...bottoms.map((y) => y + ROW_GAP), ...outNodes.map(({ y }) => y));
  const rankHeights = new Map<number, number>();
  slots.forEach((slot, k) => {
    const y = Math.round(centres[k]?.y ?? 0);
    rankHeights.set(y, Math.max(rankHeights.get(y) ?? 0, slot.h));
  });
  const ranks = ranksOf(slots.length, edges);
  const start = ({ child, port }: End): Point => {
    const [slot, centre] = [slots[child ?? -1], centres[child ?? -1]];
    if (!slot || !centre) return { x: inNodes[port]?.x ?? 0, y: top };
    return { x: centre.x - slot.w / 2 + outX(slot, port), y: centre.y + slot.h / 2 };
  };
  const stop = ({ child, port }: End): Point => {
    const [slot, centre] = [slots[child ?? -1], centres[child ?? -1]];
    if (!slot || !centre) return { x: outNodes[port]?.x ?? 0, y: bottom };
    return { x: centre.x - slot.w / 2 + inX(slot, port), y: centre.y - slot.h / 2 };
  };
  const lines = edges.map((edge, k): Line => {
    const laid = graph.edge(name(edge.from, "in"), name(edge.to, "out"), String(k)) as {
      points: Point[];
    };
    const [first, last] = [start(edge.from), stop(edge.to)];
    const passing = laid.points
      .slice(1, -1)
      .flatMap(({ x, y }) => {
        const half = (rankHeights.get(Math.round(y)) ?? 0) / 2;
        return half > 0
          ? [
              { x, y: y - half },
              { x, y: y + half },
            ]
          : [];
      })
      .filter(({ y }) => y > first.y && y < last.y);
    // beside a higher thing, an edge runs straight: it would lead across it else
    const half = (child: number | null) =>
      (rankHeights.get(Math.round(centres[child ?? -1]?.y ?? Number.NaN)) ?? 0) / 2;
    const from = centres[edge.from.child ?? -1];
    const to = centres[edge.to.child ?? -1];
    const below = from ? from.y + half(edge.from.child) : first.y;
    const above = to ? to.y - half(edge.to.child) : last.y;
    const leaving = below > first.y + 1 ? [{ x: first.x, y: below }] : [];
    const entering = above < last.y - 1 ? [{ x: last.x, y: above }] : [];
    const rank = (child: number | null, border: number) =>
      child === null ? border : (ranks[child] ?? 0);
    const end = rank(edge.to.child, Math.max(0, ...ranks) + 1);
    const skip = end - rank(edge.from.child, -1) > 1 && passing.length > 0;
    return {
      points: [first, ...leaving, ...passing, ...entering, last],
      angular: false,
      skip,
      ends: edge.to.child !== null,
      edge,
      label: labelPlace(first, last),
    };
  });
  const xs = [
    ...slots.flatMap((slot, k) => {
      const x = centres[k]?.x ?? 0;
      return [x - slot.w / 2, x + slot.w / 2];
    }),
    ...lines.flatMap(({ points }) => points.map(({ x }) => x)),
    ...inNodes.flatMap(({ x }, k) => [x - (ins[k] ?? 0) / 2, x + (ins[k] ?? 0) / 2]),
    ...outNodes.flatMap(({ x }, k) => [x - (outs[k] ?? 0) / 2, x + (outs[k] ?? 0) / 2]),
  ];
  const left = xs.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const right = xs.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const move = ({ x, y }: Point): Point => ({ x: x - left, y: y - top });
  return {
    w: right - left,
    h: bottom - top,
    leaves: bottom - top,
    at: slots.map((slot, k) => move({ x: (centres[k]?.x ?? 0) - slot.w / 2, y: tops[k] ?? 0 })),
    ins: inNodes.map(({ x }) => x - left),
    outs: outNodes.map(({ x }) => x - left),
    lines: lines.map((line) => ({
      ...line,
      points: line.points.map(move),
      label: line.label && move(line.label),
    })),
  };
}

/** Beside a short straight edge. */
function labelPlace(first: Point, last: Point): Point | null {
  const isStraight = Math.abs(first.x - last.x) < 3 && last.y - first.y < 2 * ROW_GAP;
  return isStraight ? { x: last.x + 7, y: (first.y + last.y) / 2 } : null;
}

/** The longest path to every thing: things are in an order in which edges lead forwards. */
function ranksOf(count: number, edges: readonly LevelEdge[]): number[] {
  const ranks = new Array<number>(count).fill(0);
  const into: number[][] = ranks.map(() => []);
  for (const { from, to } of edges) {
    if (from.child !== null && to.child !== null) into[to.child]?.push(from.child);
  }
  into.forEach((sources, k) => {
    ranks[k] = Math.max(0, ...sources.map((source) => (ranks[source] ?? 0) + 1));
  });
  return ranks;
}
