/** How the verdicts on the convolutions of a box are shared out. */

import type { Verdict } from "../data";
import { VERDICTS } from "../looks";
import { plural } from "../text";
import type { Box } from "./tree";

/** Convolutions that follow each other and have the same verdict. */
export interface Share {
  verdict: Verdict;
  from: number;
  to: number;
}

/** More changes than that in a bar are noise. */
const MOST = 14;

/**
 * Parts of a bar from 0 to 1, in the order in which convolutions run: where the border falls is
 * seen, too. Where verdicts change too often for that, one part for each verdict.
 */
export function sharesOf(box: Box, verdictOf: (layer: number) => Verdict): Share[] {
  const verdicts = judged(box, verdictOf);
  const inOrder = sharesIn(verdicts);
  if (inOrder.length <= MOST) return inOrder;
  return sharesIn(SOUND_FIRST.flatMap((verdict) => verdicts.filter((x) => x === verdict)));
}

const SOUND_FIRST = [...VERDICTS].reverse();

function sharesIn(verdicts: readonly Verdict[]): Share[] {
  const shares: Share[] = [];
  for (const [k, verdict] of verdicts.entries()) {
    const last = shares.at(-1);
    const to = (k + 1) / verdicts.length;
    if (last?.verdict === verdict) last.to = to;
    else shares.push({ verdict, from: k / verdicts.length, to });
  }
  return shares;
}

/** 3 productive, 2 unproductive; empty where nothing is judged. */
export function sharesText(box: Box, verdictOf: (layer: number) => Verdict): string {
  const verdicts = judged(box, verdictOf);
  if (verdicts.length === 0) return "";
  const words = VERDICTS.flatMap((verdict) => {
    const count = verdicts.filter((x) => x === verdict).length;
    return count > 0 ? [`${count} ${verdict}`] : [];
  });
  return `${plural(verdicts.length, "convolution")}: ${words.join(", ")}`;
}

/** The verdict that a folded box is marked with: the first in the order of lists that it has. */
export function worstOf(box: Box, verdictOf: (layer: number) => Verdict): Verdict {
  const verdicts = new Set(judged(box, verdictOf));
  return VERDICTS.find((verdict) => verdicts.has(verdict)) ?? "not judged";
}

function judged(box: Box, verdictOf: (layer: number) => Verdict): Verdict[] {
  return box.layers.map(verdictOf).filter((verdict) => verdict !== "not judged");
}
