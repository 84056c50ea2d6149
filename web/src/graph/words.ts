/** What is written on the nodes and edges of the graph. */

import type { Layer } from "../data";
import { along } from "../rows";
import { lengths, plural, short } from "../text";
import type { Box, Item } from "./tree";
import { isJoin, isSlim, type Unit } from "./units";

const SYMBOLS: Record<string, string> = { add: "+", mul: "×", sub: "−", div: "÷", cat: "concat" };

/** A name without the module that it lies in, which is written around it. */
export function shortName(name: string, within: string): string {
  if (within === "" || !name.startsWith(`${within}.`)) return name;
  return name.slice(within.length + 1);
}

/** Channels and positions of what flows, without the batch: 64 × 32 × 32. */
export function shapeText(shape: readonly number[] | null): string {
  return shape === null ? "" : shape.slice(1).join(" × ");
}

/** The first line of a unit. */
export function unitName(unit: Unit, layers: readonly Layer[], within: string): string {
  const first = layers[unit.layers[0] ?? -1];
  if (!first) return "";
  if (isJoin(first)) {
    const symbol = SYMBOLS[first.op] ?? first.op;
    return [symbol, ...followers(unit, layers)].join(" · ");
  }
  return `${shortName(first.name, within)}${first.call > 0 ? ` (call ${first.call + 1})` : ""}`;
}

/** The second line of a unit: what it does, and what is drawn with it. */
export function unitDetail(unit: Unit, layers: readonly Layer[]): string {
  const first = layers[unit.layers[0] ?? -1];
  if (!first || isJoin(first)) return "";
  return [operation(first), ...followers(unit, layers)].join(" · ");
}

function operation(layer: Layer): string {
  const { kind, op, in_shape, out_shape } = layer;
  const [kernel, stride] = [along(layer, layer.kernel), along(layer, layer.stride)];
  const strided = stride.some((x) => x !== 1 && x !== null) ? ` /${lengths(stride, true)}` : "";
  const channels = `${in_shape[1] ?? ""}→${out_shape[1] ?? ""}`;
  if (kind === "conv" || kind === "conv_transpose") {
    const up = kind === "conv_transpose" ? "↑ " : "";
    return `${up}${lengths(kernel)}${strided}  ${channels}`;
  }
  if (kind === "linear") return `Linear ${in_shape.at(-1) ?? ""}→${out_shape.at(-1) ?? ""}`;
  if (kind === "pool" && kernel.some((x) => x !== null && x !== 1)) {
    return `${op} ${lengths(kernel)}${strided}`;
  }
  return op;
}

function followers(unit: Unit, layers: readonly Layer[]): string[] {
  return unit.layers.slice(1).map((index) => {
    const layer = layers[index];
    return layer?.op.replace(/^BatchNorm\dd$/, "BN").replace(/^relu$/, "ReLU") ?? "";
  });
}

/** Everything of a unit in words, for those who do not see the drawing. */
export function unitLabel(unit: Unit, layers: readonly Layer[], verdict: string): string {
  const inside = unit.layers.flatMap((index) => layers[index] ?? []);
  const [first] = inside;
  if (!first) return "";
  const also =
    inside.length > 1
      ? `, with ${inside
          .slice(1)
          .map((x) => x.title)
          .join(", ")}`
      : "";
  return `${first.title}, ${first.op}, ${verdict}, output ${shapeText(first.out_shape)}${also}`;
}

export function boxTitle(box: Box, within: string): string {
  if (box.repeat > 0) {
    const [first = "", last = ""] = box.path.split(" … ");
    return `${shortName(first, within)} … ${shortName(last, within)}`;
  }
  return `${shortName(box.path, within)}${box.call > 0 ? ` (call ${box.call + 1})` : ""}`;
}

/** 12 layers · 1.2 M. */
export function boxDetail(box: Box, layers: readonly Layer[]): string {
  const params = box.layers.reduce((sum, index) => sum + (layers[index]?.params ?? 0), 0);
  const words = params > 0 ? ` · ${short(params)} params` : "";
  return `${plural(box.layers.length, "layer")}${words}`;
}

/** The title of the module that an item is written in: what its name need not repeat. */
export function withinOf(box: Box | undefined, around: readonly Box[]): string {
  return [box, ...around].find((x) => x && x.repeat === 0)?.path ?? "";
}

/** How a unit looks. */
export type Look = "full" | "slim" | "join";

export function lookOf(unit: Unit, layers: readonly Layer[]): Look {
  const first = layers[unit.layers[0] ?? -1];
  if (!first) return "slim";
  if (isJoin(first)) return "join";
  return isSlim(first) ? "slim" : "full";
}

/** About how wide a text is, in pixels at a size of 12. */
export function textWidth(text: string, size = 12): number {
  let width = 0;
  for (const character of text) width += /[ilj.,:;'|·! ]/.test(character) ? 0.33 : 0.6;
  return width * size;
}

/** A text with its middle left out where it is too long: both ends of a name say something. */
export function fitted(text: string, width: number, size = 12): string {
  if (textWidth(text, size) <= width) return text;
  const characters = [...text];
  for (let kept = characters.length - 1; kept > 2; kept -= 1) {
    const head = Math.ceil(kept / 2);
    const shorter = `${characters.slice(0, head).join("")}…${characters.slice(head - kept).join("")}`;
    if (textWidth(shorter, size) <= width) return shorter;
  }
  return `${characters.slice(0, 2).join("")}…`;
}

export function nameOf(item: Item, layers: readonly Layer[]): string {
  return item.kind === "box" ? item.path : (layers[item.layers[0] ?? -1]?.title ?? "");
}
