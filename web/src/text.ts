/** Numbers and sizes as people read them: the same words as in rflint's other reports. */

import { format } from "d3-format";
import type { Lengths } from "./data";

const three = format(".3s");
const grouped = format(",");
/** rflint's other reports write a small k, M and G, and T for what is beyond. */
const UNITS: Record<string, string> = { k: "k", M: "M", G: "G", T: "T" };

/** 11.2 M, 590 k, 64. */
export function short(count: number): string {
  if (Math.abs(count) < 1000) return grouped(count);
  const text = three(count);
  const unit = text.slice(-1);
  return UNITS[unit] ? `${text.slice(0, -1)} ${UNITS[unit]}` : text;
}

/** 11,181,642. */
export const exact = (count: number): string => grouped(count);

/** A number of things, for example "3 findings". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** 32×64. */
export const sizeText = (size: readonly number[]): string => size.join("×");

/** 3×3; one number where both axes agree and `brief` is asked for; ∞ for what is unbounded. */
export function lengths(values: Lengths, brief = false): string {
  const words = values.map((value) => (value === null ? "∞" : trimmed(value)));
  if (brief && words.length > 0 && words.every((word) => word === words[0])) return words[0] ?? "";
  return words.join("×");
}

function trimmed(value: number): string {
  return Number.isInteger(value) ? grouped(value) : String(Math.round(value * 100) / 100);
}

/** How much less or more: −86 %, +85 %, ×5.1; empty where nothing changes. */
export function change(before: number, after: number): string {
  if (before === after) return "";
  if (before === 0) return "";
  const ratio = after / before;
  if (ratio >= 2) return `×${ratio < 9.95 ? ratio.toFixed(1) : String(Math.round(ratio))}`;
  const percent = Math.abs(ratio - 1) * 100;
  const words = percent < 1 ? "<1" : String(Math.round(percent));
  return `${ratio < 1 ? "−" : "+"}${words} %`;
}

/** 47 %, or <1 % for what is more than nothing. */
export function share(part: number, whole: number): string {
  if (whole === 0) return "0 %";
  const percent = (100 * part) / whole;
  return part > 0 && percent < 1 ? "<1 %" : `${Math.round(percent)} %`;
}

/** Lines of code without the indentation that all of them share. */
export function dedented(lines: readonly string[]): string[] {
  const indents = lines.filter((line) => line.trim()).map((line) => line.search(/\S/));
  const shared = Math.min(...indents, Number.MAX_SAFE_INTEGER);
  return lines.map((line) => line.slice(Math.min(shared, line.length)));
}

/** Keeps a number and its unit on one line: 5.31 M, 47 %. */
export function tight(words: string): string {
  return words.replace(/(\d) (?=[kMGT%](?![\p{L}\d]))/gu, "$1\u00a0");
}
