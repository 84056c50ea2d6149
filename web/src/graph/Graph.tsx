import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Model, Verdict } from "../data";
import type { LayerFields } from "../verdicts";
import { anchorOf, type Drawing, type DrawnLine, draw } from "./drawing";
import {
  depthOf,
  drawnAs,
  type Opened,
  openedAll,
  openedAtFirst,
  openedToDepth,
  revealing,
  toggled,
} from "./folding";
import type { Point } from "./geometry";
import { Layouts } from "./layout";
import { levelsOf } from "./levels";
import { neighbour } from "./neighbours";
import { BoxFrame, BoxNode, LineLabel, LineNode, PillNode, type Scene, UnitNode } from "./nodes";
import { search } from "./search";
import { HEADER, PILL } from "./sizes";
import { Toolbar } from "./Toolbar";
import { buildTree, type Tree } from "./tree";
import type { Wired } from "./units";
import { meets, useView, type View } from "./view";
import "./graph.css";

export interface GraphProps {
  model: Model;
  /** The verdict on a layer, by its index, at the size that is chosen. */
  verdictOf: (layer: number) => Verdict;
  /** The receptive fields and the kernel of a layer at the size that is chosen. */
  fieldsOf: (layer: number) => LayerFields;
  /** Index of the selected layer. */
  selected: number | null;
  onSelect: (layer: number | null) => void;
}

/** Above so many things, only those in and around the view are drawn. */
const LARGE = 400;
/** Text is read at this scale and above. */
const READABLE = 0.62;
const EDGE = 18;
/** How much wider than the view a drawing may be. */
const WIDENED = 1.2;

interface Structure {
  tree: Tree;
  layouts: Layouts;
}

function structureOf(model: Model, everyLayer: boolean): Structure {
  const { inputs, outputs } = model.page;
  const wired: Wired = { layers: model.layers, inputs, outputs };
  const tree = buildTree(wired, everyLayer);
  return { tree, layouts: new Layouts(tree, levelsOf(tree, wired), wired) };
}

