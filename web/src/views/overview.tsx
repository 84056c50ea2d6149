/** All models and sizes of the run, where there are several, and what could not be linted. */

import type { Model } from "../data";
import type { Store } from "../state";
import { exact, plural, short } from "../text";

export function Overview({ store }: { store: Store }) {
  const { models, failures } = store.page;
  return (
    <>
      {models.length > 1 && (
        <section class="overview" aria-label="All models of this run">
          <div class="scroll-x">
            <table>
              <caption>{plural(models.length, "model")} in this run</caption>
              <thead>
                <tr>
                  <th scope="col">Model</th>
                  <th scope="col">Input</th>
                  <th scope="col">Parameters</th>
                  <th scope="col">MACs</th>
                  <th scope="col">Convolutions</th>
                  <th scope="col">Unproductive</th>
                  <th scope="col">Findings</th>
                </tr>
              </thead>
              <tbody>
                {models.map((model) => (
                  <Row
                    key={model.page.label}
                    model={model}
                    shown={store.shown.value === model.index}
                    show={() => store.show(model.index)}
                  />
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
      {failures.length > 0 && (
        <section class="failures" aria-label="What could not be linted">
          <h2>{plural(failures.length, "target")} could not be linted</h2>
          <ul>
            {failures.map((failure) => (
              <li key={failure.target}>
                <code>{failure.target}</code>
                <p>{failure.message}</p>
                {failure.hint && <p class="hint">{failure.hint}</p>}
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function Row({ model, shown, show }: { model: Model; shown: boolean; show: () => void }) {
  const { totals, inputs, findings, name } = model.report;
  return (
    <tr class={shown ? "shown" : undefined}>
      <th scope="row">
        <button type="button" class="link" aria-current={shown} onClick={show}>
          {name}
        </button>
      </th>
      <td>{inputs.map((shape) => shape.join("×")).join(", ")}</td>
      <td title={exact(totals.params)}>{short(totals.params)}</td>
      <td title={exact(totals.macs)}>{short(totals.macs)}</td>
      <td>{exact(totals.convs)}</td>
      <td class={totals.unproductive > 0 ? "bad" : undefined}>{exact(totals.unproductive)}</td>
      <td>{exact(findings.length)}</td>
    </tr>
  );
}
