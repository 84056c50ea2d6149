/** Things one below the other, with edges that bypass some of them in lanes at the right. */

import type { Arranged, Arrangement, Line, Point } from "./geometry";
import { inX, outX } from "./geometry";
import type { End, LevelEdge } from "./levels";
import { COLUMN_GAP, LANE, ROW_GAP } from "./sizes";

/** A column of more things than that, and that nothing bypasses, is broken into several. */
const TOO_LONG = 40;
const LEAST_HEIGHT = 1300;
/** About as much as a view shows: lower columns are not broken. */
const VIEW_HEIGHT = 800;
/** How wide the whole is against its height then. */
const BROKEN_ASPECT = 1.5;

/** Whether every thing reads the one in front of it. */
export function isColumn({ slots, edges }: Arrangement): boolean {
  const joined = new Set(edges.map(({ from, to }) => `${from.child} ${to.child}`));
  return slots.every((_, k) => k === 0 || joined.has(`${k - 1} ${k}`));
}

/** `room`: how wide it may become to be less high; 0: no wider than it must be. */
export function layOutColumn(arrangement: Arrangement, room = 0): Arranged {
  const rows = rowsOf(arrangement);
  const last = rows.at(-1);
  const height = last ? last.y + last.h + ROW_GAP : ROW_GAP;
  const isChain = arrangement.edges.every((edge) => isStraight(edge, arrangement));
  if (rows.length > TOO_LONG && isChain) return broken(arrangement, longHeight(arrangement));
  if (room > 0 && isChain && height > VIEW_HEIGHT) {
    return broken(arrangement, columnHeight(arrangement, room));
  }
  return unbroken(arrangement, rows, height);
}

interface Row {
  /** From the axis of the column, on which edges run straight. */
  x: number;
  y: number;
  w: number;
  h: number;
}

/** The ports on the axis: where the edge from the row in front, or from the border, enters. */
function rowsOf({ slots, edges }: Arrangement): Row[] {
  let y = ROW_GAP;
  const entry = new Map<number, number>();
  for (const { from, to } of edges) {
    const before = to.child === 0 ? null : (to.child ?? 0) - 1;
    if (to.child !== null && from.child === before && !entry.has(to.child)) {
      entry.set(to.child, to.port);
    }
  }
  return slots.map((slot, k) => {
    const row = { x: -inX(slot, entry.get(k) ?? 0), y, w: slot.w, h: slot.h };
    y += slot.h + ROW_GAP;
    return row;
  });
}

/** Whether an edge leads from one row to the next, or between the border and the outer rows. */
function isStraight({ from, to }: LevelEdge, { slots }: Arrangement): boolean {
  if (from.child === null) return to.child === 0 && from.port === 0;
  if (to.child === null) return from.child === slots.length - 1 && to.port === 0;
  return to.child === from.child + 1;
}

interface Lane {
  /** Where it begins: a row, or -1 for the border. */
  start: number;
  end: number;
  edges: LevelEdge[];
  /** How wide what stands at its end at the border is. */
  pill: number;
  x: number;
}

