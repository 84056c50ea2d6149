/** What every layer reads, against the size of the input: the figure of the paper, to be explored. */

import { range } from "d3-array";
import { axisBottom, axisLeft, axisRight } from "d3-axis";
import { type NumberValue, type ScaleLinear, scaleLinear, scaleLog } from "d3-scale";
import { select } from "d3-selection";
import { line } from "d3-shape";
import { Component } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Layer, Model } from "../data";
import {
  axesDiffer,
  type FigureData,
  figureData,
  type Point,
  shortened,
  shownLayers,
  tickStep,
} from "../figure";
import { textWidth } from "../graph/words";
import { Mark, markPath, VERDICTS } from "../looks";
import type { Store } from "../state";
import { exact, plural, short, sizeText } from "../text";
import type { AtSize } from "../verdicts";
import { Section } from "./parts";

const LEFT = 58;
const RIGHT = 14;
/** The right margin where saturation and accuracy have an axis there. */
const SHARES = 52;
const TOP = 30;
const MAIN = 290;
const GAP = 30;
const BAR = 40;
const NAMES = 104;

const BARS = [
  { key: "dead_weights", title: "dead weights" },
  { key: "params", title: "parameters" },
  { key: "macs", title: "MACs" },
] as const;

const HEIGHT = TOP + MAIN + BARS.length * (GAP + BAR) + NAMES;

const AXIS_NAMES: Record<number, string[]> = {
  1: ["length"],
  2: ["height", "width"],
  3: ["depth", "height", "width"],
};

export function Figure({ store, model, at }: { store: Store; model: Model; at: AtSize }) {
  const layers = useMemo(() => shownLayers(model), [model]);
  const [axis, setAxis] = useState(0);
  const [log, setLog] = useState(true);
  const [looked, setLooked] = useState<number | null>(null);
  const holder = useRef<HTMLDivElement>(null);
  const width = useWidth(holder);
  const several = useMemo(() => axesDiffer(layers, at), [layers, at]);
  const data = useMemo(
    () => figureData(layers, at, several ? axis : 0, model.report.measured?.layers),
    [layers, at, axis, several, model],
  );
  if (layers.length === 0) return null;
  const names = AXIS_NAMES[at.size.length] ?? at.size.map((_, k) => `axis ${k + 1}`);
  return (
    <Section
      id="figure"
      title="Receptive fields against the input"
      lead={caption(data, at)}
      aside={
        <div class="switches">
          {several && (
            <Switch
              label="Axis"
              options={names}
              chosen={axis}
              choose={(chosen) => setAxis(chosen)}
            />
          )}
          <Switch
            label="Scale"
            options={["log", "linear"]}
            chosen={log ? 0 : 1}
            choose={(chosen) => setLog(chosen === 0)}
          />
        </div>
      }
    >
      <div class="figure-holder" ref={holder}>
        {width > 0 && (
          <Drawing
            store={store}
            data={data}
            at={at}
            linted={sizeText(model.report.resolution)}
            width={width}
            log={log}
            looked={looked}
            look={setLooked}
          />
        )}
      </div>
      <Legend data={data} />
      {model.page.measured && (
        <p class="measured" data-testid="measured">
          {model.page.measured}
        </p>
      )}
    </Section>
  );
}

function caption({ points, border, input }: FigureData, at: AtSize): string {
  if (at.state !== "runs")
    return "At this size no layer has a verdict; the lines are those of the linted size.";
  const name = border === null ? undefined : points[border]?.layer.title;
  return name
    ? `From ${name} on, the border layer, convolutions read more than all ${input} pixels of the input even on the shortest path.`
    : `No convolution reads more than all ${input} pixels of the input on its shortest path.`;
}

function useWidth(holder: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = holder.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    setWidth(element.clientWidth);
    observer.observe(element);
    return () => observer.disconnect();
  }, [holder]);
  return width;
}

function Switch(props: {
  label: string;
  options: string[];
  chosen: number;
  choose: (chosen: number) => void;
}) {
  return (
    <fieldset class="switch">
      <legend>{props.label}</legend>
      {props.options.map((option, k) => (
        <button
          type="button"
          key={option}
          aria-pressed={k === props.chosen}
          onClick={() => props.choose(k)}
        >
          {option}
        </button>
      ))}
    </fieldset>
  );
}

interface DrawingProps {
  store: Store;
  data: FigureData;
  at: AtSize;
  linted: string;
  width: number;
  log: boolean;
  looked: number | null;
  look: (position: number | null) => void;
}

