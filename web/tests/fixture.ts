/** A small model, by hand: what the pure parts of the page are tried on. */

import {
  joinPage,
  type Page,
  type PageData,
  type Report,
  type ReportLayer,
  type Sizes,
} from "../src/data";

export const SIZES: Sizes = {
  stops: [
    [8, 8],
    [16, 16],
    [32, 32],
    [40, 40],
    [64, 64],
  ],
  linted: 2,
  states: [
    { from: 0, state: "fails", why: "too small", as_at: null },
    { from: 1, state: "runs", why: "", as_at: null },
    { from: 4, state: "unknown", why: "", as_at: null },
  ],
  verdicts: [
    [0, [[1, "productive"]]],
    [
      1,
      [
        [1, "unproductive"],
        [3, "critical"],
      ],
    ],
  ],
  macs: [null, 25, 100, 156, null],
  fields: [
    [
      2,
      [
        {
          from: 1,
          r_in_min: [9, 9],
          r_in_max: [9, 9],
          r_out_min: [20, 20],
          r_out_max: [20, 20],
          kernel: [4, 4],
        },
        {
          from: 3,
          r_in_min: [9, 9],
          r_in_max: [9, 9],
          r_out_min: [40, 40],
          r_out_max: [40, 40],
          kernel: [8, 8],
        },
      ],
    ],
  ],
  tried: 3,
  unknown_because: "the model's code asks for sizes",
};

function layer(name: string, changes: Partial<ReportLayer>): ReportLayer {
  return {
    name,
    call: 0,
    kind: "conv",
    op: "Conv2d",
    role: "trunk",
    kernel: [3, 3],
    stride: [1, 1],
    dilation: [1, 1],
    padding: [1, 1],
    in_shape: [1, 4, 32, 32],
    out_shape: [1, 4, 32, 32],
    r_in_min: [1, 1],
    r_in_max: [1, 1],
    r_out_min: [3, 3],
    r_out_max: [3, 3],
    jump: [1, 1],
    params: 10,
    macs: 40,
    dead_weights: 0,
    verdict: "productive",
    source: { path: "net.py", line: 3 },
    ...changes,
  };
}

const LAYERS = [
  layer("first", {}),
  layer("second", {
    r_in_min: [35, 35],
    params: 30,
    macs: 60,
    verdict: "unproductive",
    dead_weights: 5,
  }),
  layer("pool", {
    kind: "pool",
    op: "AdaptiveAvgPool2d",
    kernel: [4, 4],
    r_in_min: [9, 9],
    r_in_max: [null, null],
    params: 0,
    macs: 0,
    verdict: "not judged",
    source: null,
  }),
];

const NO_METRICS = {
  unproductive_params: 30,
  unproductive_macs: 60,
  from_border: 1,
  from_border_params: 30,
  from_border_macs: 60,
};

const finding = (name: string, message: string, line: number) => ({
  code: "RF101",
  name: "unproductive-layer",
  severity: "warning" as const,
  evidence: "predicted" as const,
  layer: name,
  call: 0,
  message,
  source: { path: "net.py", line },
});

export const REPORT: Report = {
  schema_version: 1,
  rflint: "0.0.0",
  models: [
    {
      target: "net:build",
      name: "net:build",
      inputs: [[1, 3, 32, 32]],
      inputs_layout: ["BCHW"],
      resolution: [32, 32],
      tracer: "symbolic",
      complete: true,
      left_out: null,
      totals: {
        params: 40,
        macs: 100,
        layers: 3,
        convs: 2,
        unproductive: 1,
        dead_weights: 5,
        ...NO_METRICS,
      },
      border: { min: "second", max: "second" },
      feasible_resolution: { min: [35, 35], max: null },
      larger_input: null,
      layers: LAYERS,
      findings: [
        finding("second", "it sees too much", 3),
        finding("first", "it sees too much", 3),
        finding("pool", "and this", 9),
      ],
      suppressed: [],
      accepted: [],
      over_limits: [],
      repairs: [],
      not_offered: [],
      measured: null,
    },
  ],
  errors: [],
};

export const PAGE_DATA: PageData = {
  title: "rflint: net:build",
  rules: {},
  models: [
    {
      label: "net:build at 32x32",
      measured: "",
      measured_layers: [],
      headline: { wrong: "", cost: "", do: "" },
      paragraphs: {},
      layers: LAYERS.map((x, k) => ({
        title: x.name,
        path: [],
        axes: [0, 1],
        map: x.out_shape.slice(2),
        channels: 4,
        inputs: [{ from: k - 1, gate: false, shape: null }],
        snippet: null,
        called: null,
      })),
      inputs: [{ label: "input 1x3x32x32" }],
      outputs: [2],
      snippets: [
        { path: "net.py", line: 3, first: 2, lines: ["def build():", "    return Net()"] },
      ],
      repairs: [],
      advice: [],
      sizes: SIZES,
    },
  ],
  failures: [],
};

export const PAGE: Page = joinPage(REPORT, PAGE_DATA);
// biome-ignore lint/style/noNonNullAssertion: it is written above
export const MODEL = PAGE.models[0]!;