function unbroken(arrangement: Arrangement, rows: readonly Row[], height: number): Arranged {
  const { slots, edges, ins, outs } = arrangement;
  const mainIn = mainPort(edges, ins.length, "from", 0);
  const mainOut = mainPort(edges, outs.length, "to", slots.length - 1);
  const left = Math.max(
    0,
    ...rows.map((row) => -row.x),
    (ins[mainIn] ?? 0) / 2,
    (outs[mainOut] ?? 0) / 2,
  );
  const right = Math.max(0, ...rows.map((row) => row.x + row.w), (ins[mainIn] ?? 0) / 2);
  const exit = (end: End): Point => {
    const [row, slot] = [rows[end.child ?? -1], slots[end.child ?? -1]];
    if (!row || !slot) return { x: left, y: 0 };
    return { x: left + row.x + outX(slot, end.port), y: row.y + row.h };
  };
  const isMain = ({ from, to }: LevelEdge) => {
    if (from.child === null) return from.port === mainIn && (to.child === 0 || slots.length === 0);
    if (to.child === null) return from.child === slots.length - 1 && to.port === mainOut;
    return to.child === from.child + 1;
  };
  const lanes = lanesOf(
    edges.filter((edge) => !isMain(edge)),
    arrangement,
    { mainIn, mainOut },
  );
  const width = placeLanes(lanes, left + right + LANE + 3);
  const inPlaces = ins.map((_, port) => (port === mainIn ? left : left));
  const outPlaces = outs.map(() => left);
  const lastSlot = slots.at(-1);
  if (lastSlot) {
    const straight = edges.find((edge) => edge.to.child === null && isMain(edge));
    if (straight) outPlaces[mainOut] = exit(straight.from).x;
  }
  const lines: Line[] = [];
  for (const lane of lanes) {
    for (const edge of lane.edges) {
      if (edge.from.child === null && edge.from.port !== mainIn) inPlaces[edge.from.port] = lane.x;
      if (edge.to.child === null && edge.to.port !== mainOut) outPlaces[edge.to.port] = lane.x;
    }
  }
  for (const edge of edges.filter(isMain)) {
    const start =
      edge.from.child === null ? { x: inPlaces[edge.from.port] ?? left, y: 0 } : exit(edge.from);
    const [row, slot] = [rows[edge.to.child ?? -1], slots[edge.to.child ?? -1]];
    const stop =
      row && slot
        ? { x: left + row.x + inX(slot, edge.to.port), y: row.y }
        : { x: outPlaces[edge.to.port] ?? left, y: height };
    const label = { x: stop.x + 7, y: (start.y + stop.y) / 2 };
    lines.push({ points: [start, stop], angular: false, skip: false, ends: !!row, edge, label });
  }
  for (const lane of lanes) {
    for (const edge of lane.edges) {
      const points: Point[] = [];
      if (edge.from.child === null && edge.from.port !== mainIn) points.push({ x: lane.x, y: 0 });
      else {
        const start = exit(edge.from);
        const turn = start.y + ROW_GAP * 0.36;
        points.push(start, { x: start.x, y: turn }, { x: lane.x, y: turn });
      }
      const [row, slot] = [rows[edge.to.child ?? -1], slots[edge.to.child ?? -1]];
      if (row && slot) {
        const y = row.y + slot.side;
        points.push({ x: lane.x, y }, { x: left + row.x + row.w, y });
      } else points.push({ x: lane.x, y: height });
      lines.push({ points, angular: true, skip: true, ends: !!row, edge, label: null });
    }
  }
  return {
    w: width,
    h: height,
    at: rows.map((row) => ({ x: left + row.x, y: row.y })),
    ins: inPlaces,
    outs: outPlaces,
    lines,
  };
}

/** The port at the border that leads to the first row, or comes from the last one. */
function mainPort(
  edges: readonly LevelEdge[],
  count: number,
  end: "from" | "to",
  row: number,
): number {
  const other = end === "from" ? "to" : "from";
  const leading = edges.filter((edge) => edge[end].child === null && edge[other].child === row);
  return leading.length > 0 ? Math.min(...leading.map((edge) => edge[end].port)) : count;
}

/** A lane for each place that edges come from; one more for each place where they leave. */
function lanesOf(
  edges: readonly LevelEdge[],
  { slots, ins, outs }: Arrangement,
  { mainIn, mainOut }: { mainIn: number; mainOut: number },
): Lane[] {
  const lanes = new Map<string, Lane>();
  for (const edge of edges) {
    const { from, to } = edge;
    const leaves = to.child === null && to.port !== mainOut;
    const key = `${from.child}:${from.port}${to.child === null ? ` ${to.port}` : ""}`;
    const lane = lanes.get(key) ?? { start: from.child ?? -1, end: 0, edges: [], pill: 0, x: 0 };
    lane.edges.push(edge);
    lane.end = Math.max(lane.end, to.child ?? slots.length);
    const enters = from.child === null && from.port !== mainIn;
    lane.pill = Math.max(
      lane.pill,
      enters ? (ins[from.port] ?? 0) : 0,
      leaves ? (outs[to.port] ?? 0) : 0,
    );
    lanes.set(key, lane);
  }
  return [...lanes.values()];
}

