/** What was found, rule by rule, with the lines to edit. */

import type { Model } from "../data";
import { byRule, type Entry, type Place, type RuleGroup } from "../grouping";
import type { Store } from "../state";
import { exact, plural, sizeText } from "../text";
import { Quote, Section } from "./parts";

export function Findings({ store, model }: { store: Store; model: Model }) {
  const { report } = model;
  const groups = byRule(report.findings, model);
  const size = sizeText(report.resolution);
  return (
    <Section
      id="findings"
      title="Findings"
      lead={lead(report.findings.length, groups.length, size)}
    >
      {report.over_limits.map((limit) => (
        <p class="notice" key={limit.limit}>
          {limit.message}
        </p>
      ))}
      {groups.map((rule) => (
        <Rule key={rule.code} rule={rule} store={store} model={model} />
      ))}
      <Quieted store={store} model={model} />
    </Section>
  );
}

function lead(findings: number, rules: number, size: string): string {
  if (findings === 0) return `rflint found nothing to complain of at ${size}.`;
  return `${plural(findings, "finding")} of ${plural(rules, "rule")}, at the linted size ${size}.`;
}

function Rule({ rule, store, model }: { rule: RuleGroup; store: Store; model: Model }) {
  const doc = store.page.rules[rule.code];
  const paragraph = model.page.paragraphs[rule.code];
  return (
    <article class="rule" data-rule={rule.code}>
      <header>
        <h3>
          <span class="code">{rule.code}</span> {rule.name}
        </h3>
        <p class="tags">
          {rule.counts.map(([severity, count]) => (
            <span key={severity} class="tag" data-severity={severity}>
              {plural(count, severity)}
            </span>
          ))}
          {doc?.evidence && (
            <span class="tag" data-evidence={doc.evidence}>
              {doc.evidence}
            </span>
          )}
        </p>
      </header>
      {paragraph && <p class="paragraph">{paragraph}</p>}
      <Places places={rule.places} store={store} />
      {doc && (
        <details class="help">
          <summary>{doc.summary}</summary>
          <pre>{doc.help}</pre>
        </details>
      )}
    </article>
  );
}

/** As many places of a rule as are shown before the reader asks for more. */
const SHOWN = 3;

function Places({ places, store }: { places: Place[]; store: Store }) {
  const items = places.map((place, k) => <PlaceOf key={k} place={place} store={store} />);
  return (
    <>
      {items.slice(0, SHOWN)}
      {items.length > SHOWN && (
        <details class="more">
          <summary>{plural(items.length - SHOWN, "more place")}</summary>
          {items.slice(SHOWN)}
        </details>
      )}
    </>
  );
}

function PlaceOf({ place, store }: { place: Place; store: Store }) {
  return (
    <div class="place">
      <div class="wordings">
        {place.wordings.map((entries) => (
          <Alike key={entries[0]?.message} entries={entries} store={store} />
        ))}
      </div>
      {place.snippet && <Quote snippet={place.snippet} />}
      {!place.snippet && place.source && (
        <p class="path">
          {place.source.path}:{place.source.line}
        </p>
      )}
    </div>
  );
}

/** Entries of one wording: the first one tells what all of them say. */
function Alike({ entries, store }: { entries: Entry[]; store: Store }) {
  const [first, ...others] = entries;
  if (!first) return null;
  return (
    <>
      <Entries entries={[first]} store={store} />
      {others.length > 0 && (
        <details class="more alike">
          <summary>and {exact(others.length)} more</summary>
          <Entries entries={others} store={store} />
        </details>
      )}
    </>
  );
}

function Entries({ entries, store }: { entries: Entry[]; store: Store }) {
  return (
    <ul class="entries">
      {entries.map((entry) => (
        <li key={entry.message}>
          <LayersOf entry={entry} store={store} />
          <p>{entry.message}</p>
        </li>
      ))}
    </ul>
  );
}

function LayersOf({ entry, store }: { entry: Entry; store: Store }) {
  return (
    <p class="layers">
      {entry.layers.map(({ index, title }) =>
        index === null ? (
          <code key={title}>{title}</code>
        ) : (
          <button
            type="button"
            class="layer-link"
            key={index}
            aria-pressed={store.selected.value === index}
            onClick={() => store.select(index)}
          >
            {title}
          </button>
        ),
      )}
    </p>
  );
}

/** Findings that a comment or the baseline quiets: they are not hidden from who looks for them. */
function Quieted({ store, model }: { store: Store; model: Model }) {
  const { suppressed, accepted } = model.report;
  return (
    <>
      {suppressed.length > 0 && (
        <details class="more">
          <summary>{plural(suppressed.length, "finding")} suppressed by comments</summary>
          <ul>
            {suppressed.map((finding) => (
              <li key={`${finding.code} ${finding.layer} ${finding.call}`}>
                {finding.code} {finding.layer}: {finding.message}
                {finding.reason && <em> ({finding.reason})</em>}
              </li>
            ))}
          </ul>
        </details>
      )}
      {accepted.length > 0 && (
        <details class="more">
          <summary>{plural(accepted.length, "finding")} accepted by the baseline</summary>
          <Places places={byRule(accepted, model).flatMap((rule) => rule.places)} store={store} />
        </details>
      )}
    </>
  );
}
