/** Small models for tests: layers by name, and what they read. */

import type { JudgedVerdict, Layer } from "../../src/data";
import type { Wired } from "../../src/graph/units";

export interface Given {
  name: string;
  op?: string;
  kind?: string;
  /** Names of layers, or numbers of inputs. */
  reads: readonly (string | number)[];
  gates?: readonly string[];
  channels?: readonly [number, number];
  verdict?: JudgedVerdict;
  path?: readonly string[];
}

/** The modules that a dotted name lies in. */
export function pathOf(name: string): string[] {
  const parts = name.split(".").slice(0, -1);
  return parts.map((_, k) => parts.slice(0, k + 1).join("."));
}

export function modelOf(given: readonly Given[], outputs?: readonly number[]): Wired {
  const indices = new Map(given.map(({ name }, k) => [name, k]));
  const layers = given.map((one, index): Layer => {
    const [before, after] = one.channels ?? [8, 8];
    const reads = one.reads.map((x) => (typeof x === "number" ? -1 - x : (indices.get(x) ?? 0)));
    const gates = (one.gates ?? []).map((x) => indices.get(x) ?? 0);
    return {
      index,
      name: one.name,
      title: one.name,
      call: 0,
      kind: one.kind ?? "conv",
      op: one.op ?? "Conv2d",
      role: "trunk",
      kernel: [3, 3],
      stride: [1, 1],
      dilation: [1, 1],
      padding: [1, 1],
      in_shape: [1, before, 16, 16],
      out_shape: [1, after, 16, 16],
      r_in_min: [],
      r_in_max: [],
      r_out_min: [],
      r_out_max: [],
      jump: [],
      params: 10,
      macs: 0,
      dead_weights: 0,
      verdict: one.verdict ?? "not judged",
      source: null,
      path: [...(one.path ?? pathOf(one.name))],
      inputs: [
        ...reads.map((from) => ({ from, gate: false, shape: [1, before, 16, 16] })),
        ...gates.map((from) => ({ from, gate: true, shape: [1, before, 1, 1] })),
      ],
      snippet: null,
      called: null,
      axes: [0, 1],
      map: [],
      channels: null,
    };
  });
  const inputs = new Set(
    layers.flatMap((x) => x.inputs.map(({ from }) => from)).filter((x) => x < 0),
  );
  return {
    layers,
    inputs: Array.from({ length: Math.max(1, inputs.size) }, (_, k) => ({ label: `input ${k}` })),
    outputs: outputs ?? [layers.length - 1],
  };
}

export const norm = (name: string, reads: string): Given => ({
  name,
  op: "BatchNorm2d",
  kind: "norm",
  reads: [reads],
});

export const relu = (name: string, reads: string): Given => ({
  name,
  op: "ReLU",
  kind: "activation",
  reads: [reads],
});

export const add = (name: string, reads: readonly string[], path?: readonly string[]): Given => ({
  name,
  op: "add",
  kind: "arithmetic",
  reads,
  ...(path ? { path } : {}),
});

/** A residual block: two convolutions, and what it reads added to them. */
export function residual(
  name: string,
  reads: string,
  channels: [number, number] = [8, 8],
): Given[] {
  return [
    { name: `${name}.conv1`, reads: [reads], channels },
    norm(`${name}.bn1`, `${name}.conv1`),
    relu(`${name}.relu1`, `${name}.bn1`),
    { name: `${name}.conv2`, reads: [`${name}.relu1`], channels: [channels[1], channels[1]] },
    norm(`${name}.bn2`, `${name}.conv2`),
    add(`${name}.add`, [`${name}.bn2`, reads]),
    relu(`${name}.relu2`, `${name}.add`),
  ];
}

/** Stages of residual blocks, the first of each of other channels, as in a ResNet. */
export function resnet(stages: readonly number[]): Given[] {
  const given: Given[] = [{ name: "stem", reads: [0] }];
  let before = "stem";
  stages.forEach((blocks, stage) => {
    for (let block = 0; block < blocks; block += 1) {
      const name = `layer${stage + 1}.${block}`;
      given.push(
        ...residual(name, before, block === 0 ? [8 + stage, 9 + stage] : [9 + stage, 9 + stage]),
      );
      before = `${name}.relu2`;
    }
  });
  return [...given, { name: "head", op: "Linear", kind: "linear", reads: [before] }];
}
