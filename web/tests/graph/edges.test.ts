import fc from "fast-check";
import { expect, test } from "vitest";
import { type Drawing, draw } from "../../src/graph/drawing";
import {
  drawnAs,
  type Opened,
  openedAll,
  openedAtFirst,
  openedToDepth,
} from "../../src/graph/folding";
import { Layouts } from "../../src/graph/layout";
import { levelsOf, wiresOf } from "../../src/graph/levels";
import { buildTree, type Tree } from "../../src/graph/tree";
import type { Wired } from "../../src/graph/units";
import { type Given, modelOf, resnet } from "./models";

function drawn(model: Wired, tree: Tree, opened: Opened): Drawing {
  return draw(new Layouts(tree, levelsOf(tree, model), model).layout(opened, 1300), tree);
}

/** Every edge of the model lies within one node, or is a chain of drawn lines from end to end. */
function expectNoEdgeLost(model: Wired, tree: Tree, opened: Opened): void {
  const { lines } = drawn(model, tree, opened);
  for (const { from, to } of wiresOf(model)) {
    const start = from < 0 ? undefined : drawnAs(tree, opened, from);
    const end = to >= model.layers.length ? undefined : drawnAs(tree, opened, to);
    if (start !== undefined && start === end) continue;
    const parts = lines.filter((line) =>
      line.wires.some((wire) => wire.from === from && wire.to === to),
    );
    const ends = new Map<string, number>();
    for (const { begins, stops } of parts) {
      ends.set(begins, (ends.get(begins) ?? 0) + 1);
      ends.set(stops, (ends.get(stops) ?? 0) - 1);
    }
    const open = [...ends].filter(([, count]) => count !== 0).sort((a, b) => b[1] - a[1]);
    // a layer that reads the same twice has two such edges
    const first = start?.key ?? `input ${from}`;
    const last = end?.key ?? `output ${to}`;
    expect(open, `the edge from ${from} to ${to}`).toEqual([
      [first, 1],
      [last, -1],
    ]);
  }
}

const PATHS = ["", "a.", "a.b.", "a.c.", "d.", "d.e.f."];
const KINDS = ["conv", "norm", "activation", "pool", "arithmetic"];

/** Any model: layers in any modules, each of which reads any that are in front of it. */
const anyModel = fc
  .array(
    fc.record({
      path: fc.constantFrom(...PATHS),
      kind: fc.constantFrom(...KINDS),
      reads: fc.array(fc.nat(1000), { minLength: 1, maxLength: 3 }),
      returned: fc.boolean(),
    }),
    { minLength: 1, maxLength: 18 },
  )
  .map((drafts) => {
    const names = drafts.map(({ path }, k) => `${path}layer${k}`);
    const given = drafts.map(
      ({ kind, reads }, k): Given => ({
        name: names[k] ?? "",
        kind,
        reads: [...new Set(reads.map((x) => (k === 0 ? x % 2 : (names[x % k] ?? 0))))],
      }),
    );
    const outputs = drafts.flatMap(({ returned }, k) => (returned ? [k] : []));
    return modelOf(given, outputs);
  });

test("no edge is lost, whatever the model, and whatever is folded", () => {
  fc.assert(
    fc.property(anyModel, fc.boolean(), fc.array(fc.nat(40)), (model, everyLayer, choice) => {
      const tree = buildTree(model, everyLayer);
      const keys = [...tree.boxOf.keys()];
      const some = choice.flatMap((k) => keys[k % keys.length] ?? []);
      for (const opened of [
        openedAll(tree),
        openedAtFirst(tree),
        openedToDepth(tree, 0),
        new Set([tree.root.key, ...some]),
      ]) {
        expectNoEdgeLost(model, tree, opened);
      }
    }),
    { numRuns: 12 },
  );
}, 120_000);

test("edges lead to a run of equal blocks and away from it, folded or not", () => {
  const model = modelOf(resnet([2, 6]));
  const tree = buildTree(model);
  for (const opened of [openedAll(tree), openedToDepth(tree, 1)]) {
    expectNoEdgeLost(model, tree, opened);
  }
});

test("everything is drawn within the box that it lies in, and nothing on top of another", () => {
  fc.assert(
    fc.property(anyModel, (model) => {
      const tree = buildTree(model);
      const { units, boxes } = drawn(model, tree, openedAll(tree));
      const all = [...units, ...boxes];
      for (const one of all) {
        const parent = tree.around.get(one.key)?.[0];
        const box = boxes.find((x) => x.key === parent?.key);
        if (box) {
          expect(one.x).toBeGreaterThanOrEqual(box.x);
          expect(one.y).toBeGreaterThanOrEqual(box.y);
          expect(one.x + one.w).toBeLessThanOrEqual(box.x + box.w + 0.01);
          expect(one.y + one.h).toBeLessThanOrEqual(box.y + box.h + 0.01);
        }
        for (const other of all) {
          if (other === one || tree.around.get(other.key)?.[0] !== parent) continue;
          const apart =
            one.x + one.w <= other.x + 0.01 ||
            other.x + other.w <= one.x + 0.01 ||
            one.y + one.h <= other.y + 0.01 ||
            other.y + other.h <= one.y + 0.01;
          expect(apart, `${one.key} and ${other.key}`).toBe(true);
        }
      }
    }),
    { numRuns: 12 },
  );
}, 120_000);

test("an edge that bypasses something is marked as one", () => {
  const model = modelOf(resnet([1]));
  const tree = buildTree(model);
  const { lines } = drawn(model, tree, openedAll(tree));
  expect(lines.some((line) => line.skip)).toBe(true);
  expect(lines.filter((line) => line.skip).every((line) => line.shape !== "")).toBe(true);
});