function Drawing({ store, data, at, linted, width, log, looked, look }: DrawingProps) {
  const { points, input, border } = data;
  const isMeasured = points.some((point) => point.saturation !== null || point.probe !== null);
  const inner = width - LEFT - (isMeasured ? SHARES : RIGHT);
  const x = scaleLinear([-0.5, points.length - 0.5], [LEFT, LEFT + inner]);
  const unbounded = points.some((point) => point.rMin === null || point.rMax === null);
  const upper = TOP + (unbounded ? 26 : 0);
  const y = log
    ? scaleLog([1, Math.max(data.top * 1.15, 10)], [TOP + MAIN, upper])
    : scaleLinear([0, Math.max(data.top * 1.06, 10)], [TOP + MAIN, upper]);
  const yOf = (length: number | null) =>
    length === null ? TOP + 6 : y(Math.max(length, log ? 1 : 0));
  const step = inner / points.length;
  const dot = Math.min(Math.max(step * 0.32, 1.2), 4.5);
  const path = (of: (point: Point) => number | null) =>
    line<Point>(
      (_, k) => x(k),
      (point) => yOf(of(point)),
    )(points) ?? "";
  const chosen = points.findIndex((point) => point.layer.index === store.selected.value);
  const first = looked ?? (chosen >= 0 ? chosen : (border ?? 0));
  const reader = points[looked ?? -1];
  const bottom = TOP + MAIN + BARS.length * (GAP + BAR);
  const keys = (event: KeyboardEvent) => {
    const moves: Record<string, number> = {
      ArrowRight: first + 1,
      ArrowLeft: first - 1,
      Home: 0,
      End: points.length - 1,
    };
    const to = moves[event.key];
    const point = points[first];
    if (to !== undefined) look(Math.min(Math.max(to, 0), points.length - 1));
    else if ((event.key === "Enter" || event.key === " ") && point) store.select(point.layer.index);
    else return;
    event.preventDefault();
  };
  const layerAt = (event: MouseEvent) => {
    const column = event.target instanceof Element ? event.target.closest("[data-position]") : null;
    return column ? Number(column.getAttribute("data-position")) : null;
  };
  return (
    <>
      <svg
        class="figure-drawing"
        data-testid="figure"
        data-input={input}
        width={width}
        height={HEIGHT}
        viewBox={`0 0 ${width} ${HEIGHT}`}
        role="application"
        aria-label={`Receptive fields of ${plural(points.length, "layer")}: left and right arrow move from layer to layer, Enter selects`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: one stop for keys, which move on within
        tabIndex={0}
        onKeyDown={keys}
        onFocus={() => look(first)}
        onBlur={() => look(null)}
        onPointerDown={(event) => look(layerAt(event))}
        onPointerMove={(event) => look(layerAt(event))}
        onPointerLeave={() => look(null)}
        onClick={(event) => {
          const point = points[layerAt(event) ?? -1];
          if (point) store.select(point.layer.index);
        }}
      >
        <YAxis scale={y} log={log} inner={inner} />
        <text class="axis-title" transform={`translate(13 ${TOP + MAIN / 2}) rotate(-90)`}>
          receptive field of what it reads, px
        </text>
        {unbounded && (
          <text class="infinite" x={LEFT - 9} y={TOP + 11}>
            ∞
          </text>
        )}
        {BARS.map(({ key, title }, k) => (
          <Bars
            key={key}
            title={at.linted ? title : `${title} at ${linted}`}
            values={points.map(({ layer }) => layer[key])}
            x={x}
            top={TOP + MAIN + k * (GAP + BAR) + GAP}
          />
        ))}
        <Names layers={points.map(({ layer }) => layer)} x={x} y={bottom} inner={inner} />
        <text class="axis-title" x={LEFT + inner} y={HEIGHT - 4} text-anchor="end">
          convolutions and poolings, in order of execution
        </text>
        <Cursor kind="selected" position={chosen} x={x} bottom={bottom} />
        <Cursor kind="looked" position={looked ?? -1} x={x} bottom={bottom} />
        <path class="line-max" d={path((point) => point.rMax)} />
        <path class="line-min" d={path((point) => point.rMin)} />
        {isMeasured && <Measured points={points} x={x} end={LEFT + inner} />}
        <g class="input-size">
          <line x1={LEFT} x2={LEFT + inner} y1={yOf(input)} y2={yOf(input)} />
          <text x={LEFT + 6} y={yOf(input) - 6}>
            input {input} px
          </text>
        </g>
        {border !== null && (
          <Border x={x(border)} end={LEFT + inner} name={points[border]?.layer.title ?? ""} />
        )}
        {points.map((point, k) => (
          <Column
            key={point.layer.index}
            point={point}
            position={k}
            left={x(k - 0.5)}
            wide={step}
            low={yOf(point.rMin)}
            high={yOf(point.rMax)}
            bottom={bottom}
            dot={dot}
          />
        ))}
      </svg>
      {reader && <Tip point={reader} at={at} linted={linted} x={x(looked ?? 0)} width={width} />}
    </>
  );
}

type Scale = ScaleLinear<number, number>;

/** Saturation and the accuracy of probes, from 0 to 1 on an axis of their own (Figs. 2 and 4). */
function Measured({ points, x, end }: { points: Point[]; x: Scale; end: number }) {
  const group = useRef<SVGGElement>(null);
  const y = useMemo(() => scaleLinear([0, 1], [TOP + MAIN, TOP]), []);
  useEffect(() => {
    if (group.current) select(group.current).call(axisRight<NumberValue>(y).ticks(5).tickSize(4));
  }, [y]);
  const path = (of: (point: Point) => number | null) =>
    line<[number, number]>(
      ([k]) => x(k),
      ([, share]) => y(share),
    )(
      points.flatMap((point, k): [number, number][] => {
        const share = of(point);
        return share === null ? [] : [[k, share]];
      }),
    ) ?? "";
  return (
    <g class="shares-measured">
      <g class="axis shares-axis" transform={`translate(${end} 0)`} ref={group} />
      <text class="axis-title" transform={`translate(${end + 42} ${TOP + MAIN / 2}) rotate(90)`}>
        saturation, accuracy
      </text>
      <path
        class="line-saturation"
        data-testid="saturation"
        d={path((point) => point.saturation)}
      />
      <path class="line-probe" data-testid="probes" d={path((point) => point.probe)} />
    </g>
  );
}

function YAxis(props: { scale: Scale; log: boolean; inner: number }) {
  const { scale, log, inner } = props;
  const group = useRef<SVGGElement>(null);
  useEffect(() => {
    if (!group.current) return;
    const ticks = log ? powersOfTwo(scale.domain()[1] ?? 1) : scale.ticks(6);
    select(group.current).call(
      axisLeft<NumberValue>(scale)
        .tickValues(ticks)
        .tickFormat((value) => exact(value.valueOf()))
        .tickSize(-inner)
        .tickPadding(8),
    );
  }, [scale, log, inner]);
  return <g class="axis y-axis" transform={`translate(${LEFT} 0)`} ref={group} />;
}

/** 1, 2, 4 … or every second or third of them, so that they stay apart. */
function powersOfTwo(most: number): number[] {
  const count = Math.floor(Math.log2(most)) + 1;
  const step = Math.max(Math.ceil(count / 10), 1);
  return range(0, count, step).map((power) => 2 ** power);
}

function Names(props: { layers: Layer[]; x: Scale; y: number; inner: number }) {
  const { layers, x, y, inner } = props;
  const group = useRef<SVGGElement>(null);
  useEffect(() => {
    if (!group.current) return;
    const step = tickStep(layers.length, inner, 17);
    const axis = axisBottom<NumberValue>(x)
      .tickValues(range(0, layers.length, step))
      .tickFormat((value) => shortened(layers[value.valueOf()]?.title ?? "", 19))
      .tickSize(5)
      .tickPadding(6);
    select(group.current)
      .call(axis)
      .selectAll("text")
      .attr("transform", "rotate(-42)")
      .attr("text-anchor", "end")
      .attr("dx", "-0.5em")
      .attr("dy", "0.1em");
  }, [layers, x, inner]);
  return <g class="axis x-axis" transform={`translate(0 ${y})`} ref={group} />;
}

/** One path for the bars of all layers: there may be thousands. */
function Bars(props: { title: string; values: number[]; x: Scale; top: number }) {
  const { title, values, x, top } = props;
  const most = Math.max(...values, 0);
  const height = scaleLinear([0, most || 1], [0, BAR]);
  const wide = Math.max((x(1) - x(0)) * 0.7, 0.8);
  const d = values
    .map((value, k) => (value > 0 ? bar(x(k) - wide / 2, top + BAR, wide, height(value)) : ""))
    .join("");
  const [from, to] = x.range();
  return (
    <g class="bars" data-bars={title}>
      <text x={from} y={top - 6}>
        {title}
      </text>
      <text class="most" x={to} y={top - 6} text-anchor="end">
        {most > 0 ? `up to ${short(most)}` : "none"}
      </text>
      <line class="base" x1={from} x2={to} y1={top + BAR} y2={top + BAR} />
      <path d={d} />
    </g>
  );
}

/** Something that is more than nothing is at least a hairline. */
const bar = (left: number, base: number, wide: number, height: number) =>
  `M${left} ${base}v${-Math.max(height, 0.75)}h${wide}V${base}z`;

function Cursor(props: { kind: string; position: number; x: Scale; bottom: number }) {
  const { position, x } = props;
  if (position < 0) return null;
  const left = x(position - 0.5);
  return (
    <rect
      class={`cursor ${props.kind}`}
      x={Math.min(left, x(position) - 1.5)}
      y={TOP}
      width={Math.max(x(position + 0.5) - left, 3)}
      height={props.bottom - TOP}
    />
  );
}

interface ColumnProps {
  point: Point;
  position: number;
  left: number;
  wide: number;
  low: number;
  high: number;
  bottom: number;
  dot: number;
}

/** All that is drawn of one layer, and where the pointer finds it. Drawn anew only on a change. */
class Column extends Component<ColumnProps> {
  override shouldComponentUpdate(next: ColumnProps) {
    const now = this.props;
    return (Object.keys(next) as (keyof ColumnProps)[]).some((key) => next[key] !== now[key]);
  }

  override render({ point, position, left, wide, low, high, bottom, dot }: ColumnProps) {
    const { layer, verdict } = point;
    const center = left + wide / 2;
    return (
      <g
        class="column"
        data-layer={layer.name}
        data-call={layer.call}
        data-index={layer.index}
        data-position={position}
        data-verdict={verdict}
        data-look={verdict}
        data-r-min={point.rMin ?? "unbounded"}
        data-r-max={point.rMax ?? "unbounded"}
      >
        <rect x={left} y={TOP} width={wide} height={bottom - TOP} />
        <circle class="max" cx={center} cy={high} r={dot * 0.8} />
        <path
          class="min"
          transform={`translate(${center} ${low})`}
          d={markPath(verdict, dot * dot * 4)}
        />
      </g>
    );
  }
}

function Border({ x, end, name }: { x: number; end: number; name: string }) {
  const words = `border layer: ${shortened(name, 30)}`;
  const leftwards = x + 8 + textWidth(words) > end;
  return (
    <g class="border">
      <line x1={x} x2={x} y1={TOP - 8} y2={TOP + MAIN} />
      <text x={x + (leftwards ? -8 : 8)} y={TOP - 12} text-anchor={leftwards ? "end" : "start"}>
        {words}
      </text>
    </g>
  );
}

function Tip(props: { point: Point; at: AtSize; linted: string; x: number; width: number }) {
  const { point, at, linted, x, width } = props;
  const { layer, verdict } = point;
  const px = (length: number | null) => (length === null ? "unbounded" : `${exact(length)} px`);
  const right = x > width / 2;
  return (
    <div
      class="tip"
      role="status"
      style={right ? { right: `${width - x + 14}px` } : { left: `${x + 14}px` }}
    >
      <strong>{layer.title}</strong>
      <span class="tip-verdict" data-look={verdict}>
        <Mark verdict={verdict} /> {verdict}
      </span>
      <dl>
        <dt>reads, min</dt>
        <dd>{px(point.rMin)}</dd>
        <dt>reads, max</dt>
        <dd>{px(point.rMax)}</dd>
        <dt>parameters</dt>
        <dd>{exact(layer.params)}</dd>
        <dt>MACs</dt>
        <dd>{exact(layer.macs)}</dd>
        <dt>dead weights</dt>
        <dd>{exact(layer.dead_weights)}</dd>
        {point.saturation !== null && <dt>saturation</dt>}
        {point.saturation !== null && <dd>{point.saturation.toFixed(2)}</dd>}
        {point.probe !== null && <dt>probe</dt>}
        {point.probe !== null && <dd>{(100 * point.probe).toFixed(1)} %</dd>}
      </dl>
      {!at.linted && <p class="muted">MACs and dead weights at {linted}</p>}
    </div>
  );
}

function Legend({ data }: { data: FigureData }) {
  const measured = [
    {
      look: "line-saturation",
      meaning: "saturation, measured",
      is: data.points.some((point) => point.saturation !== null),
    },
    {
      look: "line-probe",
      meaning: "accuracy of a probe, measured",
      is: data.points.some((point) => point.probe !== null),
    },
  ].filter(({ is }) => is);
  const present = VERDICTS.filter((verdict) => data.points.some((x) => x.verdict === verdict));
  return (
    <ul class="legend">
      <li>
        <svg class="key" viewBox="0 0 26 10" aria-hidden="true">
          <line class="line-min" x1="0" x2="26" y1="5" y2="5" />
        </svg>
        smallest, over all paths
      </li>
      <li>
        <svg class="key" viewBox="0 0 26 10" aria-hidden="true">
          <line class="line-max" x1="0" x2="26" y1="5" y2="5" />
        </svg>
        largest
      </li>
      {measured.map(({ look, meaning }) => (
        <li key={look}>
          <svg class="key" viewBox="0 0 26 10" aria-hidden="true">
            <line class={look} x1="0" x2="26" y1="5" y2="5" />
          </svg>
          {meaning}
        </li>
      ))}
      {present.map((verdict) => (
        <li key={verdict}>
          <Mark verdict={verdict} />
          {verdict}
        </li>
      ))}
    </ul>
  );
}
