/** Where everything is drawn: every open box is laid out by itself, around what lies in it. */

import type { Layer } from "../data";
import { isColumn, layOutColumn } from "./column";
import type { Opened } from "./folding";
import type { Arranged, Arrangement, Inside, Line, Placed, Point, Slot } from "./geometry";
import type { Level, LevelEdge } from "./levels";
import { isSmall, layOutRanks } from "./ranks";
import { HEADER, headerWidth, PADDING, PILL, pillWidth, sizeOfFolded, sizeOfUnit } from "./sizes";
import type { Box, Item, Tree } from "./tree";
import type { Wired } from "./units";
import { withinOf } from "./words";

/** A pill for an input or output of the model. */
export interface Pill extends Point {
  label: string;
  w: number;
  /** Of an output, the layer that makes it. */
  layer: number | null;
}

export interface Layout {
  w: number;
  h: number;
  inside: Inside;
  pills: readonly Pill[];
}

/** What the model itself has instead of places at a border. */
interface Border {
  ins: readonly number[];
  outs: readonly number[];
  room: number;
}

/** Lays a model out, and remembers the boxes that it has laid out. */
export class Layouts {
  private readonly known = new Map<string, Inside>();

  constructor(
    private readonly tree: Tree,
    private readonly levels: ReadonlyMap<string, Level>,
    private readonly model: Wired,
  ) {}

  /** `room`: how wide the whole may become to be less high. */
  layout(opened: Opened, room = 0): Layout {
    const ins = this.model.inputs.map(({ label }) => label);
    const outs = this.model.outputs.map((_, k) =>
      this.model.outputs.length > 1 ? `output ${k + 1}` : "output",
    );
    const inside = this.inside(this.tree.root, opened, {
      ins: ins.map(pillWidth),
      outs: outs.map(pillWidth),
      room,
    });
    const pill = (label: string, x: number, y: number, layer: number | null): Pill => {
      const w = pillWidth(label);
      return { label, x: x - w / 2, y, w, layer };
    };
    return {
      w: inside.w,
      h: inside.h + 2 * PILL,
      inside,
      pills: [
        ...ins.map((label, k) => pill(label, inside.ins[k] ?? 0, -PILL, null)),
        ...outs.map((label, k) =>
          pill(label, inside.outs[k] ?? 0, inside.leaves, this.model.outputs[k] ?? null),
        ),
      ],
    };
  }

  private inside(box: Box, opened: Opened, border?: Border): Inside {
    const key = [box.key, border?.room ?? "", ...openedWithin(box, opened)].join("\n");
    const known = this.known.get(key);
    if (known) return known;
    const isRoot = box === this.tree.root;
    const around = this.tree.around.get(box.key) ?? [];
    const level = this.levels.get(box.key) ?? { edges: [], ins: 0, outs: 0 };
    const within = withinOf(box, around);
    const contents = box.children.map((child) => this.placed(child, opened, within));
    const arrangement: Arrangement = {
      slots: contents.map(slotOf),
      edges: merged(level.edges, contents),
      ins: border?.ins ?? new Array<number>(level.ins).fill(0),
      outs: border?.outs ?? new Array<number>(level.outs).fill(0),
    };
    const arranged = arrange(arrangement, border?.room ?? 0);
    const left = isRoot ? 0 : PADDING;
    const top = isRoot ? 0 : HEADER;
    const wanted = isRoot ? 0 : headerWidth(box, withinOf(around[0], around.slice(1)));
    const w = Math.max(arranged.w + 2 * left, wanted);
    const shift = { x: (w - arranged.w) / 2, y: top };
    const inside: Inside = {
      w,
      h: arranged.h + top,
      leaves: arranged.leaves + top,
      ins: arranged.ins.map((x) => x + shift.x),
      outs: arranged.outs.map((x) => x + shift.x),
      placed: contents.map((content, k) => ({
        ...content,
        x: (arranged.at[k]?.x ?? 0) + shift.x,
        y: (arranged.at[k]?.y ?? 0) + shift.y,
      })),
      lines: arranged.lines
        .map((line) => (isRoot ? line : toBorder(line, arranged)))
        .map((line) => moved(line, shift)),
    };
    this.known.set(key, inside);
    return inside;
  }

  private placed(item: Item, opened: Opened, within: string): Placed {
    const layers: readonly Layer[] = this.model.layers;
    if (item.kind === "unit")
      return { item, x: 0, y: 0, ...sizeOfUnit(item, layers), inside: null };
    if (!opened.has(item.key)) {
      return { item, x: 0, y: 0, ...sizeOfFolded(item, layers, within), inside: null };
    }
    const inside = this.inside(item, opened);
    return { item, x: 0, y: 0, w: inside.w, h: inside.h, inside };
  }
}

function arrange(arrangement: Arrangement, room: number): Arranged {
  const column = isColumn(arrangement) || !isSmall(arrangement);
  return column ? layOutColumn(arrangement, room) : layOutRanks(arrangement);
}

function openedWithin(box: Box, opened: Opened): string[] {
  return box.children.flatMap((child) =>
    child.kind === "box" && opened.has(child.key)
      ? [child.key, ...openedWithin(child, opened)]
      : [],
  );
}

function slotOf({ w, h, inside }: Placed): Slot {
  const side = inside ? HEADER / 2 : h / 2;
  return { w, h, side, ins: inside?.ins ?? [], outs: inside?.outs ?? [] };
}

/** Edges between the same places are one: a folded box has no places of its own. */
function merged(edges: readonly LevelEdge[], contents: readonly Placed[]): LevelEdge[] {
  const found = new Map<string, LevelEdge>();
  const end = ({ child, port }: LevelEdge["from"]) =>
    child === null || contents[child]?.inside ? { child, port } : { child, port: 0 };
  for (const edge of edges) {
    const [from, to] = [end(edge.from), end(edge.to)];
    const key = `${from.child}:${from.port} ${to.child}:${to.port}`;
    const known = found.get(key);
    found.set(key, { from, to, wires: [...(known?.wires ?? []), ...edge.wires] });
  }
  return [...found.values()];
}

/** An edge that leaves goes on to the border of its box. */
function toBorder(line: Line, { h, leaves }: Arranged): Line {
  const last = line.points.at(-1);
  if (!last || line.edge.to.child !== null || leaves === h) return line;
  return { ...line, points: [...line.points, { x: last.x, y: h }] };
}

function moved(line: Line, by: Point): Line {
  const move = (point: Point) => ({ x: point.x + by.x, y: point.y + by.y });
  return { ...line, points: line.points.map(move), label: line.label && move(line.label) };
}
