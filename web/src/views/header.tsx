/** What is wrong with the model, what it costs and what to do, in plain words and a few figures. */

import type { ComponentChildren } from "preact";
import type { Model } from "../data";
import { exact, share, short, sizeText, tight } from "../text";
import type { AtSize } from "../verdicts";

export function Header({ model, at }: { model: Model; at: AtSize }) {
  const { report, page } = model;
  const { wrong, cost, do: todo } = page.headline;
  const { totals } = report;
  return (
    <section class="hero" aria-labelledby="model-title">
      <p class="eyebrow" id="model-title">
        {page.label}
      </p>
      {wrong && <h1>{tight(wrong)}</h1>}
      {cost && <p class="cost">{tight(cost)}</p>}
      {todo && (
        <p class="todo">
          <strong>What to do.</strong> {tight(todo)}
        </p>
      )}
      {report.left_out && (
        <p class="notice">
          Part of the model was left out of the analysis: {report.left_out.reason}
        </p>
      )}
      {!report.complete && !report.left_out && (
        <p class="notice">The analysis is not complete: some operators are not known.</p>
      )}
      <dl class="figures" data-testid="figures">
        <Figure name="params" title="Parameters" exactly={exact(totals.params)}>
          {short(totals.params)}
        </Figure>
        <Figure
          name="macs"
          title="MACs"
          exactly={at.macs === null ? "not known at this size" : exact(at.macs)}
        >
          {at.macs === null ? "–" : short(at.macs)}
        </Figure>
        <Figure name="convs" title="Convolutions judged" exactly="">
          {at.convs === null ? "–" : exact(at.convs)}
        </Figure>
        <Figure
          name="unproductive"
          title="Unproductive"
          exactly=""
          alarming={(at.unproductive ?? 0) > 0}
        >
          {at.unproductive === null ? "–" : exact(at.unproductive)}
        </Figure>
        <Figure
          name="dead_weights"
          title={at.linted ? "Dead weights" : `Dead weights at ${sizeText(report.resolution)}`}
          exactly={exact(totals.dead_weights)}
          alarming={at.linted && totals.dead_weights > 0}
          stale={!at.linted}
        >
          {short(totals.dead_weights)}
          {totals.dead_weights > 0 && <small> {share(totals.dead_weights, totals.params)}</small>}
        </Figure>
      </dl>
    </section>
  );
}

function Figure(props: {
  name: string;
  title: string;
  exactly: string;
  alarming?: boolean;
  stale?: boolean;
  children: ComponentChildren;
}) {
  const looks = ["figure", props.alarming && "alarming", props.stale && "stale"];
  return (
    <div class={looks.filter(Boolean).join(" ")} title={props.exactly}>
      <dt>{props.title}</dt>
      <dd data-figure={props.name}>{props.children}</dd>
    </div>
  );
}
