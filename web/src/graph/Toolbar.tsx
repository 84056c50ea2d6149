/** Search, folding and zoom. */

import { plural } from "../text";

export interface ToolbarProps {
  text: string;
  matches: number;
  /** Which match was gone to, from 0 on; null: none yet. */
  current: number | null;
  depths: number;
  everyLayer: boolean;
  onText: (text: string) => void;
  onStep: (step: 1 | -1) => void;
  onFold: (how: "all" | "none" | "first" | number) => void;
  onEveryLayer: (on: boolean) => void;
  onZoom: (how: "in" | "out" | "fit") => void;
}

export function Toolbar(props: ToolbarProps) {
  const { text, matches, current } = props;
  const counted =
    text.trim() === ""
      ? ""
      : current === null || matches === 0
        ? plural(matches, "match", "matches")
        : `${current + 1} of ${matches}`;
  return (
    <div class="graph-tools" role="toolbar" aria-label="The graph">
      <div class="graph-search">
        <input
          type="search"
          placeholder="Find a layer"
          aria-label="Find a layer in the graph; Enter goes to the next one"
          data-testid="graph-search"
          value={text}
          onInput={(event) => props.onText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            props.onStep(event.shiftKey ? -1 : 1);
          }}
        />
        <output class="muted" data-testid="graph-search-count" aria-live="polite">
          {counted}
        </output>
        {matches > 0 && (
          <>
            <button
              type="button"
              class="quiet"
              aria-label="Previous match"
              onClick={() => props.onStep(-1)}
            >
              ↑
            </button>
            <button
              type="button"
              class="quiet"
              aria-label="Next match"
              onClick={() => props.onStep(1)}
            >
              ↓
            </button>
          </>
        )}
      </div>
      <div class="graph-buttons">
        <button
          type="button"
          class="quiet"
          data-testid="graph-unfold-all"
          onClick={() => props.onFold("all")}
        >
          Unfold all
        </button>
        <button
          type="button"
          class="quiet"
          data-testid="graph-fold-all"
          onClick={() => props.onFold("none")}
        >
          Fold all
        </button>
        <select
          class="quiet"
          aria-label="Unfold to a depth"
          data-testid="graph-depth"
          value=""
          onChange={(event) => {
            const { value } = event.currentTarget;
            event.currentTarget.value = "";
            if (value === "all" || value === "none" || value === "first") props.onFold(value);
            else if (value !== "") props.onFold(Number(value));
          }}
        >
          <option value="">Depth…</option>
          <option value="first">As at first</option>
          {Array.from({ length: Math.max(0, Math.min(props.depths, 6) - 1) }, (_, k) => (
            <option key={k} value={String(k + 1)}>
              {`Unfold ${plural(k + 1, "level")}`}
            </option>
          ))}
        </select>
        <label class="graph-switch">
          <input
            type="checkbox"
            data-testid="graph-every-layer"
            checked={props.everyLayer}
            onChange={(event) => props.onEveryLayer(event.currentTarget.checked)}
          />
          Show all layers
        </label>
        <button
          type="button"
          class="quiet"
          aria-label="Zoom out"
          onClick={() => props.onZoom("out")}
        >
          −
        </button>
        <button type="button" class="quiet" aria-label="Zoom in" onClick={() => props.onZoom("in")}>
          +
        </button>
        <button
          type="button"
          class="quiet"
          data-testid="graph-fit"
          onClick={() => props.onZoom("fit")}
        >
          Fit
        </button>
      </div>
    </div>
  );
}
