/** A layout with everything at its place in the whole drawing. */

import { path as newPath } from "d3-path";
import { curveBumpY, line as newLine } from "d3-shape";
import type { Inside, Line, Point } from "./geometry";
import type { Layout, Pill } from "./layout";
import type { End, Wire } from "./levels";
import { HEADER } from "./sizes";
import type { Box, Tree } from "./tree";
import type { Unit } from "./units";
import { shapeText, withinOf } from "./words";

interface At extends Point {
  key: string;
  w: number;
  h: number;
  /** Path of the module that it is drawn in. */
  within: string;
}

export interface DrawnUnit extends At {
  unit: Unit;
}

export interface DrawnBox extends At {
  box: Box;
  open: boolean;
  /** How many open boxes are around it. */
  depth: number;
}

export interface DrawnLine {
  key: string;
  path: string;
  skip: boolean;
  gate: boolean;
  ends: boolean;
  /** The edges of the model that it stands for, or for a part of which. */
  wires: readonly Wire[];
  /** What it begins at and stops at: an item's key, an input or output, or a border. */
  begins: string;
  stops: string;
  /** What flows. */
  shape: string;
  /** Where that is written; null where there is no room. */
  label: Point | null;
  middle: Point;
  top: number;
  bottom: number;
}

export interface Drawing {
  w: number;
  h: number;
  units: readonly DrawnUnit[];
  boxes: readonly DrawnBox[];
  lines: readonly DrawnLine[];
  pills: readonly Pill[];
  /** Units and boxes by key. */
  at: ReadonlyMap<string, At>;
}

export function draw(layout: Layout, tree: Tree): Drawing {
  const units: DrawnUnit[] = [];
  const boxes: DrawnBox[] = [];
  const lines: DrawnLine[] = [];
  const visit = (inside: Inside, origin: Point, box: Box, depth: number) => {
    const within = withinOf(box, tree.around.get(box.key) ?? []);
    const endName: EndName = ({ child, port }, side) => {
      const placed = child === null ? undefined : inside.placed[child];
      if (placed) return placed.inside ? `${placed.item.key} ${side} ${port}` : placed.item.key;
      const isRoot = box === tree.root;
      if (side === "out") return isRoot ? `input ${-1 - port}` : `${box.key} in ${port}`;
      return isRoot ? `output ${tree.unitOf.length + port}` : `${box.key} out ${port}`;
    };
    lines.push(...drawnLines(inside.lines, origin, box.key, endName));
    for (const { item, x, y, w, h, inside: inner } of inside.placed) {
      const at = { key: item.key, x: origin.x + x, y: origin.y + y, w, h, within };
      if (item.kind === "unit") units.push({ ...at, unit: item });
      else {
        boxes.push({ ...at, box: item, open: inner !== null, depth });
        if (inner) visit(inner, at, item, depth + 1);
      }
    }
  };
  visit(layout.inside, { x: 0, y: 0 }, tree.root, 0);
  const at = new Map<string, At>([...units, ...boxes].map((x) => [x.key, x]));
  return { w: layout.w, h: layout.h, units, boxes, lines, pills: layout.pills, at };
}

/** What of a thing stays where it is when it folds or unfolds: the middle of its header. */
export function anchorOf(at: At): Point {
  return { x: at.x + at.w / 2, y: at.y + Math.min(at.h, HEADER) / 2 };
}

/** What an edge begins at (leaving it) or stops at (entering it). */
type EndName = (end: End, side: "in" | "out") => string;

function drawnLines(
  lines: readonly Line[],
  origin: Point,
  key: string,
  endName: EndName,
): DrawnLine[] {
  let written = "";
  const order = [...lines.entries()].sort(([, a], [, b]) => (a.label?.y ?? 0) - (b.label?.y ?? 0));
  const drawn = order.map(([k, line]): DrawnLine => {
    const { wires } = line.edge;
    const points = line.points.map(({ x, y }) => ({ x: x + origin.x, y: y + origin.y }));
    const shape = [...new Set(wires.map((wire) => shapeText(wire.shape)))].join("  |  ");
    // along a column, a size is written where it changes
    const news = line.label !== null && shape !== written && shape.length < 24;
    if (news) written = shape;
    return {
      key: `${key} ${k}`,
      path: line.angular ? angular(points) : smooth(points),
      skip: line.skip,
      gate: wires.every((wire) => wire.gate),
      ends: line.ends,
      wires,
      begins: endName(line.edge.from, "out"),
      stops: endName(line.edge.to, "in"),
      shape,
      label: news && line.label ? moved(line.label, origin) : null,
      middle: middleOf(points),
      top: Math.min(...points.map(({ y }) => y)),
      bottom: Math.max(...points.map(({ y }) => y)),
    };
  });
  // what bypasses others lies on top of what it crosses
  return drawn.sort((a, b) => Number(a.skip) - Number(b.skip));
}

function moved(point: Point, by: Point): Point {
  return { x: point.x + by.x, y: point.y + by.y };
}

function middleOf(points: readonly Point[]): Point {
  const half = (points.length - 1) / 2;
  const [a, b] = [points[Math.floor(half)], points[Math.ceil(half)]];
  return { x: ((a?.x ?? 0) + (b?.x ?? 0)) / 2, y: ((a?.y ?? 0) + (b?.y ?? 0)) / 2 };
}

const swing = newLine<Point>(
  ({ x }) => round(x),
  ({ y }) => round(y),
).curve(curveBumpY);

function smooth(points: readonly Point[]): string {
  return swing(points) ?? "";
}

const CORNER = 8;

function angular(points: readonly Point[]): string {
  const path = newPath();
  points.forEach(({ x, y }, k) => {
    const next = points[k + 1];
    const before = points[k - 1];
    if (!before) path.moveTo(round(x), round(y));
    else if (!next) path.lineTo(round(x), round(y));
    else {
      const room = Math.min(distance(before, { x, y }), distance({ x, y }, next)) / 2;
      path.arcTo(round(x), round(y), round(next.x), round(next.y), Math.min(CORNER, room));
    }
  });
  return path.toString();
}

function distance(a: Point, b: Point): number {
  return Math.abs(a.x - b.x) + Math.abs(a.y - b.y);
}

const round = (x: number) => Math.round(x * 10) / 10;
