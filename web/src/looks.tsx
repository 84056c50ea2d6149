/** How a verdict looks: a colour, and a mark of its own for those who do not tell colours apart. */

import {
  type SymbolType,
  symbol,
  symbolCircle,
  symbolDiamond2,
  symbolSquare2,
  symbolTimes,
  symbolTriangle,
} from "d3-shape";
import type { Verdict } from "./data";

/** In the order in which lists name them. */
export const VERDICTS: readonly Verdict[] = [
  "unproductive",
  "partial",
  "critical",
  "productive",
  "not judged",
  "does not run",
  "not known",
];

export const VERDICT_MEANS: Record<Verdict, string> = {
  unproductive:
    "What it reads already sees more than the whole input: it is predicted to contribute nothing.",
  partial: "What it reads sees more than the whole input along some axes only.",
  critical: "It crosses: what it reads fits the input, what it makes sees more than all of it.",
  productive: "What it reads still fits the input: it can integrate something new.",
  "not judged": "Only convolutions on the trunk are judged, and only where they have a context.",
  "does not run": "The model does not run at this size.",
  "not known": "What becomes of it at this size is not known.",
};

const SHAPES: Record<Verdict, SymbolType> = {
  unproductive: symbolTimes,
  partial: symbolTriangle,
  critical: symbolDiamond2,
  productive: symbolCircle,
  "not judged": symbolCircle,
  "does not run": symbolSquare2,
  "not known": symbolCircle,
};

/** The outline of a verdict's mark about (0, 0), for a `path`. */
export function markPath(verdict: Verdict, area: number): string {
  return symbol(SHAPES[verdict], area)() ?? "";
}

/** The mark of a verdict in a line of text. */
export function Mark({ verdict }: { verdict: Verdict }) {
  return (
    <svg class="mark" data-look={verdict} viewBox="-7 -7 14 14" aria-hidden="true">
      <path d={markPath(verdict, verdict === "unproductive" ? 60 : 64)} />
    </svg>
  );
}

export function VerdictChip({ verdict }: { verdict: Verdict }) {
  return (
    <span class="chip" data-look={verdict} title={VERDICT_MEANS[verdict]}>
      <Mark verdict={verdict} />
      {verdict}
    </span>
  );
}
