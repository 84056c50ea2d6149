import { describe, expect, it } from "vitest";
import { readAddress, writeAddress } from "../src/address";
import { curvePaths, HEIGHT, placeOf, sizeCurve, WIDTH } from "../src/curve";
import { joinPage } from "../src/data";
import { axesDiffer, figureData, shortened, shownLayers, tickStep } from "../src/figure";
import { byRule } from "../src/grouping";
import { along, rowsOf } from "../src/rows";
import { movingAxis, nearestStop, stopForKey, stopLengths } from "../src/slider";
import { change, dedented, lengths, share, short, tight } from "../src/text";
import { atSize, gaps, runAt, said, stopMarks } from "../src/verdicts";
import { MODEL, PAGE, PAGE_DATA, REPORT, SIZES } from "./fixture";

const verdicts = (stop: number | null) => {
  const at = atSize(MODEL, stop);
  return MODEL.layers.map((layer) => at.verdictOf(layer.index));
};

describe("a model at a size", () => {
  it("is the report's at the size that was linted", () => {
    expect(verdicts(null)).toEqual(["productive", "unproductive", "not judged"]);
    const at = atSize(MODEL, SIZES.linted);
    expect([at.linted, at.macs, at.convs, at.unproductive, at.border]).toEqual([
      true,
      100,
      2,
      1,
      1,
    ]);
  });

  it("is judged anew at another size, with its costs and its windows there", () => {
    expect(verdicts(3)).toEqual(["productive", "critical", "not judged"]);
    const at = atSize(MODEL, 3);
    expect([at.linted, at.macs, at.convs, at.unproductive, at.border]).toEqual([
      false,
      156,
      2,
      0,
      null,
    ]);
    expect(at.fieldsOf(2).kernel).toEqual([8, 8]);
    expect(atSize(MODEL, 1).fieldsOf(2).kernel).toEqual([4, 4]);
    expect(at.fieldsOf(0).kernel).toEqual([3, 3]);
  });

  it("has no verdict and no count where it does not run, or where nobody knows", () => {
    expect(verdicts(0)).toEqual(Array(3).fill("does not run"));
    expect(verdicts(4)).toEqual(Array(3).fill("not known"));
    expect(atSize(MODEL, 0)).toMatchObject({
      why: "too small",
      macs: null,
      convs: null,
      unproductive: null,
    });
  });

  it("is known at no other size without sizes", () => {
    const model = { ...MODEL, page: { ...MODEL.page, sizes: null } };
    expect(atSize(model, 3).linted).toBe(true);
  });

  it("is marked along the slider", () => {
    expect(stopMarks(SIZES)).toEqual(["fails", "unproductive", "unproductive", "sound", "unknown"]);
  });

  it("is a curve over the slider's sizes, with gaps where it does not run", () => {
    const curve = sizeCurve(SIZES);
    expect(curve.unproductive).toEqual([null, 1, 1, 0, null]);
    expect(curve.macs).toEqual([null, 25, 100, 156, null]);
    expect(curve.says).toBe(
      "At input sizes from 8 to 64: up to 1 unproductive convolution; 25 to 156 MACs",
    );
    const x = placeOf([8, 16, 32, 40, 64]);
    expect([x(8), x(36), x(64)]).toEqual([0, WIDTH / 2, WIDTH]);
    const paths = curvePaths(curve, [8, 16, 32, 40, 64]);
    const points = [...paths.macs.matchAll(/([\d.]+),([\d.]+)/g)].map((p) =>
      p.slice(1).map(Number),
    );
    expect(points.map(([at]) => at)).toEqual([16, 32, 40].map((n) => Math.round(x(n) * 1e3) / 1e3));
    expect(points.every(([, y]) => y !== undefined && y > 0 && y < HEIGHT)).toBe(true);
  });

  it("has an empty curve where nothing is known", () => {
    const unknown = { from: 0, state: "unknown" as const, why: "", as_at: null };
    const curve = sizeCurve({ ...SIZES, states: [unknown] });
    expect(curve.says).toBe("At input sizes from 8 to 64: no unproductive convolution");
    expect(curvePaths(curve, [8, 16, 32, 40, 64])).toEqual({
      wasted: "",
      unproductive: "",
      macs: "",
      unproductiveDots: "",
      macsDots: "",
    });
  });

  it("has dots for single sizes at which it runs", () => {
    const runs = ["fails", "runs", "fails", "runs", "runs"] as const;
    const states = runs.map((state, from) => ({ from, state, why: "", as_at: null }));
    const sizes = { ...SIZES, states, macs: [null, 25, null, 156, 400] };
    const paths = curvePaths(sizeCurve(sizes), [8, 16, 32, 40, 64]);
    expect(paths.macsDots.split("M").length - 1).toBe(1);
    expect(paths.macsDots).toContain(`M${placeOf([8, 64])(16)},`);
  });

  it("takes a run from where it begins", () => {
    const runs: [number, string][] = [
      [2, "a"],
      [5, "b"],
    ];
    expect([1, 2, 4, 5, 9].map((stop) => runAt(runs, stop, ([from]) => from)?.[1])).toEqual([
      undefined,
      "a",
      "a",
      "b",
      "b",
    ]);
  });
});

