/** Layers, boxes and edges as they are drawn. Everything that is written is a text node. */

import type { Layer, Verdict } from "../data";
import { markPath } from "../looks";
import type { DrawnBox, DrawnLine, DrawnUnit } from "./drawing";
import type { Pill } from "./layout";
import { sharesOf, sharesText, worstOf } from "./shares";
import { HEADER, PILL } from "./sizes";
import {
  boxDetail,
  boxTitle,
  fitted,
  lookOf,
  nameOf,
  textWidth,
  unitDetail,
  unitLabel,
  unitName,
} from "./words";

/** What is the same for everything that is drawn. */
export interface Scene {
  layers: readonly Layer[];
  verdictOf: (layer: number) => Verdict;
  selected: number | null;
  /** Layers that match what is searched for, and the one that was gone to. */
  hits: ReadonlySet<number>;
  hit: number | null;
  /** Key of what can be reached with the tab key. */
  tabbable: string;
}

/** The classes of what has a state: selected, found. */
function states(layers: readonly number[], scene: Scene): string {
  const has = (layer: number | null) => layer !== null && layers.includes(layer);
  const found = scene.hits.size > 0 && layers.some((layer) => scene.hits.has(layer));
  return [
    has(scene.selected) ? "selected" : "",
    found ? "hit" : "",
    has(scene.hit) ? "current-hit" : "",
  ].join(" ");
}

export function UnitNode({ drawn, scene }: { drawn: DrawnUnit; scene: Scene }) {
  const { unit, x, y, w, h, within } = drawn;
  const { layers } = scene;
  const index = unit.layers[0] ?? 0;
  const layer = layers[index];
  if (!layer) return null;
  const verdict = scene.verdictOf(index);
  const look = lookOf(unit, layers);
  const name = unitName(unit, layers, within);
  const detail = unitDetail(unit, layers);
  const label = unitLabel(unit, layers, verdict);
  const attention = layer.role === "attention" ? "attention" : "";
  return (
    // biome-ignore lint/a11y/useSemanticElements: there are no buttons in SVG
    <g
      class={`unit ${look} ${attention} ${states(unit.layers, scene)}`}
      transform={`translate(${x} ${y})`}
      data-key={unit.key}
      data-layer={layer.name}
      data-call={layer.call}
      data-verdict={verdict}
      data-look={verdict}
      role="button"
      aria-label={label}
      aria-pressed={scene.selected !== null && unit.layers.includes(scene.selected)}
      tabindex={scene.tabbable === unit.key ? 0 : -1}
    >
      <title>{label}</title>
      <rect class="face" width={w} height={h} rx={look === "join" ? h / 2 : 7} />
      {look === "join" ? (
        <text class="symbol" x={w / 2} y={h / 2} dy="0.35em">
          {name}
        </text>
      ) : (
        <>
          {look === "full" && (
            <rect class="stripe" width={5} height={h - 12} x={6} y={6} rx={2.5} />
          )}
          <UnitText look={look} name={name} detail={detail} w={w} h={h} />
          {verdict !== "not judged" && (
            <path
              class="verdict-mark"
              d={markPath(verdict, 46)}
              transform={`translate(${w - 14} 15)`}
            />
          )}
        </>
      )}
    </g>
  );
}

function UnitText(props: { look: string; name: string; detail: string; w: number; h: number }) {
  const { look, name, detail, w, h } = props;
  if (look === "slim") {
    const written = fitted(name, w * 0.55);
    return (
      <text x={10} y={h / 2} dy="0.35em">
        <tspan class="name">{written}</tspan>
        <tspan class="detail" dx={7}>
          {fitted(detail, w - 27 - textWidth(written), 11)}
        </tspan>
      </text>
    );
  }
  return (
    <>
      <text class="name" x={18} y={18}>
        {fitted(name, w - 42)}
      </text>
      <text class="detail" x={18} y={34}>
        {fitted(detail, w - 26, 11)}
      </text>
    </>
  );
}

/** What lies behind everything in an open box. */
export function BoxFrame({ drawn }: { drawn: DrawnBox }) {
  const { x, y, w, h, depth } = drawn;
  return (
    <rect class={`frame ${depth % 2 ? "odd" : "even"}`} x={x} y={y} width={w} height={h} rx={9} />
  );
}

