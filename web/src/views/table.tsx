/** All layers with their numbers: to sort, to search and to filter. */

import { Component } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Layer, Model, Verdict } from "../data";
import { VERDICTS, VerdictChip } from "../looks";
import { along, type Column, rowsOf, type Sort } from "../rows";
import { NO_FILTER, type Store } from "../state";
import { exact, lengths, plural, short, sizeText } from "../text";
import type { AtSize, LayerFields } from "../verdicts";
import { Section } from "./parts";

const COLUMNS: { column: Column; title: string; number?: boolean; ofLinted?: boolean }[] = [
  { column: "order", title: "#", number: true },
  { column: "name", title: "Layer" },
  { column: "verdict", title: "Verdict" },
  { column: "op", title: "Operator" },
  { column: "kernel", title: "Kernel", number: true },
  { column: "stride", title: "Stride", number: true },
  { column: "map", title: "Map", number: true, ofLinted: true },
  { column: "channels", title: "Ch.", number: true },
  { column: "r_min", title: "Sees min", number: true },
  { column: "r_max", title: "Sees max", number: true },
  { column: "params", title: "Params", number: true },
  { column: "macs", title: "MACs", number: true, ofLinted: true },
  { column: "dead", title: "Dead", number: true, ofLinted: true },
  { column: "source", title: "Source" },
];

const FIRST: Sort = { column: "order", down: false };

export function LayerTable({ store, model, at }: { store: Store; model: Model; at: AtSize }) {
  const [sort, setSort] = useState(FIRST);
  const filter = store.filter.value;
  const rows = useMemo(() => rowsOf(model.layers, at, filter, sort), [model, at, filter, sort]);
  const body = useRef<HTMLTableSectionElement>(null);
  const selected = store.selected.value;
  useShown(body, selected);
  const [reached, setReached] = useState(0);
  const tabbable = rows.some((x) => x.index === selected)
    ? selected
    : (rows.find((x) => x.index === reached) ?? rows[0])?.index;
  return (
    <Section
      id="layers"
      title="All layers"
      lead={`What a layer sees is the receptive field of what it reads, in input pixels.${
        at.linted ? "" : ` Columns marked with * are those at ${sizeText(model.report.resolution)}.`
      }`}
    >
      <Filters store={store} model={model} at={at} shown={rows.length} />
      <div class="table-scroll">
        <table class="layers-table">
          <thead>
            <tr>
              {COLUMNS.map((head) => (
                <Head
                  key={head.column}
                  {...head}
                  sort={sort}
                  setSort={setSort}
                  stale={!at.linted}
                />
              ))}
            </tr>
          </thead>
          <tbody
            ref={body}
            onClick={(event) => {
              const index = indexOf(event.target);
              if (index !== null) store.select(index);
            }}
            onFocusIn={(event: FocusEvent) => setReached(indexOf(event.target) ?? reached)}
            onKeyDown={(event) => {
              const index = indexOf(event.target);
              if (index === null) return;
              if (event.key === "Enter" || event.key === " ") store.select(index);
              else if (!focusOther(event.key, event.target)) return;
              event.preventDefault();
            }}
          >
            {rows.map((layer) => (
              <Row
                key={layer.index}
                layer={layer}
                verdict={at.verdictOf(layer.index)}
                fields={at.fieldsOf(layer.index)}
                selected={layer.index === selected}
                tabbable={layer.index === tabbable}
              />
            ))}
          </tbody>
        </table>
        {rows.length === 0 && <p class="muted empty">No layer passes the filter.</p>}
      </div>
    </Section>
  );
}

function indexOf(target: EventTarget | null): number | null {
  const row = target instanceof Element ? target.closest<HTMLElement>("tr[data-index]") : null;
  return row ? Number(row.dataset.index) : null;
}

/** Whether a key led to another row. */
function focusOther(key: string, target: EventTarget | null): boolean {
  const row = target instanceof Element ? target.closest("tr") : null;
  const others: Record<string, Element | null | undefined> = {
    ArrowDown: row?.nextElementSibling,
    ArrowUp: row?.previousElementSibling,
    Home: row?.parentElement?.firstElementChild,
    End: row?.parentElement?.lastElementChild,
  };
  if (!(key in others)) return false;
  const other = others[key];
  if (other instanceof HTMLElement) other.focus();
  return true;
}

/** A layer that was selected elsewhere comes into sight within the table, not in the window. */
function useShown(body: { current: HTMLElement | null }, selected: number | null) {
  useEffect(() => {
    const row = body.current?.querySelector<HTMLElement>(`tr[data-index="${selected}"]`);
    const scroll = row?.closest<HTMLElement>(".table-scroll");
    if (!row || !scroll) return;
    const [top, bottom] = [row.offsetTop, row.offsetTop + row.offsetHeight];
    const head = scroll.querySelector("thead")?.offsetHeight ?? 0;
    if (top < scroll.scrollTop + head || bottom > scroll.scrollTop + scroll.clientHeight) {
      scroll.scrollTop = top - scroll.clientHeight / 2;
    }
  }, [body, selected]);
}

