import { describe, expect, test } from "vitest";
import {
  countDrawn,
  drawnAs,
  openedAll,
  openedAtFirst,
  openedToDepth,
  revealing,
  toggled,
} from "../../src/graph/folding";
import { search } from "../../src/graph/search";
import { type Box, buildTree, type Item } from "../../src/graph/tree";
import { add, modelOf, norm, relu, resnet } from "./models";

const names = (items: readonly Item[], layers: readonly { name: string }[]) =>
  items.map((x) => (x.kind === "box" ? x.path : x.layers.map((k) => layers[k]?.name).join(" + ")));

function runs(box: Box): Box[] {
  const inner = box.children.flatMap((x) => (x.kind === "box" ? runs(x) : []));
  return box.repeat > 0 ? [box, ...inner] : inner;
}

describe("what is drawn as one node", () => {
  test("a normalisation and an activation are drawn with the convolution that they follow", () => {
    const model = modelOf([
      { name: "a", reads: [0] },
      norm("b", "a"),
      relu("c", "b"),
      { name: "d", reads: ["c"] },
    ]);
    expect(names(buildTree(model).root.children, model.layers)).toEqual(["a + b + c", "d"]);
  });

  test("every layer is by itself if that is asked for", () => {
    const model = modelOf([{ name: "a", reads: [0] }, norm("b", "a")]);
    expect(names(buildTree(model, true).root.children, model.layers)).toEqual(["a", "b"]);
  });

  test("what somebody else reads too stays by itself", () => {
    const model = modelOf([{ name: "a", reads: [0] }, norm("b", "a"), add("c", ["a", "b"])]);
    expect(names(buildTree(model).root.children, model.layers)).toEqual(["a", "b", "c"]);
  });

  test("what the model returns stays by itself", () => {
    const model = modelOf([{ name: "a", reads: [0] }, relu("b", "a")], [0, 1]);
    expect(names(buildTree(model).root.children, model.layers)).toEqual(["a", "b"]);
  });

  test("what follows in another module is not drawn with it", () => {
    const model = modelOf([
      { name: "block.a", reads: [0] },
      { name: "block.b", reads: ["block.a"] },
      relu("relu", "block.b"),
    ]);
    expect(names(buildTree(model).root.children, model.layers)).toEqual(["block", "relu"]);
  });
});

describe("boxes", () => {
  test("modules are boxes in boxes, and a module of one node is none", () => {
    const model = modelOf([
      { name: "a.b.conv1", reads: [0] },
      { name: "a.b.conv2", reads: ["a.b.conv1"] },
      { name: "a.down.0", reads: ["a.b.conv2"] },
      norm("a.down.1", "a.down.0"),
    ]);
    const [box] = buildTree(model).root.children;
    expect(box?.kind).toBe("box");
    expect(names((box as Box).children, model.layers)).toEqual(["a.b", "a.down.0 + a.down.1"]);
  });

  test("a module that is left and entered again is a box each time", () => {
    const model = modelOf([
      { name: "m.a", reads: [0] },
      { name: "m.b", reads: ["m.a"] },
      { name: "pool", op: "max_pool2d", kind: "pool", reads: ["m.b"] },
      { name: "m.c", reads: ["pool"] },
      { name: "m.d", reads: ["m.c"] },
    ]);
    expect(names(buildTree(model).root.children, model.layers)).toEqual(["m", "pool", "m"]);
  });

  test("a list of modules that are called in turn with others is no box", () => {
    const block = (name: string, reads: string | number) => [
      { name: `${name}.0`, reads: [reads] },
      { name: `${name}.1`, reads: [`${name}.0`] },
    ];
    const model = modelOf([
      ...block("downs.0", 0),
      { name: "pool", op: "max_pool2d", kind: "pool", reads: ["downs.0.1"] },
      ...block("downs.1", "pool"),
    ]);
    expect(names(buildTree(model).root.children, model.layers)).toEqual([
      "downs.0",
      "pool",
      "downs.1",
    ]);
  });
});

describe("equal blocks in a row", () => {
  test("the 22 equal blocks of a ResNet-101's third stage are one", () => {
    const tree = buildTree(modelOf(resnet([3, 4, 23, 3])));
    expect(runs(tree.root).map((x) => [x.path, x.repeat])).toEqual([
      ["layer2.1 … layer2.3", 3],
      ["layer3.1 … layer3.22", 22],
    ]);
  });

  test("blocks that differ in their channels are not one", () => {
    const tree = buildTree(modelOf(resnet([1, 1, 1, 1, 1])));
    expect(runs(tree.root)).toEqual([]);
  });

  test("blocks that are wired otherwise are not one", () => {
    const given = resnet([5]);
    const odd = given.find((x) => x.name === "layer1.3.add");
    if (odd) odd.reads = ["layer1.3.bn2", "layer1.1.relu2"];
    expect(runs(buildTree(modelOf(given)).root)).toEqual([]);
  });

  test("a thousand equal layers are one", () => {
    const given = Array.from({ length: 1000 }, (_, k) => ({
      name: `${k}`,
      reads: [k === 0 ? 0 : `${k - 1}`],
    }));
    const tree = buildTree(modelOf(given));
    expect(countDrawn(tree.root, openedAtFirst(tree))).toBe(1);
    expect(countDrawn(tree.root, openedAll(tree))).toBe(1000);
  });
});

describe("folding", () => {
  test("a small network is unfolded as a whole", () => {
    const tree = buildTree(modelOf(resnet([2, 2])));
    expect(openedAtFirst(tree)).toEqual(openedAll(tree));
  });

  test("of a large one no more is drawn at first than can be taken in", () => {
    const tree = buildTree(modelOf(resnet([3, 4, 23, 3])));
    const drawn = countDrawn(tree.root, openedAtFirst(tree));
    expect(drawn).toBeGreaterThanOrEqual(5);
    expect(drawn).toBeLessThanOrEqual(40);
  });

  test("folding to a depth opens that many levels", () => {
    const tree = buildTree(modelOf(resnet([2, 2])));
    expect(countDrawn(tree.root, openedToDepth(tree, 0))).toBe(4);
    expect(countDrawn(tree.root, openedToDepth(tree, 1))).toBe(6);
  });

  test("a box that is toggled twice is as it was", () => {
    const tree = buildTree(modelOf(resnet([2, 2])));
    const opened = openedAll(tree);
    const key = tree.root.children[1]?.key ?? "";
    expect(toggled(opened, key)).not.toEqual(opened);
    expect(toggled(toggled(opened, key), key)).toEqual(opened);
  });

  test("what hides a layer is opened, and nothing else", () => {
    const model = modelOf(resnet([3, 4, 23, 3]));
    const tree = buildTree(model);
    const layer = model.layers.findIndex((x) => x.name === "layer3.7.conv2");
    const opened = revealing(tree, openedToDepth(tree, 0), layer);
    expect(drawnAs(tree, opened, layer)).toBe(tree.unitOf[layer]);
    expect([...opened].map((key) => tree.boxOf.get(key)?.path)).toEqual(
      expect.arrayContaining(["layer3", "layer3.1 … layer3.22", "layer3.7"]),
    );
    expect(opened.size).toBe(4);
  });
});

test("a search finds layers by parts of their names, in the order in which they run", () => {
  const { layers } = modelOf(resnet([2, 2]));
  const found = search(layers, " Layer2.0.CONV ").map((k) => layers[k]?.name);
  expect(found).toEqual(["layer2.0.conv1", "layer2.0.conv2"]);
  expect(search(layers, "  ")).toEqual([]);
});