describe("the slider", () => {
  it("moves along the axis that changes", () => {
    expect(
      movingAxis([
        [16, 32, 32],
        [16, 64, 64],
      ]),
    ).toBe(1);
    expect(
      movingAxis([
        [8, 8],
        [64, 64],
      ]),
    ).toBe(0);
    expect(stopLengths(SIZES)).toEqual([8, 16, 32, 40, 64]);
  });

  it("stops at the nearest stop", () => {
    expect([0, 11, 13, 37, 500].map((x) => nearestStop([8, 16, 32, 40, 64], x))).toEqual([
      0, 0, 1, 3, 4,
    ]);
  });

  it("is moved by keys and stays within its ends", () => {
    expect(stopForKey("ArrowRight", 3, 5)).toBe(4);
    expect(stopForKey("ArrowRight", 4, 5)).toBe(4);
    expect(stopForKey("ArrowLeft", 0, 5)).toBe(0);
    expect(stopForKey("Home", 3, 5)).toBe(0);
    expect(stopForKey("End", 1, 5)).toBe(4);
    expect(stopForKey("Tab", 1, 5)).toBeNull();
  });
});

describe("the table", () => {
  const at = atSize(MODEL, null);
  const none = { text: "", verdict: "", kind: "" };
  const names = (
    filter: Partial<typeof none>,
    column: "order" | "params" | "r_max" = "order",
    down = false,
  ) => rowsOf(MODEL.layers, at, { ...none, ...filter }, { column, down }).map((x) => x.name);

  it("filters by text, verdict and kind", () => {
    expect(names({ text: "ADAPTIVE" })).toEqual(["pool"]);
    expect(names({ text: "net.py:3" })).toEqual(["first", "second"]);
    expect(names({ verdict: "unproductive" })).toEqual(["second"]);
    expect(names({ kind: "conv" })).toEqual(["first", "second"]);
    expect(names({ kind: "conv", text: "nothing" })).toEqual([]);
  });

  it("sorts, with what is unbounded beyond every number", () => {
    expect(names({}, "params")).toEqual(["pool", "first", "second"]);
    expect(names({}, "params", true)).toEqual(["second", "first", "pool"]);
    expect(names({}, "r_max", true)).toEqual(["pool", "first", "second"]);
  });
});

describe("the figure", () => {
  it("has convolutions and poolings, their lengths, and the border layer", () => {
    const data = figureData(shownLayers(MODEL), atSize(MODEL, null), 0);
    expect(data.points.map((x) => [x.rMin, x.rMax])).toEqual([
      [1, 1],
      [35, 1],
      [9, null],
    ]);
    expect([data.border, data.input, data.top]).toEqual([1, 32, 35]);
    expect(axesDiffer(shownLayers(MODEL), atSize(MODEL, null))).toBe(false);
  });

  it("names as many layers as there is room for", () => {
    expect(tickStep(20, 1000, 18)).toBe(1);
    expect(tickStep(1000, 300, 18)).toBe(60);
    expect(shortened("layer1.0.conv1", 20)).toBe("layer1.0.conv1");
    expect(shortened("features.denseblock4.denselayer16.conv2", 19)).toHaveLength(19);
  });
});

describe("findings", () => {
  it("are grouped by rule, line and message", () => {
    const [rule] = byRule(MODEL.report.findings, MODEL);
    expect(rule).toMatchObject({ code: "RF101", counts: [["warning", 3]], severity: "warning" });
    expect(
      rule?.places.map((x) => x.wordings.map((y) => y.map((z) => z.layers.map((l) => l.title)))),
    ).toEqual([[[["second", "first"]]], [[["pool"]]]]);
    expect(rule?.places[0]?.snippet?.first).toBe(2);
    expect(rule?.places[1]?.snippet).toBeNull();
  });
});