function Head(props: {
  column: Column;
  title: string;
  number?: boolean;
  ofLinted?: boolean;
  sort: Sort;
  setSort: (sort: Sort) => void;
  stale: boolean;
}) {
  const { column, sort } = props;
  const sorted = sort.column === column;
  return (
    <th
      scope="col"
      data-column={column}
      class={props.number ? "number-cell" : undefined}
      aria-sort={sorted ? (sort.down ? "descending" : "ascending") : "none"}
    >
      <button
        type="button"
        data-sort={column}
        onClick={() => props.setSort({ column, down: sorted ? !sort.down : false })}
      >
        {props.title}
        {props.ofLinted && props.stale ? "*" : ""}
        <span class="arrow" aria-hidden="true">
          {sorted ? (sort.down ? "↓" : "↑") : ""}
        </span>
      </button>
    </th>
  );
}

interface RowProps {
  layer: Layer;
  verdict: Verdict;
  fields: LayerFields;
  selected: boolean;
  tabbable: boolean;
}

/** Drawn anew only where something of it changed: there may be thousands. */
class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps) {
    const now = this.props;
    return (Object.keys(next) as (keyof RowProps)[]).some((key) => next[key] !== now[key]);
  }

  override render({ layer, verdict, fields, selected, tabbable }: RowProps) {
    const place = layer.source ? `${layer.source.path}:${layer.source.line}` : "";
    return (
      <tr
        data-layer={layer.name}
        data-call={layer.call}
        data-index={layer.index}
        data-verdict={verdict}
        aria-selected={selected}
        tabIndex={tabbable ? 0 : -1}
      >
        <td class="number-cell muted">{layer.index + 1}</td>
        <th scope="row" title={layer.title}>
          <Middle text={layer.title} />
        </th>
        <td>
          <VerdictChip verdict={verdict} />
        </td>
        <td class="op" title={layer.op}>
          {layer.op}
        </td>
        <td class="number-cell">
          {layer.kind === "conv" || notOne(fields.kernel)
            ? lengths(along(layer, fields.kernel))
            : ""}
        </td>
        <td class="number-cell">
          {notOne(layer.stride) ? lengths(along(layer, layer.stride), true) : ""}
        </td>
        <td class="number-cell" data-map>
          {lengths(layer.map)}
        </td>
        <td class="number-cell">{layer.channels ?? ""}</td>
        <td class="number-cell">{lengths(along(layer, fields.r_in_min), true)}</td>
        <td class="number-cell">{lengths(along(layer, fields.r_in_max), true)}</td>
        <td class="number-cell" title={exact(layer.params)}>
          {layer.params ? short(layer.params) : ""}
        </td>
        <td class="number-cell" title={exact(layer.macs)}>
          {layer.macs ? short(layer.macs) : ""}
        </td>
        <td class="number-cell" title={exact(layer.dead_weights)}>
          {layer.dead_weights ? short(layer.dead_weights) : ""}
        </td>
        <td class="path" title={place}>
          <Middle text={place} />
        </td>
      </tr>
    );
  }
}

/** So much of the end of a name stays where the middle of it has no room. */
const KEPT = 14;

/** A text that loses its middle where it has no room: the ends of names and paths tell most. */
function Middle({ text }: { text: string }) {
  const characters = [...text];
  return (
    <span class="middle">
      <span class="head">{characters.slice(0, -KEPT).join("")}</span>
      <span class="tail">{characters.slice(-KEPT).join("")}</span>
    </span>
  );
}

const notOne = (values: LayerFields["kernel"]) => values.some((value) => value !== 1);

function Filters(props: { store: Store; model: Model; at: AtSize; shown: number }) {
  const { store, model, at } = props;
  const filter = store.filter.value;
  const kinds = [...new Set(model.layers.map((layer) => layer.kind))].sort();
  const present = new Set<Verdict>(model.layers.map((layer) => at.verdictOf(layer.index)));
  const set = (part: Partial<typeof filter>) => {
    store.filter.value = { ...filter, ...part };
  };
  return (
    <search class="filters">
      <label>
        <span>Search</span>
        <input
          type="search"
          data-testid="search"
          placeholder="name, operator or file"
          value={filter.text}
          onInput={(event) => set({ text: event.currentTarget.value })}
        />
      </label>
      <label>
        <span>Verdict</span>
        <select
          data-testid="filter-verdict"
          value={filter.verdict}
          onChange={(event) => set({ verdict: event.currentTarget.value })}
        >
          <option value="">any</option>
          {VERDICTS.filter((x) => present.has(x) || x === filter.verdict).map((verdict) => (
            <option key={verdict}>{verdict}</option>
          ))}
        </select>
      </label>
      <label>
        <span>Kind</span>
        <select
          data-testid="filter-kind"
          value={filter.kind}
          onChange={(event) => set({ kind: event.currentTarget.value })}
        >
          <option value="">any</option>
          {kinds.map((kind) => (
            <option key={kind}>{kind}</option>
          ))}
        </select>
      </label>
      <p class="count" aria-live="polite">
        {props.shown === model.layers.length
          ? plural(props.shown, "layer")
          : `${exact(props.shown)} of ${plural(model.layers.length, "layer")}`}
      </p>
      {filter !== NO_FILTER && (
        <button
          type="button"
          class="quiet"
          onClick={() => {
            store.filter.value = NO_FILTER;
          }}
        >
          Clear
        </button>
      )}
    </search>
  );
}
