/** What the page is fed with: the report itself and what a page needs beyond it, in two islands. */

/** A length for each spatial axis; null means unbounded. */
export type Lengths = readonly (number | null)[];

export type JudgedVerdict = "productive" | "critical" | "partial" | "unproductive" | "not judged";
/** Beyond the report's words: at a size at which the model fails, or about which nothing is known. */
export type Verdict = JudgedVerdict | "does not run" | "not known";

export type Severity = "info" | "warning" | "error";
export type Evidence = "proved" | "predicted";

export interface Source {
  path: string;
  line: number;
}

/** A layer of the report. */
export interface ReportLayer {
  name: string;
  call: number;
  kind: string;
  op: string;
  role: "trunk" | "attention" | "head";
  kernel: Lengths;
  stride: Lengths;
  dilation: Lengths;
  padding: Lengths;
  in_shape: number[];
  out_shape: number[];
  r_in_min: Lengths;
  r_in_max: Lengths;
  r_out_min: Lengths;
  r_out_max: Lengths;
  jump: Lengths;
  /** Standard deviation of what contributes, where the report has it. */
  erf?: Lengths;
  params: number;
  macs: number;
  dead_weights: number;
  verdict: JudgedVerdict;
  source: Source | null;
}

/** What was measured at one call of a layer of a trained model. */
export interface MeasuredLayer {
  name: string;
  call: number;
  /** Its saturation. */
  s: number | null;
  /** The accuracy of a linear classifier on its output. */
  p: number | null;
  /** Its standard error. */
  p_stderr: number | null;
  /** The spread of its effective receptive field along each axis, in pixels of the input. */
  erf: number[] | null;
  /** Which part of the input holds which share of the contributions. */
  erf_areas: { share: number; area: number }[];
  erf_map: ContributionMap | null;
}

/** What blocks of the input contribute to the middle of a layer's output: the largest is 1. */
export interface ContributionMap {
  /** Along each axis of the map, the positions that a block spans; the last one may span fewer. */
  block: number[];
  /** The positions of the input. */
  size: number[];
  /** Over which point of the input the middle of the output lies; position 0 ends at 1. */
  centre: number[];
  rows: number[][];
}

export interface Finding {
  code: string;
  name: string;
  severity: Severity;
  evidence: Evidence | null;
  layer: string | null;
  call: number | null;
  message: string;
  source: Source | null;
}

export interface Suppressed extends Finding {
  reason: string;
  suppressed_at: Source | null;
}

export interface Metrics {
  params: number;
  macs: number;
  unproductive: number;
}

export interface ReportRepair {
  kind: string;
  title: string;
  words: string;
  edits: string[];
  before: Metrics;
  after: Metrics;
  verified: boolean;
}

/** One model at one size, as in the JSON report. */
export interface ReportModel {
  target: string;
  name: string;
  inputs: number[][];
  inputs_layout: (string | null)[];
  resolution: number[];
  tracer: string;
  complete: boolean;
  left_out: { reason: string; module: string; source: Source | null } | null;
  totals: {
    params: number;
    macs: number;
    layers: number;
    convs: number;
    unproductive: number;
    unproductive_params: number;
    unproductive_macs: number;
    dead_weights: number;
    from_border: number;
    from_border_params: number;
    from_border_macs: number;
  };
  border: { min: string | null; max: string | null };
  feasible_resolution: { min: number[]; max: number[] | null };
  larger_input: { resolution: number[]; macs: number } | null;
  layers: ReportLayer[];
  findings: Finding[];
  suppressed: Suppressed[];
  accepted: Finding[];
  over_limits: { limit: string; message: string; source: Source | null }[];
  repairs: ReportRepair[];
  not_offered: string[];
  measured: { layers: MeasuredLayer[] } | null;
}

export interface Report {
  schema_version: number;
  rflint: string;
  models: ReportModel[];
  errors: { target: string; kind: string; message: string }[];
}

/** What a layer reads: `from` is the index of a layer, or -1-k for the model's k-th input. */
export interface LayerInput {
  from: number;
  gate: boolean;
  shape: number[] | null;
}