/** The model as a graph, layer by layer and module by module. */
export function Graph({ model, verdictOf, selected, onSelect }: GraphProps) {
  const [everyLayer, setEveryLayer] = useState(false);
  const { tree, layouts } = useMemo(() => structureOf(model, everyLayer), [model, everyLayer]);
  const [folding, setFolding] = useState<{ tree: Tree; opened: Opened } | null>(null);
  const atFirst = useMemo(() => openedAtFirst(tree), [tree]);
  const opened = folding?.tree === tree ? folding.opened : atFirst;
  const setOpened = (next: Opened) => setFolding({ tree, opened: next });
  const room = useRoom();
  const drawing = useMemo(
    () => draw(layouts.layout(opened, room), tree),
    [layouts, opened, room, tree],
  );

  const svg = useRef<SVGSVGElement>(null);
  const canvas = useRef<SVGGElement>(null);
  const { view, drawn } = useView(svg, canvas, drawing.at.size > LARGE);

  // what is to be done to the view once the next drawing is there
  const next = useRef<((drawing: Drawing) => void) | null>(null);
  useLayoutEffect(() => startView(view, drawing), [tree, view]);
  useLayoutEffect(() => {
    next.current?.(drawing);
    next.current = null;
  });

  const [reached, setReached] = useState("");
  const [pointed, setPointed] = useState<{ line?: string; key?: string }>({});

  const showLayer = (layer: number) => {
    const open = revealing(tree, opened, layer);
    next.current = (there) => {
      const at = there.at.get(tree.unitOf[layer]?.key ?? "");
      if (at) view.centre(at, Math.max(view.transform().k, READABLE + 0.2));
    };
    setOpened(open === opened ? new Set(opened) : open);
  };

  const own = useRef<number | null>(null);
  useEffect(() => {
    if (selected !== null && selected !== own.current) showLayer(selected);
    own.current = selected;
  }, [selected, tree]);

  const [text, setText] = useState("");
  const matches = useMemo(() => search(model.layers, text), [model, text]);
  const hits = useMemo(() => new Set(matches), [matches]);
  const [current, setCurrent] = useState<number | null>(null);
  const step = (by: 1 | -1) => {
    if (matches.length === 0) return;
    const from = current ?? (by > 0 ? -1 : 0);
    const to = (from + by + matches.length) % matches.length;
    setCurrent(to);
    const layer = matches[to];
    if (layer === undefined) return;
    showLayer(layer);
    // all of it, since the layer may come to lie anywhere in it
    svg.current?.scrollIntoView({ block: "nearest" });
  };

  const toggle = (key: string) => {
    const before = drawing.at.get(key);
    const { x, y, k } = view.transform();
    if (before) {
      const at = anchorOf(before);
      const screen = { x: at.x * k + x, y: at.y * k + y };
      next.current = (there) => {
        const after = there.at.get(key);
        if (after) view.put(anchorOf(after), screen);
        // boxes change places in the document, which takes the focus from them
        focus(svg.current, key);
      };
    }
    setOpened(toggled(opened, key));
  };

  const act = (key: string) => {
    if (tree.boxOf.has(key)) return toggle(key);
    const layer = drawing.units.find((x) => x.key === key)?.unit.layers[0];
    if (layer === undefined) return;
    own.current = layer;
    onSelect(layer);
  };

  const fold = (how: "all" | "none" | "first" | number) => {
    next.current = (there) => startView(view, there);
    if (how === "all") setOpened(openedAll(tree));
    else if (how === "none") setOpened(openedToDepth(tree, 0));
    else if (how === "first") setOpened(new Set(atFirst));
    else setOpened(openedToDepth(tree, how));
  };

  const zoom = (how: "in" | "out" | "fit") => {
    if (how === "fit") fitView(view, drawing);
    else view.scaleBy(how === "in" ? 1.3 : 1 / 1.3);
  };

  const focusables = useMemo(() => focusablesOf(drawing), [drawing]);
  const tabbable = drawing.at.has(reached) ? reached : (focusables[0]?.key ?? "");

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const from = focusables.find((x) => x.key === keyOf(event.target));
    if (event.key === "+" || event.key === "=") zoom("in");
    else if (event.key === "-") zoom("out");
    else if (event.key === "0") zoom("fit");
    else if (event.key === "Escape" && selected !== null) onSelect(null);
    else if (from && (event.key === "Enter" || event.key === " ")) act(from.key);
    else if (event.key.startsWith("Arrow")) {
      const to = from ? neighbour(focusables, from, event.key) : focusables[0];
      if (to) {
        view.show(to);
        setReached(to.key);
        next.current = () => focus(svg.current, to.key);
      }
    } else return;
    event.preventDefault();
  };

  const scene: Scene = {
    layers: model.layers,
    verdictOf,
    selected,
    hits,
    hit: current === null ? null : (matches[current] ?? null),
    tabbable,
  };
  const lit = litLayers(drawing, tree, opened, pointed.key, selected);
  const shown = {
    frames: drawing.boxes.filter((x) => x.open && meets(x, drawn)),
    boxes: drawing.boxes.filter((x) => meets(x, drawn)),
    units: drawing.units.filter((x) => meets(x, drawn)),
    lines: drawing.lines.filter((x) => inSight(x, drawn)),
  };
  const pointedLine = drawing.lines.find((line) => line.key === pointed.line);

  return (
    <div class="graph" data-testid="graph">
      <Toolbar
        text={text}
        matches={matches.length}
        current={current}
        depths={depthOf(tree)}
        everyLayer={everyLayer}
        onText={(value) => {
          setText(value);
          setCurrent(null);
        }}
        onStep={step}
        onFold={fold}
        onEveryLayer={setEveryLayer}
        onZoom={zoom}
      />
      {/* biome-ignore lint/a11y/useSemanticElements: there are no elements for that in SVG */}
      <svg
        ref={svg}
        class="graph-view"
        role="group"
        aria-label={`Graph of ${model.page.label}: arrow keys move, Enter folds or selects`}
        onKeyDown={onKeyDown}
        onClick={(event) => {
          const key = keyOf(event.target);
          if (key !== null) act(key);
        }}
        onFocusIn={(event: FocusEvent) => {
          const key = keyOf(event.target);
          if (key !== null) setReached(key);
        }}
        onPointerOver={(event) => setPointed(pointedAt(event.target))}
        onPointerLeave={() => setPointed({})}
      >
        <Definitions />
        <g ref={canvas}>
          {shown.frames.map((x) => (
            <BoxFrame key={x.key} drawn={x} />
          ))}
          {shown.lines.map((line) => (
            <LineNode
              key={line.key}
              line={line}
              lit={line.key === pointed.line || touches(line, lit)}
            />
          ))}
          {drawing.pills.map((pill) => (
            <PillNode key={`${pill.label} ${pill.x}`} pill={pill} />
          ))}
          {shown.boxes.map((x) => (
            <BoxNode key={x.key} drawn={x} scene={scene} />
          ))}
          {shown.units.map((x) => (
            <UnitNode key={x.key} drawn={x} scene={scene} />
          ))}
          {pointedLine && pointedLine.shape !== "" && <LineLabel line={pointedLine} />}
        </g>
      </svg>
      <Legend
        skips={drawing.lines.some((line) => line.skip)}
        gates={drawing.lines.some((line) => line.gate)}
        attention={model.layers.some((layer) => layer.role === "attention")}
      />
      <p class="graph-hint muted">
        Click into the graph, then scroll to zoom and drag to move. Arrow keys go from node to node,
        Enter folds and selects, 0 fits.
      </p>
    </div>
  );
}

