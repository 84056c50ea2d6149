/** The selected layer: all its numbers, what was found about it, and both its places. */

import { useEffect } from "preact/hooks";
import type { Layer, Lengths, Model } from "../data";
import { VERDICT_MEANS, VerdictChip } from "../looks";
import { along } from "../rows";
import type { Store } from "../state";
import { exact, lengths, sizeText } from "../text";
import type { AtSize } from "../verdicts";
import { Measured } from "./measured";
import { Quote } from "./parts";

export function Details({ store, model, at }: { store: Store; model: Model; at: AtSize }) {
  const index = store.selected.value;
  const layer = index === null ? undefined : model.layers[index];
  useEffect(() => {
    const close = (event: KeyboardEvent) => {
      if (event.key === "Escape") store.select(null);
    };
    window.addEventListener("keydown", close);
    return () => window.removeEventListener("keydown", close);
  }, [store]);
  if (!layer) return null;
  const verdict = at.verdictOf(layer.index);
  const size = sizeText(at.size);
  const findings = model.report.findings.filter(
    (x) => x.layer === layer.name && (x.call ?? 0) === layer.call,
  );
  return (
    <aside
      class="details"
      aria-label={`The layer ${layer.title}`}
      data-testid="details"
      data-layer={layer.name}
      data-verdict={verdict}
    >
      <header>
        <div>
          <h2>{layer.title}</h2>
          <p class="muted">
            {layer.op}
            {layer.role !== "trunk" && ` · ${layer.role}`}
          </p>
        </div>
        <button
          type="button"
          class="close"
          aria-label="Close the details"
          onClick={() => store.select(null)}
        >
          ×
        </button>
      </header>
      <p>
        <VerdictChip verdict={verdict} /> at {size}. {VERDICT_MEANS[verdict]}
      </p>
      <Numbers layer={layer} at={at} model={model} />
      <Measured model={model} layer={layer} />
      <Neighbours store={store} model={model} layer={layer} />
      {findings.length > 0 && (
        <>
          <h3>Findings{at.linted ? "" : ` at ${sizeText(model.report.resolution)}`}</h3>
          <ul class="plain">
            {findings.map((finding) => (
              <li key={finding.code + finding.message}>
                <span class="code">{finding.code}</span> {finding.message}
              </li>
            ))}
          </ul>
        </>
      )}
      <Places model={model} layer={layer} />
    </aside>
  );
}

function Numbers({ layer, at, model }: { layer: Layer; at: AtSize; model: Model }) {
  const fields = at.fieldsOf(layer.index);
  const linted = at.linted ? "" : ` at ${sizeText(model.report.resolution)}`;
  const rows: [string, string][] = [
    ["Reads", fromTo(along(layer, fields.r_in_min), along(layer, fields.r_in_max))],
    ["Makes", fromTo(along(layer, fields.r_out_min), along(layer, fields.r_out_max))],
    ["Jump", lengths(along(layer, layer.jump))],
    ["Kernel", lengths(along(layer, fields.kernel))],
    ["Stride", lengths(along(layer, layer.stride))],
    ["Dilation", lengths(along(layer, layer.dilation))],
    ["Padding", lengths(along(layer, layer.padding))],
    [`Input${linted}`, layer.in_shape.join("×")],
    [`Output${linted}`, layer.out_shape.join("×")],
    ["Parameters", exact(layer.params)],
    [`MACs${linted}`, exact(layer.macs)],
    [`Dead weights${linted}`, exact(layer.dead_weights)],
  ];
  if (layer.erf) {
    rows.splice(2, 0, ["Spread (σ)", layer.erf.map((x) => x?.toFixed(1) ?? "∞").join("×")]);
  }
  return (
    <dl class="numbers">
      {rows.map(([term, value]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** One length where the smallest and the largest agree. */
function fromTo(least: Lengths, most: Lengths): string {
  const [from, to] = [lengths(least), lengths(most)];
  return from === to ? `${from} px of the input` : `${from} to ${to} px of the input`;
}

function Neighbours({ store, model, layer }: { store: Store; model: Model; layer: Layer }) {
  const readers = model.layers.filter((x) => x.inputs.some((input) => input.from === layer.index));
  const link = (other: Layer) => (
    <button
      type="button"
      class="layer-link"
      key={other.index}
      onClick={() => store.select(other.index)}
    >
      {other.title}
    </button>
  );
  return (
    <dl class="numbers">
      <div>
        <dt>Reads from</dt>
        <dd class="layers">
          {layer.inputs.map(({ from }) => {
            const other = model.layers[from];
            return other ? (
              link(other)
            ) : (
              <span key={from}>{model.page.inputs[-1 - from]?.label}</span>
            );
          })}
        </dd>
      </div>
      <div>
        <dt>Read by</dt>
        <dd class="layers">
          {readers.map(link)}
          {model.page.outputs.includes(layer.index) && <span>the model's output</span>}
        </dd>
      </div>
    </dl>
  );
}

function Places({ model, layer }: { model: Model; layer: Layer }) {
  const { snippets } = model.page;
  const edit = layer.snippet === null ? undefined : snippets[layer.snippet];
  const called = layer.called === null ? undefined : snippets[layer.called];
  return (
    <>
      {edit && <Quote snippet={edit} label="line to edit" />}
      {called && called !== edit && <Quote snippet={called} label="called here" />}
    </>
  );
}