describe("findings that differ in names and numbers only", () => {
  const of = (messages: [string, string][]) => {
    const [finding] = MODEL.report.findings;
    if (!finding) throw new Error("there is none");
    return messages.map(([layer, message]) => ({ ...finding, layer, message }));
  };
  const grouped = (messages: [string, string][]) =>
    byRule(of(messages), MODEL)[0]?.places.map((place) => place.wordings.map((x) => x.length));

  it("have one wording", () => {
    expect(
      grouped([
        ["first", "its bias is subtracted by second, behind it: 16 parameters fewer"],
        ["second", "its bias is subtracted by pool, behind it: 1,024 parameters fewer"],
        ["pool", "its bias is subtracted by blocks.0.1, behind it: 2 parameters fewer"],
      ]),
    ).toEqual([[3]]);
    expect(
      grouped([
        ["first", "its 147 k parameters do nothing"],
        ["second", "its 30 parameters do nothing"],
        ["pool", "its 30 parameters do something"],
      ]),
    ).toEqual([[2, 1]]);
  });
});

describe("what is said of a size", () => {
  it("is a whole sentence, with or without a reason", () => {
    const at = atSize(MODEL, 0);
    expect(said(at)).toBe("The model does not run at 8×8: too small.");
    expect(said({ ...at, why: "" })).toBe("The model does not run at 8×8.");
    expect(said({ ...at, why: "no.", asAt: [9, 9] })).toBe(
      "The model does not run at 8×8, for the same reason as at 9×9: no.",
    );
  });

  it("counts in good grammar", () => {
    const at = atSize(MODEL, 3);
    expect(said(at)).toBe("At 40×40 none of 2 convolutions is unproductive.");
    expect(said({ ...at, convs: 1 })).toBe("At 40×40 its one convolution is not unproductive.");
    expect(said({ ...at, convs: 0 })).toBe("At 40×40 there is no convolution to judge.");
    expect(said(atSize(MODEL, null))).toBe("At 32×32, 1 of 2 convolutions is unproductive.");
  });

  it("tells why it is not known, and of gaps where there are many", () => {
    const because = "the model's code asks for sizes, and only 3 sizes were tried";
    expect(said(atSize(MODEL, 4))).toBe(
      `What becomes of the layers at 64×64 is not known: ${because}.`,
    );
    expect(gaps(SIZES)).toBe("");
    const gappy = {
      ...SIZES,
      states: [{ from: 0, state: "unknown" as const, why: "", as_at: null }],
    };
    expect(gaps(gappy)).toBe(`Sizes between are not known: ${because}.`);
  });
});

describe("a layer that has not all axes", () => {
  it("has lengths along its own", () => {
    const layer = { ...MODEL.layers[0], axes: [1] } as (typeof MODEL.layers)[number];
    expect(along(layer, [1, 5])).toEqual([5]);
  });
});

describe("the address", () => {
  const nowhere = { model: 0, stop: null, layer: null, theme: "auto" as const };

  it("says what is shown, and is read back", () => {
    const address = { model: 0, stop: 3, layer: 1, theme: "dark" as const };
    expect(readAddress(`#${writeAddress(address, PAGE)}`, PAGE)).toEqual(address);
    expect(writeAddress(nowhere, PAGE)).toBe("");
  });

  it("means nothing where it names what is not there", () => {
    for (const hash of [
      "",
      "#",
      "#layer=<img>&size=1e9&model=__proto__&theme=x",
      "#%",
      "#size=32x32",
    ]) {
      expect(readAddress(hash, PAGE)).toEqual(nowhere);
    }
  });
});

describe("numbers in words", () => {
  it("are short", () => {
    expect([0, 128, 9408, 590_000, 11_181_642, 37_016_576].map(short)).toEqual([
      "0",
      "128",
      "9.41 k",
      "590 k",
      "11.2 M",
      "37.0 M",
    ]);
    expect(lengths([3, 3])).toBe("3×3");
    expect(lengths([3, 3], true)).toBe("3");
    expect(lengths([null, 3])).toBe("∞×3");
    expect(share(1, 1000)).toBe("<1 %");
    expect(share(0, 0)).toBe("0 %");
  });

  it("tell a change", () => {
    expect(change(100, 14)).toBe("−86 %");
    expect(change(100, 185)).toBe("+85 %");
    expect(change(100, 510)).toBe("×5.1");
    expect(change(1000, 999)).toBe("−<1 %");
    expect(change(7, 7)).toBe("");
  });

  it("stay with their units, and code with its own indentation", () => {
    expect(tight("5.31 M of 11.2 M (47 %), 3 Maps")).toBe(
      "5.31\u00a0M of 11.2\u00a0M (47\u00a0%), 3 Maps",
    );
    expect(dedented(["    a", "", "      b"])).toEqual(["a", "", "  b"]);
    expect(dedented(["", ""])).toEqual(["", ""]);
  });
});

describe("the islands", () => {
  it("must be of one report", () => {
    expect(() => joinPage(REPORT, { ...PAGE_DATA, models: [] })).toThrow("knows nothing of model");
  });
});