/** A folded box, or the header of an open one. */
export function BoxNode({ drawn, scene }: { drawn: DrawnBox; scene: Scene }) {
  const { box, x, y, w, open, within } = drawn;
  const h = open ? HEADER : drawn.h;
  const { layers, verdictOf } = scene;
  const title = boxTitle(box, within);
  const detail = boxDetail(box, layers);
  const shares = sharesText(box, verdictOf);
  const times = box.repeat > 0 ? `, ${box.repeat} equal blocks in a row` : "";
  const worst = worstOf(box, verdictOf);
  const state = open ? states([], scene) : states(box.layers, scene);
  return (
    // biome-ignore lint/a11y/useSemanticElements: there are no buttons in SVG
    <g
      class={`box ${open ? "open" : "folded"} ${state}`}
      transform={`translate(${x} ${y})`}
      data-key={box.key}
      data-box={box.path}
      data-folded={open ? "false" : "true"}
      data-repeat={box.repeat > 0 ? box.repeat : undefined}
      data-look={worst}
      role="button"
      aria-expanded={open}
      aria-label={`${nameOf(box, layers)}${times}, ${detail}${shares ? `, ${shares}` : ""}`}
      tabindex={scene.tabbable === box.key ? 0 : -1}
    >
      <title>{[nameOf(box, layers), detail, shares].filter(Boolean).join("\n")}</title>
      {!open && box.repeat > 0 && (
        <>
          <rect class="stacked" x={7} y={7} width={w} height={h} rx={9} />
          <rect class="stacked" x={3.5} y={3.5} width={w} height={h} rx={9} />
        </>
      )}
      {open ? (
        <path class="face" d={`M0 ${h}V9a9 9 0 0 1 9-9H${w - 9}a9 9 0 0 1 9 9V${h}z`} />
      ) : (
        <rect class="face" width={w} height={h} rx={9} />
      )}
      <path class="fold-sign" d={open ? "M9 13h8l-4 5z" : "M10 10v8l5-4z"} />
      <text class="name" x={23} y={19}>
        {fitted(title, w - (box.repeat > 0 ? 84 : 48))}
      </text>
      {box.repeat > 0 && <Times count={box.repeat} x={w - 12} />}
      {!open && (
        <text class="detail" x={23} y={36}>
          {fitted(detail, w - 34, 11)}
        </text>
      )}
      {open ? (
        <Shares drawn={drawn} scene={scene} x={w - 92 - (box.repeat > 0 ? 44 : 0)} y={12} w={80} />
      ) : (
        <Shares drawn={drawn} scene={scene} x={12} y={h - 16} w={w - 24} />
      )}
    </g>
  );
}

function Times({ count, x }: { count: number; x: number }) {
  const text = `× ${count}`;
  const w = textWidth(text) + 10;
  return (
    <g class="times">
      <rect x={x - w} y={6} width={w} height={18} rx={9} />
      <text x={x - w / 2} y={15} dy="0.35em">
        {text}
      </text>
    </g>
  );
}

/** A bar of the verdicts on the convolutions inside, in the order in which they run. */
function Shares(props: { drawn: DrawnBox; scene: Scene; x: number; y: number; w: number }) {
  const { drawn, scene, x, y, w } = props;
  const shares = sharesOf(drawn.box, scene.verdictOf);
  return (
    <g class="shares" transform={`translate(${x} ${y})`}>
      {shares.map(({ verdict, from, to }) => (
        <g key={from} data-look={verdict}>
          <rect x={from * w} width={(to - from) * w} height={7} />
          {verdict === "unproductive" && (
            <rect class="hatch" x={from * w} width={(to - from) * w} height={7} />
          )}
        </g>
      ))}
    </g>
  );
}

export function PillNode({ pill }: { pill: Pill }) {
  return (
    <g class="pill" transform={`translate(${pill.x} ${pill.y})`}>
      <rect width={pill.w} height={PILL} rx={PILL / 2} />
      <text x={pill.w / 2} y={PILL / 2} dy="0.35em">
        {pill.label}
      </text>
    </g>
  );
}

export function LineNode({ line, lit }: { line: DrawnLine; lit: boolean }) {
  const kind = `${line.skip ? "skip" : "direct"} ${line.gate ? "gate" : ""} ${lit ? "lit" : ""}`;
  const arrow = lit ? "lit" : line.skip ? "skip" : "direct";
  return (
    <g class={`line ${kind}`} data-line={line.key}>
      <path class="near" d={line.path} />
      <path
        class="stroke"
        d={line.path}
        marker-end={line.ends ? `url(#graph-${arrow})` : undefined}
      />
      {line.label && !lit && (
        <text class="shape" x={line.label.x} y={line.label.y} dy="0.35em">
          {line.shape}
        </text>
      )}
    </g>
  );
}

/** What flows along an edge, written while somebody points at it. */
export function LineLabel({ line }: { line: DrawnLine }) {
  const w = textWidth(line.shape, 12) + 14;
  return (
    <g class="line-label" transform={`translate(${line.middle.x} ${line.middle.y})`}>
      <rect x={-w / 2} y={-11} width={w} height={22} rx={6} />
      <text dy="0.35em">{line.shape}</text>
    </g>
  );
}
