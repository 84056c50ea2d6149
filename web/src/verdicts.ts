/** Every layer at a size of the slider: no guess, only what the sizes of the page say. */

import type { Lengths, Model, Sizes, StateRun, Verdict } from "./data";

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
  why: string;
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
  const unproductive = sizes.stops.map(() => false);
  for (const [, runs] of sizes.verdicts) {
    runs.forEach(([from, verdict], k) => {
      if (verdict === "unproductive") unproductive.fill(true, from, runs[k + 1]?.[0]);
    });
  }
  return sizes.stops.map((_, stop) => {
    const state = runAt(sizes.states, stop, (run) => run.from)?.state ?? "unknown";
    if (state === "runs") return unproductive[stop] ? "unproductive" : "sound";
    return state;
  });
}

/** The model at a stop, or at the size that was linted where nothing is known of other sizes. */
export function atSize(model: Model, stop: number | null): AtSize {
  const { sizes } = model.page;
  if (sizes === null || stop === null || stop === sizes.linted) return atLintedSize(model);
  const run = runAt(sizes.states, stop, (x) => x.from);
  const state = run?.state ?? "unknown";
  const size = sizes.stops[stop] ?? model.report.resolution;
  const shared = { stop, size, linted: false, state, why: run?.why ?? "" };
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
