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

/** Whether every thing reads the one in front of it, apart from those that nothing reads. */
export function isColumn({ slots, edges }: Arrangement): boolean {
  const joined = new Set(edges.map(({ from, to }) => `${from.child} ${to.child}`));
  const read = new Set(edges.map(({ from }) => from.child));
  let before: number | null = null;
  for (const k of slots.keys()) {
    if (before !== null && !joined.has(`${before} ${k}`)) return false;
    if (read.has(k)) before = k;
  }
  return true;
}

/** `room`: how wide it may become to be less high; 0: no wider than it must be. */
export function layOutColumn(arrangement: Arrangement, room = 0): Arranged {
  const rows = rowsOf(arrangement);
  const last = rows.at(-1);
  const height = last ? last.y + last.h + ROW_GAP : ROW_GAP;
  const isChain = arrangement.edges.every((edge) => isStraight(edge, arrangement));
  if (rows.length > TOO_LONG && isChain) return broken(arrangement, rows, longHeight(rows));
  if (room > 0 && isChain && height > VIEW_HEIGHT) {
    return broken(arrangement, rows, columnHeight(rows, room));
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
  const forks = new Set<string>();
  for (const lane of lanes) {
    for (const edge of lane.edges) {
      forks.add(nameOf(edge.from));
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
    // a lane that begins there takes the place of the label
    const room = !forks.has(nameOf(edge.from));
    const label = room ? { x: stop.x + 7, y: (start.y + stop.y) / 2 } : null;
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
    leaves: height,
    at: rows.map((row) => ({ x: left + row.x, y: row.y })),
    ins: inPlaces,
    outs: outPlaces,
    lines,
  };
}

const nameOf = ({ child, port }: End) => `${child}:${port}`;

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

/** How far the things of a column reach to both sides of its axis. */
function extentsOf(rows: readonly Row[]): { left: number; right: number; step: number } {
  const left = Math.max(...rows.map((row) => -row.x));
  const right = Math.max(...rows.map((row) => row.x + row.w));
  return { left, right, step: left + right + 2 * COLUMN_GAP };
}

/** How high the columns of a very long chain are. */
function longHeight(rows: readonly Row[]): number {
  const total = rows.reduce((sum, { h }) => sum + h + ROW_GAP, 0);
  return Math.max(LEAST_HEIGHT, Math.sqrt((total * extentsOf(rows).step) / BROKEN_ASPECT));
}

/** The least height with no more columns than there is room for, or than a view's height needs. */
function columnHeight(rows: readonly Row[], room: number): number {
  const most = Math.max(1, Math.floor((room + 2 * COLUMN_GAP) / extentsOf(rows).step));
  const columns = Math.min(most, (columnsOf(rows, VIEW_HEIGHT).at(-1)?.column ?? 0) + 1);
  let height = ROW_GAP;
  while ((columnsOf(rows, height).at(-1)?.column ?? 0) >= columns) height += ROW_GAP;
  return height;
}

interface InColumn {
  column: number;
  y: number;
}

/** Which column every row comes into, and where, if columns are at most so high. */
function columnsOf(rows: readonly Row[], most: number): InColumn[] {
  let [column, y] = [0, ROW_GAP];
  return rows.map(({ h }) => {
    if (y > ROW_GAP && y + h + ROW_GAP > most) [column, y] = [column + 1, ROW_GAP];
    const place = { column, y };
    y += h + ROW_GAP;
    return place;
  });
}

/** A chain in several columns side by side, each read from the top. */
function broken(arrangement: Arrangement, rows: readonly Row[], most: number): Arranged {
  const { slots, edges, ins, outs } = arrangement;
  const { left, right, step } = extentsOf(rows);
  const places = columnsOf(rows, most);
  const at = rows.map((row, k): Point => {
    const { column = 0, y = 0 } = places[k] ?? {};
    return { x: column * step + left + row.x, y };
  });
  const columns = (places.at(-1)?.column ?? 0) + 1;
  const lowest = Math.max(...rows.map(({ h }, k) => (places[k]?.y ?? 0) + h)) + ROW_GAP;
  const leaves = (places.at(-1)?.y ?? 0) + (rows.at(-1)?.h ?? 0) + ROW_GAP;
  const outPlaces = outs.map(() => (columns - 1) * step + left);
  const lines = edges.map((edge): Line => {
    const [from, to] = [edge.from.child ?? -1, edge.to.child ?? -1];
    const [above, below] = [slots[from], slots[to]];
    const [start, stop] = [at[from], at[to]];
    const first: Point =
      above && start
        ? { x: start.x + outX(above, edge.from.port), y: start.y + above.h }
        : { x: left, y: 0 };
    const final: Point =
      below && stop
        ? { x: stop.x + inX(below, edge.to.port), y: stop.y }
        : { x: outPlaces[0] ?? 0, y: leaves };
    const shared = { skip: false, ends: !!below, edge };
    const column = places[to]?.column ?? 0;
    if (start && stop && places[from]?.column !== column) {
      const between = column * step - COLUMN_GAP;
      const turn = first.y + ROW_GAP / 2;
      const points = [first, { x: first.x, y: turn }, { x: between, y: turn }];
      const back = [{ x: between, y: ROW_GAP / 3 }, { x: final.x, y: ROW_GAP / 3 }, final];
      return { ...shared, points: [...points, ...back], angular: true, label: null };
    }
    const label = { x: final.x + 7, y: (first.y + final.y) / 2 };
    return { ...shared, points: [first, final], angular: false, label };
  });
  const w = (columns - 1) * step + left + right;
  return { w, h: lowest, leaves, at, ins: ins.map(() => left), outs: outPlaces, lines };
}
