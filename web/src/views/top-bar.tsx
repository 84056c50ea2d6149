/** The name, the way to each part of the page, and the switch between light and dark. */

import type { Theme } from "../address";
import type { Store } from "../state";

const PARTS = [
  ["figure", "Figure"],
  ["findings", "Findings"],
  ["repairs", "Repairs"],
  ["graph", "Graph"],
  ["layers", "Layers"],
] as const;

const NEXT: Record<Theme, Theme> = { auto: "dark", dark: "light", light: "auto" };
const WORDS: Record<Theme, string> = { auto: "Auto", dark: "Dark", light: "Light" };

export function TopBar({ store }: { store: Store }) {
  const theme = store.theme.value;
  return (
    <header class="top">
      <p class="brand">
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <rect x="2.5" y="2.5" width="19" height="19" rx="3" />
          <rect x="6.5" y="6.5" width="11" height="11" rx="2" />
          <rect class="core" x="10" y="10" width="4" height="4" rx="1" />
        </svg>
        rflint
      </p>
      <nav aria-label="Parts of this page">
        {PARTS.map(([id, title]) => (
          <button type="button" class="link" key={id} onClick={() => goTo(id)}>
            {title}
          </button>
        ))}
      </nav>
      <button
        type="button"
        class="quiet theme"
        aria-label={`Colours: ${WORDS[theme]}. Switch to ${WORDS[NEXT[theme]]}`}
        onClick={() => {
          store.theme.value = NEXT[theme];
        }}
      >
        {WORDS[theme]}
      </button>
    </header>
  );
}

/** Not a link to a fragment: the fragment says what the page shows. */
function goTo(id: string): void {
  const part = document.getElementById(id);
  part?.scrollIntoView();
  part?.querySelector<HTMLElement>("h2")?.focus({ preventScroll: true });
}