/** What lines and frames mean that are not plain. */
function Legend(props: { skips: boolean; gates: boolean; attention: boolean }) {
  const { skips, gates, attention } = props;
  if (!skips && !gates && !attention) return null;
  const line = (kind: string) => (
    <svg class="graph-key" viewBox="0 0 30 10" aria-hidden="true">
      <g class={`line ${kind}`}>
        <path class="stroke" d="M0 5H30" />
      </g>
    </svg>
  );
  return (
    <ul class="graph-legend" data-testid="graph-legend">
      {skips && <li>{line("skip")} skip: passes other layers by</li>}
      {gates && <li>{line("gate")} gate: scales what it meets</li>}
      {attention && (
        <li>
          <svg class="graph-key" viewBox="0 0 30 14" aria-hidden="true">
            <g class="unit attention">
              <rect class="face" x="1" y="1" width="28" height="12" rx="4" />
            </g>
          </svg>{" "}
          layer that makes gates, not features
        </li>
      )}
    </ul>
  );
}

/** How wide a drawing may be that is to be read as a whole; 0 on narrow screens. */
function useRoom(): number {
  const [width, setWidth] = useState(window.innerWidth);
  useEffect(() => {
    const resized = () => setWidth(window.innerWidth);
    window.addEventListener("resize", resized);
    return () => window.removeEventListener("resize", resized);
  }, []);
  if (width < 760) return 0;
  return Math.floor(Math.min(width - 64, 1116) / 100) * 100 * WIDENED;
}

/** Arrow heads, and the hatching that tells what is unproductive without colours. */
function Definitions() {
  return (
    <defs>
      {["direct", "skip", "lit"].map((kind) => (
        <marker
          key={kind}
          id={`graph-${kind}`}
          class={`arrow ${kind}`}
          viewBox="0 0 8 8"
          refX={7}
          refY={4}
          markerWidth={8}
          markerHeight={8}
          markerUnits="userSpaceOnUse"
          orient="auto"
        >
          <path d="M0 0.8L7.5 4L0 7.2z" />
        </marker>
      ))}
      <pattern
        id="graph-hatch"
        width={4}
        height={4}
        patternUnits="userSpaceOnUse"
        patternTransform="rotate(45)"
      >
        <rect class="hatching" width={1.4} height={4} />
      </pattern>
    </defs>
  );
}

/** Readable, from the top: the whole width where that can be read. */
function startView(view: View, drawing: Drawing): void {
  const { w } = view.size();
  if (w === 0) return;
  const scale = Math.min(1, Math.max(READABLE, (w - 2 * EDGE) / drawing.w));
  const fits = drawing.w * scale <= w - 2 * EDGE + 1;
  const axis = drawing.pills[0] ? drawing.pills[0].x + drawing.pills[0].w / 2 : drawing.w / 2;
  // no empty space beside what does not fit
  const least = w - EDGE - (drawing.w - axis) * scale;
  const to = Math.max(least, Math.min(w / 2, EDGE + axis * scale));
  const x = fits ? drawing.w / 2 : axis;
  view.put({ x, y: -PILL }, { x: fits ? w / 2 : to, y: EDGE }, scale);
}

function fitView(view: View, drawing: Drawing): void {
  const { w, h } = view.size();
  const scale = Math.min(1.2, (w - 2 * EDGE) / drawing.w, (h - 2 * EDGE) / drawing.h);
  view.centre({ x: 0, y: -PILL, w: drawing.w, h: drawing.h }, scale);
}

function focusablesOf(drawing: Drawing) {
  const headers = drawing.boxes.map((x) => (x.open ? { ...x, h: HEADER } : x));
  return [...headers, ...drawing.units].sort((a, b) => a.y - b.y || a.x - b.x);
}

function keyOf(target: EventTarget | null): string | null {
  if (!(target instanceof Element)) return null;
  return target.closest("[data-key]")?.getAttribute("data-key") ?? null;
}

function pointedAt(target: EventTarget | null): { line?: string; key?: string } {
  const key = keyOf(target);
  if (key !== null) return { key };
  const line = target instanceof Element ? target.closest("[data-line]") : null;
  return line ? { line: line.getAttribute("data-line") ?? "" } : {};
}

function focus(svg: SVGSVGElement | null, key: string): void {
  for (const element of svg?.querySelectorAll<SVGGElement>("[data-key]") ?? []) {
    if (element.getAttribute("data-key") === key) element.focus({ preventScroll: true });
  }
}

/** The layers whose edges are shown lit: of what is pointed at, else of what is selected. */
function litLayers(
  drawing: Drawing,
  tree: Tree,
  opened: Opened,
  key: string | undefined,
  selected: number | null,
): ReadonlySet<number> {
  const box = key === undefined ? undefined : tree.boxOf.get(key);
  if (box) return new Set(opened.has(box.key) ? [] : box.layers);
  const unit = drawing.units.find((x) => x.key === key)?.unit;
  if (unit) return new Set(unit.layers);
  if (selected === null) return new Set();
  return new Set(drawnAs(tree, opened, selected)?.layers ?? []);
}

/** Whether a line leads to or from what is lit, and does not lie within it. */
function touches({ wires }: DrawnLine, lit: ReadonlySet<number>): boolean {
  return lit.size > 0 && wires.some(({ from, to }) => lit.has(from) !== lit.has(to));
}

function inSight(
  line: { top: number; bottom: number },
  drawn: (Point & { h: number }) | null,
): boolean {
  return drawn === null || (line.bottom >= drawn.y && line.top <= drawn.y + drawn.h);
}
