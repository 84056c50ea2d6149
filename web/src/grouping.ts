/** Findings as the page shows them: by rule, and within a rule by the source line to edit. */

import { group, rollup } from "d3-array";
import type { Finding, Model, Severity, Snippet, Source } from "./data";

export interface Entry {
  message: string;
  /** The layers that the very same message is about: their index, or their name where unknown. */
  layers: { index: number | null; title: string }[];
}

export interface Place {
  source: Source | null;
  snippet: Snippet | null;
  /** Those that say the same in the same words, of other layers and with other numbers, together. */
  wordings: Entry[][];
}

export interface RuleGroup {
  code: string;
  name: string;
  severity: Severity;
  /** How many there are of each severity, the worst first. */
  counts: [Severity, number][];
  places: Place[];
}

const RANK: Record<Severity, number> = { error: 0, warning: 1, info: 2 };

export function byRule(findings: readonly Finding[], model: Model): RuleGroup[] {
  const groups = [...group(findings, (finding) => finding.code)].map(
    ([code, those]): RuleGroup => ({
      code,
      name: those[0]?.name ?? code,
      severity: worst(those),
      counts: counted(those),
      places: [...group(those, placeKey).values()].map((here) => place(here, model)),
    }),
  );
  return groups.sort((a, b) => RANK[a.severity] - RANK[b.severity] || (a.code < b.code ? -1 : 1));
}

function worst(findings: readonly Finding[]): Severity {
  return findings.reduce<Severity>(
    (found, { severity }) => (RANK[severity] < RANK[found] ? severity : found),
    "info",
  );
}

function counted(findings: readonly Finding[]): [Severity, number][] {
  const counts = rollup(
    findings,
    (those) => those.length,
    ({ severity }) => severity,
  );
  return [...counts].sort(([a], [b]) => RANK[a] - RANK[b]);
}

const placeKey = ({ source }: Finding) => (source ? `${source.line} ${source.path}` : "");

function place(findings: readonly Finding[], model: Model): Place {
  const source = findings[0]?.source ?? null;
  const entries = [...group(findings, (finding) => finding.message)].map(
    ([message, those]): Entry => ({
      message,
      layers: those.flatMap((finding) => (finding.layer ? [layerOf(finding, model)] : [])),
    }),
  );
  const names = new Set(model.layers.flatMap((layer) => [layer.name, layer.title]));
  const wordings = [...group(entries, ({ message }) => wording(message, names)).values()];
  return { source, snippet: snippetAt(source, model), wordings };
}

/** A message without its numbers and without names of layers. */
function wording(message: string, names: ReadonlySet<string>): string {
  const words = message.split(/\s+/).map((word) => {
    const bare = word.replace(/^[(]+|[),.;:]+$/g, "");
    return /\d/.test(bare) || names.has(bare) ? word.replace(bare, "#") : word;
  });
  return words.join(" ").replace(/# [kMGT](?=\b)/g, "#");
}

function layerOf(finding: Finding, model: Model): Entry["layers"][number] {
  const named = model.layers.filter((layer) => layer.name === finding.layer);
  const layer = named.find((x) => x.call === (finding.call ?? 0)) ?? named[0];
  return { index: layer?.index ?? null, title: layer?.title ?? finding.layer ?? "" };
}

export function snippetAt(source: Source | null, model: Model): Snippet | null {
  if (!source) return null;
  const { snippets } = model.page;
  return snippets.find((x) => x.path === source.path && x.line === source.line) ?? null;
}
