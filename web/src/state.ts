/** What the reader has chosen: one small store that every view reads, kept in the address. */

import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Address, readAddress, type Theme, writeAddress } from "./address";
import type { Model, Page } from "./data";
import { type AtSize, atSize } from "./verdicts";

export interface Filter {
  text: string;
  verdict: string;
  kind: string;
}

export const NO_FILTER: Filter = { text: "", verdict: "", kind: "" };

export interface Store {
  page: Page;
  /** Index of the model that is shown. */
  shown: Signal<number>;
  /** The slider's stop; null: the size that was linted. */
  stop: Signal<number | null>;
  /** Index of the selected layer. */
  selected: Signal<number | null>;
  filter: Signal<Filter>;
  theme: Signal<Theme>;
  model: ReadonlySignal<Model | null>;
  /** The shown model at the chosen size. */
  at: ReadonlySignal<AtSize | null>;
  /** Show another model, at its own size and with nothing selected. */
  show: (model: number) => void;
  select: (layer: number | null) => void;
}

export function createStore(page: Page, window: Window): Store {
  const start = readAddress(window.location.hash, page);
  const shown = signal(start.model);
  const stop = signal(start.stop);
  const selected = signal(start.layer);
  const theme = signal<Theme>(start.theme);
  const filter = signal(NO_FILTER);
  const model = computed(() => page.models[shown.value] ?? null);
  const at = computed(() => (model.value ? atSize(model.value, stop.value) : null));

  const apply = (address: Address) => {
    shown.value = address.model;
    stop.value = address.stop;
    selected.value = address.layer;
    theme.value = address.theme;
  };
  keepInAddress(window, page, apply, () => ({
    model: shown.value,
    stop: stop.value,
    layer: selected.value,
    theme: theme.value,
  }));
  return {
    page,
    shown,
    stop,
    selected,
    filter,
    theme,
    model,
    at,
    show: (index) => apply({ model: index, stop: null, layer: null, theme: theme.peek() }),
    select: (layer) => {
      selected.value = layer;
    },
  };
}

/** How long the address waits: browsers limit how often a page may write it. */
const ADDRESS_PAUSE = 300;

function keepInAddress(
  window: Window,
  page: Page,
  apply: (address: Address) => void,
  now: () => Address,
): void {
  let timer = 0;
  let written = writeAddress(now(), page);
  let entered = now().model;
  effect(() => {
    const { model } = now();
    const wanted = writeAddress(now(), page);
    window.clearTimeout(timer);
    if (wanted === written) return;
    timer = window.setTimeout(() => {
      written = wanted;
      // another model is another page: the browser's way back leads to the one before
      if (model === entered) window.location.replace(`#${wanted}`);
      else window.location.hash = wanted;
      entered = model;
    }, ADDRESS_PAUSE);
  });
  window.addEventListener("hashchange", () => {
    const hash = window.location.hash.replace(/^#/, "");
    if (hash === written) return;
    written = hash;
    const address = readAddress(window.location.hash, page);
    entered = address.model;
    apply(address);
  });
}
