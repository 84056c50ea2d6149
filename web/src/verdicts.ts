/** Every layer at a size of the slider: no guess, only what the sizes of the page say. */

import type { Lengths, Model, Sizes, StateRun, Verdict } from "./data";
import { plural, sizeText } from "./text";

/** What of a layer may change with the size of the input. */
export interface LayerFields {
  r_in_min: Lengths;
  r_in_max: Lengths;
  r_out_min: Lengths;
  r_out_max: Lengths;
  kernel: Lengths;
}

/** A model at one stop of the slider. */
export interface AtSize {
  stop: number | null;
  size: readonly number[];
  /** Whether this is the size that was linted, to which findings, repairs and costs belong. */
  linted: boolean;
  state: StateRun["state"];
  /** Why it does not run, or why that is not known; empty where nobody can say. */
  why: string;
  /** The other size at which that was seen. */
  asAt: readonly number[] | null;
  verdictOf: (layer: number) => Verdict;
  fieldsOf: (layer: number) => LayerFields;
  macs: number | null;
  convs: number | null;
  unproductive: number | null;
  /** Index of the first unproductive layer. */
  border: number | null;
}

/** The entry of run-length pairs that holds at a stop. */
export function runAt<T>(runs: readonly T[], stop: number, from: (run: T) => number): T | null {
  let found: T | null = null;
  for (const run of runs) {
    if (from(run) > stop) break;
    found = run;
  }
  return found;
}

/** Whether anything is unproductive at a stop: what the strip below the slider shows. */
export type StopMark = "sound" | "unproductive" | "fails" | "unknown";

export function stopMarks(sizes: Sizes): StopMark[] {
  const counts = unproductiveCounts(sizes);
  return sizes.stops.map((_, stop) => {
    const state = runAt(sizes.states, stop, (run) => run.from)?.state ?? "unknown";
    if (state === "runs") return counts[stop] ? "unproductive" : "sound";
    return state;
  });
}

/** How many layers are unproductive, by stop. */
export function unproductiveCounts(sizes: Sizes): number[] {
  const counts = sizes.stops.map(() => 0);
  for (const [, runs] of sizes.verdicts) {
    runs.forEach(([from, verdict], k) => {
      if (verdict !== "unproductive") return;
      const to = runs[k + 1]?.[0] ?? counts.length;
      for (let stop = from; stop < to; stop++) counts[stop] = (counts[stop] ?? 0) + 1;
    });
  }
  return counts;
}

/** Why sizes between those that were tried are not known; empty where all are. */
export function unknownBecause({ unknown_because, tried }: Sizes): string {
  if (!unknown_because) return "";
  const were = tried === 1 ? "was" : "were";
  return `${unknown_because}, and only ${plural(tried, "size")} ${were} tried`;
}

/** From this share of all sizes on, it is told that they are not known. */
const MOSTLY = 0.25;

/** A sentence where much of the slider is not known; empty where little is. */
export function gaps(sizes: Sizes): string {
  const marks = stopMarks(sizes);
  const unknown = marks.filter((mark) => mark === "unknown").length;
  if (unknown < MOSTLY * marks.length) return "";
  const because = unknownBecause(sizes);
  return `Sizes between are not known${because ? `: ${because}` : ""}.`;
}

/** What is said of a model at a size, in one sentence or two. */
export function said(at: AtSize): string {
  const size = sizeText(at.size);
  if (at.state === "fails") {
    const like = at.asAt ? `, for the same reason as at ${sizeText(at.asAt)}` : "";
    return sentence(`The model does not run at ${size}${like}`, at.why);
  }
  if (at.state === "unknown") {
    return sentence(`What becomes of the layers at ${size} is not known`, at.why);
  }
  const [convs, bad] = [at.convs ?? 0, at.unproductive ?? 0];
  if (convs === 0) return `At ${size} there is no convolution to judge.`;
  if (bad === 0) {
    return convs === 1
      ? `At ${size} its one convolution is not unproductive.`
      : `At ${size} none of ${plural(convs, "convolution")} is unproductive.`;
  }
  return `At ${size}, ${bad} of ${plural(convs, "convolution")} ${bad === 1 ? "is" : "are"} unproductive.`;
}

/** A whole sentence, with a reason where there is one. */
function sentence(words: string, reason: string): string {
  const all = reason ? `${words}: ${reason}` : words;
  return /[.!?]$/.test(all) ? all : `${all}.`;
}

/** The model at a stop, or at the size that was linted where nothing is known of other sizes. */
export function atSize(model: Model, stop: number | null): AtSize {
  const { sizes } = model.page;
  if (sizes === null || stop === null || stop === sizes.linted) return atLintedSize(model);
  const run = runAt(sizes.states, stop, (x) => x.from);
  const state = run?.state ?? "unknown";
  const size = sizes.stops[stop] ?? model.report.resolution;
  const why = state === "unknown" ? unknownBecause(sizes) : (run?.why ?? "");
  const shared = { stop, size, linted: false, state, why, asAt: run?.as_at ?? null };
  if (state !== "runs") {
    const verdict: Verdict = state === "fails" ? "does not run" : "not known";
    const nothing = { macs: null, convs: null, unproductive: null, border: null };
    const fieldsOf = (layer: number) => layerFields(model, layer);
    return { ...shared, ...nothing, verdictOf: () => verdict, fieldsOf };
  }
  const verdicts = new Map(
    sizes.verdicts.map(([layer, runs]): [number, Verdict] => [
      layer,
      runAt(runs, stop, ([from]) => from)?.[1] ?? "not judged",
    ]),
  );
  const changed = new Map(
    sizes.fields.map(([layer, runs]) => [layer, runAt(runs, stop, (x) => x.from)]),
  );
  return {
    ...shared,
    macs: sizes.macs[stop] ?? null,
    ...counts(model, (layer) => verdicts.get(layer) ?? "not judged"),
    fieldsOf: (layer) => changed.get(layer) ?? layerFields(model, layer),
  };
}

function atLintedSize(model: Model): AtSize {
  return {
    stop: model.page.sizes?.linted ?? null,
    size: model.report.resolution,
    linted: true,
    state: "runs",
    why: "",
    asAt: null,
    macs: model.report.totals.macs,
    ...counts(model, (layer) => model.layers[layer]?.verdict ?? "not judged"),
    fieldsOf: (layer) => layerFields(model, layer),
  };
}

function counts(model: Model, verdictOf: (layer: number) => Verdict) {
  const verdicts = model.layers.map((layer) => verdictOf(layer.index));
  const border = verdicts.indexOf("unproductive");
  return {
    verdictOf,
    convs: verdicts.filter((verdict) => verdict !== "not judged").length,
    unproductive: verdicts.filter((verdict) => verdict === "unproductive").length,
    border: border < 0 ? null : border,
  };
}

function layerFields(model: Model, index: number): LayerFields {
  const layer = model.layers[index];
  if (!layer) throw new Error(`there is no layer ${index}`);
  return layer;
}
