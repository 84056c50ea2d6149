/** What to do about it: each repair before and after, and the code that applies it. */

import type { Metrics, Model, PageRepair, ReportRepair } from "../data";
import { change, exact, short, sizeText } from "../text";
import { Copyable, Section } from "./parts";

export function Repairs({ model }: { model: Model }) {
  const { report, page } = model;
  if (report.repairs.length === 0 && page.advice.length === 0) return null;
  const size = sizeText(report.resolution);
  return (
    <Section
      id="repairs"
      title="Repairs"
      lead={
        report.repairs.length > 0
          ? `Each was made to a copy of the model, and the copy analysed again at ${size}. Accuracy is not predicted: train to decide.`
          : ""
      }
    >
      <ol class="repairs">
        {report.repairs.map((repair, k) => {
          const more = page.repairs[k];
          return more ? <Repair key={repair.title} repair={repair} more={more} /> : null;
        })}
      </ol>
      {page.advice.length > 0 && (
        <ul class="advice">
          {page.advice.map((words) => (
            <li key={words}>{words}</li>
          ))}
        </ul>
      )}
    </Section>
  );
}

const ROWS: { key: keyof Metrics; title: string }[] = [
  { key: "unproductive", title: "Unproductive" },
  { key: "params", title: "Parameters" },
  { key: "macs", title: "MACs" },
];

function Repair({ repair, more }: { repair: ReportRepair; more: PageRepair }) {
  return (
    <li class="repair">
      <div class="repair-words">
        <h3>{more.words}</h3>
        <p>{more.title}</p>
        <table class="before-after">
          <thead>
            <tr>
              <th scope="col" />
              <th scope="col">before</th>
              <th scope="col">after</th>
              <th scope="col">change</th>
            </tr>
          </thead>
          <tbody>
            {ROWS.map(({ key, title }) => {
              const [before, after] = [repair.before[key], repair.after[key]];
              return (
                <tr key={key} class={after < before ? "less" : after > before ? "more-of" : ""}>
                  <th scope="row">{title}</th>
                  <td title={exact(before)}>{short(before)}</td>
                  <td title={exact(after)}>{short(after)}</td>
                  <td>{key === "unproductive" ? "" : change(before, after)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
        {!repair.verified && <p class="muted">Forecast on the graph; not made to a copy.</p>}
      </div>
      <div class="repair-code">
        <Copyable text={more.code} label="the code of this repair" />
        {more.command && <Copyable text={more.command} label="the command of this repair" />}
      </div>
    </li>
  );
}