/** Short lanes inside, long ones outside; those that do not meet may share a place. */
function placeLanes(lanes: Lane[], start: number): number {
  lanes.sort((a, b) => a.pill - b.pill || a.end - a.start - (b.end - b.start) || a.start - b.start);
  const taken: [number, number][][] = [];
  let edge = start;
  for (const lane of lanes) {
    if (lane.pill > 0) {
      lane.x = edge + lane.pill / 2 + LANE;
      edge = lane.x + lane.pill / 2 + LANE;
      continue;
    }
    let place = taken.findIndex((spans) =>
      spans.every(([from, to]) => to <= lane.start || from >= lane.end),
    );
    if (place < 0) place = taken.push([]) - 1;
    taken[place]?.push([lane.start, lane.end]);
    lane.x = start + place * LANE;
    edge = Math.max(edge, lane.x + LANE);
  }
  return lanes.length > 0 ? edge : start - LANE - 3;
}

/** From one column to the next. */
function stepOf({ slots }: Arrangement): number {
  return Math.max(...slots.map(({ w }) => w)) + 2 * COLUMN_GAP;
}

/** How high the columns of a very long chain are. */
function longHeight(arrangement: Arrangement): number {
  const total = arrangement.slots.reduce((sum, { h }) => sum + h + ROW_GAP, 0);
  return Math.max(LEAST_HEIGHT, Math.sqrt((total * stepOf(arrangement)) / BROKEN_ASPECT));
}

/** How high columns must be for as many as there is room for; none need be lower than a view. */
function columnHeight(arrangement: Arrangement, room: number): number {
  const columns = Math.max(1, Math.floor((room + 2 * COLUMN_GAP) / stepOf(arrangement)));
  const needed = (wanted: number) => {
    let [count, y] = [1, ROW_GAP];
    for (const { h } of arrangement.slots) {
      if (y > ROW_GAP && y + h + ROW_GAP > wanted) [count, y] = [count + 1, ROW_GAP];
      y += h + ROW_GAP;
    }
    return count;
  };
  let height = VIEW_HEIGHT;
  while (needed(height) > columns) height += ROW_GAP;
  return height;
}

/** A chain in several columns side by side, each read from the top. */
function broken(arrangement: Arrangement, wanted: number): Arranged {
  const { slots, edges, ins, outs } = arrangement;
  const widest = Math.max(...slots.map(({ w }) => w));
  const step = stepOf(arrangement);
  const at: Point[] = [];
  let [column, y, height] = [0, ROW_GAP, 0];
  for (const slot of slots) {
    if (y > ROW_GAP && y + slot.h + ROW_GAP > wanted) [column, y] = [column + 1, ROW_GAP];
    at.push({ x: column * step + (widest - slot.w) / 2, y });
    y += slot.h + ROW_GAP;
    height = Math.max(height, y);
  }
  const inPlaces = ins.map(() => widest / 2);
  const outPlaces = outs.map(() => column * step + widest / 2);
  const lines = edges.map((edge): Line => {
    const [from, to] = [edge.from.child ?? -1, edge.to.child ?? -1];
    const [above, below] = [slots[from], slots[to]];
    const [start, stop] = [at[from], at[to]];
    const first: Point =
      above && start
        ? { x: start.x + outX(above, edge.from.port), y: start.y + above.h }
        : { x: inPlaces[0] ?? 0, y: 0 };
    const final: Point =
      below && stop
        ? { x: stop.x + inX(below, edge.to.port), y: stop.y }
        : { x: outPlaces[0] ?? 0, y: height };
    const shared = { skip: false, ends: !!below, edge };
    if (start && stop && stop.y < start.y) {
      const between = stop.x + (below?.w ?? 0) / 2 - step / 2;
      const turn = first.y + ROW_GAP / 2;
      const points = [first, { x: first.x, y: turn }, { x: between, y: turn }];
      const back = [{ x: between, y: ROW_GAP / 3 }, { x: final.x, y: ROW_GAP / 3 }, final];
      return { ...shared, points: [...points, ...back], angular: true, label: null };
    }
    const label = { x: final.x + 7, y: (first.y + final.y) / 2 };
    return { ...shared, points: [first, final], angular: false, label };
  });
  return { w: column * step + widest, h: height, at, ins: inPlaces, outs: outPlaces, lines };
}