export interface PageLayer {
  title: string;
  /** The modules around it, outermost first, each by its full path. */
  path: string[];
  inputs: LayerInput[];
  /** The spatial axes that it has: with inputs of several kinds, not all of the model's. */
  axes: number[];
  /** Along these, how many positions it makes; empty where all were brought together. */
  map: number[];
  /** Of what it makes, where that is laid out as channels and positions. */
  channels: number | null;
  /** Index into the snippets of the model: the line to edit. */
  snippet: number | null;
  /** Index into the snippets of the model: the line of the call. */
  called: number | null;
}

/** Quoted source: `lines[0]` is line number `first`; `line` is the one that is meant. */
export interface Snippet {
  path: string;
  line: number;
  first: number;
  lines: string[];
}

export interface PageRepair {
  words: string;
  title: string;
  code: string;
  command: string;
  edits: string[];
}

/** A run of stops of the slider: it holds from stop `from` on until the next one begins. */
export interface StateRun {
  from: number;
  state: "runs" | "fails" | "unknown";
  why: string;
  /** The size that was tried and failed like these, where it is none of them. */
  as_at: number[] | null;
}

export interface FieldsRun {
  from: number;
  r_in_min: Lengths;
  r_in_max: Lengths;
  r_out_min: Lengths;
  r_out_max: Lengths;
  kernel: Lengths;
}

export interface Sizes {
  stops: number[][];
  /** Index of the size that was linted. */
  linted: number;
  states: StateRun[];
  /** For each layer that is judged at some stop: its index, and its verdict from a stop on. */
  verdicts: [number, [number, JudgedVerdict][]][];
  /** For each stop; null: not known. */
  macs: (number | null)[];
  /** Only of layers whose receptive fields or kernels change with the size. */
  fields: [number, FieldsRun[]][];
  /** At how many sizes the model was really traced. */
  tried: number;
  /** Why some sizes are not known, a clause; empty where all are. */
  unknown_because: string;
}

export interface PlaceAmongMeasured {
  /** How much better its probe is than the best one before it; null where there is none. */
  gain: number | null;
  /** Whether it belongs to the tail of low saturation. */
  tail: boolean;
}

export interface PageModel {
  /** What was measured beside what was predicted, in a sentence; empty where nothing was. */
  measured: string;
  /** For each layer that was measured: what follows for its place among the others. */
  measured_layers: PlaceAmongMeasured[];
  /** Unique within the page. */
  label: string;
  headline: { wrong: string; cost: string; do: string };
  /** By rule code: what its findings in this model come to. */
  paragraphs: Record<string, string>;
  layers: PageLayer[];
  inputs: { label: string }[];
  /** Layers whose results the model returns. */
  outputs: number[];
  snippets: Snippet[];
  repairs: PageRepair[];
  advice: string[];
  sizes: Sizes | null;
}

export interface RuleDoc {
  name: string;
  summary: string;
  evidence: Evidence | null;
  help: string;
}

export interface PageData {
  title: string;
  rules: Record<string, RuleDoc>;
  models: PageModel[];
  failures: { target: string; message: string; hint: string }[];
}

/** One layer with both that the report and that the page say of it. */
export interface Layer extends ReportLayer, PageLayer {
  index: number;
}

/** One model with both that the report and that the page say of it. */
export interface Model {
  index: number;
  report: ReportModel;
  page: PageModel;
  layers: Layer[];
}

export interface Page {
  title: string;
  version: string;
  rules: Record<string, RuleDoc>;
  models: Model[];
  failures: { target: string; message: string; hint: string }[];
}

/** Put together what the two islands say. */
export function joinPage(report: Report, page: PageData): Page {
  const models = report.models.map((model, index) => {
    const beyond = page.models[index];
    if (!beyond) throw new Error(`the page knows nothing of model ${model.name}`);
    const layers = model.layers.map((layer, position): Layer => {
      const more = beyond.layers[position];
      if (!more) throw new Error(`the page knows nothing of layer ${layer.name}`);
      return { ...layer, ...more, index: position };
    });
    return { index, report: model, page: beyond, layers };
  });
  return {
    title: page.title,
    version: report.rflint,
    rules: page.rules,
    models,
    failures: page.failures,
  };
}

/** Read the two islands of the document; null where they are empty, as in the bare template. */
export function readPage(document: Document): Page | null {
  const report = document.getElementById("rflint-report")?.textContent?.trim();
  const page = document.getElementById("rflint-page")?.textContent?.trim();
  if (!report || !page) return null;
  return joinPage(JSON.parse(report) as Report, JSON.parse(page) as PageData);
}
